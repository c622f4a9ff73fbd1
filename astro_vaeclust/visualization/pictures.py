# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Grey pictures of pixels, without matplotlib."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from astropy.visualization import ZScaleInterval

__all__ = ["as_grey", "image_limits", "png_url", "reduced"]

SOFTENING = 0.1
"""Fraction of the range below which the asinh stretch is linear."""

MASKED_GREY = 70
"""Grey level of pixels that are NaN."""


def image_limits(pixels):
    """Return the values of black and white: zscale, with room at the bright end."""
    finite = pixels[np.isfinite(pixels)]
    low, high = ZScaleInterval().get_limits(finite) if finite.size else (0, 1)
    return low, low + 4 * (high - low) or 1


def as_grey(pixels, limits=None):
    """
    Turn pixels into grey levels with an asinh stretch.

    Parameters
    ----------
    pixels : (ny, nx) array
        From the bottom row up; NaN where they are masked.
    limits : (float, float), optional
        Values of black and white; by default the `image_limits`.

    Returns
    -------
    grey : (ny, nx) uint8 array
        From the top row down, as pictures are.
    """
    low, high = image_limits(pixels) if limits is None else limits
    part = np.clip((pixels - low) / ((high - low) or 1), 0, 1)
    levels = 255 * np.arcsinh(part / SOFTENING) / np.arcsinh(1 / SOFTENING)
    levels = np.where(np.isfinite(levels), levels, MASKED_GREY)
    return np.ascontiguousarray(np.rint(levels[::-1]).astype(np.uint8))


def reduced(pixels, side):
    """Return means of square blocks, so that no side is longer than ``side``."""
    step = -(-max(pixels.shape) // side)
    if step == 1:
        return pixels
    ny, nx = (n // step or 1 for n in pixels.shape)
    blocks = pixels[: ny * step, : nx * step]
    blocks = blocks.reshape(ny, -1, nx, blocks.shape[1] // nx)
    count = np.isfinite(blocks).sum(axis=(1, 3))
    total = np.nansum(blocks, axis=(1, 3))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def png_url(grey):
    """Return a PNG of grey levels, (ny, nx) uint8 array, as a data URL."""
    ny, nx = grey.shape
    rows = np.pad(grey, [(0, 0), (1, 0)])  # each begins with its filter: none
    header = struct.pack(">IIBBBBB", nx, ny, 8, 0, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (
            (b"IHDR", header),
            (b"IDAT", zlib.compress(rows.tobytes(), 9)),
            (b"IEND", b""),
        )
    )
    return "data:image/png;base64," + base64.b64encode(png).decode()
