# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The one door for images: every accepted kind of input becomes an `Image`.

Nothing behind this door has to think of byte order, masks, units, NaN or headers.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.nddata import (
    InverseVariance,
    NDDataBase,
    StdDevUncertainty,
    VarianceUncertainty,
)
from astropy.utils.exceptions import AstropyUserWarning
from astropy.utils.masked import Masked

from ..exceptions import LossyDataWarning
from ..utils.bands import BAND_CARDS, stated_band
from ..utils.warning import warn
from . import arrays, hdus
from .cards import check_scaling, readable_header
from .celestial import celestial_wcs
from .image import Image
from .source import ImageSource, LazyPixels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astropy.nddata import NDUncertainty
    from astropy.wcs import WCS

    from ..utils.typing import ImageLike

__all__ = ["open_image", "read_image"]

_UNCERTAINTIES = {
    kind.__name__: kind
    for kind in (StdDevUncertainty, VarianceUncertainty, InverseVariance)
}

_ACCEPTED = (
    "an NDData or CCDData, a 2D numpy array, masked array or Quantity with wcs=, an "
    "image HDU, an HDUList, or the path of a FITS file"
)


def read_image(
    data: ImageLike | Image,
    *,
    wcs: WCS | None = None,
    mask: np.ndarray | None = None,
    error: np.ndarray | u.Quantity | NDUncertainty | None = None,
    hdu: int | str | tuple[str, int] | None = None,
) -> Image:
    """
    Turn any accepted kind of input into an `Image`.

    Parameters
    ----------
    data : NDData, array, HDU, HDUList, str or path-like
        The image: an `~astropy.nddata.NDData` or `~astropy.nddata.CCDData`; a numpy
        array of integers or floats in any byte order, a masked array, a
        `~astropy.units.Quantity`; an image HDU, tile-compressed or not; an
        `~astropy.io.fits.HDUList`; or the path of a FITS file, also compressed as
        ``.fits.gz``; or an `~astro_vaeclust.images.image.Image`, such as that of a
        catalogue. Axes of length 1 beside two longer ones are dropped. It is neither
        changed nor kept.
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
    image : `~astro_vaeclust.images.image.Image`
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
    with open_image(data, wcs=wcs, mask=mask, error=error, hdu=hdu) as source:
        return source.read()


@contextmanager
def open_image(
    data: ImageLike | Image,
    *,
    wcs: WCS | None = None,
    mask: np.ndarray | None = None,
    error: np.ndarray | u.Quantity | NDUncertainty | None = None,
    hdu: int | str | tuple[str, int] | None = None,
) -> Iterator[ImageSource]:
    """
    Open any accepted kind of input, to be read whole or in parts.

    Parameters
    ----------
    data, wcs, mask, error, hdu
        As in `read_image`, with the same errors and warnings.

    Yields
    ------
    source : `~astro_vaeclust.images.source.ImageSource`
        The image, which can be read within the ``with`` block.
    """
    is_path = isinstance(data, (str, os.PathLike))
    if hdu is not None and not (is_path or isinstance(data, fits.HDUList)):
        raise ValueError(
            f"hdu={hdu!r} is for an HDUList or a file, but data is a "
            f"{type(data).__name__}"
        )
    with hdus.open_file(data) if is_path else nullcontext(data) as opened:
        source = _source(opened, wcs, mask, error, hdu)
        if source.lossy:
            warn(
                f"{source.name or 'data'} went through a lossy compression: faint "
                "sources are degraded",
                LossyDataWarning,
            )
        yield source


def _source(data, wcs, mask, error, hdu):
    """Return the source of an input that is no path."""
    given = {"wcs": wcs, "masks": (mask,), "error": error}
    if isinstance(data, fits.HDUList):
        return _from_hdulist(data, hdu, **given)
    if isinstance(data, hdus.IMAGE_HDUS):
        return _from_hdu(data, None, **given)
    if isinstance(data, NDDataBase):
        return _from_nddata(data, **given)
    if isinstance(data, np.ndarray):
        return _from_array(data, **given)
    if isinstance(data, Image):
        return _from_image(data, **given)
    raise TypeError(f"data must be {_ACCEPTED}; got {arrays.describe(data)}")


def _from_hdulist(hdulist, hdu, *, error, **given):
    if hdu is not None or not hdus.is_ccddata(hdulist):
        hdu = hdus.select_hdu(hdulist, hdu)
        return _from_hdu(hdu, hdulist, error=error, **given)
    source = _from_hdu(hdulist[0], hdulist, error=error, **given)
    mask, uncertainty = _companions(hdulist, source.name)
    if mask is not None:
        source = replace(source, masks=(*source.masks, mask))
    return source if error is not None else replace(source, error=uncertainty)


def _companions(hdulist, name):
    """
    Find mask and uncertainty of HDUs that are laid out as CCDData writes them.

    Returns
    -------
    mask : `LazyPixels` or None
        True where the HDU MASK is not zero.
    uncertainty : `LazyPixels` or None
        The HDU UNCERT, as an `~astropy.nddata.NDUncertainty` of the kind that its UTYPE
        names; standard deviations without.

    Raises
    ------
    ValueError
        If UTYPE is of another kind.
    """
    mask = uncertainty = None
    if "MASK" in hdulist:
        mask = LazyPixels(hdulist["MASK"], name, lambda pixels: pixels != 0)
    if "UNCERT" in hdulist:
        hdu = hdulist["UNCERT"]
        kind = readable_header(hdu.header).get("UTYPE", "StdDevUncertainty")
        if kind not in _UNCERTAINTIES:
            raise ValueError(
                f"error: UTYPE={kind!r} in HDU UNCERT of {name or 'data'} must be one "
                f"of {', '.join(_UNCERTAINTIES)}; give error= or hdu="
            )
        uncertainty = LazyPixels(hdu, name, _UNCERTAINTIES[kind])
    return mask, uncertainty


def _from_hdu(hdu, hdulist, *, wcs, masks, error):
    if not hdus.has_image(hdu):
        raise ValueError(f"data: this {type(hdu).__name__} holds no image")
    name = os.path.basename((hdulist and hdulist.filename()) or "")
    header = readable_header(hdu.header)  # a copy, as reading changes BITPIX
    check_scaling(header, name)
    if hdulist and not stated_band(header):
        primary = readable_header(hdulist[0].header)
        for card in BAND_CARDS:  # UKIDSS has it in the primary HDU, beside the image
            if card in primary:
                header.remove(card, ignore_missing=True, remove_all=True)
                header.append(primary.cards[card])
    return _checked(
        LazyPixels(hdu, name),
        hdu.shape,
        wcs=hdus.read_wcs(hdu, hdulist, name) if wcs is None else wcs,
        masks=masks,
        error=error,
        unit=hdus.read_unit(header),
        name=name,
        lossy=hdus.is_quicklook(header) or hdus.is_compressed_lossily(hdu, name),
        header=header,
    )


def _from_nddata(nddata, *, wcs, masks, error):
    header = hdus.as_header(nddata.meta)
    return _checked(
        arrays.checked_pixels(nddata.data),
        nddata.data.shape,
        wcs=_own_or_given("wcs", nddata.wcs, wcs),
        masks=(nddata.mask, *masks),
        error=_own_or_given("error", nddata.uncertainty, error),
        unit=nddata.unit,
        lossy=hdus.is_quicklook(header),
        header=header,
    )


def _from_image(image, *, wcs, masks, error):
    return _checked(
        image.data,
        image.shape,
        wcs=_own_or_given("wcs", image.wcs, wcs),
        masks=(image.mask, *masks),
        error=_own_or_given("error", image.error, error),
        unit=image.unit,
        name=image.name,
        lossy=image.lossy,
        header=image.header,
    )


def _own_or_given(argument, own, given):
    if own is None:
        return given
    if given is not None:
        warn(
            f"the {argument!r} argument is ignored: data has its own",
            AstropyUserWarning,
        )
    return own


def _from_array(array, *, wcs, masks, error):
    unit = None
    if isinstance(array, Masked):
        array, masks = array.unmasked, (array.mask, *masks)
    elif isinstance(array, np.ma.MaskedArray):
        array, masks = array.data, (array.mask, *masks)
    if isinstance(array, u.Quantity):
        array, unit = array.value, array.unit
    pixels, shape = arrays.checked_pixels(array), array.shape
    return _checked(pixels, shape, wcs=wcs, masks=masks, error=error, unit=unit)


def _checked(pixels, shape, *, wcs, masks, error, **facts):
    """Check everything but the values of the pixels."""
    unit = facts.get("unit")
    if unit is not None and _is_logarithmic(unit):
        raise ValueError(
            f"data must be proportional to the light, got the unit {str(unit)!r}"
        )
    return ImageSource(
        pixels=pixels,
        masks=tuple(
            arrays.checked_mask(mask, shape)
            for mask in masks
            if mask is not None and mask is not np.ma.nomask
        ),
        error=arrays.checked_error(error, shape),
        wcs=celestial_wcs(wcs, pixels.shape),
        **facts,
    )


def _is_logarithmic(unit):
    """Whether values are magnitudes or the like, also per area."""
    if isinstance(unit, u.FunctionUnitBase):
        return True
    return u.dex in getattr(unit.decompose(), "bases", ())
