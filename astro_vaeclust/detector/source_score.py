# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The score of a candidate from the image and from point sources together."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..utils.statistics import poisson_significance
from .calibration import Calibration

__all__ = ["SourceCalibration", "combined_score", "source_excess"]

MIN_RADIUS = 10.0
"""Radius in arcsec within which sources are counted at minimum."""

MAX_RADIUS = 90.0
"""The same at most, in network pixels: the annulus must fit into what a block sees."""

ANNULUS = (2.5, 5.0)
"""Radii of the annulus over that of the circle."""

MIN_REACH = 150.0
"""Outer radius of the annulus in network pixels at minimum."""

FEW = 0.5
"""What is added to the sources of the annulus, so that none does not mean never."""

SAMPLED = 32
"""Radius in pixels from twice which on areas are measured on every second pixel."""


def source_excess(candidates, points, usable, scale):
    r"""
    Return how many more sources than expected are at candidates, in sigma, ``(n,)``.

    With :math:`k` sources within the half-number radius that the network measures, and
    :math:`b` expected from an annulus around, it is the root of twice the logarithm of
    the ratio of the Poisson likelihoods, :math:`k \ln(k / b) - (k - b)`, with the sign
    of :math:`k - b` (Cash 1979). Masked pixels count in neither area; zero where the
    surroundings are masked. ``points`` are x and y of the sources in network pixels,
    ``usable`` is one where a network pixel is usable, and ``scale`` its size in arcsec.
    """
    centers = np.column_stack([candidates.x, candidates.y])
    radius = 10.0 ** candidates.measures["log_r50"]
    radius = np.clip(radius, min(MIN_RADIUS / scale, MAX_RADIUS), MAX_RADIUS)
    inner = ANNULUS[0] * radius
    outer = np.maximum(ANNULUS[1] * radius, MIN_REACH)
    within, to_inner, to_outer = (
        np.array([_count(points, centers, r), _areas(usable, centers, r)])
        for r in (radius, inner, outer)
    )
    n_around, area_around = to_outer - to_inner
    n_within, area_within = within
    known = area_around > area_within
    expected = (n_around + FEW) * area_within / np.where(known, area_around, 1)
    return poisson_significance(n_within, np.where(known, expected, 0))


def _count(points, centers, radii):
    if not len(points) or not len(centers):
        return np.zeros(len(centers))
    return cKDTree(points).query_ball_point(centers, radii, return_length=True)


def _areas(usable, centers, radii):
    """Return the usable pixels within circles, (n,)."""
    areas = [_area(usable, *row) for row in zip(*centers.T, radii, strict=True)]
    return np.array(areas, dtype=float)


def _area(usable, x, y, radius):
    step = 1 << max(int(np.log2(radius / SAMPLED)), 0)
    rows, columns = (
        slice(max(int((c - radius) // step), 0) * step, max(int(c + radius) + 1, 0))
        for c in (y, x)
    )
    part = usable[rows, columns][::step, ::step]
    dy, dx = (
        start + step * np.arange(size) - c
        for start, size, c in zip(
            (rows.start, columns.start), part.shape, (y, x), strict=True
        )
    )
    return step**2 * part[dy[:, None] ** 2 + dx**2 <= radius**2].sum(dtype=float)


def combined_score(coefficients, scores, excess):
    """Return the intercept plus scores and excesses times their coefficients."""
    intercept, of_score, of_excess = coefficients
    return intercept + of_score * scores + of_excess * excess


@dataclass(frozen=True)
class SourceCalibration:
    """
    From the score and the excess of sources to one score, and to false-alarm rates.

    Parameters
    ----------
    coefficients : tuple of tuple of float
        Those of `combined_score`: for coarse images and for fine ones.
    rates : `~astro_vaeclust.detector.calibration.Calibration`
        False-alarm rates of the combined scores.
    n_matched : tuple of int
        Clusters that the coefficients are fitted to, on coarse and on fine images.
    """

    coefficients: tuple[tuple[float, float, float], tuple[float, float, float]]
    rates: Calibration
    n_matched: tuple[int, int]

    def combine(self, scores, excess, fine):
        """Return the `combined_score` of candidates of a coarse or a fine image."""
        return combined_score(self.coefficients[int(fine)], scores, excess)

    def false_alarm_rate(self, scores, crowding, fine):
        """See `Calibration.false_alarm_rate`, here of combined scores."""
        return self.rates.false_alarm_rate(scores, crowding, fine)

    def to_dict(self):
        """Return all values as lists and numbers (dict)."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values):
        """Return the calibration of what `to_dict` returned, or JSON of it."""
        return cls(
            coefficients=tuple(map(tuple, values["coefficients"])),
            rates=Calibration.from_dict(values["rates"]),
            n_matched=tuple(values["n_matched"]),
        )
