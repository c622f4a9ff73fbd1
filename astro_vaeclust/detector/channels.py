# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The channels in which the network sees the pixels of bands, and their colours."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

from ..utils.bands import BANDS

__all__ = [
    "BAND_CHANNELS",
    "BAND_PAIRS",
    "color_excess",
    "composite",
    "compress",
    "decompressed",
    "of_longest",
]

BAND_CHANNELS = 3
"""Channels of an image in one band."""

BAND_PAIRS = ((0, 1), (1, 2), (0, 2))
"""Numbers of the bands of `color_excess`: J - H, H - Ks and J - Ks."""

SEEN, SURE = 2.0, 4.0
"""Mean significances of pixels with a colour, and of those that make the median."""

FAINTEST = 0.7
"""The least of the shorter band: what is fainter is as red as this at minimum."""

MIN_SURE = 30
"""Pixels that are enough for the median."""

EXCESSES = (-1.5, 3.0)
"""Range of excesses, in logarithms of fluxes."""

COMPRESSION = 2.0
"""Significance at which the inverse hyperbolic sine turns from linear."""

RANGE = 3.0
"""Divisor that brings the compressed significance of stars to about one."""


def compress(significance, channel):
    """Write the compressed significance into a channel."""
    np.divide(significance, COMPRESSION, out=channel)
    np.arcsinh(channel, out=channel)
    channel /= RANGE


def composite(inputs):
    """Return the ``channels`` of the ``inputs`` of a ``NetworkImage``."""
    if len(inputs) == BAND_CHANNELS:
        return inputs
    return of_longest(np.split(inputs[-BAND_CHANNELS * len(BANDS) :], len(BANDS)))


def color_excess(bands):
    """
    Return the colour excesses of pixels, as NICE takes them of stars.

    A colour is the natural logarithm of the ratio of the fluxes in 3 x 3 pixels. It
    counts from the median of the image, as in Lada et al. (1994, ApJ 429, 694), so that
    neither zero points nor depths of the bands matter.

    Parameters
    ----------
    bands : sequence of (3, ny, nx) array
        The channels of J, H and Ks, see `~astro_vaeclust.detector.grid.NetworkImage`.

    Returns
    -------
    excess : (3, ny, nx) float32 array
        Of ``BAND_PAIRS``; zero where the longer band shows nothing or one is missing.
    """
    light = [_smoothed_light(band) for band in bands]
    excess = np.zeros((len(BAND_PAIRS), *bands[0].shape[1:]), dtype=np.float32)
    for number, pair in enumerate(BAND_PAIRS):
        short, long = (light[band] for band in pair)
        if short is None or long is None:
            continue
        usable = (bands[pair[0]][2] > 0) & (bands[pair[1]][2] > 0)
        seen = usable & (long > SEEN)
        color = np.log(long[seen]) - np.log(np.maximum(short[seen], FAINTEST))
        sure = (long[seen] > SURE) & (short[seen] > SURE)
        if sure.sum() < MIN_SURE:
            continue
        color -= np.median(color[sure])
        excess[number, seen] = np.clip(color, *EXCESSES)
    return excess


def _smoothed_light(band):
    """Return the mean significance of 3 x 3 pixels; None for a band without any."""
    return uniform_filter(decompressed(band[0]), 3) if band[2].any() else None


def decompressed(compressed):
    """Return the significance that was compressed."""
    return COMPRESSION * np.sinh(RANGE * compressed.astype(np.float32))


def of_longest(bands):
    """Return arrays, usable where the third is not zero, of the longest band there."""
    *others, longest = bands
    chosen = longest.copy()
    for band in reversed(others):
        missing = chosen[2] == 0
        chosen[:, missing] = band[:, missing]
    return chosen
