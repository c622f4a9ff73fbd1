# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
How many clusters could be found by someone who knows what field to expect.

Usage: ``python benchmarks/detection_bound.py [--tiles 1000] [--survey ukidss-k]
[--without-clouds] [--folder froc_results/ukidss-k] [--workers 2]``, or with
``--colours [--training 1500] [--epochs 8] [--rivals 300]``. On the tiles of the
comparison of finders, observers look at the perfect positions of the stars down to the
limit of the survey; magnitudes and nebulae they do not see. Of each cluster they know
the profile, the number of members and where to look; they only say whether it is
there.

The first also knows how many field stars to expect everywhere, behind the dust of
the cluster, too. By the lemma of Neyman & Pearson, no search that has these counts to
go by finds more: with f false positives per deg2 a search reports something within the
match radius R of a position without a cluster with a probability of f pi R^2 at most,
and at this probability the ratio of the likelihoods finds most. One threshold of the
ratio times pi R^2 for all clusters allots the false positives to them best. The second
takes the field for uniform, so that the dust of the cluster hides its members. The sky
without clusters is Poisson for both. What is missing to them in a search that has the
true stars, too, is what the clumpy dust before the field costs (see ``true stars`` of
``benchmarks/froc.py``).

With the folder of ``benchmarks/froc.py``, a second table has what the default found of
the clusters that the second observer rather finds than not at one false positive per
deg2, and of the others, which their dust hides.

``--without-clouds`` takes the clouds of the clusters away, as ``benchmarks/clouds.py``
does; both observers are then the same.

With ``--colours``, networks learn from lists what stars in K allow, and stars in J, H
and K, on a sky with as many starless clouds as clusters; see
``benchmarks/list_observers.py``.

Fractal clusters, of which no density can be written down, are left out. The number of
members is Poisson, with the true one as its mean.
"""

import argparse
import sys
from functools import partial

import astropy.units as u
import numpy as np
from astropy.table import Table
from scipy.optimize import brentq
from scipy.stats import norm
from tqdm import tqdm

from astro_vaeclust.evaluation import evaluate_finders
from astro_vaeclust.evaluation.finders import make_finders
from astro_vaeclust.matching.pairs import match_radii
from astro_vaeclust.simulation.clusters import draw_clusters
from astro_vaeclust.simulation.design import FIRST_SEED, mock_tile
from astro_vaeclust.simulation.exposure import STREAMS
from astro_vaeclust.simulation.fields import BEHIND, SLOPES
from astro_vaeclust.simulation.members import (
    BEFORE_MEMBERS,
    CLOUD_REACH,
    cloud_envelope,
)
from astro_vaeclust.simulation.profiles import mean_density
from astro_vaeclust.utils.jobs import run_jobs

RATES = (0.1, 1.0, 10.0)
"""False positives per deg2."""

LEAST_MEMBERS = 20

REACH, N_NODES = 6.0, 101
"""Half of the side of the square around a cluster in half-number radii, and nodes."""

TILTS = np.arange(-1.5, 8.0, 0.03) + 0.013
"""Exponents at which the tails of the ratio are computed; none is zero."""

OBSERVERS = ("field known", "field taken for uniform")


def chances_of_tile(seed, *, survey, clouds=True):
    """Return seed, match area in deg2 and tails of both; None if it is out."""
    tile = mock_tile(seed, survey=survey, clouds=clouds)
    truth = tile.clusters
    if truth["n_members"][0] < LEAST_MEMBERS or truth["profile"][0] == "fractal":
        return None
    shape = tile.image.data.shape
    cluster = cluster_of(seed, truth, tile.survey, shape, clouds=clouds)
    field, uniform, members = expected_stars(tile, cluster)
    (radius,) = match_radii(truth) / 3600
    tails = []
    for known in (field, uniform):
        logs = np.log1p(members / known)
        threshold, false = tail(known, logs)
        level, found = tail(field + members, logs)
        found = np.interp(threshold, level, found, left=1, right=0)
        tails.append([threshold - members.sum(), false, found])
    return seed, np.pi * radius**2, np.array(tails)


def cluster_of(seed, truth, survey, shape, *, clouds=True):
    """Return the description from which the cluster of a tile was drawn."""
    child = np.random.SeedSequence(seed).spawn(len(STREAMS))[STREAMS.index("clusters")]
    (cluster,) = draw_clusters(
        np.random.default_rng(child),
        1,
        field_of_view=min(shape) * survey.pixel_scale * u.arcsec,
        limit=survey.limit * u.mag,
        clouds=clouds,
    )
    if not np.isclose(cluster.brightest, truth["brightest"][0]):
        raise RuntimeError(f"seed={seed} does not give the cluster of its tile")
    return cluster


def expected_stars(tile, cluster):
    """
    Return expected stars brighter than the limit in cells about the cluster.

    Field stars behind the dust of the cluster, without it, and members, each (n,). The
    number of field stars on the tile is the true one.
    """
    survey, stars = tile.survey, tile.stars
    is_field = (stars["mag"].value < survey.limit) & ~stars["is_member"]
    pixel = survey.pixel_scale / cluster.radius
    x, y = (float(tile.clusters[name][0]) for name in ("x_center", "y_center"))
    ny, nx = tile.image.data.shape
    rows, columns = np.mgrid[:ny:8, :nx:8]
    passed = behind(survey, cluster, np.hypot(columns - x, rows - y) * pixel)
    density = (is_field & ~stars["is_galaxy"]).sum() / (passed.mean() * nx * ny)

    axis = np.linspace(-REACH, REACH, N_NODES)
    dx, dy = (offsets.ravel() for offsets in np.meshgrid(axis, axis))
    on_tile = (np.abs(x + dx / pixel - (nx - 1) / 2) < nx / 2) & (
        np.abs(y + dy / pixel - (ny - 1) / 2) < ny / 2
    )
    dx, dy = dx[on_tile], dy[on_tile]
    area = (axis[1] - axis[0]) ** 2
    uniform = np.full(len(dx), density * area / pixel**2)
    field = uniform * behind(survey, cluster, np.hypot(dx, dy))
    members = cluster.n_members * area * scaled_density(cluster.profile, dx, dy)
    return field, uniform, members


def behind(survey, cluster, radius):
    """Return the fraction of field stars that the cluster's mean cloud leaves."""
    inner = np.linspace(0, 1, 101)
    mean = np.average(cloud_envelope(inner), weights=inner)
    depth = cluster.extinction.to_value(u.mag) / (BEFORE_MEMBERS * mean)
    dust = depth * cloud_envelope(radius) * (radius < CLOUD_REACH)
    dimming = np.log(10) * SLOPES[-1] * survey.extinction_ratio * dust
    return BEHIND * np.exp(-dimming) + (1 - BEHIND) * np.exp(-0.2 * dimming)


