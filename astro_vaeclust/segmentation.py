# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""From a heat map to regions, by the segmentation of photutils."""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from astropy.stats import sigma_clipped_stats
from photutils.segmentation import SegmentationImage, detect_sources
from photutils.utils.exceptions import NoDetectionsWarning

from .utils.registry import Registry
from .utils.validation import check_fraction, check_number
from .utils.warning import WARNINGS_LOCK, ignored_warnings

__all__ = [
    "THRESHOLDS",
    "FixedThreshold",
    "PeakFraction",
    "SigmaClipped",
    "Threshold",
]


def segment(heatmap, mask, threshold, *, n_pixels, n_largest=None):
    """
    Find the regions of a heat map above an adaptive threshold.

    Parameters
    ----------
    heatmap, mask : (ny, nx) array
        The heat map in [0, 1], and unusable pixels, which belong to no region.
    threshold : `~astro_vaeclust.segmentation.Threshold`
        The rule for the threshold.
    n_pixels : int
        Pixels that a region must have.
    n_largest : int, optional
        Keep only so many regions, those with the largest sum of the heat map.

    Returns
    -------
    segmentation : `~photutils.segmentation.SegmentationImage` or None
        The regions, labelled from 1 by falling sum of the heat map; None for none.
    """
    usable = heatmap[~mask]
    level = threshold.level(usable)
    if not usable.max() > level:
        return None
    with ignored_warnings(NoDetectionsWarning):
        found = detect_sources(heatmap, level, n_pixels, mask=mask)
    return None if found is None else _by_weight(found, heatmap, n_largest)


def _by_weight(segmentation, heatmap, n_largest):
    """Return regions labelled by falling sum of the heat map."""
    sums = np.bincount(segmentation.data.ravel(), weights=heatmap.ravel())
    order = segmentation.labels[np.argsort(-sums[segmentation.labels], kind="stable")]
    new_labels = np.zeros(len(sums), dtype=segmentation.data.dtype)
    kept = order[:n_largest]
    new_labels[kept] = np.arange(1, len(kept) + 1)
    return SegmentationImage(new_labels[segmentation.data])


class Threshold(ABC):
    """
    Base class of all rules that draw a threshold from a heat map.

    A subclass holds settings only. Register it with
    ``@THRESHOLDS.register("its-tag")``, or announce it in the entry-point group
    ``astro_vaeclust.segmentation``.
    """

    @abstractmethod
    def level(self, values: np.ndarray) -> float:
        """Return the threshold (float) for the heat map at usable pixels, ``(n,)``."""


THRESHOLDS = Registry("threshold", Threshold, "astro_vaeclust.segmentation")


@THRESHOLDS.register("peak-fraction")
@dataclass(frozen=True, kw_only=True)
class PeakFraction(Threshold):
    """
    A fraction of the height of the peak of the heat map above its sky, the median.

    There is always something above it, unless the heat map is flat.

    Parameters
    ----------
    fraction : float
        The fraction, in [0, 1).
    """

    fraction: float = 0.4

    def __post_init__(self):
        check_fraction("fraction", self.fraction)

    def level(self, values: np.ndarray) -> float:
        """See `Threshold.level`."""
        sky = float(np.median(values))
        return sky + self.fraction * (float(np.max(values)) - sky)


@THRESHOLDS.register("sigma-clipped")
@dataclass(frozen=True, kw_only=True)
class SigmaClipped(Threshold):
    """
    So many standard deviations above the median of the heat map, both sigma-clipped.

    Parameters
    ----------
    n_sigma : float
        Number of standard deviations above the median, positive.
    minimum : float
        The threshold is never lower than this, in [0, 1).
    """

    n_sigma: float = 5.0
    minimum: float = 0.6

    def __post_init__(self):
        check_number("n_sigma", self.n_sigma, low_counts=False)
        check_fraction("minimum", self.minimum)

    def level(self, values: np.ndarray) -> float:
        """See `Threshold.level`."""
        with WARNINGS_LOCK:
            _, median, deviation = sigma_clipped_stats(values, sigma=3.0)
        return max(self.minimum, float(median + self.n_sigma * deviation))


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

    def level(self, values: np.ndarray) -> float:
        """See `Threshold.level`."""
        return float(self.value)


def resolve_threshold(threshold):
    """
    Return the threshold of a registered tag, a fixed value in [0, 1), or itself.

    Raises ValueError or TypeError for what is none of these.
    """
    if isinstance(threshold, numbers.Real) and not isinstance(threshold, bool):
        check_fraction("threshold", threshold)
        return FixedThreshold(value=float(threshold))
    return THRESHOLDS.resolve(threshold)


def only(segmentation, labels):
    """Return a segmentation with some of its labels; None for none."""
    if segmentation is None or not len(labels):
        return None
    pixels = segmentation.data
    return SegmentationImage(np.where(np.isin(pixels, labels), pixels, 0))
