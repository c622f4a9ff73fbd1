# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Adaptive thresholds of a heat map, found by their tags."""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from astropy.stats import sigma_clipped_stats

from .registry import Registry
from .validation import check_fraction, check_number

__all__ = [
    "THRESHOLDS",
    "FixedThreshold",
    "PeakFraction",
    "SigmaClipped",
    "Threshold",
    "resolve_threshold",
]


class Threshold(ABC):
    """
    Base class of all rules that draw a threshold from a heat map.

    A subclass holds settings only. Register it with
    ``@THRESHOLDS.register("its-tag")``, or announce it in the entry-point group
    ``astro_vaeclust.thresholds``.
    """

    @abstractmethod
    def level(self, values):
        """
        Return the threshold; what lies above it is a region.

        Parameters
        ----------
        values : (n,) array
            The heat map in [0, 1] at the usable pixels.

        Returns
        -------
        level : float
            The threshold.
        """


THRESHOLDS = Registry(
    "threshold",
    base="astro_vaeclust.thresholds:Threshold",
    entry_point_group="astro_vaeclust.thresholds",
)


@THRESHOLDS.register("peak-fraction")
@dataclass(frozen=True, kw_only=True)
class PeakFraction(Threshold):
    """
    A fraction of the highest value of the heat map.

    There is always something above it, unless the heat map is flat.

    Parameters
    ----------
    fraction : float
        The fraction, in [0, 1).
    """

    fraction: float = 0.7

    def __post_init__(self):
        check_fraction("fraction", self.fraction)

    def level(self, values):
        """See `Threshold.level`."""
        return self.fraction * float(np.max(values))


@THRESHOLDS.register("sigma-clipped")
@dataclass(frozen=True, kw_only=True)
class SigmaClipped(Threshold):
    """
    So many standard deviations above the median of the heat map, both sigma-clipped.

    Parameters
    ----------
    n_sigma : float
        Number of standard deviations above the median, positive.
    least : float
        The threshold is never lower than this, in [0, 1).
    """

    n_sigma: float = 5.0
    least: float = 0.6

    def __post_init__(self):
        check_number("n_sigma", self.n_sigma, low_counts=False)
        check_fraction("least", self.least)

    def level(self, values):
        """See `Threshold.level`."""
        _, median, deviation = sigma_clipped_stats(values, sigma=3.0)
        return max(self.least, float(median + self.n_sigma * deviation))


@THRESHOLDS.register("fixed")
@dataclass(frozen=True, kw_only=True)
class FixedThreshold(Threshold):
    """
    The same value for every image.

    Parameters
    ----------
    value : float
        The threshold, in [0, 1).
    """

    value: float = 0.5

    def __post_init__(self):
        check_fraction("value", self.value)

    def level(self, values):
        """See `Threshold.level`."""
        return float(self.value)


def resolve_threshold(threshold):
    """
    Turn a tag, a number or an instance into a threshold.

    Parameters
    ----------
    threshold : str, float or `Threshold`
        A registered tag, a fixed value in [0, 1), or an instance.

    Returns
    -------
    threshold : `Threshold`
        The rule.

    Raises
    ------
    ValueError
        If no rule has this tag, or a number is out of range.
    TypeError
        If it is nothing of these.
    """
    if isinstance(threshold, numbers.Real) and not isinstance(threshold, bool):
        check_fraction("threshold", threshold)
        return FixedThreshold(value=float(threshold))
    return THRESHOLDS.resolve(threshold)
