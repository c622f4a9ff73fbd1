# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Choose how candidates are joined and scored, on the tiles of the calibration.

Usage: ``python benchmarks/candidates.py FOLDER [--model FILE]``, with the folder of
``vaeclust train``. Of clusters with 20 members and more it prints the completeness at
false positives per deg2, for several heights that a part may have above the whole, and
for scores by the height alone and by height and radius; these are cross-validated.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np
from astropy.table import Table

from astro_vaeclust.detector.calibration import local_conditions, score_terms
from astro_vaeclust.detector.candidates import COMPARABLE, MIN_USABLE, find_candidates
from astro_vaeclust.detector.inference import run_network
from astro_vaeclust.detector.model import DEFAULT_MODEL, load_model
from astro_vaeclust.detector.network import CELL
from astro_vaeclust.training.rates import fit_score
from astro_vaeclust.training.recipe import Recipe
from astro_vaeclust.training.tiles import TrainingTile

HEIGHTS = (-np.inf, 1.0, COMPARABLE, 3.0, 4.0)
RATES = (0.3, 1.0, 3.0, 10.0)
LEAST_MEMBERS = 20
N_FOLDS, N_REPEATS = 5, 4


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of vaeclust train")
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL)
    arguments = parser.parse_args(argv)
    model = load_model(arguments.model)
    for survey in Recipe().calibration_surveys:
        paths = sorted((arguments.folder / survey).glob("*.npz"))
        tiles = [_searched(model, path) for path in paths]
        rows = [_compare(tiles, survey, height) for height in HEIGHTS]
        rows.append(_compare(tiles, survey, COMPARABLE, cross_validated=True))
        Table(rows=rows).pprint_all()


def _searched(model, path):
    tile = TrainingTile.load(path)
    channels = tile.channels.astype(np.float32)
    maps = run_network(model.quick_network_for(tile.fine), channels)
    usable = local_conditions(channels)[1]
    area = np.sum(usable >= MIN_USABLE) * (CELL * tile.scale / 3600) ** 2
    by_height = {
        height: find_candidates(maps, usable, comparable=height) for height in HEIGHTS
    }
    outcomes = {
        height: (found, *tile.matched(found)) for height, found in by_height.items()
    }
    return tile.clusters.astype(float), area, outcomes


def _compare(tiles, survey, comparable, *, cross_validated=False):
    """Return a row of the table (dict)."""
    columns, n_clusters, area, large = [], 0, 0.0, []
    for number, (clusters, sky, outcomes) in enumerate(tiles):
        found, is_cluster, counts = outcomes[comparable]
        which, log_ratio = np.full(len(found), -1), np.zeros(len(found))
        x, y, r50, _, members = clusters.T
        for row in np.flatnonzero(is_cluster):
            nearest = np.argmin(np.hypot(found.x[row] - x, found.y[row] - y))
            which[row] = n_clusters + nearest
            log_ratio[row] = found.measures["log_r50"][row] - np.log10(r50[nearest])
        is_null = np.full(len(found), not len(clusters))
        rows = [np.full(len(found), number), found.score, found.measures["log_r50"]]
        columns.append(np.array([*rows, which, counts, is_null, log_ratio]))
        large += list(members >= LEAST_MEMBERS)
        n_clusters += len(clusters)
        area += 0.0 if len(clusters) else sky
    columns = np.concatenate(columns, axis=1)
    tile, height, log_r50, which, counts, is_null, log_ratio = columns
    scores = [height]
    if cross_validated:
        fit = partial(_cross_validated, tile, height, log_r50, which, counts > 0)
        scores = [fit(np.random.default_rng(seed)) for seed in range(N_REPEATS)]
    large, which, is_null = np.array(large), which.astype(int), is_null > 0
    row = {"survey": survey, "comparable": comparable, "radius": cross_validated}
    for rate in RATES:
        row[f"at {rate:g}"] = np.mean(
            [_completeness(rate, s, is_null, which, large, area) for s in scores]
        ).round(3)
    kept = (which >= 0) & (height > 0)
    kept[kept] = large[which[kept]]
    low, high = np.percentile(log_ratio[kept], [16, 84])
    row["beside another"] = int(np.sum((counts == 0) & (height > 0)))
    return row | {"r50 scatter": round((high - low) / 2, 3)}


def _completeness(rate, score, is_null, which, large, area):
    false = np.sort(score[is_null])[::-1]
    threshold = false[int(rate * area)]
    found = np.unique(which[(which >= 0) & (score > threshold)])
    return large[found].sum() / large.sum()


def _cross_validated(tile, height, log_r50, which, counts, rng):
    """Return scores of candidates by a fit to other tiles, (n,)."""
    fold = rng.integers(0, N_FOLDS, int(tile.max()) + 1)[tile.astype(int)]
    scores = np.empty(len(tile))
    for number in range(N_FOLDS):
        own = fold == number
        others = ~own & counts
        fitted = fit_score(height[others], log_r50[others], which[others] >= 0)
        scores[own] = score_terms(height[own], log_r50[own]) @ np.array(fitted)
    return scores


if __name__ == "__main__":
    sys.exit(main())
