# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Outlines on the sky and on images."""

from __future__ import annotations

import numpy as np
from astropy.coordinates import SkyCoord

from ..images.hdus import quietly

__all__ = [
    "TangentPlane",
    "around",
    "corners",
    "degrees",
    "in_pixels",
    "on_sky",
    "vectors",
]

POINTS = 9
"""Positions along each side of an outline."""


def corners(wcs, shape):
    """Return the positions of the corners of an image, (4, 2) in deg."""
    x, y = shape[1] - 0.5, shape[0] - 0.5
    return on_sky(wcs, np.array([[-0.5, -0.5], [x, -0.5], [x, y], [-0.5, y]]))


def around(x, y):
    """Return positions around a rectangle, (n, 2)."""
    along = np.linspace(0, 1, POINTS)
    x, y = x[0] + along * (x[1] - x[0]), y[0] + along * (y[1] - y[0])
    one = np.ones(POINTS)
    sides = (
        (x, y[0] * one),
        (x[-1] * one, y),
        (x[::-1], y[-1] * one),
        (x[0] * one, y[::-1]),
    )
    return np.concatenate([np.column_stack(side) for side in sides])


def on_sky(wcs, pixels):
    """Return positions of pixels in ICRS, (n, 2) in deg."""
    with quietly():
        sky = wcs.pixel_to_world(*pixels.T).icrs
    return np.column_stack([sky.ra.deg, sky.dec.deg])


def in_pixels(wcs, sky):
    """Return the pixels of positions in ICRS, (n, 2)."""
    with quietly():
        return np.column_stack(wcs.world_to_pixel(SkyCoord(sky, unit="deg")))


def vectors(sky):
    """Return unit vectors of positions in deg, (n, 3)."""
    ra, dec = np.radians(sky).T
    return np.column_stack(
        [np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)]
    )


def degrees(vectors):
    """Return right ascension and declination of vectors in deg."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arctan2(z, np.hypot(x, y)))


class TangentPlane:
    """Gnomonic coordinates around a position, which is given in deg."""

    def __init__(self, ra, dec):
        ra, dec = np.radians([ra, dec])
        north = [-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)]
        self.middle = vectors(np.degrees([[ra, dec]]))[0]
        self.axes = np.array([[-np.sin(ra), np.cos(ra), 0.0], north])

    def project(self, positions):
        """Return the coordinates in deg of unit vectors, (n, 2)."""
        depth = np.maximum(positions @ self.middle, 1e-3)
        return np.degrees(positions @ self.axes.T / depth[:, None])

    def on_sky(self, plane):
        """Return the positions in deg of coordinates, (n, 2)."""
        return np.column_stack(degrees(self.middle + np.radians(plane) @ self.axes))
