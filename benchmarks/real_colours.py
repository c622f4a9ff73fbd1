# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Search real fields in several bands at once, and in the longest of them alone.

Usage: ``python benchmarks/real_colours.py DATA [--bands J,H,Ks ...] [--seeds N]
[--pictures DIR] [--output FILE] [--only TEXT ...]``, with the folder of real data.
Prints the table of docs/performance.rst: field by field and set by set of bands
whether the known clusters are found, with their r50, members and extinction, and how
many rows are of no known cluster, as ``real_fields.py`` says in one band.

Of star lists there are images of a survey in J, H and Ks with the same stars, see
`~astro_vaeclust.simulation.render_catalog`; other seeds have other noise, artefacts and
stars below the limits of the list. The pictures show the bands in colour.
"""

import argparse
import sys
import warnings
from pathlib import Path

from astropy.table import Table
from real_fields import (
    HIGH,
    LISTS,
    NGC_1333,
    RATES,
    W44,
    draw,
    in_image,
    known_clusters,
    made_up_wcs,
    rendered,
    score,
)

from astro_vaeclust import VAEClusterFinder

BANDS = ("J", "H", "Ks")

TWO_MASS = ("2mass-j", "2mass-h", "2mass-ks")
UKIDSS = ("ukidss-j", "ukidss-h", "ukidss-k")
G23 = "g23_ukidss_gps/G23.01-0.41_UKIDSS_cat.vot.gz"

RENDERED = {
    "NGC 1333": (NGC_1333, LISTS[NGC_1333], TWO_MASS),
    "W44": (W44, LISTS[W44], TWO_MASS),
    "b=22": (HIGH, LISTS[HIGH], TWO_MASS),
    "G23": (G23, (840, 840), UKIDSS),
}
"""Star lists, the shapes of their images, and the surveys."""

IMAGES = {
    "Galactic Centre": [f"gc_2mass_jhk/gc_2mass_{band}.fits.gz" for band in "jhk"],
    "VISTA": [f"vista_multiband/profound_{band}.fits" for band in BANDS],
}
"""Images of one field in `BANDS`; that of VISTA in Y is of no band that is searched."""


MEMBERS = "members/ngc1333_luhman2016.mrt.gz"

KS_LIMIT = 14.3
"""That of 2MASS."""

A_J_OVER_A_K = 3.0, 2.5
"""By Nishiyama et al. (2009) and by Indebetouw et al. (2005)."""


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of real images")
    parser.add_argument(
        "--bands", nargs="+", default=["Ks", "J,H,Ks"], help="sets of bands"
    )
    parser.add_argument("--seeds", type=int, default=1, help="images of each list")
    parser.add_argument("--pictures", type=Path, help="folder for overlays")
    parser.add_argument("--output", help="file for the table (ECSV)")
    parser.add_argument("--only", nargs="+", default=[""], help="parts of names")
    arguments = parser.parse_args(argv)
    known = known_clusters(arguments.data)
    rows = []
    for name in (*RENDERED, *IMAGES):
        if not any(text in name for text in arguments.only):
            continue
        for seed in range(1, 1 + (arguments.seeds if name in RENDERED else 1)):
            images = images_of(name, arguments.data, seed)
            for bands in arguments.bands:
                catalog = search({band: images[band] for band in bands.split(",")})
                here = in_image(known, catalog.heatmap)
                start = {"field": name, "bands": bands, "seed": seed}
                rows += [start | row for row in score(catalog, here)]
                print(*rows[-1].values(), sep=" | ", flush=True)
                if arguments.pictures and seed == 1:
                    file = f"{name}-{bands}".replace(" ", "-").replace(",", "")
                    draw(catalog, here, arguments.pictures / f"{file}.png")
    table = Table(rows=rows)
    table.write(sys.stdout, format="ascii.rst")
    print(published_extinction(arguments.data / MEMBERS))
    if arguments.output:
        table.write(arguments.output, format="ascii.ecsv", overwrite=True)


def published_extinction(path):
    """Say what Luhman et al. (2016) have of the members of NGC 1333 (str)."""
    members = Table.read(path, format="ascii.mrt")
    seen = (members["Ksmag"] < KS_LIMIT).filled(False) & ~members["Aj"].mask
    a_j = members["Aj"][seen].mean()
    low, high = (a_j / ratio for ratio in A_J_OVER_A_K)
    return (
        f"{seen.sum()} members of NGC 1333 brighter than Ks = {KS_LIMIT:g} have a "
        f"published A_J: on average {low:.2f} to {high:.2f} mag in Ks"
    )


def images_of(name, data, seed):
    """Return the images of a field by their bands (dict)."""
    if name in IMAGES:
        return dict(zip(BANDS, (data / file for file in IMAGES[name]), strict=True))
    file, shape, surveys = RENDERED[name]
    tile = rendered(data / file, shape, survey=surveys, seed=seed)
    return dict(zip(BANDS, tile.images.values(), strict=True))


def search(images):
    """Search some bands of a field, also those that have no WCS."""
    finder = VAEClusterFinder(max_false_alarm_rate=RATES[-1])
    needs_wcs = any("profound" in str(image) for image in images.values())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return finder.detect(images, **({"wcs": made_up_wcs()} if needs_wcs else {}))


if __name__ == "__main__":
    sys.exit(main())
