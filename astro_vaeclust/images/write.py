# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Images with a world coordinate system as FITS."""

from __future__ import annotations

import re
from contextlib import suppress

import numpy as np
from astropy.io import fits

from ..utils import provenance
from ..utils.files import atomic_path
from .hdus import header_with_wcs, quietly

__all__ = ["write_image"]

_STORAGE_CARDS = ("BLANK", "CHECKSUM", "DATASUM", "EXTNAME", "EXTVER", "INHERIT")
_CARD_VALUES = (bool, int, float, str)


def write_image(image, path, *, meta=None, overwrite=False):
    """
    Write an image to a FITS file, in single precision.

    Parameters
    ----------
    image : `~astropy.nddata.NDData`
        The image, of shape (ny, nx), with its wcs; masked pixels become NaN, and lookup
        tables of distortions further HDUs. If its
        ``meta`` is a FITS header or a dict, what can be cards is kept, such as the
        zero point of a tile.
    path : str or path-like
        The file.
    meta : dict, optional
        Metadata of the table that belongs to it; kept as JSON in the header.
    overwrite : bool, optional
        Whether an existing file may be replaced.

    Raises
    ------
    OSError
        If the file cannot be written, or exists and may not be replaced.
    """
    header = _header_of(image)
    cards, lookups = _lookups(image.wcs)
    if lookups:
        header.extend([card for card in cards.cards if card.keyword not in header])
    header.update(provenance.header_cards(meta or {}))
    if image.unit is not None:
        text = image.unit.to_string("fits")
        header["BUNIT"] = text, "" if text else "dimensionless"
    pixels = np.array(image.data, dtype=np.float32)
    if image.mask is not None:
        pixels[np.broadcast_to(image.mask, pixels.shape)] = np.nan
    hdulist = fits.HDUList([fits.PrimaryHDU(pixels, header), *lookups])
    with atomic_path(path, overwrite) as place:
        hdulist.writeto(place, output_verify="silentfix+ignore")


def _header_of(image):
    """Return the header of an image without what is true of its old file only."""
    own = image.meta if isinstance(image.meta, fits.Header) else _cards_of(image.meta)
    header = header_with_wcs(own, image.wcs).copy(strip=True)
    for name in _STORAGE_CARDS:
        header.remove(name, ignore_missing=True, remove_all=True)
    return header


def _cards_of(meta):
    """Return the entries of a dict that are cards of a header, such as MAGZP."""
    cards = fits.Header()
    for name, value in meta.items():
        is_card = re.fullmatch("[A-Z0-9_-]{1,8}", str(name)) and name != "END"
        if is_card and isinstance(value, _CARD_VALUES):
            with suppress(ValueError):  # of NaN, and of text that is not ASCII
                cards[name] = value
    return cards


def _lookups(wcs):
    """Return the cards and the HDUs of the lookup tables of a WCS."""
    if wcs is None:
        return fits.Header(), []
    with quietly():
        primary, *tables = wcs.to_fits(relax=True)
    return primary.header, tables
