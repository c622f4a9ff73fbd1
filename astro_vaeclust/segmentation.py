# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""From a heat map to regions, by the segmentation of photutils."""

from __future__ import annotations

import warnings

import numpy as np
from photutils.segmentation import SegmentationImage, detect_sources
from photutils.utils.exceptions import NoDetectionsWarning

__all__ = ["segment"]


def segment(heatmap, mask, threshold, *, n_pixels, n_largest=None):
    """
    Find the regions of a heat map above an adaptive threshold.

    Parameters
    ----------
    heatmap : (ny, nx) array
        The heat map in [0, 1].
    mask : (ny, nx) bool array
        Unusable pixels; they belong to no region.
    threshold : `~astro_vaeclust.thresholds.Threshold`
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        found = detect_sources(heatmap, level, n_pixels, mask=mask)
    return None if found is None else _by_weight(found, heatmap, n_largest)


def _by_weight(segmentation, heatmap, n_largest):
    """Label regions anew by falling sum of the heat map."""
    sums = np.bincount(segmentation.data.ravel(), weights=heatmap.ravel())
    order = segmentation.labels[np.argsort(-sums[segmentation.labels], kind="stable")]
    new_labels = np.zeros(len(sums), dtype=segmentation.data.dtype)
    kept = order[:n_largest]
    new_labels[kept] = np.arange(1, len(kept) + 1)
    return SegmentationImage(new_labels[segmentation.data])
