# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The paper's task on real images, and on a real cluster rendered from its source list.

Usage: ``python benchmarks/paper_real.py DATA [--picture FILE]``, with the folder of
real images. Prints the IoU on source counts of ``paper()`` and of the default with
each published circle, the radius over that of the circle, and the distance of the
centres. Sources are those found in the image; of NGC 1333 those of the 2MASS Point
Source Catalog to Ks = 14.3, of which the image is made.
"""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.nddata import CCDData, Cutout2D
from astropy.table import Table
from regions import CircleSkyRegion

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.archives import LocalArchive
from astro_vaeclust.images.read import read_image
from astro_vaeclust.photometry.surveys import get_survey
from astro_vaeclust.simulation.observation import make_wcs
from astro_vaeclust.simulation.rendering import PointSpread, render_stars
from astro_vaeclust.sources.find import find_sources
from astro_vaeclust.visualization.axes import new_figure, save_figure

SIDE = 10 * u.arcmin

FIELDS = {
    "M17, 2MASS Ks": (
        "m17_2mass_k/m17_2mass_k_cutout1024.fits.gz",
        {
            "Bica+ 2003": (275.1250, -16.1819, 0.95),
            "MYStIX members": (275.1250, -16.1819, 2.3),
        },
    ),
    "NGC 2264-D, IRAC 3.6": (
        "ngc2264_irac/i1.fits",
        {"Bica+ 2003": (100.2625, 9.6028, 1.5)},
    ),
    "NGC 2264-D, IRAC 4.5": (
        "ngc2264_irac/i2.fits",
        {"Bica+ 2003": (100.2625, 9.6028, 1.5)},
    ),
    "NGC 1333, rendered": (
        "ngc1333_2mass_psc/2mass.csv.gz",
        {"core": (52.262, 31.354, 3.0), "half of the members": (52.286, 31.314, 5.9)},
    ),
}
"""Files, and published circles: right ascension, declination (deg), radius (arcmin)."""

FINDERS = {"paper": VAEClusterFinder.paper(), "default": VAEClusterFinder()}


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of real images")
    parser.add_argument("--picture", type=Path, help="image file of all regions")
    arguments = parser.parse_args(argv)
    rows, catalogs = [], {}
    for field, (path, circles) in FIELDS.items():
        circles = {name: circle(*numbers) for name, numbers in circles.items()}
        center = next(iter(circles.values())).center
        image, sources = load(arguments.data / path, center)
        for name, finder in FINDERS.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                catalog = finder.detect(image)
            rows += [
                {"field": field, "finder": name, "circle": label}
                | compare(catalog, sources, region)
                for label, region in circles.items()
            ]
            catalogs[field, name] = catalog, circles
    Table(rows=rows).pprint_all()
    if arguments.picture:
        draw(catalogs, arguments.picture)


def circle(ra, dec, radius):
    return CircleSkyRegion(SkyCoord(ra, dec, unit="deg"), radius * u.arcmin)


def load(path, center):
    """Return the part of an image round a position, and its sources."""
    if "fits" not in path.name:
        archive = LocalArchive(catalog=path)
        return rendered(archive.get_catalog(center, radius=SIDE, cut="paper"), center)
    whole = read_image(path)
    part = Cutout2D(whole.data, center, SIDE, wcs=whole.wcs)
    image = CCDData(part.data, unit="adu", wcs=part.wcs)
    found = find_sources(read_image(image))
    return image, Table({"sky": part.wcs.pixel_to_world(found.x, found.y)})


def rendered(sources, center):
    """Return an image made of a list of 2MASS sources, and those to the limit."""
    survey = get_survey("2mass-ks")
    shape = (int(SIDE.to_value(u.arcsec)),) * 2
    wcs = make_wcs(survey, shape, center)
    sources = sources[np.isfinite(sources["mag"])]
    x, y = wcs.world_to_pixel(sources["sky"])
    zero_point, fwhm = np.mean(survey.zero_point), np.mean(survey.fwhm)
    flux = 10 ** (0.4 * (zero_point - sources["mag"].to_value(u.mag)))
    data = render_stars(shape, x, y, flux, PointSpread.from_survey(survey, fwhm))
    noise = np.random.default_rng(0).normal(0, 1.2, shape)
    bright = sources["mag"] < survey.limit * u.mag
    return CCDData(data + noise + 570, unit="adu", wcs=wcs), Table(
        {"sky": sources["sky"][bright]}
    )


def compare(catalog, sources, region):
    """Return the numbers of one comparison (dict)."""
    match = catalog.match(sources, cut=None)
    by_mask, by_circle = (match.iou(region, region=r) for r in ("mask", "circle"))
    return {
        "iou": round(by_mask.iou, 2),
        "circle iou": round(by_circle.iou, 2),
        "radius ratio": round(by_mask.radius_ratio, 2),
        "offset": by_mask.offset.round(0),
        "clusters": len(catalog),
    }


def draw(catalogs, path):
    """Draw the fields beside each other, one finder above the other."""
    figure = new_figure((3 * len(FIELDS), 3 * len(FINDERS)))
    order = [(field, name) for name in FINDERS for field in FIELDS]
    for number, (field, name) in enumerate(order, start=1):
        catalog, circles = catalogs[field, name]
        ax = figure.add_subplot(
            len(FINDERS), len(FIELDS), number, projection=catalog.wcs
        )
        catalog.plot(ax)
        ax.set_title(f"{field}: {name}", fontsize=8)
        ax.set_axis_off()
        for region in circles.values():
            dashed = region.to_pixel(catalog.wcs)
            dashed.plot(ax=ax, edgecolor="#d55e00", facecolor="none", linestyle="--")
    save_figure(figure, path, overwrite=True)


if __name__ == "__main__":
    sys.exit(main())
