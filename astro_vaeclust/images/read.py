# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The one door for images: every accepted kind of input becomes an `Image`.

Nothing behind this door has to think of byte order, masks, units, NaN or headers.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.nddata import NDDataBase
from astropy.utils.exceptions import AstropyUserWarning
from astropy.utils.masked import Masked

from ..exceptions import LossyDataWarning
from . import arrays, hdus
from .celestial import celestial_wcs
from .image import Image, usable_sample

__all__ = ["read_image"]


_ACCEPTED = (
    "an NDData or CCDData, a 2D numpy array, masked array or Quantity with wcs=, an "
    "image HDU, an HDUList, or the path of a FITS file"
)


@dataclass(frozen=True, eq=False)
class _Source:
    """What one kind of input has to say, before anything is checked."""

    pixels: np.ndarray
    wcs: object
    masks: tuple = ()
    error: object = None
    unit: u.UnitBase | None = None
    name: str = ""
    lossy: bool = False


def read_image(data, *, wcs=None, mask=None, error=None, hdu=None):
    """
    Turn any accepted kind of input into an `Image`.

    Parameters
    ----------
    data : NDData, array, HDU, HDUList, str or path-like
        The image: an `~astropy.nddata.NDData` or `~astropy.nddata.CCDData`; a numpy
        array of integers or floats in any byte order, a masked array, a
        `~astropy.units.Quantity`; an image HDU, tile-compressed or not; an
        `~astropy.io.fits.HDUList`; or the path of a FITS file, also compressed as
        ``.fits.gz``. Axes of length 1 beside two longer ones are dropped. It is
        neither changed nor kept.
    wcs : `~astropy.wcs.WCS`, optional
        Celestial WCS of the image; further axes are dropped. Slices of one are fine.
        Replaces that of the header of an HDU or file, but not that of an NDData.
    mask : bool array, optional
        True where pixels are unusable, in the shape of the image. Joined by "or"
        with the mask that ``data`` brings.
    error : array, `~astropy.units.Quantity` or NDUncertainty, optional
        Standard deviations in the shape of the image. A unit must convert to that of
        the image; without one, the unit of the image is taken. Pixels whose error is
        not finite are unusable. Does not replace the uncertainty of an NDData.
    hdu : int, str or (str, int), optional
        Index, name, or name and version of the HDU of an HDUList or a file. Not
        needed where only one HDU holds an image, nor for what CCDData writes: its HDUs
        MASK and UNCERT are then used, the latter unless ``error`` is given.

    Returns
    -------
    image : `Image`
        The image.

    Raises
    ------
    TypeError
        If an argument is of a kind that cannot be used, such as a complex image.
    ValueError
        If an argument is of the right kind but cannot be used, such as a constant
        image, a file that is truncated, or a WCS that is not celestial. The message
        begins with the name of the argument.
    FileNotFoundError
        If there is no such file.

    Warns
    -----
    `~astro_vaeclust.exceptions.LossyDataWarning`
        If the image is a 2MASS Quicklook image or was compressed with loss. The
        former is known by an integer ``BITPIX`` in a 2MASS header (``ORIGIN`` is
        ``2MASS``, with ``ORDATE`` and ``SCANNO``; in the ``meta`` of an NDData, too),
        the latter by a nonzero scale of HCOMPRESS or by quantised floats.
    `~astropy.utils.exceptions.AstropyUserWarning`
        If ``wcs`` or ``error`` is given though an NDData has its own: as in
        photutils, what the NDData has is used.

    Notes
    -----
    Remarks of astropy on headers that it could read all the same, such as
    `~astropy.wcs.FITSFixedWarning`, are silenced.

    Values beyond the range of single precision count as not finite.
    """
    if isinstance(data, (str, os.PathLike)):
        source = _from_file(data, wcs, error, hdu)
    elif isinstance(data, fits.HDUList):
        source = _from_hdulist(data, wcs, error, hdu)
    elif hdu is not None:
        raise ValueError(
            f"hdu={hdu!r} is for an HDUList or a file, but data is a "
            f"{type(data).__name__}"
        )
    elif isinstance(data, NDDataBase):
        source = _from_nddata(data, wcs, error)
    elif isinstance(data, np.ndarray):
        source = _from_array(data, wcs, error)
    elif isinstance(data, hdus.IMAGE_HDUS):
        source = _from_hdu(data, None, wcs, error)
    else:
        raise TypeError(f"data must be {_ACCEPTED}; got {arrays.describe(data)}")
    image = _image(replace(source, masks=(*source.masks, mask)))
    if image.lossy:
        warnings.warn(
            f"{image.name or 'data'} went through a lossy compression: faint sources "
            "are degraded",
            LossyDataWarning,
            stacklevel=2,
        )
    return image


