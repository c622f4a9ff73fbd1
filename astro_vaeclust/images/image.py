# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The image that the rest of the package can rely on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import astropy.units as u
import numpy as np
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area

__all__ = ["Image", "usable_sample"]


SAMPLE = 1 << 17
"""Pixels that are enough for the median of an image."""


FEWEST = 1000
"""Of a sample with fewer usable ones, all usable pixels are taken instead."""


@dataclass(frozen=True, eq=False)
class Image:
    """
    An image of the sky that the rest of the package can rely on.

    Made by `read_image`; shares no memory with what it was made from.

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
    """

    data: np.ndarray
    mask: np.ndarray
    wcs: WCS
    error: np.ndarray | None = None
    unit: u.UnitBase | None = None
    name: str = ""
    lossy: bool = False

    @property
    def shape(self):
        """Shape (ny, nx) in pixels."""
        return self.data.shape

    @cached_property
    def pixel_area(self):
        """Area of a pixel at the reference point of the WCS (Quantity, arcsec2)."""
        area = proj_plane_pixel_area(self.wcs) * u.deg**2
        return area.to(u.arcsec**2)

    @property
    def pixel_scale(self):
        """Side of a square of the area of a pixel (Quantity, arcsec / pix)."""
        return np.sqrt(self.pixel_area) / u.pix

    @property
    def usable_area(self):
        """Area of the pixels that can be used (Quantity, deg2)."""
        return (np.sum(~self.mask) * self.pixel_area).to(u.deg**2)


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
        The usable ones; of more than ``SAMPLE`` pixels, those of every so many in the
        order of the rows, unless fewer than ``FEWEST`` of these can be used. A copy.
    """
    every = slice(None, None, max(values.size // SAMPLE, 1))
    sample = values.ravel()[every][~mask.ravel()[every]]
    return sample if sample.size >= FEWEST else values[~mask]
