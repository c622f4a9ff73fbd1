# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How the score of candidates in several bands is learned."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch.nn import functional

from ..detector.calibration import usable_candidates
from ..detector.channels import of_longest
from ..detector.color_score import ColorScore, color_inputs
from ..detector.inference import run_network
from ..utils.bands import BAND_SETS, BANDS
from ..utils.jobs import run_jobs
from .tiles import TrainingTile

__all__ = ["fit_color_score"]

logger = logging.getLogger(__name__)

EPOCHS, BATCH_SIZE = 12, 256
RATE, DECAY = 2e-3, 1.0
"""Learning rate and weight decay of AdamW; the rate falls to zero as a cosine."""

A_K_WEIGHT = 0.2
"""Weight of the loss of the extinctions."""


@dataclass(frozen=True, eq=False)
class _Sample:
    """
    Candidates of a tile in one set of bands that count.

    ``inputs`` are (n, n_inputs), ``is_cluster`` and ``a_k`` (n,), the latter NaN of
    those that match no cluster.
    """

    inputs: np.ndarray
    is_cluster: np.ndarray
    a_k: np.ndarray


def fit_color_score(model, tiles, *, seed=0, workers=1, progress_bar=None):
    """
    Learn what colours of stars say, from the candidates of tiles in colour.

    Each tile is searched in all its bands and in two of them. The loss is the binary
    cross entropy of "matches a cluster", and for these the negative logarithm of the
    likelihood of the extinction of the members.

    Parameters
    ----------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The model for one band.
    tiles : sequence of path
        Files of `~astro_vaeclust.training.tiles.TrainingTile` in colour.
    seed : int
        Determines the outcome on one machine.
    workers : int
        Processes that search.
    progress_bar : callable, optional
        Called as ``progress_bar(iterable, desc=..., total=...)``.

    Returns
    -------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The same with a score in colour, not calibrated.

    Raises
    ------
    ValueError
        If nothing on the tiles is a candidate.
    """
    found = run_jobs(
        partial(_samples, model),
        list(enumerate(tiles)),
        workers=workers,
        progress_bar=progress_bar,
        desc="colours",
    )
    samples = [sample for _, parts in sorted(found) for sample in parts]
    inputs, is_cluster, a_k = (
        np.concatenate([getattr(sample, name) for sample in samples])
        for name in ("inputs", "is_cluster", "a_k")
    )
    if not len(inputs):
        raise ValueError(
            f"tiles must show candidates, got none on {len(tiles)}; take more tiles"
        )
    logger.info("%d candidates in colour, %d clusters", len(inputs), is_cluster.sum())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        color = _fitted(inputs, is_cluster, a_k)
    return replace(model, color=color, color_calibrations={})


def _samples(model, job):
    """Return the number of a tile, and its candidates in all bands and in two."""
    number, path = job
    tile = TrainingTile.load(path)
    every = np.split(tile.channels.astype(np.float32), len(BANDS))
    pairs = BAND_SETS[1:]
    sets = BANDS, pairs[number % len(pairs)]
    return number, [_sample(model, tile, every, names) for names in sets]


def _sample(model, tile, every, names):
    bands = [band * (name in names) for name, band in zip(BANDS, every, strict=True)]
    channels = of_longest(bands)
    maps = run_network(model.quick_network_for(tile.fine), channels)
    candidates, (_, usable) = usable_candidates(maps, channels)
    is_cluster, counts = tile.matched(candidates)
    return _Sample(
        color_inputs(candidates, bands, usable, tile.fine)[counts],
        is_cluster[counts],
        np.where(is_cluster, _nearest_a_k(candidates, tile), np.nan)[counts],
    )


def _nearest_a_k(candidates, tile):
    """Return the extinction of the cluster next to each candidate, (n,)."""
    if not len(tile.clusters):
        return np.full(len(candidates), np.nan)
    x, y, *_, a_k = tile.clusters.T.astype(float)
    distance = np.hypot(
        candidates.x[:, np.newaxis] - x, candidates.y[:, np.newaxis] - y
    )
    return a_k[distance.argmin(axis=1)]


def _fitted(inputs, is_cluster, a_k):
    """Return the `ColorScore` that fits candidates, in its mode for use."""
    color = ColorScore()
    color.middle += torch.from_numpy(inputs.mean(axis=0))
    color.spread.copy_(torch.from_numpy(inputs.std(axis=0) + 1e-3))
    inputs = torch.from_numpy(inputs)
    outcome, a_k = (torch.from_numpy(v.astype(np.float32)) for v in (is_cluster, a_k))
    optimizer = torch.optim.AdamW(color.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for epoch in range(EPOCHS):
        total = 0.0
        for rows in torch.randperm(len(inputs)).split(BATCH_SIZE):
            loss = _loss(color(inputs[rows]), outcome[rows], a_k[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        schedule.step()
        logger.info("colours: epoch %d, loss %.4f", epoch + 1, total / len(inputs))
    return color.eval().requires_grad_(False)


def _loss(outputs, outcome, a_k):
    score, mean, log_variance = outputs
    loss = functional.binary_cross_entropy_with_logits(score, outcome)
    known = a_k.isfinite()
    if not known.any():
        return loss
    unlikely = functional.gaussian_nll_loss(
        mean[known], a_k[known], log_variance[known].exp(), reduction="sum"
    )
    return loss + A_K_WEIGHT * unlikely / len(a_k)
