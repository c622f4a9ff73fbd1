# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""One image on the pixels of another: cut where they agree, else resampled."""

from __future__ import annotations

from dataclasses import replace

import astropy.units as u
import numpy as np

from ..utils.optional import import_optional
from .hdus import quietly
from .read import read_image
from .sky import check_enough_usable

__all__ = ["on_grid"]

SAME_GRID = 0.05
"""Pixels within which grids agree: as much as stars of one survey are out of place."""

PROBES = 9
"""Positions along each side of an image at which grids are compared."""

FINER = 0.8
"""Ratio of the pixel scales below which pixels are averaged, not interpolated."""

NOTHING = "data shows nothing of the grid of the reference"
"""What is said of an image without a pixel on the grid."""

MIN_USABLE_FRACTION = 0.5
"""Of the finer pixels that are averaged to one, by their weights."""


def on_grid(image, target):
    """
    Return an image on the grid of another.

    Parameters
    ----------
    image : `~astro_vaeclust.images.image.Image`
        The image.
    target : `~astro_vaeclust.images.image.Image`
        That whose shape and WCS are taken.

    Returns
    -------
    image : `~astro_vaeclust.images.image.Image`
        The image, masked where it shows nothing, see
        `~astro_vaeclust.images.bands.read_bands`.

    Raises
    ------
    ValueError
        If it shows nothing of the grid, or too little for a sky.
    ImportError
        If it must be resampled and ``reproject`` is not installed.
    """
    offset = _offset(image, target)
    if offset is None:
        return _resampled(image, target)
    if offset == (0, 0) and image.shape == target.shape:
        return replace(image, wcs=target.wcs)
    return _cut(image, target, offset)


def _offset(image, target):
    """
    Return by how many rows and columns an image is shifted on the grid of another.

    None stands for grids that do not agree.
    """
    ny, nx = target.shape
    y, x = np.meshgrid(np.linspace(0, ny - 1, PROBES), np.linspace(0, nx - 1, PROBES))
    sky = target.wcs.pixel_to_world(x, y)
    with np.errstate(invalid="ignore"), quietly():
        there = np.array(image.wcs.world_to_pixel(sky))
    shift = there - [x, y]
    whole = np.round(np.nanmean(shift, axis=(1, 2))) if np.isfinite(shift).any() else 0
    distance = np.abs(shift - np.reshape(whole, (-1, 1, 1)))
    if not distance.max() <= SAME_GRID:  # also where it is NaN
        return None
    return int(whole[1]), int(whole[0])


def _cut(image, target, offset):
    """Return what an image shows of the grid of another that it shares."""
    ours, theirs = [], []
    for shift, size, length in zip(offset, target.shape, image.shape, strict=True):
        low, high = max(0, -shift), min(size, length - shift)
        if high <= low:
            raise ValueError(NOTHING)
        ours.append(slice(low, high))
        theirs.append(slice(low + shift, high + shift))
    pixels = np.full(target.shape, np.nan, dtype=np.float32)
    error = None if image.error is None else pixels.copy()
    theirs, ours = tuple(theirs), tuple(ours)
    pixels[ours] = np.where(image.mask, np.nan, image.data)[theirs]
    if error is not None:
        error[ours] = image.error[theirs]
    return _image(image, target, pixels, error)


def _resampled(image, target):
    """Return an image on the grid of another by reproject."""
    reproject = import_optional("reproject", "archives")
    ratio = float(image.pixel_scale / target.pixel_scale)
    is_finer = ratio < FINER
    if is_finer:
        function = reproject.reproject_adaptive
        options = {"boundary_mode": "strict", "bad_value_mode": "ignore"}
    else:
        function, options = reproject.reproject_interp, {"order": "bilinear"}

    def put(values):
        with quietly():
            result, footprint = function(
                (values, image.wcs), target.wcs, shape_out=target.shape, **options
            )
        return np.where(footprint > 0, result, np.nan)

    usable = 1.0  # the others already make NaN of what they touch
    if is_finer and image.mask.any():
        usable = put(np.where(image.mask, 0.0, 1.0))

    def on_grid(values):
        values = put(np.where(image.mask, np.nan, values))
        return np.where(usable >= MIN_USABLE_FRACTION, values, np.nan)

    area = 1.0 if _is_per_area(image.unit) else ratio**-2
    pixels, error = area * on_grid(image.data), None
    if image.error is not None:
        averaged = ratio if is_finer else 1.0
        error = area * averaged * np.sqrt(on_grid(image.error**2))
    return _image(image, target, pixels, error)


def _is_per_area(unit):
    """Whether values are those of an area of the sky, not of a pixel."""
    if unit is None:
        return False
    parts = unit.decompose()
    powers = dict(zip(parts.bases, parts.powers, strict=True))
    return powers.get(u.rad, 0) < 0


def _image(image, target, pixels, error):
    """Return an image with other pixels, unusable where these are not finite."""
    if not np.isfinite(pixels).any():
        raise ValueError(NOTHING)
    read = read_image(
        np.asarray(pixels, dtype=np.float32),
        wcs=target.wcs,
        error=None if error is None else np.asarray(error, dtype=np.float32),
    )
    check_enough_usable(read.most_usable)
    facts = ("unit", "name", "lossy", "header")
    return replace(read, **{fact: getattr(image, fact) for fact in facts})
