# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A Gaussian in uniform noise, by expectation maximisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np

from ..utils.validation import angles, check_angle, check_count, check_number
from .base import BaselineFinder
from .candidates import Candidate, map_candidates

if TYPE_CHECKING:
    from .field import SourceField

__all__ = ["MixtureWithNoise"]

PARAMETERS = 6
"""Parameters of a Gaussian: weight, two of its mean, three of its covariance."""

STARTING_SIGNIFICANCE = 2.0
MAX_STARTS = 30
CONVERGED = 2e-3
"""Change of the weight over itself at which a fit ends."""

MERGED = 1.5
"""Two fits within so many standard deviations of the better one are the same."""

DRAWN = 1.5
"""Radius of the region in standard deviations."""


@dataclass(frozen=True, kw_only=True)
class MixtureWithNoise(BaselineFinder):
    """
    Gaussian clusters in uniform noise, fitted by expectation maximisation.

    In windows of the sky the sources are a mixture of a Gaussian and a uniform
    density, and the ratio of the likelihoods with and without the Gaussian
    determines whether there is a cluster (Solin, Ukkonen & Haikala 2012, A&A, 542, A3).

    Parameters
    ----------
    window : `~astropy.units.Quantity`
        Side of the windows.
    widths : sequence of `~astropy.units.Quantity`
        Standard deviations from which fits start.
    smallest, largest : `~astropy.units.Quantity`
        Bounds of the standard deviations along both axes of a Gaussian.
    elongation : float
        Largest ratio of the standard deviations.
    iterations : int
        Rounds of expectation maximisation.
    **settings
        Those of `BaselineFinder`.

    Notes
    -----
    Solin et al. start many Gaussians in each window from random positions and choose
    their number by an information criterion. Chosen here, so that the result does not
    depend on random numbers or on where a window's border falls: fits start from the
    peaks of the smoothed counts, each in a window around it and alone; the score is the
    standard deviation that belongs to the likelihood ratio with six parameters,
    divided by the scatter of the field at the width of the Gaussian. Masks and edges
    reduce the area of the noise and of the Gaussian alike.
    """

    threshold: float = 3.1
    window: u.Quantity = 300 * u.arcsec
    widths: tuple[u.Quantity, ...] = (10, 25) * u.arcsec
    smallest: u.Quantity = 6 * u.arcsec
    largest: u.Quantity = 90 * u.arcsec
    elongation: float = 3.0
    iterations: int = 25

    def __post_init__(self):
        """Check the settings."""
        super().__post_init__()
        object.__setattr__(self, "widths", angles("widths", self.widths))
        for name in ("window", "smallest", "largest"):
            check_angle(name, getattr(self, name))
        if self.smallest >= self.largest:
            raise ValueError(
                f"largest must be above smallest={self.smallest}, got {self.largest}"
            )
        check_number("elongation", self.elongation, low=1, low_counts=False)
        check_count("iterations", self.iterations)

    def search(self, field: SourceField) -> tuple[list[Candidate], np.ndarray]:
        """Fit Gaussians at the peaks; see `BaselineFinder.search`."""
        heat = np.zeros(field.shape)
        fits = [
            fit
            for width in self.widths
            for x, y in self._starts(field, width.to_value(u.arcsec))
            if (fit := self._fit(field, x, y, width.to_value(u.arcsec))) is not None
        ]
        candidates, kept = [], []
        for score, mean, covariance in sorted(fits, key=lambda fit: -fit[0]):
            if any(_same(mean, *other) for other in kept):
                continue
            kept.append((mean, covariance))
            cells = _squared_distance(field.centers, mean, covariance) <= DRAWN**2
            cells = cells.reshape(field.shape)
            cells[field.cell_at(*mean)] = True
            heat[cells] = np.maximum(heat[cells], score)
            candidates.append(Candidate(float(score), *map(float, mean), cells))
        return candidates, heat

    def _starts(self, field, width):
        """Return the peaks of the counts smoothed with a Gaussian."""
        peaks = map_candidates(
            field,
            field.smoothed_significance(width),
            threshold=STARTING_SIGNIFICANCE,
            separation=1.5 * width,
            depth=0.99,
        )
        return [(peak.x, peak.y) for peak in peaks[:MAX_STARTS]]

    def _fit(self, field, x, y, width):
        """Return score, mean and covariance (pixels) of a Gaussian, or None."""
        half = self.window.to_value(u.arcsec) / field.pixel_side / 2
        points = field.points[_within(field.points, x, y, half)]
        positions, coverage = self._sky(field, x, y, half)
        if len(points) < self.min_members or not coverage.sum() > 0:
            return None
        noise = 1 / coverage.sum()
        mean = np.array([x, y])
        covariance = np.eye(2) * (width / field.pixel_side) ** 2
        weight = 0.1
        for _ in range(self.iterations):
            before = weight
            density = self._density(points, positions, coverage, mean, covariance)
            member = weight * density / (weight * density + (1 - weight) * noise)
            total = member.sum()
            if total < 1:
                return None
            weight = min(total / len(points), 0.99)
            mean = member @ points / total
            offsets = points - mean
            covariance = (member * offsets.T) @ offsets / total
            covariance = self._bounded(covariance, field)
            if abs(weight - before) < CONVERGED * weight:
                break
        density = self._density(points, positions, coverage, mean, covariance)
        ratio = np.log1p(weight * (density / noise - 1)).sum()
        spread = np.sqrt(np.sqrt(np.linalg.det(covariance))) * field.pixel_side
        score = _deviate(2 * ratio) / field.scatter(2 * float(spread))
        return score, mean, covariance

    def _sky(self, field, x, y, half):
        """Return positions in a window and the usable area that each stands for."""
        step = max(1, int(self.smallest.to_value(u.arcsec) / 0.7 / field.cell_side))
        rows, columns = field.shape
        centers = field.centers.reshape(rows, columns, 2)[::step, ::step].reshape(-1, 2)
        blocks = np.add.reduceat(field.coverage, np.arange(0, rows, step), axis=0)
        blocks = np.add.reduceat(blocks, np.arange(0, columns, step), axis=1)
        middles = centers + (step - 1) * field.cell / 2
        inside = _within(middles, x, y, half)
        return middles[inside], blocks.ravel()[inside] * field.cell**2

    def _density(self, points, positions, coverage, mean, covariance):
        """Return the density of the Gaussian, of which 1 is on usable pixels."""
        density = np.exp(-0.5 * _squared_distance(points, mean, covariance))
        on_grid = np.exp(-0.5 * _squared_distance(positions, mean, covariance))
        whole = 2 * np.pi * np.sqrt(np.linalg.det(covariance))
        return density / max(on_grid @ coverage, 0.05 * whole)

    def _bounded(self, covariance, field):
        """Keep the widths of a Gaussian and their ratio in bounds."""
        low, high = (
            angle.to_value(u.arcsec) / field.pixel_side
            for angle in (self.smallest, self.largest)
        )
        variances, axes = np.linalg.eigh(covariance)
        widths = np.clip(np.sqrt(np.maximum(variances, 0)), low, high)
        widths = np.maximum(widths, widths.max() / self.elongation)
        return (axes * widths**2) @ axes.T


def _within(points, x, y, half):
    return (np.abs(points - (x, y)) <= half).all(axis=1)


def _squared_distance(points, mean, covariance):
    """Return the squared Mahalanobis distances."""
    x, y = (points - mean).T
    inverse = np.linalg.inv(covariance)
    cross = 2 * inverse[0, 1] * x * y
    return inverse[0, 0] * x**2 + cross + inverse[1, 1] * y**2


def _same(mean, other_mean, covariance):
    return _squared_distance(mean[np.newaxis], other_mean, covariance)[0] < MERGED**2


def _deviate(chi_square):
    """Return the normal deviate of a chi-square (Wilson & Hilferty 1931)."""
    spread = 2 / (9 * PARAMETERS)
    root = np.cbrt(max(chi_square, 0) / PARAMETERS)
    return (root - (1 - spread)) / np.sqrt(spread)