def _from_file(path, wcs, error, hdu):
    path = os.fspath(path)
    with hdus.open_file(path) as hdulist:
        source = _from_hdulist(hdulist, wcs, error, hdu)
    return replace(source, name=os.path.basename(path))


def _from_hdulist(hdulist, wcs, error, hdu):
    if hdu is None and hdus.is_ccddata(hdulist):
        source = _from_hdu(hdulist[0], hdulist, wcs, error)
        mask, uncertainty = hdus.read_companions(hdulist, source.name)
        own = uncertainty if error is None else error
        return replace(source, masks=(mask,), error=own)
    return _from_hdu(hdus.select_hdu(hdulist, hdu), hdulist, wcs, error)


def _from_hdu(hdu, hdulist, wcs, error):
    if not hdus.has_image(hdu):
        raise ValueError(f"data: this {type(hdu).__name__} holds no image")
    name = os.path.basename((hdulist and hdulist.filename()) or "")
    quicklook = hdus.is_quicklook(hdu.header)  # reading changes BITPIX
    return _Source(
        pixels=arrays.checked_pixels(hdus.read_pixels(hdu, name)),
        wcs=hdus.read_wcs(hdu, hdulist, name) if wcs is None else wcs,
        error=error,
        unit=hdus.read_unit(hdu.header),
        name=name,
        lossy=quicklook or hdus.is_compressed_lossily(hdu),
    )


def _from_nddata(nddata, wcs, error):
    meta = nddata.meta
    return _Source(
        pixels=arrays.checked_pixels(nddata.data),
        wcs=_own_or_given("wcs", nddata.wcs, wcs),
        masks=(nddata.mask,),
        error=_own_or_given("error", nddata.uncertainty, error),
        unit=nddata.unit,
        lossy=isinstance(meta, (Mapping, fits.Header)) and hdus.is_quicklook(meta),
    )


def _own_or_given(argument, own, given):
    if own is None:
        return given
    if given is not None:
        warnings.warn(
            f"the {argument!r} argument is ignored: data has its own",
            AstropyUserWarning,
            stacklevel=4,
        )
    return own


def _from_array(array, wcs, error):
    masks, unit = (), None
    if isinstance(array, Masked):
        array, masks = array.unmasked, (array.mask,)
    elif isinstance(array, np.ma.MaskedArray):
        array, masks = array.data, (array.mask,)
    if isinstance(array, u.Quantity):
        array, unit = array.value, array.unit
    return _Source(arrays.checked_pixels(array), wcs, masks, error, unit)


def _image(source):
    shape = source.pixels.shape
    pixels = source.pixels.reshape(arrays.plane(shape))
    mask = ~np.isfinite(pixels)
    _check_some_usable(mask, "data: all pixels are NaN or infinite")
    for given in source.masks:
        if given is not None and given is not np.ma.nomask:
            mask |= arrays.checked_mask(given, shape)
    _check_some_usable(mask, "mask: it leaves no usable pixel of data")
    error = arrays.standard_deviation(source.error, source.unit, shape)
    if error is not None:
        mask |= ~np.isfinite(error)
        _check_some_usable(mask, "error: not finite at any usable pixel of data")
        arrays.check_not_negative(error, mask)
        _fill_unusable(error, mask)
    _fill_unusable(pixels, mask)
    _check_not_constant(pixels)
    return Image(
        data=pixels,
        mask=mask,
        wcs=celestial_wcs(source.wcs, pixels.shape),
        error=error,
        unit=source.unit,
        name=source.name,
        lossy=source.lossy,
    )


def _check_some_usable(mask, message):
    if mask.all():
        raise ValueError(f"{message} (shape {mask.shape})")


def _check_not_constant(filled):
    if filled.min() == filled.max():
        raise ValueError(
            f"data is constant: in single precision all usable pixels are "
            f"{filled.flat[0]:g}"
        )


def _fill_unusable(values, mask):
    """Fill with the lower median of a sample, which is always one of the values."""
    if mask.any():
        sample = usable_sample(values, mask)
        middle = (sample.size - 1) // 2
        sample.partition(middle)
        values[mask] = sample[middle]
