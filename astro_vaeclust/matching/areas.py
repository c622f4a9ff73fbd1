# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Areas of the sky: what they contain, their size, and how two of them overlap."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord

from ..images.celestial import pixel_area

__all__ = [
    "CircleArea",
    "DifferenceArea",
    "HullArea",
    "PixelArea",
    "RegionArea",
    "SkyArea",
]

GRID_SIDE = 401
"""Points along a side of the grid on which areas are summed; odd: one is the centre."""

LARGEST_SPREAD = 60 * u.deg
"""Sources farther than this from their mean direction are refused."""

ARCSEC2 = u.arcsec**2


class SkyArea(ABC):
    """
    An area of the sky.

    Subclasses have ``center`` (a scalar `~astropy.coordinates.SkyCoord`) and ``reach``
    (the angle from there beyond which nothing of the area lies).
    """

    @abstractmethod
    def contains(self, sky):
        """Return a mask of the positions that lie in the area (bool array)."""

    @cached_property
    def area(self):
        """Size of the area in arcsec2 (`~astropy.units.Quantity`)."""
        cells, weights = grid(self.center, self.reach)
        return weights[self.contains(cells)].sum() * ARCSEC2

    @property
    def radius(self):
        """Radius in arcsec of the circle with this area."""
        return np.sqrt(self.area / np.pi).to(u.arcsec)


class CircleArea(SkyArea):
    """
    A circle on the sphere.

    Parameters
    ----------
    center : `~astropy.coordinates.SkyCoord`
        Its centre.
    radius : `~astropy.units.Quantity`
        Its radius; the rim belongs to it.
    """

    def __init__(self, center, radius):
        self.center = center.icrs
        self.reach = radius.to(u.arcsec)

    def contains(self, sky):
        """Return a mask of the positions in the circle (bool array)."""
        return self.center.separation(sky) <= self.reach

    @cached_property
    def area(self):
        """Size of the spherical cap in arcsec2 (`~astropy.units.Quantity`)."""
        half = np.sin(self.reach.to_value(u.rad) / 2)
        return (4 * np.pi * half**2 * u.sr).to(ARCSEC2)

    @property
    def radius(self):
        """Radius in arcsec (`~astropy.units.Quantity`)."""
        return self.reach


class RegionArea(SkyArea):
    """
    A region of the package regions.

    Parameters
    ----------
    region : `~regions.PixelRegion`
        The region in pixels.
    wcs : `~astropy.wcs.WCS`
        From the sky to those pixels.

    Raises
    ------
    ValueError
        If the region has no extent.
    """

    def __init__(self, region, wcs):
        self._region = region
        self._wcs = wcs
        box = region.bounding_box
        corners = wcs.pixel_to_world(
            np.array([box.ixmin, box.ixmin, box.ixmax, box.ixmax]) - 0.5,
            np.array([box.iymin, box.iymax, box.iymin, box.iymax]) - 0.5,
        ).icrs
        self.center = mean_direction(corners)
        self.reach = self.center.separation(corners).max().to(u.arcsec)
        if not self.area > 0:
            raise ValueError(f"reference has no extent: {region!r}")

    def contains(self, sky):
        """Return a mask of the positions in the region (bool array)."""
        from regions import PixCoord

        x, y = self._wcs.world_to_pixel(sky)
        known = np.isfinite(x) & np.isfinite(y)
        pixels = PixCoord(np.where(known, x, 0), np.where(known, y, 0))
        return known & self._region.contains(pixels)


class DifferenceArea(SkyArea):
    """
    An area less others.

    Parameters
    ----------
    whole : SkyArea
        The area.
    holes : list of SkyArea
        What does not belong to it.

    Raises
    ------
    ValueError
        If nothing is left.
    """

    def __init__(self, whole, holes):
        self._whole, self._holes = whole, holes
        self.center, self.reach = whole.center, whole.reach
        if not self.area > 0:
            raise ValueError("reference has no extent: it is all excluded")

    def contains(self, sky):
        """Say which positions lie in the area and in no hole (bool array)."""
        holes = [hole.contains(sky) for hole in self._holes]
        return self._whole.contains(sky) & ~np.any(holes, axis=0)


