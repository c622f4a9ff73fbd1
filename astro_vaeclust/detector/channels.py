# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The channels in which the network sees the pixels of bands."""

from __future__ import annotations

import numpy as np

__all__ = ["BAND_CHANNELS", "compress", "decompressed", "of_longest"]

BAND_CHANNELS = 3
"""Channels of an image in one band."""

COMPRESSION = 2.0
"""Significance at which the inverse hyperbolic sine turns from linear."""

RANGE = 3.0
"""Divisor that brings the compressed significance of stars to about one."""


def compress(significance, channel):
    """Write the compressed significance into a channel."""
    np.divide(significance, COMPRESSION, out=channel)
    np.arcsinh(channel, out=channel)
    channel /= RANGE


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
