# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What centres and radii could be at best: those of all true members, and of nothing else.

Usage: ``python benchmarks/measurement_bound.py [--tiles 200] [--survey 2mass-ks]``. On
the mock tiles of ``vaeclust evaluate``, with seeds of its own, an oracle that knows
which stars are members takes the mean of their positions, and the radii that hold half
and 80 % of them. What is left are the errors of a finite number of stars, and of what
the centre is of a cluster that has several cores or is elongated. No finder can be
expected to do better, and any has field stars in its way.
"""

import argparse
import sys
import tempfile

import astropy.units as u
import numpy as np

from astro_vaeclust.catalog import ClusterCatalog
from astro_vaeclust.columns import cluster_table
from astro_vaeclust.evaluation import error_table, evaluate_finders

FIRST_SEED = 90_000
LEAST_MEMBERS = 20

REACH = 2.0
"""Half-number radii within which members count for the centre."""


class MemberOracle:
    """Measures the true members brighter than the limit of the survey."""

    def detect_tile(self, tile):
        """Return the catalogue of the clusters with members (ClusterCatalog)."""
        counted = tile.stars["is_member"] & (
            tile.stars["mag"].value < tile.survey.limit
        )
        points = np.column_stack([tile.stars["x"], tile.stars["y"]])[counted]
        if not len(points):
            return ClusterCatalog(cluster_table(None))
        (x, y), (r50, r80) = measure(points)
        pixel = tile.survey.pixel_scale * u.arcsec
        return ClusterCatalog(
            cluster_table(
                {
                    "id": [1],
                    "sky_center": tile.image.wcs.pixel_to_world([x], [y]).icrs,
                    "x_center": [x] * u.pix,
                    "y_center": [y] * u.pix,
                    "radius": [r80] * pixel,
                    "radius_err": [np.nan] * u.arcsec,
                    "area": [np.pi * r80**2] * pixel**2,
                    "score": [1.0],
                    "false_alarm_rate": [np.nan] / u.deg**2,
                    "n_sources": [len(points)],
                    "flags": [0],
                    "r50": [r50] * pixel,
                    "r50_err": [np.nan] * u.arcsec,
                    "n_members": [float(len(points))],
                    "n_members_err": [np.nan],
                }
            )
        )


def measure(points):
    """Return the centre and the radii of half and 80 % of the points, in pixels."""
    center = np.median(points, axis=0)
    for _ in range(10):
        distances = np.hypot(*(points - center).T)
        center = points[distances <= REACH * np.median(distances)].mean(axis=0)
    return center, np.percentile(np.hypot(*(points - center).T), [50, 80])


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tiles", type=int, default=200)
    parser.add_argument("--survey", default="2mass-ks", metavar="TAG")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        (result,) = evaluate_finders(
            {"true-members": MemberOracle()},
            folder,
            n_tiles=arguments.tiles,
            survey=arguments.survey,
            seed=FIRST_SEED,
            workers=arguments.workers,
        ).values()
    errors = error_table(
        {"true-members": result.with_members(LEAST_MEMBERS)}, 1 / u.deg**2
    )
    for column in ("bias", "scatter", "mean"):
        errors[column].info.format = ".3f"
    errors.pprint_all()


if __name__ == "__main__":
    sys.exit(main())