class PixelArea(SkyArea):
    """
    The pixels of an image that are set in a mask.

    A position belongs to the pixel that it falls in, and to the area if that pixel
    does.

    Parameters
    ----------
    pixels : (ny, nx) bool array
        The pixels of the area, at least one.
    wcs : `~astropy.wcs.WCS`
        The WCS of the image.

    Raises
    ------
    ValueError
        If no pixel is set.
    """

    def __init__(self, pixels, wcs):
        self._pixels = np.asarray(pixels, dtype=bool)
        self._wcs = wcs
        y, x = np.nonzero(self._pixels)
        if not x.size:
            raise ValueError("a mask of the sky has no pixel that is set")
        self.center = wcs.pixel_to_world(x.mean(), y.mean()).icrs
        farthest = np.hypot(x - x.mean(), y - y.mean()).max() + 1
        edge = np.linspace(0, 2 * np.pi, 8, endpoint=False)
        around = wcs.pixel_to_world(
            x.mean() + farthest * np.cos(edge), y.mean() + farthest * np.sin(edge)
        )
        self.reach = 1.1 * self.center.separation(around.icrs).max().to(u.arcsec)

    def contains(self, sky):
        """Return a mask of the positions on a pixel of the area (bool array)."""
        x, y = self._wcs.world_to_pixel(sky)
        ny, nx = self._pixels.shape
        on_image = (x > -0.5) & (x < nx - 0.5) & (y > -0.5) & (y < ny - 0.5)
        columns, rows = (
            np.where(on_image, np.rint(np.nan_to_num(axis)), 0).astype(int)
            for axis in (x, y)
        )
        return on_image & self._pixels[rows, columns]

    @cached_property
    def area(self):
        """Number of pixels times their area in arcsec2, as the finders measure it."""
        y, x = np.nonzero(self._pixels)
        pixel = u.Quantity(pixel_area(self._wcs, x.mean(), y.mean()), u.deg**2)
        return (x.size * pixel).to(ARCSEC2)


class HullArea(SkyArea):
    """
    The convex hull of positions: the sky that a catalogue covers.

    Parameters
    ----------
    sky : `~astropy.coordinates.SkyCoord`
        Positions, 1-dimensional, at least one. Fewer than three, or all on a line,
        have a hull without area.

    Raises
    ------
    ValueError
        If they spread over more of the sky than fits on a tangential plane.
    """

    def __init__(self, sky):
        self.center = mean_direction(sky)
        self._frame = self.center.skyoffset_frame()
        distances = self.center.separation(sky)
        self.reach = distances.max().to(u.arcsec)
        if self.reach > LARGEST_SPREAD:
            raise ValueError(
                f"sources spread over {2 * self.reach.to(u.deg):.0f} of the sky; give "
                "those around the clusters"
            )
        self._equations = self._hull(self._plane(sky))

    def contains(self, sky):
        """Return a mask of the positions in the hull (bool array)."""
        if self._equations is None:
            return np.zeros(sky.shape, dtype=bool)
        near = self.center.separation(sky) < 1.5 * LARGEST_SPREAD
        inside = np.array(near)  # gnomonic positions of the far side mean nothing
        points = self._plane(sky[near])
        normals, offsets = self._equations[:, :2], self._equations[:, 2]
        inside[near] = (points @ normals.T + offsets <= 1e-12).all(axis=-1)
        return inside

    def _plane(self, sky):
        """Gnomonic projection, in which great circles are straight, (..., 2)."""
        offset = sky.transform_to(self._frame)
        lon, lat = offset.lon.rad, offset.lat.rad
        return np.stack([np.tan(lon), np.tan(lat) / np.cos(lon)], axis=-1)

    @staticmethod
    def _hull(points):
        from scipy.spatial import ConvexHull, QhullError

        try:
            return ConvexHull(points).equations
        except (QhullError, ValueError):
            return None


def mean_direction(sky):
    """Return the mean direction of positions (scalar SkyCoord, ICRS)."""
    xyz = sky.icrs.cartesian.xyz.value.reshape(3, -1).mean(axis=1)
    mean = SkyCoord(*xyz, representation_type="cartesian", frame="icrs")
    mean.representation_type = "unitspherical"
    return SkyCoord(mean.ra, mean.dec, frame="icrs")


def grid(center, reach, side=GRID_SIDE):
    """
    Return the points of a square grid on the sky, and the sky that each stands for.

    The grid has ``side`` points along each side and reaches ``reach`` (an angle) from
    its centre. The points are ICRS, the solid angles in arcsec2; both are (side**2,).
    """
    step = 2 * reach.to(u.arcsec) / side
    offsets = (np.arange(side) - (side - 1) / 2) * step
    lon, lat = (axis.ravel() for axis in np.meshgrid(offsets, offsets))
    weights = step.value**2 * np.cos(lat).value
    return center.spherical_offsets_by(lon, lat), weights


def shared_and_joint(first, second):
    """
    Return the areas of intersection and union of two areas (Quantity, arcsec2).

    Both are summed over one grid, so that an area shares exactly all of itself with
    itself. Away from that, the error is a few 1e-4 of the area of equally large
    circles.
    """
    separation = first.center.separation(second.center)
    if separation > first.reach + second.reach:
        return 0 * ARCSEC2, first.area + second.area
    cells, weights = grid(*around(first, second))
    in_first, in_second = first.contains(cells), second.contains(cells)
    return (
        weights[in_first & in_second].sum() * ARCSEC2,
        weights[in_first | in_second].sum() * ARCSEC2,
    )


def around(first, second):
    """Return centre and radius of a circle that holds two areas."""
    separation = first.center.separation(second.center).to(u.arcsec)
    larger, smaller = sorted((first, second), key=lambda one: one.reach, reverse=True)
    if separation + smaller.reach <= larger.reach:
        return larger.center, larger.reach
    reach = (separation + first.reach + second.reach) / 2
    angle = first.center.position_angle(second.center)
    return first.center.directional_offset_by(angle, reach - first.reach), reach
