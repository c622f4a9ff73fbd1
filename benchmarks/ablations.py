# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Train variants of the convolutional autoencoder, each for a short while, and compare.

Usage: ``python benchmarks/ablations.py FOLDER [--steps 1000] [--only NAME ...]``, with
the folder of ``vaeclust train``, whose tiles are used: those of the last training to
train on, those for the calibration to judge on. Prints the completeness of clusters
with at least 20 members at a number of false positives per square degree, per survey.
Only differences of several per cent mean something.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy.table import Table

from astro_vaeclust.amortised.calibration import local_conditions
from astro_vaeclust.amortised.candidates import LEAST_USABLE, find_candidates
from astro_vaeclust.amortised.inference import folded, run_network
from astro_vaeclust.amortised.losses import Weights
from astro_vaeclust.amortised.network import CELL, NetworkSettings
from astro_vaeclust.amortised.stages import Recipe
from astro_vaeclust.amortised.tiles import TrainingTile
from astro_vaeclust.amortised.training import TrainingPlan, train_network
from astro_vaeclust.evaluation.matching import MATCH_RADIUS

RATES = (1.0, 10.0)
LEAST_MEMBERS = 20

KINDS = ("fine", "real")
"""Folders of the tiles to train with."""

VARIANTS = {
    "default": {},
    "no autoencoder, no labels": {"weights": Weights(autoencoder=0.0, labels=0.0)},
    "no autoencoder": {"weights": Weights(autoencoder=0.0)},
    "no labels": {"weights": Weights(labels=0.0)},
    "labels times 10": {"weights": Weights(labels=10 * Weights().labels)},
    "autoencoder times 10": {
        "weights": Weights(autoencoder=10 * Weights().autoencoder)
    },
    "sampled divergence": {"divergence": "kl"},
    "MMD": {"divergence": "mmd"},
    "Renyi": {"divergence": "renyi"},
    "no labelled divergence": {"divergence": "vade"},
    "no density": {"weights": Weights(density=0.0)},
    "no measures": {"weights": Weights(measures=0.0)},
    "no real tiles": {"injected": 0.0},
    "4 latents": {"network": NetworkSettings(latent=4)},
    "half the features": {
        "network": NetworkSettings(channels=(8, 16, 32, 48, 48, 48), fused=32)
    },
}
"""What differs from the default, by name."""


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of vaeclust train")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--only", nargs="+", choices=VARIANTS, metavar="NAME")
    parser.add_argument("--output", type=Path, help="by default FOLDER/ablations")
    arguments = parser.parse_args(argv)
    output = arguments.output or arguments.folder / "ablations"
    mock, real = (sorted((arguments.folder / name).glob("*.npz")) for name in KINDS)
    rows = []
    for name in arguments.only or VARIANTS:
        plan = replace(
            TrainingPlan(n_steps=arguments.steps, side=arguments.side), **VARIANTS[name]
        )
        place = output / name.replace(" ", "-").replace(",", "")
        network = folded(train_network(plan, mock, place, real_tiles=real))
        rows.append({"variant": name})
        for survey in Recipe().calibration_surveys:
            rows[-1] |= judge(network, survey, arguments.folder / survey)
        print(rows[-1], flush=True)
    Table(rows=rows).pprint_all()


def judge(network, survey, folder):
    """Return the completeness at each rate (dict)."""
    false, found, area = [], [], 0.0
    for path in sorted(folder.glob("*.npz")):
        tile = TrainingTile.load(path)
        channels = tile.channels.astype(np.float32)
        candidates = find_candidates(run_network(network, channels))
        _, usable = local_conditions(channels)
        kept = usable[tuple(candidates.cells.T)] >= LEAST_USABLE
        candidates = candidates[np.flatnonzero(kept)]
        if len(tile.clusters):
            found += scores_of_clusters(candidates, tile)
        else:
            false += list(candidates.score)
            area += usable.sum() * (CELL * tile.scale / 3600) ** 2
    false = np.sort(false)[::-1]
    result = {}
    for rate in RATES:
        threshold = false[min(int(rate * area), len(false) - 1)]
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


if __name__ == "__main__":
    sys.exit(main())
