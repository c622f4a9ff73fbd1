# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""From the tiles of a survey to one image of a box."""

from __future__ import annotations

import logging

import astropy.units as u
import numpy as np
from astropy.nddata import CCDData, Cutout2D, NoOverlapError
from astropy.wcs.utils import proj_plane_pixel_scales

from ..images import hdus
from ..utils.optional import import_optional
from ..utils.warning import WARNINGS_LOCK
from .areas import Footprint
from .exceptions import NoDataError

__all__ = ["choose_tiles", "combine", "crop", "shows_all", "zero_point"]

LOGGER = logging.getLogger(__name__)

MARGIN = 8 * u.arcsec
"""Strip along the edges of a tile that may be without data."""


def choose_tiles(covered, distances):
    """
    Return the indices of the tiles that show a box (list of int).

    ``covered`` is (n_tiles, n_positions): which positions of the box a tile shows. One
    tile is chosen if it shows all that any tile shows: of several such the one
    nearest by ``distances``. Otherwise the tile that adds most is taken, again and
    again, until none adds anything.
    """
    covered = np.array(covered, dtype=bool)
    order = np.argsort(distances, kind="stable")
    reachable = covered.any(axis=0)
    for index in order:
        if reachable.any() and covered[index][reachable].all():
            return [int(index)]
    chosen, missing = [], reachable.copy()
    while missing.any():
        gains = (covered[order] & missing).sum(axis=1)
        best = int(order[np.argmax(gains)])
        chosen.append(best)
        missing &= ~covered[best]
    return chosen


def combine(images, box):
    """
    Return one image of a box from CCDData that show parts of it, the best first.

    A single image that shows all of the box, or all that any of them shows, is cropped
    and keeps its pixels. Otherwise they are resampled by ``reproject``, bilinearly,
    onto a new grid with north up, after their skies are subtracted and they are scaled
    to the zero point of the first, if both have one; what remains of differences in the
    sky is matched. The noise of neighbouring pixels is then correlated more than on a
    tile. Pixels without data are NaN and masked. Raises a `NoDataError` if no image
    shows the box, and a ValueError if images to be joined have unlike units.
    """
    covered = [_shows(image, box) for image in images]
    if not np.any(covered):
        raise NoDataError("no image shows this position")
    chosen = choose_tiles(covered, np.arange(len(images)))
    if len(chosen) == 1:
        return crop(images[chosen[0]], box)
    return _coadd([images[index] for index in chosen], box)


def crop(image, box):
    """
    Return the pixels of an image (CCDData) whose centres may lie in a box, as a copy.

    Raises a `NoDataError` if it shows nothing of the box.
    """
    x, y = image.wcs.world_to_pixel(box.grid())
    if not np.isfinite([x, y]).all():
        raise NoDataError("the image is somewhere else")
    low = [int(np.floor(axis.min() + 0.5)) for axis in (y, x)]
    high = [int(np.ceil(axis.max() + 0.5)) for axis in (y, x)]
    shape = (high[0] - low[0], high[1] - low[1])
    middle = ((low[1] + high[1] - 1) / 2, (low[0] + high[0] - 1) / 2)
    try:
        with WARNINGS_LOCK:
            cutout = Cutout2D(image.data, middle, shape, wcs=image.wcs, copy=True)
    except NoOverlapError as error:
        raise NoDataError("the image is somewhere else") from error
    wcs = cutout.wcs
    wcs.array_shape = cutout.data.shape
    return CCDData(
        cutout.data,
        unit=image.unit,
        wcs=wcs,
        mask=~np.isfinite(cutout.data),
        meta=hdus.header_with_wcs(image.meta, wcs),
    )


def shows_all(image, box):
    """Whether an image (CCDData) has data all over a grid on a `Box`."""
    return bool(_shows(image, box).all())


def _shows(image, box, n=17):
    """Return which positions of a box lie on good pixels ((n * n,) bool array)."""
    positions = box.grid(n)
    shown = Footprint.from_image(image).contains(positions)
    x, y = image.wcs.world_to_pixel(positions[shown])
    rows = np.clip(np.round(y).astype(int), 0, image.data.shape[0] - 1)
    columns = np.clip(np.round(x).astype(int), 0, image.data.shape[1] - 1)
    shown[shown] = np.isfinite(image.data[rows, columns])
    return shown


def _coadd(images, box):
    reproject = import_optional("reproject", "archives")
    mosaicking = import_optional("reproject.mosaicking", "archives")
    first = images[0]
    for image in images:
        if image.unit != first.unit:
            raise ValueError(
                f"the tiles have unlike units, {str(first.unit)!r} and "
                f"{str(image.unit)!r}, and cannot be joined"
            )
    with WARNINGS_LOCK:
        scale = np.sqrt(np.prod(proj_plane_pixel_scales(first.wcs))) * u.deg
    wcs = box.wcs(scale)
    sky = _sky(first)
    with hdus.quietly():  # about the headers of the tiles
        pixels, weight = mosaicking.reproject_and_coadd(
            [(_scaled(image, first), image.wcs) for image in images],
            wcs,
            shape_out=wcs.array_shape,
            reproject_function=reproject.reproject_interp,
            match_background=True,
            order="bilinear",
        )
    pixels = np.asarray(pixels, dtype=np.float32) + np.float32(sky)
    pixels[np.asarray(weight) == 0] = np.nan
    missing = float(np.mean(~np.isfinite(pixels)))
    if missing > 0.001:
        LOGGER.warning("%.1f %% of the %s have no data", 100 * missing, box)
    header = hdus.header_with_wcs(first.meta, wcs)
    header["NTILES"] = (len(images), "tiles in this mosaic")
    return CCDData(
        pixels, unit=first.unit, wcs=wcs, mask=~np.isfinite(pixels), meta=header
    )


def _scaled(image, first):
    """Return the pixels without sky at the zero point of the first image."""
    ours, theirs = zero_point(image.meta), zero_point(first.meta)
    if ours is None or theirs is None:
        if ours != theirs:
            LOGGER.warning("one tile has no zero point: it is joined as it is")
        return image.data - _sky(image)
    return (image.data - _sky(image)) * 10 ** (0.4 * (theirs - ours))


def _sky(image):
    """Return the level of the sky: that of the header, or the median."""
    for name in ("SKYVAL", "SKYLEVEL"):
        value = _number(image.meta, name)
        if value is not None:
            return value
    return float(np.nanmedian(image.data))


def zero_point(header):
    """Return the magnitude of a count of 1, None where the header does not say."""
    point = _number(header, "MAGZP")
    if point is not None:
        return point
    point, seconds = _number(header, "MAGZPT"), _number(header, "EXPTIME")
    if point is None or seconds is None or seconds <= 0:
        return point
    return point + 2.5 * np.log10(seconds)


def _number(header, name):
    """Return a real number of a header, also as text; None without a finite one."""
    try:
        value = float(header[name])
    except (KeyError, TypeError, ValueError):
        return None
    return value if np.isfinite(value) else None
