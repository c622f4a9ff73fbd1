# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The sky cut into fields by a fixed grid, and the pixels that a field sees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from ..detector.grid import FINE, NetworkGrid
from ..images.celestial import middle
from ..images.hdus import quietly
from ..utils.warning import WARNINGS_LOCK
from .geometry import TangentPlane, around, degrees, in_pixels, on_sky, vectors

__all__ = [
    "Field",
    "Frame",
    "SkyGrid",
    "SurveyGrid",
    "fields_of",
    "pixel_grid",
]

SIDES = (0.5, 0.25, 0.125, 0.0625)
"""Sides of a field in deg; the first is taken whose frames are small enough."""

BINNING = 4
"""Fields along a side of a cell, and of their pixels along one of a cell's pixels."""

LEVELS = 2
"""Levels that are searched on a frame: of the last, it still sees half the margin."""

MAX_FRAME = 4096
"""Side in pixels of a frame that is small enough."""

SEEN = 256
"""Network pixels that a field sees beyond its box on every side."""

REPORTED = 32
"""Network pixels beyond its box in which a field may report a centre."""


@dataclass(frozen=True)
class Field:
    """
    A box of the grid, between two right ascensions and two declinations.

    Parameters
    ----------
    index : int
        Its number in the grid.
    ra, dec : tuple of float
        Its limits in deg; those of ``ra`` rise, within [0, 360].
    """

    index: int
    ra: tuple[float, float]
    dec: tuple[float, float]

    @property
    def center(self):
        """Right ascension and declination of its middle in deg."""
        return sum(self.ra) / 2, sum(self.dec) / 2

    @property
    def name(self):
        """Its middle as text, such as ``275.1316-16.2500``."""
        ra, dec = self.center
        return f"{ra:08.4f}{dec:+08.4f}"

    def outline(self):
        """Return positions around its border, (n, 2) in deg."""
        return around(self.ra, self.dec)

    def depth(self, ra, dec):
        """
        Return how deep inside of the field positions in deg are (float or array).

        They are arcsec to the nearest side, negative outside. A pole is no side.
        """
        ra, dec = np.asarray(ra, float), np.asarray(dec, float)
        east = (ra - self.center[0] + 180) % 360 - 180
        half = (self.ra[1] - self.ra[0]) / 2
        sideways = (half - abs(east)) * np.cos(np.radians(dec))
        low = np.where(self.dec[0] > -90, dec - self.dec[0], 180)
        high = np.where(self.dec[1] < 90, self.dec[1] - dec, 180)
        return 3600 * np.minimum.reduce([sideways, low, high])