def scaled_density(profile, x, y):
    """Return a profile that has half of its members within 1, and 1 as integral."""
    axis = np.linspace(-20, 20, 801)
    offsets = np.meshgrid(axis, axis)
    weight = mean_density(profile, *offsets).ravel()
    radius = np.hypot(*offsets).ravel()
    order = np.argsort(radius)
    inside = np.cumsum(weight[order])
    half = np.interp(0.5, inside / inside[-1], radius[order])
    area = (axis[1] - axis[0]) ** 2
    return mean_density(profile, x * half, y * half) * half**2 / (weight.sum() * area)


def tail(expected, logs):
    """
    Return rising thresholds, and the chance that a sum over Poisson stars exceeds each.

    The cumulants of the sum are known; the tails are those of Lugannani & Rice (1980).
    """
    tilted = expected * np.exp(np.multiply.outer(TILTS, logs))
    generating = tilted.sum(axis=1) - expected.sum()
    mean, variance = tilted @ logs, tilted @ logs**2
    exponent = np.maximum(TILTS * mean - generating, 1e-12)
    root = np.sign(TILTS) * np.sqrt(2 * exponent)
    slope = TILTS * np.sqrt(variance)
    chance = norm.sf(root) + norm.pdf(root) * (1 / slope - 1 / root)
    return mean, np.clip(chance, 0, 1)


def chances_at(rate, areas, tails):
    """Return the chance of each cluster at a rate per deg2; areas are in deg2."""

    def chances(level, row):
        return np.array(
            [
                np.interp(level - np.log(area), table[0], table[row], left=1, right=0)
                for area, table in zip(areas, tails, strict=True)
            ]
        )

    level = brentq(lambda at: np.mean(chances(at, 1) / areas) - rate, -100, 100)
    return chances(level, 2)


def found_by_default(folder, survey, n_tiles):
    """Return for each rate the seeds of the tiles whose cluster the default found."""
    finders = make_finders(["default"], survey=survey)
    results = evaluate_finders(finders, folder, n_tiles=n_tiles, survey=survey)
    result = results["default"].with_members(LEAST_MEMBERS)
    seeds = FIRST_SEED + np.asarray(result.clusters["tile"])
    return [
        seeds[result.clusters["score"] >= result.threshold_at(rate / u.deg**2)]
        for rate in RATES
    ]


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tiles", type=int, default=1000)
    parser.add_argument("--survey", default="ukidss-k", metavar="TAG")
    parser.add_argument("--without-clouds", action="store_true")
    parser.add_argument("--folder", help="of benchmarks/froc.py, with the default")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--colours", action="store_true")
    parser.add_argument("--training", type=int, default=1500, help="tiles")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--rivals", type=int, default=300, help="tiles of them")
    arguments = parser.parse_args(argv)
    if arguments.colours:
        from list_observers import compare

        if arguments.without_clouds or arguments.folder:
            parser.error("--colours goes with neither --without-clouds nor --folder")
        compare(
            arguments.survey,
            n_tiles=arguments.tiles,
            n_training=arguments.training,
            epochs=arguments.epochs,
            n_rivals=arguments.rivals,
        )
        return
    if arguments.without_clouds and arguments.folder:
        parser.error("--folder has clusters with clouds; not with --without-clouds")
    results = run_jobs(
        partial(
            chances_of_tile,
            survey=arguments.survey,
            clouds=not arguments.without_clouds,
        ),
        range(FIRST_SEED, FIRST_SEED + arguments.tiles, 2),
        workers=arguments.workers,
        progress_bar=tqdm,
    )
    results = zip(*(result for result in results if result), strict=True)
    seeds, areas, tails = map(np.array, results)
    table = Table({"observer": OBSERVERS})
    for rate in RATES:
        found = [chances_at(rate, areas, tails[:, n]).mean() for n in range(2)]
        table[f"at {rate:g} / deg2"] = np.round(found, 3)
    print(f"{arguments.survey}: {len(areas)} clusters")
    table.pprint_all()
    if arguments.folder is None:
        return
    shows = chances_at(1.0, areas, tails[:, 1]) > 0.5
    table = Table({"clusters": ["show", "hidden"], "number": [sum(shows), sum(~shows)]})
    found = found_by_default(arguments.folder, arguments.survey, arguments.tiles)
    for rate, of_default in zip(RATES, found, strict=True):
        is_found = np.isin(seeds, of_default)
        fractions = [is_found[which].mean() for which in (shows, ~shows)]
        table[f"at {rate:g} / deg2"] = np.round(fractions, 3)
    table.pprint_all()


if __name__ == "__main__":
    sys.exit(main())
