# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Pictures of pixels in grey and in colour, without matplotlib."""

from __future__ import annotations

import base64
import struct
import zlib
from io import BytesIO

import numpy as np
from astropy.stats import mad_std
from astropy.visualization import ZScaleInterval, make_lupton_rgb

__all__ = [
    "as_grey",
    "as_webp",
    "image_limits",
    "in_colour",
    "png_url",
    "reduced",
    "shown_pixels",
    "step_to",
    "unmasked_pixels",
]

SOFTENING = 0.1
"""Fraction of the range below which the asinh stretch is linear."""

COLOUR_STRETCH, COLOUR_Q = 5, 8
"""Significance at which pictures in colour are bright, and how far they compress."""

BRIGHT = 99
"""Percentile of the pixels of a band that stars set."""

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


def in_colour(*bands):
    """
    Join pixels of two or three bands to a picture in colour, as Lupton et al. (2004).

    Parameters
    ----------
    *bands : (ny, nx) array
        Significances from red to blue, from the bottom row up; NaN where they are
        masked. Of two bands, green is the mean.

    Returns
    -------
    picture : (ny, nx, 3) uint8 array
        From the top row down.
    """
    red, *green, blue = (np.nan_to_num(band[::-1]) for band in bands)
    green = green[0] if green else (red + blue) / 2
    picture = make_lupton_rgb(
        red, green, blue, minimum=-1, stretch=COLOUR_STRETCH, Q=COLOUR_Q
    )
    picture[np.isnan(bands).all(axis=0)[::-1]] = MASKED_GREY
    return picture


def unmasked_pixels(image):
    """Return the pixels as float64, NaN where they are masked."""
    pixels = np.array(image.data, dtype=np.float64)
    if image.mask is not None:
        pixels[np.broadcast_to(image.mask, pixels.shape)] = np.nan
    return pixels


def shown_pixels(image, cut=unmasked_pixels):
    """
    Return what is shown of an image.

    Parameters
    ----------
    image : `~astro_vaeclust.images.image.Image` or `~astropy.nddata.NDData`
        The image.
    cut : callable
        Returns the pixels of an image that are wanted, NaN where they are masked.

    Returns
    -------
    pixels : (ny, nx) float array or (ny, nx, 3) uint8 array
        From the bottom row up. Of several bands a picture in colour, in which longer
        wavelengths are redder and the bright pixels of the bands equally strong.
    """
    bands = getattr(image, "bands", None)
    if not bands:
        return cut(image)
    layers = [_significance(cut(one), one) for one in reversed(bands.values())]
    bright = np.array([_bright(one) for one in reversed(bands.values())])
    balance = bright.min() / bright
    return in_colour(*(a * b for a, b in zip(balance, layers, strict=True)))[::-1]


def _significance(pixels, image):
    """Return pixels of an `Image` minus its median, over its robust scatter."""
    return (pixels - np.median(image.sample)) / (mad_std(image.sample) or 1)


def _bright(image):
    """Return the significance of the bright pixels of an `Image`, those of stars."""
    return np.percentile(_significance(image.sample, image), BRIGHT)


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


def png_url(picture):
    """Return a PNG of a picture, (ny, nx) or (ny, nx, 3) uint8 array, as a data URL."""
    ny, nx = picture.shape[:2]
    kind = 0 if picture.ndim == 2 else 2  # grey or colour
    rows = np.pad(picture.reshape(ny, -1), [(0, 0), (1, 0)])  # each with filter: none
    header = struct.pack(">IIBBBBB", nx, ny, 8, kind, 0, 0, 0)
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
