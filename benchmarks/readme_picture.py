# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Draw the picture of the README: two real fields as the default finder finds them.

Usage: ``python benchmarks/readme_picture.py DATA [--output FILE]``, with the folder of
real images. Prints the numbers of the caption. M17 had a say in the choice of the
model, NGC 2264-D had none.
"""

import argparse
import sys
from pathlib import Path

import astropy.units as u
import matplotlib.pyplot as plt
from astropy.coordinates import SkyCoord
from real_fields import CLUSTERS, detect

from astro_vaeclust import VAEClusterFinder

PANELS = [
    ("m17_2mass_k/m17_2mass_k_cutout1024.fits.gz", "M17", "M17, 2MASS Ks"),
    ("ngc2264_irac/i1.fits", "NGC 2264-D", "NGC 2264-D, Spitzer 3.6 micron"),
]


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of real images")
    parser.add_argument("--output", default="docs/_static/real-fields.png")
    arguments = parser.parse_args(argv)
    figure = plt.figure(figsize=(11, 5.6), layout="constrained")
    for number, (path, name, title) in enumerate(PANELS, start=1):
        catalog = detect(VAEClusterFinder(), arguments.data / path)
        ax = figure.add_subplot(1, 2, number, projection=catalog.image.wcs)
        catalog.plot(ax=ax)
        legend = ax.get_legend()
        words = [text.get_text() for text in legend.get_texts()]
        legend.remove()
        ax.set(title=title, xlabel="Right ascension", ylabel="Declination")
        _print_caption(catalog, name)
    figure.legend(
        legend.legend_handles, words, loc="outside lower center", ncols=len(words)
    )
    figure.savefig(arguments.output, dpi=100, bbox_inches="tight")


def _print_caption(catalog, name):
    """Print what the caption says of the nearest cluster."""
    ra, dec, _ = CLUSTERS[name]
    separation = catalog["sky_center"].separation(SkyCoord(ra, dec, unit="deg"))
    row = catalog.table[separation.argmin()]
    print(
        f"{name}: {len(catalog)} found, {separation.min().to(u.arcsec):.0f} off, "
        f"r50 {row['r50']:.0f}, rate {row['false_alarm_rate']:.2f}"
    )


if __name__ == "__main__":
    sys.exit(main())
