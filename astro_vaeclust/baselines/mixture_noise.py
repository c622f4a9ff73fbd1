# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A Gaussian in uniform noise, by expectation maximisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..photometry.extinction import reddening_free
from ..utils.validation import (
    angles,
    check_angle,
    check_count,
    check_flag,
    check_number,
)
from .base import BaselineFinder
from .candidates import Candidate, map_candidates

if TYPE_CHECKING:
    from .field import SourceField

__all__ = ["MixtureWithNoise"]

PARAMETERS, COLOR_PARAMETERS = 6, 2
"""Parameters of a Gaussian: weight, two of its mean, three of its covariance; and with
colour its mean and width in that."""

STARTING_SIGNIFICANCE = 2.0
MAX_STARTS = 30
CONVERGED = 2e-3
"""Change of the weight over itself at which a fit ends."""

MERGED = 1.5
"""Two fits within so many standard deviations of the better one are the same."""

DRAWN = 1.5
"""Radius of the region in standard deviations."""

COLOR_WIDTH = 0.1
"""Least width in mag of a Gaussian in colour, and that of the kernel of the field's."""

COLOR_RANGE, COLOR_STEP = 2.0, 0.01
"""Colours in mag from the median at which the density ends, and its step."""

RARE = 1e-2
"""Density per mag of the rarest colours."""


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
    colors : bool
        Whether to use magnitudes in J, H and K.
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

    With ``colors`` the mixture is one in position and colour. The colour is that part
    of J - H and H - Ks which extinction leaves alone, in which stars with discs stand
    out: the Gaussian has a mean and a width in it, and the noise the density of all
    sources. The other part only tells the extinction, and would make a cluster of each
    starless cloud, since what is behind it is red: it corrects the density, in which
    sources count for those that the dust hides, as in `StarCounts`. Those without
    colours count by their position.
    """

    threshold: float = 3.1
    window: u.Quantity = 300 * u.arcsec
    widths: tuple[u.Quantity, ...] = (10, 25) * u.arcsec
    smallest: u.Quantity = 6 * u.arcsec
    largest: u.Quantity = 90 * u.arcsec
    elongation: float = 3.0
    iterations: int = 25
    colors: bool = False

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
        check_flag("colors", self.colors)

    def search(self, field: SourceField) -> tuple[list[Candidate], np.ndarray]:
        """Fit Gaussians at the peaks; see `BaselineFinder.search`."""
        heat = np.zeros(field.shape)
        field = field.corrected() if self.colors else field
        stars = _Stars.of(field, colors=self.colors)
        fits = [
            fit
            for width in (angle.to_value(u.arcsec) for angle in self.widths)
            for x, y in self._starts(field, width)
            if (fit := self._fit(field, stars, x, y, width)) is not None
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

    def _fit(self, field, stars, x, y, width):
        """Return score, mean and covariance (pixels) of a Gaussian, or None."""
        half = self.window.to_value(u.arcsec) / field.pixel_side / 2
        stars = stars.within(x, y, half)
        positions, coverage = self._sky(field, x, y, half)
        if len(stars.points) < self.min_members or not coverage.sum() > 0:
            return None
        noise = 1 / coverage.sum()
        mean = np.array([x, y])
        covariance = np.eye(2) * (width / field.pixel_side) ** 2
        weight, color_ratio = 0.1, 1.0
        for _ in range(self.iterations):
            before = weight
            density = self._density(stars, positions, coverage, mean, covariance)
            density *= color_ratio
            member = weight * density / (weight * density + (1 - weight) * noise)
            member *= stars.weights
            total = member.sum()
            if total < 1:
                return None
            weight = min(total / stars.weights.sum(), 0.99)
            mean = member @ stars.points / total
            offsets = stars.points - mean
            covariance = (member * offsets.T) @ offsets / total
            covariance = self._bounded(covariance, field)
            color_ratio = stars.color_ratio(member)
            if abs(weight - before) < CONVERGED * weight:
                break
        density = self._density(stars, positions, coverage, mean, covariance)
        ratios = np.log1p(weight * (density * color_ratio / noise - 1))
        spread = np.sqrt(np.sqrt(np.linalg.det(covariance))) * field.pixel_side
        score = self._deviate(2 * stars.weights @ ratios)
        return score / field.scatter(2 * float(spread)), mean, covariance

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

    def _density(self, stars, positions, coverage, mean, covariance):
        """Return the density of the Gaussian, of which 1 is on usable pixels."""
        density = np.exp(-0.5 * _squared_distance(stars.points, mean, covariance))
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

    def _deviate(self, chi_square):
        """Return the normal deviate of a chi-square (Wilson & Hilferty 1931)."""
        parameters = PARAMETERS + COLOR_PARAMETERS * self.colors
        spread = 2 / (9 * parameters)
        root = np.cbrt(max(chi_square, 0) / parameters)
        return (root - (1 - spread)) / np.sqrt(spread)


@dataclass(frozen=True)
class _Stars:
    """
    Sources with weights (n,), and with their colours and the density of these.

    Weights are over that of a Poisson count with the same relative error. Of a source
    without a colour, and of all if none are used, it is NaN.
    """

    points: np.ndarray
    weights: np.ndarray
    color: np.ndarray
    color_density: np.ndarray

    @classmethod
    def of(cls, field, *, colors):
        """Return the sources of a field."""
        color = np.full(len(field), np.nan)
        if colors:
            color = reddening_free(field.sources.magnitudes)
            color = color - np.nanmedian(color) if np.isfinite(color).any() else color
            color = np.clip(color, -COLOR_RANGE, COLOR_RANGE)
        return cls(field.points, field.weights, color, _color_density(color))

    def within(self, x, y, half):
        """Return those within half a side of a window, with weights for it."""
        here = _within(self.points, x, y, half)
        weights = self.weights[here]
        if len(weights):
            weights = weights * weights.sum() / (weights**2).sum()
        return _Stars(
            self.points[here], weights, self.color[here], self.color_density[here]
        )

    def color_ratio(self, member):
        """Return the density of colours of members over that of all, 1 if unknown."""
        known = np.isfinite(self.color)
        member, color = member[known], self.color[known]
        ratio = np.ones(known.size)
        if not member.sum() > 0:
            return ratio
        mean = np.average(color, weights=member)
        width = np.sqrt(np.average((color - mean) ** 2, weights=member))
        width = max(width, COLOR_WIDTH)
        density = np.exp(-0.5 * ((color - mean) / width) ** 2)
        density /= width * np.sqrt(2 * np.pi)
        ratio[known] = density / self.color_density[known]
        return ratio


def _color_density(color):
    """Return the density of colours from their median at each, smoothed, per mag."""
    known = np.isfinite(color)
    edges = np.arange(-COLOR_RANGE, COLOR_RANGE + 1.5 * COLOR_STEP, COLOR_STEP)
    counts, _ = np.histogram(color[known], edges - COLOR_STEP / 2)
    smooth = gaussian_filter1d(counts.astype(float), COLOR_WIDTH / COLOR_STEP)
    density = smooth / max(known.sum(), 1) / COLOR_STEP + RARE
    return np.where(known, np.interp(color, edges[:-1], density), np.nan)


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
