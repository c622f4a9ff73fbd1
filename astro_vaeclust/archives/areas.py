# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Areas of the sky that archives are asked for."""

from __future__ import annotations

from dataclasses import dataclass

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS

from ..images.celestial import celestial_wcs
from ..utils.warning import WARNINGS_LOCK

__all__ = ["Box", "Cone", "Footprint"]


@dataclass(frozen=True, eq=False)
class Cone:
    """
    All positions within an angle of a centre.

    Parameters
    ----------
    center : `~astropy.coordinates.SkyCoord`
        The centre, a scalar, ICRS.
    radius : `~astropy.units.Quantity`
        The angle.
    """

    center: SkyCoord
    radius: u.Quantity

    @classmethod
    def from_center(cls, center: SkyCoord, radius: u.Quantity) -> Cone:
        """Return a cone after a check that ``radius`` is a positive angle."""
        return cls(center.icrs, _angle("radius", radius))

    def __str__(self):
        return f"cone {_position(self.center)} radius {_text(self.radius)}"

    def cone(self) -> Cone:
        """Return the smallest cone with all of the area: itself."""
        return self

    def contains(self, sky: SkyCoord) -> np.ndarray:
        """Return a mask of the coordinates inside ((n,) array of bool)."""
        return np.asarray(self.center.separation(sky) <= self.radius)


@dataclass(frozen=True, eq=False)
class Box:
    """
    A box about a centre, with sides along right ascension and declination.

    Parameters
    ----------
    center : `~astropy.coordinates.SkyCoord`
        The centre, a scalar, ICRS.
    width, height : `~astropy.units.Quantity`
        Angles of the sides.
    """

    center: SkyCoord
    width: u.Quantity
    height: u.Quantity

    @classmethod
    def from_center(cls, center, size):
        """Return a box after a check that ``size`` is one positive angle or two."""
        shape = np.shape(size)
        if shape == ():
            width = height = _angle("size", size)
        elif shape == (2,):
            width, height = (_angle("size", side) for side in size)
        else:
            raise ValueError(
                f"size must be an angle or a pair (width, height), got {size!r}"
            )
        return cls(center.icrs, width, height)

    def __str__(self):
        size = f"{_text(self.width)} x {_text(self.height)}"
        return f"box {_position(self.center)} size {size}"

    def cone(self):
        """Return the smallest cone with all of the area."""
        return Cone(self.center, self.center.separation(self.grid(2)).max())

    def contains(self, sky):
        """Return a mask of the coordinates inside ((n,) array of bool)."""
        right, up = self.center.spherical_offsets_to(sky.icrs)
        inside = (abs(right) <= self.width / 2) & (abs(up) <= self.height / 2)
        return np.asarray(inside)

    def grid(self, n=9):
        """Return n x n positions that cover the box evenly, corners included."""
        across, along = np.meshgrid(
            np.linspace(-0.5, 0.5, n), np.linspace(-0.5, 0.5, n)
        )
        return self.center.spherical_offsets_by(
            (across * self.width).ravel(), (along * self.height).ravel()
        )

    def wcs(self, pixel_scale):
        """
        Return a WCS (TAN) of the box with north up, east left and its ``array_shape``.

        ``pixel_scale`` is the side of a pixel, an angle.
        """
        scale = pixel_scale.to_value(u.deg)
        sides = (self.height.to_value(u.deg), self.width.to_value(u.deg))
        shape = tuple(max(1, round(side / scale)) for side in sides)
        with WARNINGS_LOCK:
            wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.cunit = ["deg", "deg"]
        wcs.wcs.crval = [self.center.ra.deg, self.center.dec.deg]
        wcs.wcs.crpix = [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
        wcs.wcs.cdelt = [-scale, scale]
        wcs.wcs.radesys = "ICRS"
        wcs.wcs.set()
        wcs.array_shape = shape
        return wcs


@dataclass(frozen=True, eq=False)
class Footprint:
    """
    The pixels of an image.

    Parameters
    ----------
    wcs : `~astropy.wcs.WCS`
        Two celestial axes.
    shape : (int, int)
        Shape (ny, nx).
    """

    wcs: WCS
    shape: tuple[int, int]

    @classmethod
    def from_image(cls, image):
        """Return that of an NDData after a check of its WCS."""
        shape = np.shape(image.data)
        if len(shape) != 2 or 0 in shape:
            raise ValueError(f"region must be an image of two axes, got shape {shape}")
        return cls(celestial_wcs(image.wcs, shape), shape)

    def __str__(self):
        cone = self.cone()
        return f"image of shape {self.shape} about {_position(cone.center)}"

    def cone(self):
        """Return a cone with all of the area, about the central pixel."""
        ny, nx = self.shape
        center = self.wcs.pixel_to_world((nx - 1) / 2, (ny - 1) / 2).icrs
        x, y = _edge(nx, ny)
        return Cone(center, center.separation(self.wcs.pixel_to_world(x, y)).max())

    def contains(self, sky):
        """Return a mask of the coordinates inside ((n,) array of bool)."""
        inside = self.cone().contains(sky)  # far positions can have no pixel
        x, y = self.wcs.world_to_pixel(sky[inside])
        ny, nx = self.shape
        on_pixels = (x >= -0.5) & (x <= nx - 0.5) & (y >= -0.5) & (y <= ny - 0.5)
        inside[inside] = on_pixels
        return inside


def _edge(nx, ny, n=33):
    """Return pixel coordinates along the outer edge of an image."""
    across, along = np.linspace(-0.5, nx - 0.5, n), np.linspace(-0.5, ny - 0.5, n)
    low, left = np.full(n, -0.5), np.full(n, -0.5)
    high, right = np.full(n, ny - 0.5), np.full(n, nx - 0.5)
    return (
        np.concatenate([across, across, left, right]),
        np.concatenate([low, high, along, along]),
    )


def _angle(argument, value):
    """Return a positive scalar angle, or raise an error that names the argument."""
    message = f"{argument} must be a positive angle such as 5 * u.arcmin, got {value!r}"
    if not isinstance(value, u.Quantity):
        raise TypeError(message)
    is_angle = value.isscalar and value.unit.is_equivalent(u.deg)
    if not (is_angle and np.isfinite(value) and value > 0):
        raise ValueError(message)
    return u.Quantity(value, dtype=float)


def _position(center):
    return f"{center.ra.deg:.6f} {center.dec.deg:+.6f}"


def _text(angle):
    return f"{angle.to_value(u.arcmin):.6g} arcmin"
