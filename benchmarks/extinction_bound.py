# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
How well lists of stars tell the extinction before a cluster.

Usage: ``python benchmarks/extinction_bound.py [--tiles 200] [--survey TAGS ...]``. On
mock lists without any error, each band to its limit, the extinction before each star
is that of `~astro_vaeclust.photometry.extinction.star_extinction`, with the field as
control; that of a cluster is taken from

* the members alone, as if they were known: their median;
* all stars within 1.5 r50: their mean;
* the same, less what stars between 3 and 8 r50 say of the field.

Each is fitted linearly, with that of the field, to the true mean extinction of the
members, which takes away what the colours of young stars add on average. The table
has the scatter of the rest (1.48 times the median deviation) of clusters with 20
members and more, and that of the truth itself.
"""

import argparse
import warnings

import numpy as np

from astro_vaeclust.photometry.extinction import star_extinction
from astro_vaeclust.photometry.palette import checked_surveys
from astro_vaeclust.simulation.design import mock_star_list

FIRST_SEED = 4_000_000

SURVEYS = ("ukidss-j+ukidss-h+ukidss-k", "2mass-j+2mass-h+2mass-ks")

MEMBERS, RANGE = 20, (-1.5, 4.0)
"""Members at minimum, and range of extinctions of single stars in a mean."""

INNER, OUTER = 1.5, (3.0, 8.0)
"""Radii in r50 of the circle, and of the ring around it."""

NAMES = ("known members", "stars of the circle", "less those of the ring")


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tiles", type=int, default=200, help="with a cluster each")
    parser.add_argument("--survey", nargs="+", default=SURVEYS, metavar="TAGS")
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    for tags in options.survey:
        surveys = checked_surveys(tags)
        seeds = range(FIRST_SEED, FIRST_SEED + 2 * options.tiles, 2)
        rows = np.array([row for seed in seeds for row in clusters(surveys, seed)])
        truth, field, *estimates = rows.T
        print(
            f"{tags}, {len(rows)} clusters: scatter of the truth {scatter(truth):.2f}"
        )
        for name, estimate in zip(NAMES, estimates, strict=True):
            known = np.isfinite(estimate)
            rest = residual(truth[known], estimate[known], field[known])
            print(f"  {name}: {scatter(rest):.2f} mag ({known.sum()} clusters)")
    return 0


def clusters(surveys, seed):
    """Return truth, that of the field, and estimates of each cluster (list)."""
    stars, truth = mock_star_list(seed, survey=surveys)
    names = [name for name in stars.colnames if name.startswith("mag_")]
    magnitudes = np.array([stars[name] for name in names], dtype=float)
    limits = np.array([[survey.limit] for survey in surveys])
    magnitudes[magnitudes > limits] = np.nan
    is_field = ~np.asarray(stars["is_member"])
    in_all = np.isfinite(magnitudes).all(axis=0)
    a_k = star_extinction(magnitudes, magnitudes[:, is_field])
    base = np.nanmedian(np.asarray(stars["a_k"])[is_field & in_all])
    seen, a_k = np.isfinite(a_k), np.clip(a_k, *RANGE)
    rows = []
    for one in truth[truth["n_inside"] >= MEMBERS]:
        radius = np.hypot(stars["x"] - one["x_center"], stars["y"] - one["y_center"])
        radius = radius * surveys[-1].pixel_scale / one["r50"].value
        members = seen & (np.asarray(stars["cluster"]) == one["id"])
        inside = seen & (radius < INNER)
        ring = seen & (radius > OUTER[0]) & (radius < OUTER[1])
        part = INNER**2 / (OUTER[1] ** 2 - OUTER[0] ** 2)
        more = inside.sum() - part * ring.sum()
        rest = a_k[inside].sum() - part * a_k[ring].sum()
        estimates = (
            np.median(a_k[members]) if members.any() else np.nan,
            a_k[inside].mean() if inside.any() else np.nan,
            np.clip(rest / more, *RANGE) if more > 3 else np.nan,
        )
        rows.append((one["a_k"].value, base, *(base + np.array(estimates))))
    return rows


def residual(truth, *estimates):
    """Return what a linear fit leaves of the truth."""
    terms = np.column_stack([*estimates, np.ones(len(truth))])
    return truth - terms @ np.linalg.lstsq(terms, truth, rcond=None)[0]


def scatter(values):
    return 1.4826 * np.median(np.abs(values - np.median(values)))


if __name__ == "__main__":
    raise SystemExit(main())
