# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Pictures of pixels in grey and in colour, without matplotlib."""

from __future__ import annotations

import base64
import struct
import zlib
from io import BytesIO

import numpy as np
from astropy.visualization import ZScaleInterval, make_lupton_rgb

__all__ = [
    "as_grey",
    "as_webp",
    "image_limits",
    "in_colour",
    "png_url",
    "reduced",
    "step_to",
]

SOFTENING = 0.1
"""Fraction of the range below which the asinh stretch is linear."""

COLOUR_STRETCH, COLOUR_Q = 5, 8
"""Significance at which pictures in colour are bright, and how far they compress."""

SMALL = 64
"""Pixels of the side of a picture up to which WebP is without loss."""

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


def in_colour(red, green, blue):
    """
    Join pixels of three bands to a picture in colour, as Lupton et al. (2004).

    Parameters
    ----------
    red, green, blue : (ny, nx) array
        Significances: pixels minus the sky over the noise of the band, from the bottom
        row up; NaN where they are masked.

    Returns
    -------
    picture : (ny, nx, 3) uint8 array
        From the top row down.
    """
    bands = [np.nan_to_num(band[::-1]) for band in (red, green, blue)]
    return make_lupton_rgb(*bands, minimum=-1, stretch=COLOUR_STRETCH, Q=COLOUR_Q)


def as_webp(picture):
    """Return a picture, (ny, nx) or (ny, nx, 3) uint8 array, as a WebP file (bytes)."""
    from PIL import Image

    file = BytesIO()
    is_small = max(picture.shape) <= SMALL
    Image.fromarray(picture).save(file, "webp", quality=80, method=2, lossless=is_small)
    return file.getvalue()


def step_to(shape, side):
    """Return the side of the blocks that `reduced` averages (int)."""
    return -(-max(shape) // side)


def reduced(pixels, side):
    """Return means of square blocks, so that no side is longer than ``side``."""
    step = step_to(pixels.shape, side)
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
