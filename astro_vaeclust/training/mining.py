# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a network takes for clusters on the tiles of a training, to learn from."""

from __future__ import annotations

import logging

import numpy as np
from scipy.special import expit

from ..detector.inference import folded
from ..utils.files import atomic_path
from .tiles import TrainingTile

__all__ = ["find_false_candidates"]

logger = logging.getLogger(__name__)

MIN_SCORE = -3.0
"""Logit from which on a false candidate is worth a square of its own."""


def find_false_candidates(network, tiles, path, *, progress=None):
    """
    Find candidates that match no cluster; use those in the file if there is one.

    Training on what was falsely detected is that of Sung & Poggio (1998). Returns rows
    of the number of the tile, x and y in network pixels, and the probability of a
    cluster that the network gave, ``(n, 4)``; ``progress`` wraps the tiles.
    """
    if not path.exists():
        quick = folded(network).cpu()
        rows = [np.empty((0, 4))]
        for number, tile in enumerate(progress(tiles) if progress else tiles):
            found = _false_candidates(quick, TrainingTile.load(tile))
            rows.append(np.column_stack([np.full(len(found), number), found]))
        with atomic_path(path) as temporary:
            np.save(temporary, np.concatenate(rows))
    candidates = np.load(path, allow_pickle=False)
    logger.info("%d false candidates on %d tiles", len(candidates), len(tiles))
    return candidates


def _false_candidates(network, tile):
    """Return x, y and probability of candidates that match no cluster, (n, 3)."""
    candidates, _ = tile.candidates(network)
    is_cluster, counts = tile.matched(candidates)
    chosen = counts & ~is_cluster & (candidates.score >= MIN_SCORE)
    false = candidates[chosen]
    return np.column_stack([false.x, false.y, expit(false.score)])
