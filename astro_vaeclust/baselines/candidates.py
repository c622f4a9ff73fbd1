# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Candidates of clusters: regions of cells with a score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import label, maximum_filter

__all__ = ["Candidate", "map_candidates"]

MAX_CANDIDATES = 200
"""Peaks of a map that are looked at, the highest first."""

EIGHT = np.ones((3, 3), dtype=bool)
"""Cells that meet at a corner belong together."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """
    A candidate of a cluster.

    Parameters
    ----------
    score : float
        Its significance.
    x, y : float
        Its centre in pixels.
    cells : (rows, columns) bool array
        Its region on the grid of cells.
    """

    score: float
    x: float
    y: float
    cells: np.ndarray

    @classmethod
    def from_points(cls, points, score, cells):
        """Return the candidate that is centred on the mean of points, ``(n, 2)``."""
        x, y = points.mean(axis=0)
        return cls(float(score), float(x), float(y), cells)


def map_candidates(field, significance, *, threshold, separation, depth=0.5):
    """
    Find the peaks of a map of significance and the regions around them.

    A region is what hangs together with its peak and is above the fraction ``depth`` of
    it. Higher peaks take their regions first, and a peak in the region of another is
    part of it. ``threshold`` is the least height of a peak, ``separation`` the radius
    in arcsec in which it must be the highest. Candidates come by falling score; their
    centre is the mean weighted with the excess over the border.
    """
    usable = np.where(field.coverage > 0, significance, -np.inf)
    highest = maximum_filter(usable, footprint=field.disc(separation) > 0)
    rows, columns = np.nonzero((usable == highest) & (usable >= threshold))
    order = np.argsort(-usable[rows, columns], kind="stable")[:MAX_CANDIDATES]
    taken = np.zeros(field.shape, dtype=bool)
    candidates = []
    for row, column in zip(rows[order], columns[order], strict=True):
        if taken[row, column]:
            continue
        peak = usable[row, column]
        parts, _ = label((usable >= depth * peak) & ~taken, structure=EIGHT)
        cells = parts == parts[row, column]
        taken |= cells
        x, y = _centroid(field, cells, usable - 0.99 * depth * peak)
        candidates.append(Candidate(float(peak), x, y, cells))
    return candidates


def _centroid(field, cells, weights):
    centers = field.centers[cells.ravel()]
    x, y = np.average(centers, axis=0, weights=weights[cells])
    return float(x), float(y)
