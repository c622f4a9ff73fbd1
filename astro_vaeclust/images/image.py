# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The image that the rest of the package can rely on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from ..utils.bands import stated_band
from .celestial import middle, pixel_area

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "Image",
    "Whole",
    "is_unusable",
    "most_usable",
    "unusable",
    "usable_sample",
]

SAMPLE = 1 << 17
"""Pixels that are enough for the median of an image."""

MIN_SAMPLE = 1000
"""Of a sample with fewer usable ones, all usable pixels are taken instead."""

BOX = 128
"""Side in pixels of the boxes of which one must tell of the sky: the largest mesh."""


def unusable(reason):
    """Return the ValueError of an image with no usable pixel, or too few of them."""
    error = ValueError(reason)
    error.is_unusable = True
    return error


def is_unusable(error):
    """Whether an error is one that `unusable` made."""
    return getattr(error, "is_unusable", False)


@dataclass(frozen=True, eq=False)
class Whole:
    """
    What a search of a part must know of the whole image.

    Parameters
    ----------
    shape : tuple of int
        ``(ny, nx)`` of the whole image.
    n_usable : int
        Its usable pixels.
    most_usable : int
        Those of one box, see `most_usable`.
    sample : (n,) float32 array
        Its `usable_sample`.
    error_sample : (n,) float32 array, optional
        That of its errors.
    corner : tuple of int
        Row and column of the whole image at which the part begins.
    scaling : `~astro_vaeclust.detector.grid.Scaling`, optional
        Sky and noise of the whole image.
    """

    shape: tuple[int, int]
    n_usable: int
    most_usable: int
    sample: np.ndarray
    error_sample: np.ndarray | None = None
    corner: tuple[int, int] = (0, 0)
    scaling: object = None


@dataclass(frozen=True, eq=False)
class Image:
    """
    An image of the sky that the rest of the package can rely on.

    Made by `~astro_vaeclust.images.read.read_image`; shares no memory with what it was
    made from.

    Parameters
    ----------
    data : (ny, nx) float32 array
        Pixels in native byte order, C-contiguous and finite everywhere: unusable
        pixels hold the (lower) median of the usable ones, see `usable_sample`.
    mask : (ny, nx) bool array
        True where a pixel is unusable: masked, or its value or error not finite.
    wcs : `~astropy.wcs.WCS`
        Two celestial axes, which can be turned into ICRS.
    error : (ny, nx) float32 array, optional
        Standard deviations in the unit of ``data``, finite everywhere, filled as
        ``data`` is.
    unit : `~astropy.units.UnitBase`, optional
        Unit of ``data``.
    name : str, optional
        Name of the file without its folder.
    lossy : bool, optional
        Whether the pixels went through a lossy compression.
    header : `~astropy.io.fits.Header`, optional
        Header of the HDU, or the metadata of an NDData.
    whole : `Whole`, optional
        Of a part, the image that it was cut from.
    bands : dict of str to `Image`, optional
        The images of all bands, this one included, on the same grid, from short to long
        wavelengths; none of an image in one band.
    """

    data: np.ndarray
    mask: np.ndarray
    wcs: WCS
    error: np.ndarray | None = None
    unit: u.UnitBase | None = None
    name: str = ""
    lossy: bool = False
    header: fits.Header | None = None
    whole: Whole | None = None
    bands: Mapping[str, Image] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape (ny, nx) in pixels."""
        return self.data.shape

    @property
    def band(self) -> str:
        """Band of the header, see `~astro_vaeclust.utils.bands.stated_band` (str)."""
        return stated_band(self.header or {})

    @cached_property
    def unseen(self) -> np.ndarray:
        """Return the pixels that no band shows, (ny, nx) bool."""
        masks = [image.mask for image in self.bands.values()]
        return np.logical_and.reduce(masks) if masks else self.mask

    @cached_property
    def pixel_area(self) -> u.Quantity:
        """Area of a pixel at the centre, of a part of the whole (Quantity, arcsec2)."""
        whole = self if self.whole is None else self.whole
        x, y = middle(whole.shape)
        top, left = (0, 0) if self.whole is None else whole.corner
        return self.pixel_area_at(x - left, y - top)

    def pixel_area_at(self, x: ArrayLike, y: ArrayLike) -> u.Quantity:
        """
        Return the areas of pixels, which differ far from the centre of a projection.

        Parameters
        ----------
        x, y : float or (n,) array
            Positions in pixels of this image or part.

        Returns
        -------
        area : `~astropy.units.Quantity`
            Areas in arcsec2.
        """
        return (pixel_area(self.wcs, x, y) * u.deg**2).to(u.arcsec**2)

    @property
    def pixel_scale(self) -> u.Quantity:
        """Side of a square of the area of a pixel (Quantity, arcsec / pix)."""
        return np.sqrt(self.pixel_area) / u.pix

    @property
    def usable_area(self) -> u.Quantity:
        """Area of the pixels that can be used (Quantity, deg2)."""
        return (np.sum(~self.mask) * self.pixel_area).to(u.deg**2)

    @cached_property
    def n_usable(self) -> int:
        """Usable pixels of the image; of a part, those of the whole image (int)."""
        return int(np.sum(~self.mask)) if self.whole is None else self.whole.n_usable

    @cached_property
    def most_usable(self) -> int:
        """Usable pixels of one box of the image or, of a part, of the whole (int)."""
        return most_usable(self.mask) if self.whole is None else self.whole.most_usable

    @cached_property
    def sample(self) -> np.ndarray:
        """Return the `usable_sample` of the image; of a part, that of the whole."""
        if self.whole is not None:
            return self.whole.sample
        return usable_sample(self.data, self.mask)

    def distance_to_border(self, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        """
        Return the distance of positions from the border of the whole image.

        Parameters
        ----------
        x, y : float or array
            Positions in pixels of this image or part.

        Returns
        -------
        distance : float or array
            Pixels to the nearest side of the image, negative beyond it.
        """
        ny, nx = self.shape if self.whole is None else self.whole.shape
        top, left = (0, 0) if self.whole is None else self.whole.corner
        x, y = x + left + 0.5, y + top + 0.5
        return np.minimum.reduce([x, y, nx - x, ny - y])


def most_usable(mask):
    """
    Count the usable pixels of the box of an image that has most of them.

    Parameters
    ----------
    mask : (ny, nx) bool array
        True where pixels are unusable.

    Returns
    -------
    n : int
        Of boxes of ``BOX`` pixels on a side, from the first row and column.
    """
    rows, columns = (range(0, side, BOX) for side in mask.shape)
    counts = np.add.reduceat(~mask, rows, axis=0, dtype=np.int64)
    return int(np.add.reduceat(counts, columns, axis=1).max())


def usable_sample(values, mask):
    """
    Take usable pixels that stand for all, for medians.

    Parameters
    ----------
    values : (ny, nx) array
        Pixels.
    mask : (ny, nx) bool array
        True where they are unusable; not everywhere.

    Returns
    -------
    sample : (n,) array
        A copy of the usable ones; of more than ``SAMPLE`` pixels, every so many in the
        order of the rows, unless fewer than ``MIN_SAMPLE`` of these can be used.
    """
    sample = every_usable(values, mask, sampling_step(values.size))
    return sample if sample.size >= MIN_SAMPLE else values[~mask]


def sampling_step(size):
    """Return the step through ``size`` pixels that `usable_sample` takes (int)."""
    return max(size // SAMPLE, 1)


def every_usable(values, mask, step, start=0):
    """Return the usable ones of every so many pixels, in the order of the rows."""
    every = slice(start, None, step)
    return values.ravel()[every][~mask.ravel()[every]]
