# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Circles on an image, and what is said of them."""

from __future__ import annotations

import numpy as np

__all__ = ["circle"]


SOURCE_SIGNIFICANCE = 5.0


BRIGHT_STAR_SIGNIFICANCE = 5000.0


BRIGHT_STAR_RADII = 1.5


MASKED_FRACTION = 0.1


LARGE_FRACTION = 0.25


DEFAULT_FWHM = 3.0
"""Full width at half maximum of a star in pixels, where it is not known."""


def circle(shape, center, radius):
    """
    Cut out a circle.

    Parameters
    ----------
    shape : tuple of int
        Of the image, in y and x.
    center : (2,) array
        Centre in pixels, x and y.
    radius : float
        Radius in pixels; at least one is taken.

    Returns
    -------
    place : tuple of slice
        The part of the image that holds it.
    inside : bool array
        Which pixels of the part are in it.
    """
    center = np.asarray(center)[::-1]
    low = np.maximum(np.floor(center - radius).astype(int), 0)
    high = np.minimum(np.ceil(center + radius).astype(int) + 1, shape)
    low = np.minimum(low, np.maximum(high - 1, 0))
    y, x = np.ogrid[low[0] : high[0], low[1] : high[1]]
    distance = np.hypot(y - center[0], x - center[1])
    place = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    return place, distance <= max(radius, 1.0)
