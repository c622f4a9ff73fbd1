# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Run the default detector on real images, and on images rendered from real star lists.

Usage: ``python benchmarks/real_fields.py DATA [--model FILE] [--pictures DIR]
[--output FILE] [--only TEXT ...]``, with the folder of real data. Prints the table of
docs/performance.rst: field by field the known clusters, whether each is found at a
stated 1 and 0.1 per deg2, and how many rows are of no known cluster; and for the
fields without one how many candidates are below a stated rate, and how many should be.

A cluster is known if it has a name in `CLUSTERS` or is in one of the published lists
of ``cluster_lists``, with its centre in the image or within `MARGIN` of it and no
larger than the image. A row is that of a cluster by `match_clusters`, with the radius
of the list. It is a clump if its r50 is below `BODY` of that of the literature. In the
pictures the known clusters are dotted.
"""

import argparse
import sys
import warnings
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area
from regions import CircleSkyRegion

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.detector.embedding import ConvVAE
from astro_vaeclust.matching import match_clusters
from astro_vaeclust.simulation import render_catalog

CLUSTERS = {
    "M17": (275.1246, -16.1790, 180),
    "NGC 2264-D": (100.269, 9.600, 120),
    "M67": (132.846, 11.814, 840),
    "Galactic Centre": (266.4168, -29.0078, 110),
    "Arches": (266.4583, -28.8228, 30),
    "Quintuplet": (266.5625, -28.8264, 30),
    "NGC 1333": (52.2705, 31.3298, 444),
}
"""Right ascension, declination (deg) and radius (arcsec)."""

R50 = {"M67": 600, "Galactic Centre": 110, "NGC 1333": 266}
"""
Half-number or half-light radii in arcsec.

