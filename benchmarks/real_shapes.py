# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Register the members of real young clusters as profiles of mock clusters.

MYStIX (Kuhn et al. 2014, ApJ 787, 107) and IC 348 and NGC 1333 (Luhman et al. 2016,
ApJ 827, 52) from the folder of real data that ``ASTRO_VAECLUST_DATA`` names. As a
script it draws what mock clusters of each shape look like::

    python benchmarks/real_shapes.py shapes.png
"""

import os
import sys
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table

from astro_vaeclust.simulation.profiles import draw_positions
from astro_vaeclust.simulation.real_profiles import register_profile


def register_real_profiles(folder):
    """Register all regions of a folder's ``members``; return their tags."""
    folder = Path(folder) / "members"
    mystix = Table.read(folder / "mystix_members.csv.gz", format="ascii.csv")
    regions = {
        str(group["region"][0]): SkyCoord(group["ra"], group["dec"], unit="deg")
        for group in mystix.group_by("region").groups
    }
    for name in ("ic348", "ngc1333"):
        regions[name] = luhman(folder / f"{name}_luhman2016.mrt.gz")
    return [register_profile(name, sky) for name, sky in regions.items()]


def luhman(path):
    """Return the positions of a machine-readable table in hours and degrees."""
    table = Table.read(path, format="ascii.mrt")
    ra = (table["RAh"] + table["RAm"] / 60 + table["RAs"] / 3600) * 15
    dec = table["DEd"] + table["DEm"] / 60 + table["DEs"] / 3600
    sign = np.where(np.asarray(table["DE-"]) == "-", -1, 1)
    return SkyCoord(np.asarray(ra), sign * np.asarray(dec), unit=u.deg)


def main(path):
    import matplotlib.pyplot as plt

    tags = register_real_profiles(os.environ["ASTRO_VAECLUST_DATA"])
    figure, axes = plt.subplots(4, 4, figsize=(14, 14))
    for axis, tag in zip(axes.flat, tags, strict=False):
        offsets = draw_positions(np.random.default_rng(1), tag, 600, 1.0)
        axis.plot(*offsets.T, ".k", markersize=1.5)
        axis.set(title=tag, xlim=(-3.5, 3.5), ylim=(-3.5, 3.5), aspect="equal")
    figure.savefig(path, dpi=70, bbox_inches="tight")


if __name__ == "__main__":
    main(sys.argv[1])
