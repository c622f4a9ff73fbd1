# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Tune the catalogue methods on mock tiles, and print what each setting reaches.

Usage: ``python benchmarks/tune_baselines.py [tag ...] [--survey 2mass-ks] [--tiles 96]
[--true-stars]``. Without tags, all of ``astro_vaeclust.baselines.BASELINES`` are tuned.
With ``--true-stars`` they see the true stars brighter than the limit of the survey
instead of those in the image.

The tiles are those of seeds 50000 to 50095; every second one has two clusters,
every second of either kind two hard negatives. A detection is true when its centre is
within the larger of r50 and 30 arcsec of a true centre, one to one, by falling score.
Completeness is that of all clusters, and every other detection on any tile is false.
The defaults of the classes are the best settings for 2MASS Ks by the mean of the
completeness over the logarithm of the false positives per square degree, from 1 to 10.
"""

import argparse
import itertools
import time
from dataclasses import replace

import astropy.units as u
import numpy as np

from astro_vaeclust.baselines import BASELINES
from astro_vaeclust.images.read import read_image
from astro_vaeclust.photometry.surveys import get_survey
from astro_vaeclust.simulation import simulate_tile
from astro_vaeclust.simulation.clusters import draw_clusters
from astro_vaeclust.simulation.design import default_shape
from astro_vaeclust.simulation.nulls import TILE_NULLS
from astro_vaeclust.sources.points import PointSources

FIRST_SEED = 50000
LOWEST = 1.5
"""Score to which candidates are taken."""

GRIDS = {
    "star-counts": {"bandwidth": [12, 16, 22, 30, 40] * u.arcsec},
    "nearest-neighbour": {"neighbours": [15, 20, 30, 45]},
    "voronoi": {"rings": [1, 2, 3]},
    "minimum-spanning-tree": {"separation": [0.55, 0.65, 0.75, 0.85]},
    "mixture-with-noise": {"smallest": [6, 10] * u.arcsec},
    "hdbscan": {
        "selection": ["leaf", "eom"],
        "min_samples": [5, 10, 15, 20, 30],
        "test_neighbour": [1, 5],
    },
    "matched-filter": {"outer_slope": [3.0, 4.0]},
}
"""Settings that are tried, by tag; all combinations."""


def make_tile(seed, survey):
    """Simulate a tile of the tuning set."""
    rng = np.random.default_rng([seed, 1])
    shape = default_shape(survey)
    clusters = draw_clusters(
        rng,
        2 if seed % 2 == 0 else 0,
        field_of_view=min(shape) * survey.pixel_scale * u.arcsec,
        limit=survey.limit * u.mag,
    )
    nulls = (
        rng.choice(list(TILE_NULLS), 2, replace=False).tolist() if seed % 4 > 1 else []
    )
    return simulate_tile(
        survey=survey,
        shape=shape,
        clusters=clusters,
        density=rng.uniform(3.6, 4.7),
        extinction=rng.uniform(0.1, 0.7) * u.mag,
        gradient=rng.uniform(0, 0.3),
        nulls=nulls,
        seed=seed,
    )


def make_fields(finder, survey, n_tiles, *, true_stars):
    """Return the fields of all tiles with the tables of their clusters."""
    fields = []
    for seed in range(FIRST_SEED, FIRST_SEED + n_tiles):
        tile = make_tile(seed, survey)
        image = read_image(tile.image)
        if true_stars:
            bright = tile.stars["mag"] < tile.survey.limit * u.mag
            stars = tile.stars[bright & ~tile.stars["is_galaxy"]]
            sources = PointSources(*(np.asarray(stars[axis]) for axis in "xy"))
        else:
            sources = finder.find_sources(image)
        fields.append((finder.make_field(image, sources), tile.clusters))
    return fields


def match(candidates, clusters, pixel_side):
    """Return (score, is true) of each candidate, by falling score."""
    free = set(range(len(clusters)))
    outcome = []
    for found in sorted(candidates, key=lambda found: -found.score):
        distances = {
            index: pixel_side
            * np.hypot(
                found.x - clusters["x_center"][index],
                found.y - clusters["y_center"][index],
            )
            for index in free
        }
        close = [
            index
            for index, distance in distances.items()
            if distance <= max(clusters["r50"][index].to_value(u.arcsec), 30)
        ]
        if close:
            free.discard(min(close, key=distances.get))
        outcome.append((found.score, bool(close)))
    return outcome


def evaluate(finder, fields):
    """Return completeness at 1 and 10 per deg2, their mean, thresholds, and time."""
    outcome, n_clusters, area = [], 0, 0.0
    start = time.perf_counter()
    for field, clusters in fields:
        changed = field.with_background_scale(finder.background_scale)
        candidates = finder.candidates(changed)
        outcome += match(candidates, clusters, field.pixel_side)
        n_clusters += len(clusters)
        usable = np.count_nonzero(~field.image.mask)
        area += usable * (field.pixel_side / 3600) ** 2
    seconds = (time.perf_counter() - start) / len(fields)
    outcome = np.array(sorted(outcome, reverse=True)).reshape(-1, 2)
    true = np.cumsum(outcome[:, 1]) / n_clusters
    false = np.cumsum(1 - outcome[:, 1]) / area
    rates = np.geomspace(1, 10, 21)
    curve = [true[false <= rate].max(initial=0) for rate in rates]
    thresholds = [
        outcome[false <= rate, 0].min(initial=np.inf) for rate in (rates[0], rates[-1])
    ]
    return curve[0], curve[-1], np.mean(curve), thresholds, seconds


def tune(tag, fields):
    """Print all settings of a method, and return the best line."""
    names, choices = zip(*GRIDS[tag].items(), strict=True)
    best = None
    for values in itertools.product(*choices):
        settings = dict(zip(names, values, strict=True))
        finder = replace(BASELINES.get(tag)(threshold=LOWEST), **settings)
        at_1, at_10, mean, (for_1, for_10), seconds = evaluate(finder, fields)
        said = ", ".join(f"{name}={value}" for name, value in settings.items())
        line = (
            f"{tag:22s} {at_1:5.2f} {at_10:5.2f} {mean:6.3f} {for_1:7.2f} "
            f"{for_10:7.2f} {seconds:6.2f}  {said}"
        )
        print(line, flush=True)
        if best is None or mean > best[0]:
            best = mean, line
    return best[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("tags", nargs="*", default=[])
    parser.add_argument("--survey", default="2mass-ks", metavar="TAG")
    parser.add_argument("--tiles", type=int, default=96)
    parser.add_argument("--true-stars", action="store_true")
    options = parser.parse_args()
    fields = make_fields(
        BASELINES.get("star-counts")(),
        get_survey(options.survey),
        options.tiles,
        true_stars=options.true_stars,
    )
    print(
        f"{'method':22s} C(1) C(10)   mean score>=  score>=  s/tile  settings\n"
        "                        per deg2        at 1     at 10"
    )
    best = [tune(tag, fields) for tag in options.tags or BASELINES.tags]
    print("\nbest of each:")
    print(*best, sep="\n")


if __name__ == "__main__":
    main()
