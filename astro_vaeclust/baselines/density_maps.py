# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Surface density on a grid: star counts and distances of nearest neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np

from ..utils.statistics import poisson_significance
from ..utils.validation import check_angle, check_count, check_flag
from .base import BaselineFinder
from .candidates import map_candidates

if TYPE_CHECKING:
    from .candidates import Candidate
    from .field import SourceField

__all__ = ["NearestNeighbourDensity", "StarCounts"]

SAMPLES = 48
"""Points in a circle by which its usable area is measured."""

GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))


@dataclass(frozen=True, kw_only=True)
class StarCounts(BaselineFinder):
    r"""
    Binned and smoothed star counts with their Poisson significance.

    Counts in cells are smoothed with a Gaussian and compared with the local
    background. Peaks of the significance are the candidates, down to half of their
    height (Schmeja 2011, AN, 332, 172; Carpenter et al. 1995, ApJ, 450,
    201).

    Parameters
    ----------
    bandwidth : `~astropy.units.Quantity`
        Standard deviation of the Gaussian.
    colors : bool
        Whether to correct the counts for extinction by colour.
    **settings
        Those of `BaselineFinder`.

    Notes
    -----
    The usual form has square bins, shifted by half their side, and takes what is
    several standard deviations over the mean of the image. Chosen here: a Gaussian
    instead of a square; a local background; a Poisson likelihood ratio instead of
    standard deviations, divided by the scatter of the field at the same scale.

    With ``colors`` each source, of a table with magnitudes in J, H and K, counts for
    those that the dust before it hides, as in NICEST (Lombardi 2009, A&A, 493, 735):
    for 10\ :sup:`0.28 A_K`, with the extinction from its colours over the median of the
    field by NICER (Lombardi & Alves 2001, A&A, 377, 1023). What is seen in one band
    counts once. The significance is that of as many sources of weight one as have the
    same relative error.
    """

    threshold: float = 4.4
    bandwidth: u.Quantity = 30 * u.arcsec
    colors: bool = False

    def __post_init__(self):
        """Check the settings."""
        super().__post_init__()
        check_angle("bandwidth", self.bandwidth)
        check_flag("colors", self.colors)

    def search(self, field: SourceField) -> tuple[list[Candidate], np.ndarray]:
        """Find the peaks of the smoothed counts; see `BaselineFinder.search`."""
        width = self.bandwidth.to_value(u.arcsec)
        field = field.corrected() if self.colors else field
        significance = field.smoothed_significance(width)
        significance /= field.scatter(2 * width)
        return _peaks(self, field, significance, width), significance


@dataclass(frozen=True, kw_only=True)
class NearestNeighbourDensity(BaselineFinder):
    """
    Density from the distance of the j-th nearest neighbour.

    The unbiased estimate of the density at a position is (j - 1) over the area of the
    circle that reaches to its j-th source (Casertano & Hut 1985, ApJ, 298, 80), here
    that part of the circle which is usable. Peaks are the candidates (Schmeja 2011,
    AN, 332, 172).

    Parameters
    ----------
    neighbours : int
        The j, from 2.
    **settings
        Those of `BaselineFinder`.

    Notes
    -----
    The usual form is j = 20 and several standard deviations over the mean of the
    densities. Chosen here: densities at the middles of the cells, since a star sees
    itself; the local background; as score the Poisson significance of j - 1 sources
    in the circle, which rises with the density, divided by the scatter of the field
    at the typical radius of the circles.
    """

    threshold: float = 4.4
    neighbours: int = 30

    def __post_init__(self):
        """Check the settings."""
        super().__post_init__()
        check_count("neighbours", self.neighbours, minimum=2)

    def search(self, field: SourceField) -> tuple[list[Candidate], np.ndarray]:
        """Find the peaks of the density; see `BaselineFinder.search`."""
        if len(field) < self.neighbours:
            return [], np.zeros(field.shape)
        distance, _ = field.tree.query(field.centers, k=[self.neighbours])
        distance = np.maximum(distance.reshape(field.shape), 0.5)
        area = np.pi * (distance / field.cell) ** 2 * _usable_part(field, distance)
        expected = area * field.background
        significance = poisson_significance(self.neighbours - 1, expected)
        typical = float(np.median(distance[field.coverage > 0])) * field.pixel_side
        significance /= field.scatter(typical)
        return _peaks(self, field, significance, typical / 2), significance


def _usable_part(field, radius):
    """Return the usable fraction of circles of radii in pixels around the cells."""
    number = np.arange(SAMPLES) + 0.5
    angle, part = GOLDEN_ANGLE * number, np.sqrt(number / SAMPLES)
    row, column = np.indices(field.shape)
    padded = np.pad(field.coverage, 1)
    usable = np.zeros(field.shape)
    for along_x, along_y in zip(
        part * np.cos(angle), part * np.sin(angle), strict=True
    ):
        steps = radius / field.cell
        rows = np.clip(np.rint(row + along_y * steps) + 1, 0, padded.shape[0] - 1)
        columns = np.clip(np.rint(column + along_x * steps) + 1, 0, padded.shape[1] - 1)
        usable += padded[rows.astype(int), columns.astype(int)]
    return np.maximum(usable, 1) / SAMPLES


def _peaks(finder, field, significance, separation):
    return map_candidates(
        field, significance, threshold=finder.threshold, separation=separation
    )
