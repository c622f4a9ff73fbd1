# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What centres, radii and members could be at best, from perfect lists of stars.

Usage: ``python benchmarks/measurement_bound.py [--tiles 200] [--survey 2mass-ks]``. On
the mock tiles of ``vaeclust evaluate``, with seeds of its own, two oracles measure all
clusters, also those that no finder finds. The first knows which stars are members. It
takes the mean of their positions, and the radii that hold half and 80 % of them; what
is left are the errors of a finite number of stars, and of what the centre is of a
cluster that has several cores or is elongated. The second knows all stars down to the
limit of the survey, blended or not, but not which are members. Given where the cluster
is, how large and how rich, it fits a Plummer profile on a uniform field by maximum
likelihood: what a catalogue could say at best.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass

import astropy.units as u
import numpy as np
from scipy.optimize import minimize

from astro_vaeclust.catalog import ClusterCatalog
from astro_vaeclust.evaluation import TileFinder, evaluate_finders
from astro_vaeclust.evaluation.summary import error_table
from astro_vaeclust.measure.columns import cluster_table

FIRST_SEED = 90_000
LEAST_MEMBERS = 20

REACH = 2.0
"""Half-number radii within which members count for the centre."""

PLUMMER_R80 = 2.0
"""Radius of 80 % over half-number radius of a Plummer profile."""

WINDOW = 6.0
"""Half of the side of the square that is fitted, in half-number radii."""

N_NODES = 80
PRIOR_SCATTER = 0.8
OPTIONS = {"maxiter": 1000, "xatol": 1e-3, "fatol": 1e-3}


@dataclass(frozen=True)
class MemberOracle(TileFinder):
    """Measures the true members brighter than the limit of the survey."""

    def detect_tile(self, tile):
        """Return the catalogue of the clusters with members (ClusterCatalog)."""
        points, is_member = bright_stars(tile)
        if not is_member.any():
            return ClusterCatalog(cluster_table(None))
        center, radii = measure(points[is_member])
        return catalog_of(tile, center, *radii, is_member.sum())


@dataclass(frozen=True)
class ProfileOracle(TileFinder):
    """Fits a profile and a field to all stars brighter than the limit of the survey."""

    def detect_tile(self, tile):
        """Return the catalogue of the first cluster (ClusterCatalog)."""
        points, is_member = bright_stars(tile)
        if is_member.sum() < LEAST_MEMBERS:
            return ClusterCatalog(cluster_table(None))
        truth = tile.clusters[0]
        center = np.array([truth["x_center"], truth["y_center"]])
        r50 = truth["r50"].to_value(u.arcsec) / tile.survey.pixel_scale
        center, r50, number = fit_plummer(
            points, center, r50, float(truth["n_inside"]), tile.image.shape
        )
        return catalog_of(tile, center, r50, PLUMMER_R80 * r50, number)


def bright_stars(tile):
    """Return positions of the stars above the limit, and which are members."""
    bright = tile.stars["mag"].value < tile.survey.limit
    points = np.column_stack([tile.stars["x"], tile.stars["y"]])
    return points[bright], np.asarray(tile.stars["is_member"])[bright]


def fit_plummer(points, center, r50, number, shape):
    """
    Fit centre, half-number radius and members by maximum likelihood.

    The density is N / (pi r50^2) (1 + r^2 / r50^2)^-2 and a constant, in a square of
    ``WINDOW`` radii; radius and number have weak priors about the truth.
    """
    reach = WINDOW * r50
    low = np.maximum(center - reach, 0)
    high = np.minimum(center + reach, np.array(shape[::-1]) - 1)
    inside = points[np.all((points >= low) & (points <= high), axis=1)]
    axes = [np.linspace(*limits, N_NODES) for limits in zip(low, high, strict=True)]
    nodes = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    area = np.prod(high - low)
    field = max(len(inside) - number, 1) / area

    def density(parameters, positions):
        offset, (radius, members, background) = parameters[:2], np.exp(parameters[2:])
        radius = radius * r50
        squares = ((positions - center - offset * r50) ** 2).sum(axis=1) / radius**2
        profile = members * number / (np.pi * radius**2) * (1 + squares) ** -2
        return profile + background * field

    def cost(parameters):
        expected = density(parameters, nodes).mean() * area
        prior = 0.5 * np.sum((parameters[2:4] / PRIOR_SCATTER) ** 2)
        return expected - np.log(density(parameters, inside)).sum() + prior

    found = minimize(cost, np.zeros(5), method="Nelder-Mead", options=OPTIONS).x
    return center + found[:2] * r50, np.exp(found[2]) * r50, np.exp(found[3]) * number


def catalog_of(tile, center, r50, r80, number):
    """Return the catalogue with one cluster; lengths are in pixels."""
    x, y = center
    pixel = tile.survey.pixel_scale * u.arcsec
    return ClusterCatalog(
        cluster_table(
            {
                "id": [1],
                "sky_center": tile.image.wcs.pixel_to_world([x], [y]).icrs,
                "x_center": [x],
                "y_center": [y],
                "radius": [r80] * pixel,
                "radius_err": [np.nan] * u.arcsec,
                "area": [np.pi * r80**2] * pixel**2,
                "score": [1.0],
                "false_alarm_rate": [np.nan] / u.deg**2,
                "n_sources": [int(number)],
                "flags": [0],
                "r50": [r50] * pixel,
                "r50_err": [np.nan] * u.arcsec,
                "n_members": [float(number)],
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
        results = evaluate_finders(
            {"true-members": MemberOracle(), "all-stars": ProfileOracle()},
            folder,
            n_tiles=arguments.tiles,
            survey=arguments.survey,
            seed=FIRST_SEED,
            workers=arguments.workers,
        )
    large = {name: r.with_members(LEAST_MEMBERS) for name, r in results.items()}
    errors = error_table(large, 1 / u.deg**2)
    for column in ("bias", "scatter", "mean"):
        errors[column].info.format = ".3f"
    errors.pprint_all()


if __name__ == "__main__":
    sys.exit(main())