That of NGC 1333 is of the 203 members of Luhman et al. 2016, that of M67 half of the
diameter that is listed from Hunt & Reffert 2024.
"""

BODY = 1 / 3
"""A row whose r50 is less than so many times the published one is a clump."""

MARGIN = 30 * u.arcsec
"""How far outside an image the centre of a known cluster may lie."""

SAME = 30.0
"""Arcsec within which entries of two lists are one cluster, or half of the smaller."""

STATED = (1, 0.1) / u.deg**2
RATES = (1, 10, 100) / u.deg**2

NGC_1333 = "ngc1333_2mass_psc/2mass.csv.gz"
W44 = "tables/psc_w44_tile.vot.gz"
HIGH = "tables/psc_cds_form.vot.gz"

LISTS = {NGC_1333: (2048, 2048), W44: (1024, 512), HIGH: (1150, 1150)}
"""Star lists that are rendered, and the shapes of their images."""

FIELDS = [
    ("m17_2mass_k/aK_asky_990502s1420198.fits.gz", "beside tiles to train with"),
    ("m17_2mass_k/m17_2mass_k_cutout1024.fits.gz", "beside tiles to train with"),
    ("m17_2mass_k/aK_asky_990502s1420186.fits.gz", "M17 17 pixels beyond the edge"),
    ("ngc2264_irac/i1.fits", "another wavelength"),
    ("ngc2264_irac/i2.fits", "another wavelength"),
    ("m67_dss1/M6707HH.fits.gz", "optical plate, fills the frame"),
    ("gc_2mass_jhk/gc_2mass_j.fits.gz", "5 arcsec pixels"),
    ("gc_2mass_jhk/gc_2mass_h.fits.gz", "5 arcsec pixels"),
    ("gc_2mass_jhk/gc_2mass_k.fits.gz", "5 arcsec pixels"),
    (NGC_1333, "rendered"),
    ("m17_2mass_k/aK_asky_990502s1350092.fits.gz", "trained on"),
    ("m17_2mass_k/aK_asky_990502s1440198.fits.gz", "trained on"),
    ("m17_2mass_k/aK_asky_990502s1350080.fits.gz", "trained on"),
    ("m17_2mass_k/aK_asky_990502s1430092.fits.gz", "trained on"),
    ("m17_2mass_k/aK_asky_990502s1440186.fits.gz", "trained on"),
    ("m17_2mass_k/aK_asky_990502s1430080.fits.gz", "trained on, nebula"),
    (W44, "rendered"),
    (HIGH, "rendered"),
    ("negatives_dss2/barnards_star.fits.gz", "optical, a bright star"),
    ("negatives_dss2/horsehead.fits.gz", "optical, nebula"),
    ("ukidss_crab/image.fits", "nebula"),
    ("vista_viking/Ks_no_wcs.fits", "galaxies; WCS given"),
    ("vista_viking/mystery_VIKING_Z.fits", "galaxies"),
    ("vista_frames/image_5.fits", "single frame, ZPN"),
    ("vista_frames/image_6.fits", "single frame, ZPN"),
    ("vista_stack/stack_h.fits", "margin near zero"),
    ("vista_multiband/profound_Y.fits", "galaxies; WCS given"),
    ("vista_multiband/profound_J.fits", "galaxies; WCS given"),
    ("vista_multiband/profound_H.fits", "galaxies; WCS given"),
    ("vista_multiband/profound_Ks.fits", "galaxies; WCS given"),
    ("twomass_odd/prototype_k.fits", "integers, BSCALE and BLANK"),
    ("twomass_odd/irac1_sip.fits", "single frame, SIP"),
    ("twomass_odd/s108_aJ_asky_980321n1060021.fits.gz", "galaxy NGC 5273"),
]
"""Files, and what is special of them."""

TRAINED_ON = "trained on"
"""Fields beside M17 with mock clusters in the training, and in the calibration."""

WITHOUT_WCS = "Ks_no_wcs", *(f"profound_{band}" for band in ("Y", "J", "H", "Ks"))
"""Files of VISTA whose headers have no WCS."""


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of real images")
    parser.add_argument("--model", help="file of another model than the package's own")
    parser.add_argument("--pictures", type=Path, help="folder for overlays")
    parser.add_argument("--output", help="file for the table (ECSV)")
    parser.add_argument("--only", nargs="+", default=[""], help="parts of file names")
    arguments = parser.parse_args(argv)
    finder = VAEClusterFinder(
        embedding=ConvVAE(model=arguments.model), max_false_alarm_rate=RATES[-1]
    )
    known = known_clusters(arguments.data)
    rows, empty = [], []
    for name, remark in FIELDS:
        if not any(text in name for text in arguments.only):
            continue
        catalog = detect(finder, arguments.data / name)
        here = in_image(known, catalog.heatmap)
        scored = score(catalog, here)
        for row in scored:
            print(*row.values(), remark, sep=" | ", flush=True)
        rows += [{"field": _short(name)} | row | {"remark": remark} for row in scored]
        if not len(here):
            rates = list(catalog["false_alarm_rate"])
            empty.append((remark.startswith(TRAINED_ON), rates, _area(catalog.heatmap)))
        if arguments.pictures:
            draw(catalog, here, arguments.pictures / f"{_short(name)}.png")
    table = Table(rows=rows)
    table.write(sys.stdout, format="ascii.rst")
    if arguments.output:
        table.write(arguments.output, format="ascii.ecsv", overwrite=True)
    _print_rates(empty)


def known_clusters(data):
    """Return the clusters of `CLUSTERS` and of the lists, each once (QTable)."""
    lists = Table.read(
        data / "cluster_lists" / "known_clusters.csv.gz", format="ascii.csv"
    )
    diameter = np.ma.filled(lists["diameter_arcmin"].astype(float), np.nan)
    radius = 30 * np.where(np.isfinite(diameter), diameter, 1.0)
    ours = np.array(list(CLUSTERS.values()), dtype=float)
    names = [*CLUSTERS, *(str(name).split(",")[0] for name in lists["name"])]
    centers = SkyCoord(
        np.hstack([ours[:, 0], lists["ra"]]),
        np.hstack([ours[:, 1], lists["dec"]]),
        unit="deg",
    )
    return QTable(
        {
            "name": names,
            "sky_center": centers,
            "r50": np.hstack([ours[:, 2], radius]) * u.arcsec,
        }
    )


def in_image(known, heatmap):
    """Return the known clusters of an image, the named ones first, each once."""
    ny, nx = heatmap.data.shape
    scale = np.sqrt(proj_plane_pixel_area(heatmap.wcs)) * u.deg
    middle = heatmap.wcs.pixel_to_world((nx - 1) / 2, (ny - 1) / 2)
    known = known[known["sky_center"].separation(middle) < max(nx, ny) * scale]
    x, y = heatmap.wcs.world_to_pixel(known["sky_center"])
    margin = (MARGIN / scale).to_value(u.one)
    inside = (np.abs(x - (nx - 1) / 2) < nx / 2 + margin) & (
        np.abs(y - (ny - 1) / 2) < ny / 2 + margin
    )
    inside &= known["r50"] <= min(nx, ny) * scale / 2
    return _each_once(known[inside])


def _each_once(known):
    """Leave out entries that are the same cluster as one before them."""
    kept = []
    for number, row in enumerate(known):
        others = known[kept]
        limit = np.minimum(others["r50"], row["r50"])
        named = np.isin(others["name"], list(CLUSTERS))
        limit = np.where(named, others["r50"], limit)
        limit = np.maximum(limit, SAME * u.arcsec)
        if not (row["sky_center"].separation(others["sky_center"]) < limit).any():
            kept.append(number)
    return known[kept]


def detect(finder, path):
    """Search one of the real images or lists, also those that have no WCS."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, shape in LISTS.items():
            if path.match(name):
                return finder.detect(rendered(path, shape).image)
        if path.stem in WITHOUT_WCS:
            return finder.detect(path, wcs=made_up_wcs())
        return finder.detect(path)


def rendered(path, shape, **settings):
    """Render a star list as a survey would see it, 2MASS in Ks (`MockTile`)."""
    is_csv = ".csv" in path.name
    options = {"format": "ascii.csv"} if is_csv else {"use_names_over_ids": True}
    table = Table.read(path, **options)
    return render_catalog(table, shape=shape, **({"seed": 1} | settings))


