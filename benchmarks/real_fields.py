# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Run the default detector on real images with and without a known cluster.

Usage: ``python benchmarks/real_fields.py DATA [--model FILE] [--pictures DIR]
[--max-false-alarm-rate 1]``, with the folder of real images. Prints, field by field,
what was found, how far it is from the known cluster, and for the 2MASS tiles without
a known cluster, how many candidates are below a stated rate, and how many should be.
"""

import argparse
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.detector.embedding import ConvVAE

CLUSTERS = {
    "M17": (275.1246, -16.1790, 180),
    "NGC 2264-D": (100.269, 9.600, 120),
    "M67": (132.846, 11.814, 840),
    "Galactic Centre": (266.4168, -29.0078, 110),
}
"""Right ascension, declination (deg) and radius (arcsec)."""

STATED = (1, 10, 100) / u.deg**2

FIELDS = [
    ("m17_2mass_k/aK_asky_990502s1420198.fits.gz", "M17", "beside tiles to train with"),
    ("m17_2mass_k/m17_2mass_k_cutout1024.fits.gz", "M17", "beside tiles to train with"),
    ("m17_2mass_k/aK_asky_990502s1420186.fits.gz", "M17", "at the edge"),
    ("ngc2264_irac/i1.fits", "NGC 2264-D", "another wavelength"),
    ("ngc2264_irac/i2.fits", "NGC 2264-D", "another wavelength"),
    ("m67_dss1/M6707HH.fits.gz", "M67", "optical plate, fills the frame"),
    ("gc_2mass_jhk/gc_2mass_j.fits.gz", "Galactic Centre", "5 arcsec pixels"),
    ("gc_2mass_jhk/gc_2mass_h.fits.gz", "Galactic Centre", "5 arcsec pixels"),
    ("gc_2mass_jhk/gc_2mass_k.fits.gz", "Galactic Centre", "5 arcsec pixels"),
    ("m17_2mass_k/aK_asky_990502s1350092.fits.gz", None, ""),
    ("m17_2mass_k/aK_asky_990502s1440198.fits.gz", None, ""),
    ("m17_2mass_k/aK_asky_990502s1350080.fits.gz", None, ""),
    ("m17_2mass_k/aK_asky_990502s1430092.fits.gz", None, ""),
    ("m17_2mass_k/aK_asky_990502s1440186.fits.gz", None, ""),
    ("m17_2mass_k/aK_asky_990502s1430080.fits.gz", None, "nebula"),
    ("negatives_dss2/barnards_star.fits.gz", None, "optical, a bright star"),
    ("negatives_dss2/horsehead.fits.gz", None, "optical, nebula"),
    ("ukidss_crab/image.fits", None, "nebula"),
    ("vista_viking/Ks_no_wcs.fits", None, "galaxies; WCS given"),
    ("vista_viking/mystery_VIKING_Z.fits", None, "galaxies"),
    ("vista_frames/image_5.fits", None, "single frame, ZPN"),
    ("vista_frames/image_6.fits", None, "single frame, ZPN"),
    ("vista_stack/stack_h.fits", None, "margin near zero"),
    ("vista_multiband/profound_Y.fits", None, "galaxies; WCS given"),
    ("vista_multiband/profound_J.fits", None, "galaxies; WCS given"),
    ("vista_multiband/profound_H.fits", None, "galaxies; WCS given"),
    ("vista_multiband/profound_Ks.fits", None, "galaxies; WCS given"),
    ("twomass_odd/prototype_k.fits", None, "integers, BSCALE and BLANK"),
    ("twomass_odd/irac1_sip.fits", None, "single frame, SIP"),
    ("twomass_odd/s108_aJ_asky_980321n1060021.fits.gz", None, "galaxy NGC 5273"),
]

WITHOUT_WCS = "Ks_no_wcs", *(f"profound_{band}" for band in ("Y", "J", "H", "Ks"))
"""Files of VISTA whose headers have no WCS."""


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of real images")
    parser.add_argument("--model", help="file of another model than the package's own")
    parser.add_argument("--pictures", type=Path, help="folder for overlays")
    parser.add_argument("--max-false-alarm-rate", type=float, default=1.0)
    arguments = parser.parse_args(argv)
    finder = VAEClusterFinder(
        embedding=ConvVAE(model=arguments.model),
        max_false_alarm_rate=arguments.max_false_alarm_rate / u.deg**2,
    )
    lenient = replace(finder, max_false_alarm_rate=STATED[-1])
    rows, rates, area = [], [], 0 * u.deg**2
    for name, known, remark in FIELDS:
        catalog = detect(finder, arguments.data / name)
        rows.append(_row(name, known, remark, catalog))
        if arguments.pictures:
            _draw(catalog, arguments.pictures, name)
        if known is None and "2mass" in name:
            table = detect(lenient, arguments.data / name).table
            rates.extend(table["false_alarm_rate"])
            area += _area(catalog.heatmap)
    Table(rows=rows).pprint_all()
    for rate in STATED:
        expected = (rate * area).to_value(u.one)
        below = sum(stated <= rate for stated in rates)
        print(f"stated at most {rate:g}: {below} candidates, {expected:.1f} expected")


def _area(heatmap):
    pixel = proj_plane_pixel_area(heatmap.wcs) * u.deg**2
    return heatmap.data.size * pixel


def detect(finder, path):
    """Search one of the real images, also those that have no WCS."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if path.stem in WITHOUT_WCS:
            return finder.detect(path, wcs=_made_up_wcs())
        return finder.detect(path)


def _made_up_wcs():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
    wcs.wcs.cdelt = -0.341 / 3600, 0.341 / 3600
    wcs.wcs.crpix = 1300.5, 1300.5
    wcs.wcs.crval = 180.0, 0.0
    return wcs


def _row(name, known, remark, catalog):
    table = catalog.table
    row = {"field": Path(name).name, "known": known or "-", "found": len(table)}
    row |= dict.fromkeys(("offset", "radius", "r50", "members", "rate"), "-")
    row["remark"] = remark
    if known is None or not len(table):
        if len(table):
            row["rate"] = f"{table['false_alarm_rate'].value.min():.1e}"
        return row
    ra, dec, radius = CLUSTERS[known]
    separations = table["sky_center"].separation(SkyCoord(ra, dec, unit="deg"))
    nearest = int(np.argmin(separations))
    row["offset"] = f"{separations[nearest].to_value(u.arcsec):.0f} of {radius}"
    row["radius"] = f"{table['radius'][nearest].to_value(u.arcsec):.0f}"
    row["r50"] = f"{table['r50'][nearest].to_value(u.arcsec):.0f}"
    row["members"] = f"{table['n_members'][nearest]:.0f}"
    row["rate"] = f"{table['false_alarm_rate'][nearest].value:.1e}"
    return row


def _draw(catalog, folder, name):
    from astro_vaeclust.visualization.catalog_plot import write_plot

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{Path(name).parent.name}-{Path(name).name.split('.')[0]}.png"
    write_plot(catalog, path, overwrite=True)


if __name__ == "__main__":
    sys.exit(main())
