# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Pixels without data: blank margins, zero-filled sky, dead rows.

Values that stand for "no data" are told by being far below the sky and shared by many
pixels, wherever these are.

Areas without noise are found in boxes, whose plain standard deviation is compared with
the noise of the image: stars and structure only raise the former, so that sky is never
below. Their rims are found pixel by pixel. Areas of one value may be any part of the
image, those with some noise of their own must be less than half.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import (
    binary_dilation,
    maximum_filter,
    minimum_filter,
    uniform_filter,
)

__all__ = [
    "BOX",
    "REACH",
    "blank_values",
    "box_spreads",
    "dead_boxes",
    "dead_pixels",
]

BLANK_DEPTH = 10
"""Noise below the sky from which on a value may stand for "no data"."""

BLANK_COUNT = 16
"""Pixels of a sample that then share it."""

OVERFLOWING = 1e19
"""Values from which on squares exceed single precision."""

BLANK_PEAK = 10
"""Times as many as share it may have neither it nor one 3 times the noise away."""

BOX = 16
"""Side of a box in pixels; smaller ones may be without a count by chance."""

DEAD = 1 / 8
"""Standard deviation over the noise of the image below which a box is dead: that of
sky is 0.3 or more on crowded, resampled and digitised images, of margins 0.1."""

MIN_USABLE = BOX**2 // 4
"""Usable pixels that tell of a box."""

SAMPLE = 512
"""Boxes that are enough for the noise of the image."""

WINDOW = 5
"""Side in pixels of the windows that tell the rims of dead areas."""

RANGE = 1 / 2
"""Difference of the extremes of a dead window, at most, over the noise of the image;
about 4 standard deviations, so that it is 4 times `DEAD`."""

REACH = WINDOW - 1
"""Pixels beyond a part of an image on which its dead pixels depend."""


def blank_values(sample):
    """
    Find the values that stand for "no data", such as the zeros of a dead column.

    Parameters
    ----------
    sample : (n,) array
        Pixels that stand for all of an image.

    Returns
    -------
    values : (m,) array
        Those far below the sky, or beyond ``OVERFLOWING``, that many pixels share, and
        few others come near; dark places of an image of integers have many near ones.
    """
    values, counts = np.unique(sample, return_counts=True)
    others = sample[sample != values[counts.argmax()]] if sample.size else sample
    if not others.size:
        return others
    sky = np.median(others)
    noise = 1.4826 * np.median(np.abs(others - sky))
    is_far = (values < sky - BLANK_DEPTH * noise) | (values > OVERFLOWING)
    found = is_far & (counts >= BLANK_COUNT)
    values, counts, known = values[found], counts[found], np.sort(sample)
    near = known.searchsorted(values + 3 * noise, "right")
    near -= known.searchsorted(values - 3 * noise)
    return values[(counts > BLANK_PEAK * (near - counts)) & (noise > 0)]


def box_spreads(pixels, mask, every):
    """
    Measure the boxes of an image.

    Parameters
    ----------
    pixels : (ny, nx) array
        Pixels.
    mask : (ny, nx) bool array
        Unusable ones.
    every : int
        One box of so many tells the noise of the image.

    Returns
    -------
    spreads : (rows, columns) array
        Standard deviations, NaN where too few pixels can be used.
    noises : (n,) array
        Of one box of so many the standard deviation by way of the median deviation, or
        the plain one where most pixels are alike, as coarse counts are; positive.
    """
    values = _boxes(np.where(mask, np.float32(0), pixels))
    usable = _boxes(~mask)
    scale = max(np.abs(values).max(), np.finfo(np.float32).tiny)  # squares overflow
    values /= scale
    number = usable.sum(axis=3, dtype=np.int32).sum(axis=1)
    means = values.sum(axis=3).sum(axis=1) / np.maximum(number, 1)
    values -= means[:, None, :, None].astype(np.float32)
    values *= usable
    squares = np.einsum("ijkl,ijkl->ik", values, values)
    spreads = np.sqrt(squares / np.maximum(number, 1)) * scale
    rounding = 4 * np.finfo(np.float32).eps * scale * np.abs(means)
    spreads[spreads <= rounding] = 0
    spreads[number < MIN_USABLE] = np.nan
    chosen = (number >= MIN_USABLE).ravel()
    chosen &= np.arange(chosen.size) % every == 0
    sample = values.swapaxes(1, 2).reshape(-1, BOX**2)[chosen]
    if number.ravel()[chosen].min(initial=BOX**2) == BOX**2:
        median = np.median  # much faster than the one for NaN
    else:
        median = np.nanmedian
        sample[~usable.swapaxes(1, 2).reshape(-1, BOX**2)[chosen]] = np.nan
    deviations = np.abs(sample - median(sample, axis=1, keepdims=True))
    noises = 1.4826 * scale * median(deviations, axis=1)
    noises = np.where(noises > 0, noises, spreads.ravel()[chosen])
    return spreads, noises[noises > 0]


def _boxes(values):
    """Return values in boxes, (rows, BOX, columns, BOX), zero beyond the image."""
    margins = [(0, -side % BOX) for side in values.shape]
    if np.any(margins):
        values = np.pad(values, margins)
    return values.reshape(values.shape[0] // BOX, BOX, -1, BOX)


def dead_boxes(spreads, noises):
    """Return which boxes are dead, and the noise of the image (zero without any)."""
    noise = np.median(noises) if noises.size else 0.0
    return spreads < DEAD * noise, noise


def dead_pixels(boxes, noise, pixels, mask, corner):
    """
    Return the pixels of a part of an image that are dead.

    Parameters
    ----------
    boxes : (rows, columns) bool array
        Dead boxes of the image.
    noise : float
        Noise of the image.
    pixels, mask : (ny, nx) array
        The part, and its unusable pixels.
    corner : tuple of int
        Row and column of the image at which it begins.

    Returns
    -------
    dead : (ny, nx) bool array
        Pixels of dead boxes, and within two boxes of those in windows that are dead.
    """
    row, column = (
        np.arange(start, start + side) // BOX
        for start, side in zip(corner, pixels.shape, strict=True)
    )
    near = binary_dilation(boxes, np.ones((5, 5), bool))[np.ix_(row, column)]
    if not near.any():
        return near
    highest = maximum_filter(np.where(mask, -np.inf, pixels), WINDOW)
    lowest = minimum_filter(np.where(mask, np.inf, pixels), WINDOW)
    with np.errstate(invalid="ignore"):
        windows = highest - lowest < RANGE * noise
    windows &= uniform_filter((~mask).astype(np.float32), WINDOW) > 0.5
    return boxes[np.ix_(row, column)] | near & maximum_filter(windows, WINDOW)