def made_up_wcs():
    """Return the coordinates that images of VISTA lack."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
    wcs.wcs.cdelt = -0.341 / 3600, 0.341 / 3600
    wcs.wcs.crpix = 1300.5, 1300.5
    wcs.wcs.crval = 180.0, 0.0
    return wcs


def score(catalog, known):
    """
    Return rows of the table: clusters that have a name here or are found, and the rest.

    A row of the catalogue at `STATED` that is near no known cluster is a false one.
    """
    matches = match_clusters(catalog, known)
    row_of = dict(zip(matches.cluster, matches.detection, strict=True))
    rates = u.Quantity(catalog["false_alarm_rate"])
    rows, others = [], []
    for number, name in enumerate(known["name"]):
        row = catalog.table[row_of[number]] if number in row_of else None
        is_found = row is not None and row["false_alarm_rate"] <= STATED[0]
        if name in CLUSTERS or is_found:
            near = (matches.nearest_cluster == number) & (rates <= STATED[0])
            rows.append(_known_row(known[number], row) | {"rows": int(near.sum())})
        else:
            others.append(name)
    if others or not rows:
        names = ", ".join(others) if len(others) < 3 else f"{len(others)} others"
        missed = dict.fromkeys(("at_1", "at_0.1"), "no" if others else "")
        rows.append(_row(cluster=names or "-", **missed))
    false = [int((~matches.near_cluster & (rates <= limit)).sum()) for limit in STATED]
    rows[0]["false"] = " / ".join(map(str, false))
    lowest = rates[~matches.near_cluster]
    rows[0]["lowest"] = f"{lowest.min().value:.2g}" if len(lowest) else ""
    return rows


def _row(**values):
    names = ("cluster", "radius", "at_1", "at_0.1", "rate", "offset", "r50", "r50_lit")
    names += ("members", "a_k", "level", "rows", "false", "lowest")
    return dict.fromkeys(names, "") | values


def _known_row(known, row):
    """Return the row of a known cluster and of the row that finds it, or None."""
    name = str(known["name"])
    literature = R50.get(name)
    result = _row(
        cluster=name,
        radius=_arcsec(known["r50"]),
        r50_lit=f"{literature}" if literature else "",
        **dict.fromkeys(("at_1", "at_0.1"), "no"),
    )
    if row is None:
        return result
    is_clump = literature and row["r50"] < BODY * literature * u.arcsec
    for limit, column in zip(STATED, ("at_1", "at_0.1"), strict=True):
        if row["false_alarm_rate"] <= limit:
            result[column] = "clump" if is_clump else "yes"
    return (
        result
        | {
            "rate": f"{row['false_alarm_rate'].value:.2g}",
            "offset": _arcsec(row["sky_center"].separation(known["sky_center"])),
            "r50": _arcsec(row["r50"]),
            "level": f"{row['level'].to_value(u.arcsec):.3g}",
            "members": f"{row['n_members']:.0f} +- {row['n_members_err']:.0f}",
        }
        | _extinction(row)
    )


def _extinction(row):
    if "a_k" not in row.colnames:
        return {}
    value, error = (row[name].to_value(u.mag) for name in ("a_k", "a_k_err"))
    return {"a_k": f"{value:.2f} +- {error:.2f}"}


def _arcsec(angle):
    return f"{angle.to_value(u.arcsec):.0f}"


def _short(name):
    """Return a name of a field without its endings and the date of a tile."""
    folder, file = Path(name).parent.name, Path(name).name.split(".")[0]
    return f"{folder}-{file.removeprefix('aK_asky_')}"


def _area(heatmap):
    pixel = proj_plane_pixel_area(heatmap.wcs) * u.deg**2
    return heatmap.data.size * pixel


def _print_rates(empty):
    """Print counts of candidates in fields without a known cluster, and expected."""
    for trained_on, words in ((True, "trained on"), (False, "not trained on")):
        fields = [field for field in empty if field[0] is trained_on]
        area = sum((area for *_, area in fields), 0 * u.deg**2)
        rates = [rate for _, found, _ in fields for rate in found]
        print(f"{len(fields)} fields {words}, {area:.2f}:")
        for limit in RATES:
            below = sum(rate <= limit for rate in rates)
            expected = (limit * area).to_value(u.one)
            print(
                f"  at most {limit.value:g} per deg2: {below} candidates, "
                f"{expected:.1f} expected"
            )


def draw(catalog, known, path):
    """Draw what is found at the default rate, and the known clusters."""
    from matplotlib import pyplot as plt

    path.parent.mkdir(parents=True, exist_ok=True)
    found = catalog[catalog["false_alarm_rate"] <= STATED[0]]
    circles = [CircleSkyRegion(row["sky_center"], row["r50"]) for row in known]
    axes = found.plot(references=circles)
    axes.figure.savefig(path, dpi=90, bbox_inches="tight")
    plt.close(axes.figure)


if __name__ == "__main__":
    sys.exit(main())
