# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Compare variants of the autoencoder: the table of the docs with its choices.

Usage: ``python benchmarks/ablations.py FOLDER [--steps 800] [--only NAME ...]``, with
the folder of ``vaeclust train``, whose tiles are used: those of the last training to
train on, those for the calibration to judge on. Every convolutional variant is trained
for a short while, with half of the features; the dense ones learn on each image.
Prints the completeness of clusters with at least 20 members at a number of false
positives per square degree, per survey. Only differences of several per cent mean
something, and only within a group.
"""

import argparse
import hashlib
import itertools
import json
import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
from ablation_variants import PER_IMAGE, SMALL, TRAINED
from astropy import units as u
from astropy.table import Table
from mixture_scores import score_by_mixture

from astro_vaeclust.detector.calibration import usable_candidates
from astro_vaeclust.detector.inference import folded, run_network
from astro_vaeclust.detector.network import CELL
from astro_vaeclust.evaluation import evaluate_finders
from astro_vaeclust.matching.pairs import MATCH_RADIUS
from astro_vaeclust.training.loop import TrainingPlan, train_network
from astro_vaeclust.training.recipe import Recipe
from astro_vaeclust.training.tiles import TrainingTile

RATES = (1.0, 10.0)
LEAST_MEMBERS = 20

PER_IMAGE_RATE = 10.0
"""Rate per deg2 at which variants that learn on the image are compared."""

PER_IMAGE_SEED = 96_000

KINDS = ("long", "real")
"""Folders of the tiles to train with."""


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of vaeclust train")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument(
        "--judge-every",
        type=int,
        default=3,
        help="take one pair of tiles, with and without a cluster, in so many",
    )
    parser.add_argument("--tiles", type=int, default=40, help="of 2MASS, per image")
    parser.add_argument("--workers", type=int, default=1, help="per image")
    names = [*TRAINED, *PER_IMAGE]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME")
    parser.add_argument("--output", type=Path, help="by default FOLDER/ablations")
    arguments = parser.parse_args(argv)
    arguments.output = arguments.output or arguments.folder / "ablations"
    chosen = arguments.only or names
    trained = [compare_trained(n, arguments) for n in TRAINED if n in chosen]
    if trained:
        Table(rows=trained).pprint_all()
    per_image = {name: PER_IMAGE[name] for name in PER_IMAGE if name in chosen}
    if per_image:
        compare_per_image(per_image, arguments).pprint_all()


def compare_trained(name, arguments):
    """Train a variant for a while and return its completeness (dict)."""
    variant = dict(TRAINED[name])
    by_mixture = variant.pop("score_by_mixture", None)
    plan = TrainingPlan(
        n_steps=arguments.steps,
        side=arguments.side,
        network=SMALL,
        precision="bfloat16",
    )
    plan = replace(plan, **variant)
    text = json.dumps(asdict(plan))
    folder = arguments.output / hashlib.sha256(text.encode()).hexdigest()[:12]
    mock, real = (sorted((arguments.folder / kind).glob("*.npz")) for kind in KINDS)
    network = folded(train_network(plan, mock, folder, real_tiles=real))
    run = partial(run_network, network)
    if by_mixture is not None:
        run = score_by_mixture(network, mock, by_mixture)
    row = {"variant": name}
    for survey in Recipe().calibration_surveys:
        tiles = sorted((arguments.folder / survey).glob("*.npz"))
        pairs = zip(tiles[::2], tiles[1::2], strict=True)  # even seeds have a cluster
        chosen = itertools.islice(pairs, 0, None, arguments.judge_every)
        row |= judge(run, survey, itertools.chain.from_iterable(chosen))
    print(row, flush=True)
    return row


def judge(run, survey, tiles):
    """Return the completeness at each rate (dict)."""
    false, found, area = [], [], 0.0
    for path in tiles:
        tile = TrainingTile.load(path)
        channels = tile.channels.astype(np.float32)
        candidates, (_, usable) = usable_candidates(run(channels), channels)
        if len(tile.clusters):
            found += scores_of_clusters(candidates, tile)
        else:
            false += list(candidates.score)
            area += usable.sum() * (CELL * tile.scale / 3600) ** 2
    false = np.sort(false)[::-1]
    result = {}
    for rate in RATES:
        allowed = int(rate * area)
        threshold = false[allowed] if allowed < len(false) else -np.inf
        key = f"{survey} at {rate:g}"
        result[key] = round(float(np.mean(np.array(found) > threshold)), 3)
    return result


def scores_of_clusters(candidates, tile):
    """Return the highest score near each cluster that counts, -inf for none."""
    scores = []
    reach = MATCH_RADIUS.to_value("arcsec") / tile.scale
    for x, y, r50, _, members in tile.clusters:
        if members >= LEAST_MEMBERS:
            distances = np.hypot(candidates.x - x, candidates.y - y)
            near = candidates.score[distances < max(r50, reach)]
            scores.append(near.max(initial=-np.inf))
    return scores


def compare_per_image(finders, arguments):
    """Run finders on mock tiles of 2MASS and return their completeness (Table)."""
    results = evaluate_finders(
        finders,
        arguments.output / "per-image",
        n_tiles=arguments.tiles,
        seed=PER_IMAGE_SEED,
        workers=arguments.workers,
    )
    rows = []
    for name, result in results.items():
        large = result.with_members(LEAST_MEMBERS)
        rows.append(
            {
                "variant": name,
                f"2mass-ks at {PER_IMAGE_RATE:g}": round(
                    large.completeness_at(PER_IMAGE_RATE / u.deg**2).completeness, 3
                ),
                "average precision": round(float(large.average_precision), 3),
            }
        )
    return Table(rows=rows)


if __name__ == "__main__":
    sys.exit(main())
