# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""From the maps of the network to candidate clusters."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from photutils.detection import find_peaks
from photutils.utils import NoDetectionsWarning

from ..utils.warning import ignored_warnings
from .network import CELL, MEASURES

__all__ = ["Candidates", "find_candidates"]

BOX = 5
"""Side in cells of the square in which a candidate is the highest."""

MIN_SCORE = -6.0
"""Logit below which nothing is a candidate."""

AROUND = 13
"""Side in cells of the square in which a candidate is measured at most."""

R50 = MEASURES.index("log_r50")

MIN_USABLE = 0.5
"""Fraction of usable pixels that the cell of a centre must have."""

MIN_DISTANCE = 20.0
"""Network pixels within which two candidates are one."""

COMPARABLE = 2.0
"""Logits that a part of a cluster may be above the whole."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """
    Candidate clusters by falling score, in network pixels.

    Parameters
    ----------
    score : (n,) array
        Logit of the probability of a centre.
    x, y : (n,) array
        Centres.
    measures, errors : dict of (n,) array
        What `~astro_vaeclust.detector.network.COLOR_MEASURES` names, the last only of
        several bands, and the standard deviations that the network states.
    cells : (n, 2) int array
        Rows and columns of their cells.
    """

    score: np.ndarray
    x: np.ndarray
    y: np.ndarray
    measures: dict
    errors: dict
    cells: np.ndarray

    def __len__(self):
        """Return the number of candidates."""
        return len(self.score)

    def __getitem__(self, rows):
        """Return some of the candidates."""
        return Candidates(
            score=self.score[rows],
            x=self.x[rows],
            y=self.y[rows],
            measures={name: values[rows] for name, values in self.measures.items()},
            errors={name: values[rows] for name, values in self.errors.items()},
            cells=self.cells[rows],
        )

    def with_scores(self, score):
        """Return the candidates by other scores, in logits, by falling score."""
        return replace(self, score=score)[np.argsort(-score, kind="stable")]


def find_candidates(maps, usable=None, *, minimum=MIN_SCORE, comparable=COMPARABLE):
    """
    Find the peaks of the map of centres (`Candidates` by falling score).

    Of two candidates nearer than the half-number radius of the higher one, the lower is
    dropped. Where a candidate lies within that of a lower one whose score is
    ``comparable``, so many logits below, it is a part of it: the larger one is kept,
    with the score of the part. ``usable`` is the usable fraction of each cell, at least
    ``MIN_USABLE`` for a candidate; ``minimum`` the lowest logit.
    """
    unusable = None if usable is None else usable < MIN_USABLE
    with ignored_warnings(NoDetectionsWarning):
        peaks = find_peaks(maps.center, minimum, box_size=BOX, mask=unusable)
    cells = np.empty((0, 2), dtype=int)
    if peaks is not None:
        cells = np.column_stack([peaks["y_peak"], peaks["x_peak"]])
    values, deviations = _measured(maps, cells)
    rows, columns = cells.T
    candidates = Candidates(
        score=maps.center[rows, columns].astype(np.float64),
        x=(columns + 0.5 + values[0]) * CELL - 0.5,
        y=(rows + 0.5 + values[1]) * CELL - 0.5,
        measures=dict(zip(MEASURES, values, strict=True)),
        errors=dict(zip(MEASURES, deviations, strict=True)),
        cells=cells,
    )
    return _without_neighbours(candidates, comparable)


def _measured(maps, cells):
    """
    Return measures and their standard deviations at cells, (n_measures, n) each.

    They are means over the cells within the half-number radius, weighted by the odds
    of a centre there, but none by more than the cell itself.
    """
    steps = np.arange(AROUND) - AROUND // 2
    rows, columns = (
        cells[:, 0, None, None] + steps[:, None],
        cells[:, 1, None, None] + steps,
    )
    ny, nx = maps.center.shape
    exists = (rows >= 0) & (rows < ny) & (columns >= 0) & (columns < nx)
    around = np.clip(rows, 0, ny - 1), np.clip(columns, 0, nx - 1)
    peaks = tuple(cells.T[:, :, None, None])
    radius = 10 ** maps.measures[R50][peaks].astype(np.float64)
    near = CELL * np.hypot(steps, steps[:, None]) <= np.maximum(radius, MIN_DISTANCE)
    below = np.minimum(maps.center[around] - maps.center[peaks], 0)
    weights = np.where(near & exists, np.exp(below, dtype=np.float64), 0)
    weights /= weights.sum(axis=(1, 2), keepdims=True)
    values = maps.measures[:, *around].astype(np.float64)
    values[0] += steps
    values[1] += steps[:, None]
    variances = np.exp(maps.log_variances[:, *around].astype(np.float64))
    means = [(weights * of).sum(axis=(2, 3)) for of in (values, variances)]
    return means[0], np.sqrt(means[1])


def _without_neighbours(candidates, comparable):
    """Return one candidate of each cluster, by falling score."""
    candidates = candidates[np.argsort(-candidates.score, kind="stable")]
    x, y, score = candidates.x, candidates.y, candidates.score.copy()
    reach = np.maximum(10 ** candidates.measures["log_r50"], MIN_DISTANCE)
    kept = np.empty(0, dtype=int)
    for row in range(len(candidates)):
        distance = np.hypot(x[row] - x[kept], y[row] - y[kept])
        if np.any(distance <= reach[kept]):
            continue
        parts = (distance <= reach[row]) & (score[kept] - score[row] <= comparable)
        position = len(kept)
        if parts.any():
            position = np.argmax(parts)
            score[row] = score[kept[position]]
        kept = np.insert(kept[~parts], position, row)
    return replace(candidates, score=score)[kept]
