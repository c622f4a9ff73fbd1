# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""From the maps of the network to candidate clusters."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from photutils.detection import find_peaks
from photutils.utils import NoDetectionsWarning

from .network import CELL, MEASURES

__all__ = ["Candidates", "apart", "find_candidates"]

BOX = 5
"""Side in cells of the square in which a candidate is the highest."""

LEAST_SCORE = -6.0
"""Logit below which nothing is a candidate."""

LEAST_USABLE = 0.5
"""Fraction of usable pixels that the cell of a centre must have."""

LEAST_DISTANCE = 20.0
"""Network pixels within which the lower of two candidates is dropped."""


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
        What `~astro_vaeclust.amortised.network.MEASURES` names, and the standard
        deviations that the network states.
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


def find_candidates(maps, *, least=LEAST_SCORE):
    """
    Find the peaks of the map of centres.

    Of two candidates nearer than the half-number radius of the higher one, the lower
    is dropped.

    Parameters
    ----------
    maps : `~astro_vaeclust.amortised.inference.NetworkMaps`
        What the network says.
    least : float
        Lowest logit of a candidate.

    Returns
    -------
    candidates : `Candidates`
        The candidates by falling score; perhaps none.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        peaks = find_peaks(maps.center, least, box_size=BOX)
    cells = np.empty((0, 2), dtype=int)
    if peaks is not None:
        cells = np.column_stack([peaks["y_peak"], peaks["x_peak"]])
    rows, columns = cells.T
    values = maps.measures[:, rows, columns].astype(np.float64)
    deviations = np.exp(0.5 * maps.log_variances[:, rows, columns].astype(np.float64))
    candidates = Candidates(
        score=maps.center[rows, columns].astype(np.float64),
        x=(columns + 0.5 + values[0]) * CELL - 0.5,
        y=(rows + 0.5 + values[1]) * CELL - 0.5,
        measures=dict(zip(MEASURES, values, strict=True)),
        errors=dict(zip(MEASURES, deviations, strict=True)),
        cells=cells,
    )
    return _without_neighbours(candidates)


def apart(x, y, reach):
    """
    Choose places of which none is within the reach of a better one.

    Parameters
    ----------
    x, y : (n,) array
        The places, the best first.
    reach : (n,) array
        How far each reaches, in the same unit.

    Returns
    -------
    kept : (k,) int array
        Numbers of those that are chosen.
    """
    kept = []
    for row in range(len(x)):
        if np.all(np.hypot(x[row] - x[kept], y[row] - y[kept]) > reach[kept]):
            kept.append(row)
    return np.array(kept, dtype=int)


def _without_neighbours(candidates):
    candidates = candidates[np.argsort(-candidates.score, kind="stable")]
    reach = np.maximum(10 ** candidates.measures["log_r50"], LEAST_DISTANCE)
    return candidates[apart(candidates.x, candidates.y, reach)]