@dataclass(frozen=True)
class SkyGrid:
    """
    Boxes of equal height in declination, and about as wide.

    Parameters
    ----------
    side : float
        Height in deg.

    Examples
    --------
    >>> from astro_vaeclust.survey.grid import SkyGrid
    >>> grid = SkyGrid(0.5)
    >>> grid.field(grid.locate(275.12, -16.18)).name
    '275.0649-16.2500'
    """

    side: float

    @cached_property
    def _numbers(self):
        """Number of boxes in each band, from the south pole."""
        low = np.arange(np.ceil(180 / self.side)) * self.side - 90
        nearest = np.where(low < 0, np.minimum(abs(low), abs(low + self.side)), low)
        widest = 360 * np.cos(np.radians(nearest)) / self.side
        return np.ceil(np.round(widest, 9)).astype(int)

    @cached_property
    def _first(self):
        """Index of the first box of each band, and one after the last."""
        return np.concatenate([[0], np.cumsum(self._numbers)])

    def locate(self, ra, dec):
        """Return the indices of the boxes that own positions in deg (int or array)."""
        band = np.floor((np.asarray(dec, float) + 90) / self.side).astype(int)
        band = np.clip(band, 0, len(self._numbers) - 1)
        number = self._numbers[band]
        column = np.floor(np.asarray(ra, float) % 360 / 360 * number).astype(int)
        return (self._first[band] + np.minimum(column, number - 1))[()]

    def field(self, index):
        """Return the `Field` of an index."""
        band = int(np.searchsorted(self._first, index, side="right")) - 1
        width = 360 / self._numbers[band]
        column = index - self._first[band]
        south = band * self.side - 90
        return Field(
            int(index),
            (float(column * width), float((column + 1) * width)),
            (float(south), float(min(south + self.side, 90.0))),
        )

    def near(self, ra, dec, radius):
        """Return the indices of all boxes that may reach into a circle (int array)."""
        low, high = (
            int(np.clip((dec + 90 + reach) // self.side, 0, len(self._numbers) - 1))
            for reach in (-radius, radius)
        )
        found = []
        for band in range(low, high + 1):
            number = self._numbers[band]
            south = band * self.side - 90
            highest = max(abs(south), abs(south + self.side), abs(dec))
            widest = 180.0
            if highest + radius < 90:
                widest = radius / np.cos(np.radians(highest + radius))
            first, last = (
                int(np.floor((ra + reach) / 360 * number))
                for reach in (-widest, widest)
            )
            last = min(last, first + number - 1)
            found.append(self._first[band] + np.arange(first, last + 1) % number)
        return np.concatenate(found)


@dataclass(frozen=True)
class Frame:
    """
    The pixels that a field sees.

    Parameters
    ----------
    wcs : `~astropy.wcs.WCS`
        Their place on the sky.
    shape : tuple of int
        ``(ny, nx)``.
    """

    wcs: WCS
    shape: tuple[int, int]


@dataclass(frozen=True)
class SurveyGrid:
    """
    The grid of a survey: its fields and their frames.

    Coarser levels have grids of their own, whose fields are called cells.

    Parameters
    ----------
    side : float
        That of `SkyGrid`.
    pixel_scale : float
        Size of a pixel in arcsec.
    network_scale : float
        Size of a pixel of the network in arcsec.
    pixels : str or None
        What `pixel_grid` returns of every image, where all are on one grid; else each
        field has a grid of its own.
    zero_point : float or None
        Magnitude of a count of 1 to which images are scaled.
    tier : int
        0 for fields, 1 for cells of fields, 2 for cells of cells.
    """

    side: float
    pixel_scale: float
    network_scale: float
    pixels: str | None = None
    zero_point: float | None = None
    tier: int = 0

    @classmethod
    def from_scale(cls, scale, fine_scale, *, side=None, **facts):
        """
        Return the grid for images with pixels of so many arcsec.

        ``fine_scale`` is that of
        `~astro_vaeclust.detector.grid.NetworkGrid.from_pixel_scale`, ``side`` that of a
        box in deg, by default what keeps frames small, ``facts`` are the others.
        """
        scale = float(np.round(scale, 6))
        network = NetworkGrid.from_pixel_scale(scale, fine_scale)
        margin = 2 * SEEN * network.scale
        if side is None:
            small = (s for s in SIDES if 3600 * s + margin <= MAX_FRAME * scale)
            side = next(small, SIDES[-1])
        return cls(side, scale, network.scale, **facts)

    @cached_property
    def sky(self):
        """The boxes (`SkyGrid`)."""
        return SkyGrid(self.side)

    @cached_property
    def cells(self):
        """The grid of the cells that see these fields binned (`SurveyGrid`)."""
        return replace(
            self,
            side=self.side * BINNING,
            pixel_scale=self.pixel_scale * BINNING,
            network_scale=self.network_scale * BINNING,
            pixels=None,
            tier=self.tier + 1,
        )

    @property
    def is_fine(self):
        """Whether the images are fine ones (bool), as of a `NetworkGrid`."""
        return self.pixel_scale / BINNING**self.tier < FINE

    def levels(self, n_levels):
        """Return which of so many levels are searched on the frames (range)."""
        first = LEVELS * self.tier
        return range(first, min(first + LEVELS, n_levels))

    @property
    def margin(self):
        """Arcsec that a field sees beyond its box."""
        return SEEN * self.network_scale

    @property
    def reach(self):
        """Arcsec beyond its box in which a field may report a centre."""
        return REPORTED * self.network_scale

    def frame(self, field):
        """Return the `Frame` of a field; its box and the margin on every side."""
        wcs = self._tangent(field) if self.pixels is None else wcs_of(self.pixels)
        x, y = in_pixels(wcs, field.outline()).T
        margin = int(np.ceil(self.margin / self.pixel_scale))
        left, lower = (int(np.floor(axis.min())) - margin for axis in (x, y))
        right, upper = (int(np.ceil(axis.max())) + margin for axis in (x, y))
        shape = upper - lower + 1, right - left + 1
        wcs.wcs.crpix -= left, lower
        wcs.array_shape = shape
        return Frame(wcs, shape)

    def inner_part(self, frame, field):
        """
        Return what a field adds to a cell: its box, and where it reports centres.

        Rows and columns of its `Frame` (tuple of slice), in steps of ``BINNING``.
        """
        pixels = in_pixels(frame.wcs, field.outline())
        reach = self.reach / self.pixel_scale
        low = np.floor(pixels.min(axis=0) - reach).astype(int)
        number = np.ceil((pixels.max(axis=0) + reach - low) / BINNING).astype(int)
        return tuple(
            slice(int(start), int(start + n * BINNING), BINNING)
            for start, n in zip(low[::-1], number[::-1], strict=True)
        )

    def _tangent(self, field):
        with WARNINGS_LOCK:
            wcs = WCS(naxis=2)
        wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
        wcs.wcs.crval = field.center
        wcs.wcs.crpix = 1, 1
        wcs.wcs.cdelt = -self.pixel_scale / 3600, self.pixel_scale / 3600
        return wcs


def pixel_grid(wcs):
    """
    Return the grid of pixels that an image is a part of (str).

    It is the same text for all images that are cut from one: the header of the WCS with
    the reference pixel moved by whole pixels to (0, 1].
    """
    with WARNINGS_LOCK:
        wcs = wcs.deepcopy()
    wcs.array_shape = None
    wcs.wcs.crpix = np.round(wcs.wcs.crpix, 6)
    wcs.wcs.crpix -= np.ceil(wcs.wcs.crpix) - 1
    wcs.wcs.crpix = np.round(wcs.wcs.crpix, 6)
    with quietly():
        header = wcs.to_header(relax=True)
    for name in ("DATE-OBS", "MJD-OBS", "MJDREF", "DATE-REF", "TIMESYS"):
        header.remove(name, ignore_missing=True)
    return header.tostring(sep="\n", endcard=False, padding=False)


def wcs_of(text):
    """Return the WCS of what `pixel_grid` returned."""
    with quietly():
        return WCS(fits.Header.fromstring(text, sep="\n"))


def fields_of(wcs, shape, grid):
    """
    Find the fields of a `SurveyGrid` that an image of this WCS and shape shows.

    Returns
    -------
    indices : (n,) int array
        The fields whose box, widened by the margin, the image overlaps.
    owned : (n,) bool array
        Where it overlaps the box itself.
    """
    ny, nx = shape
    border = around((-0.5, nx - 0.5), (-0.5, ny - 0.5))
    outline = vectors(on_sky(wcs, border))
    center = vectors(on_sky(wcs, np.array([middle(shape)])))[0]
    radius = np.degrees(np.arccos(np.clip(outline @ center, -1, 1).min()))
    margin = grid.margin / 3600
    ra, dec = degrees(center)
    indices = np.sort(grid.sky.near(ra, dec, radius + margin))
    fields = [grid.sky.field(index) for index in indices]
    shown = _overlap(fields, wcs, shape, outline, margin)
    owned = _overlap(fields, wcs, shape, outline, 0.0)
    return indices[shown], owned[shown]


def _overlap(fields, wcs, shape, outline, margin):
    """Tell which boxes an image overlaps along the axes of both, (n,) bool array."""
    meets, wider = [], []
    for field in fields:
        plane = TangentPlane(*field.center)
        box, image = (plane.project(at) for at in (vectors(field.outline()), outline))
        low, high = box.min(axis=0) - margin, box.max(axis=0) + margin
        meets.append(_meet(low, high, image.min(axis=0), image.max(axis=0)))
        wider.append(plane.on_sky(around((low[0], high[0]), (low[1], high[1]))))
    pixels = in_pixels(wcs, np.concatenate(wider)).reshape(len(fields), -1, 2)
    edge = np.array(shape[::-1]) - 0.5
    on_image = _meet(pixels.min(axis=1), pixels.max(axis=1), np.full(2, -0.5), edge)
    unknown = ~np.isfinite(pixels).all(axis=(1, 2))
    return np.array(meets) & (on_image | unknown)


def _meet(low, high, other_low, other_high):
    """Whether boxes overlap, by their limits along the last axis."""
    return np.all((low < other_high) & (high > other_low), axis=-1)
