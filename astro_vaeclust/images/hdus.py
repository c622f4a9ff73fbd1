# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Reading of image HDUs: which one, its WCS, its unit, and whether it is lossy."""

from __future__ import annotations

import errno
import os
import re
import warnings
import zlib
from contextlib import contextmanager, suppress
from numbers import Real

import numpy as np
from astropy import log
from astropy import units as u
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from astropy.wcs import WCS

from ..utils.bands import BAND_CARDS
from ..utils.warning import ignored_warnings, warn
from .cards import WCS_NUMBER, doubts_of_wcs, readable_header, repair, wcs_header

FITS_SUFFIXES = (".fits", ".fit", ".fts", ".fits.gz", ".fit.gz", ".fits.fz")

IMAGE_HDUS = (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)

# What `astropy.nddata.CCDData` writes beside the image in the primary HDU
_CCDDATA_HDUS = {"MASK", "UNCERT", "PSFIMAGE"}

# Tables of distortions, which `astropy.wcs.WCS.to_fits` writes beside an image
_LOOKUP_HDUS = {"WCSDVARR", "D2IMARR"}

# What astropy raises, from file to file, when bytes are missing or are not FITS
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    zlib.error,
    fits.VerifyError,
)


@contextmanager
def quietly():
    """Silence astropy's remarks on headers that it can read, one thread at a time."""
    with ignored_warnings(Warning):
        level = log.level
        log.setLevel("ERROR")
        try:
            yield
        finally:
            log.setLevel(level)


@contextmanager
def reading(name):
    """Turn what astropy raises where bytes are missing into one ValueError."""
    try:
        with quietly():
            yield
    except _UNREADABLE as cause:
        raise _unreadable(name, cause) from cause


@contextmanager
def open_file(path):
    """
    Open a FITS file for the length of a ``with`` block.

    Parameters
    ----------
    path : str or path-like
        A file on this machine; compressed as `astropy.io.fits.open` allows.

    Yields
    ------
    hdulist : `~astropy.io.fits.HDUList`
        The open file.

    Raises
    ------
    OSError
        If there is no such file, or it may not be read.
    ValueError
        If it is truncated or not a FITS file.
    """
    path = os.path.expanduser(path)
    if not os.path.exists(path):
        raise FileNotFoundError(errno.ENOENT, "data: no such file", path)
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, "data: a folder, not a FITS file", path)
    try:
        with quietly(), warnings.catch_warnings(record=True) as remarks:  # noqa: TID251
            warnings.simplefilter("always")
            hdulist = fits.open(path)
            for hdu in hdulist:  # reads all headers
                repair(hdu.header)
    except PermissionError:
        raise
    except _UNREADABLE as cause:
        raise _unreadable(path, cause, *remarks) from cause
    with hdulist:
        yield hdulist


def select_hdu(hdulist, hdu=None):
    """
    Select an image HDU.

    Parameters
    ----------
    hdulist : `~astropy.io.fits.HDUList`
        The HDUs.
    hdu : int, str or (str, int), optional
        Index, name, or name and version. Without it there must be one image only.

    Returns
    -------
    image : `~astropy.io.fits.PrimaryHDU` or other image HDU
        The HDU.

    Raises
    ------
    TypeError
        If ``hdu`` is none of these.
    ValueError
        If there is no such HDU, it holds no image, or the choice is open.
    """
    if hdu is None:
        return _only_image(hdulist)
    _check_hdu_type(hdu)
    try:
        chosen = hdulist[hdu]
    except (KeyError, IndexError) as cause:
        raise ValueError(
            f"hdu={hdu!r} is not in {_name(hdulist)}; {_image_listing(hdulist)}"
        ) from cause
    if not has_image(chosen):
        raise ValueError(
            f"hdu={hdu!r} of {_name(hdulist)} holds no image but is a "
            f"{type(chosen).__name__}; {_image_listing(hdulist)}"
        )
    return chosen


def has_image(hdu):
    """Whether an HDU holds pixels; empty primary HDUs and tables do not."""
    return (
        isinstance(hdu, IMAGE_HDUS)
        and not isinstance(hdu, fits.GroupsHDU)
        and len(hdu.shape) > 0
        and 0 not in hdu.shape
    )


def is_ccddata(hdulist):
    """
    Whether HDUs are laid out as `astropy.nddata.CCDData` writes them.

    The rule: an image in the primary HDU, a mask or an uncertainty, of the same shape,
    and no image that CCDData does not write.
    """
    if not len(hdulist):
        return False
    first, *others = hdulist
    others = [hdu for hdu in others if has_image(hdu) and hdu.name not in _LOOKUP_HDUS]
    names = [hdu.name for hdu in others]
    return (
        has_image(first)
        and bool({"MASK", "UNCERT"}.intersection(names))
        and _CCDDATA_HDUS.issuperset(names)
        and len(set(names)) == len(names)
        and all(hdu.shape == first.shape for hdu in others if hdu.name != "PSFIMAGE")
    )


def read_wcs(hdu, hdulist, name):
    """
    Read the WCS in the header of an HDU, photographic plate solutions included.

    Returns
    -------
    wcs : `~astropy.wcs.WCS` or None
        The WCS, None where the header says nothing of one.

    Raises
    ------
    ValueError
        If a keyword of a WCS has no number, or they make no sense together.

    Warns
    -----
    `~astropy.utils.exceptions.AstropyUserWarning`
        If there are coefficients of SIP, which are applied, without ``-SIP`` in CTYPE,
        or cards of a celestial WCS are missing or contradict each other.
    """
    try:
        with quietly():
            wcs = WCS(wcs_header(hdu.header), fobj=hdulist)
    except Exception as cause:
        raise ValueError(
            f"wcs: the one in the header of {name or 'data'} is not usable "
            f"({first_line(cause)}); give an astropy.wcs.WCS as wcs="
        ) from cause
    doubts = doubts_of_wcs(readable_header(hdu.header))
    if doubts:
        warn(
            f"wcs: the header of {name or 'data'} has {', '.join(doubts)}; positions "
            "may be far off",
            AstropyUserWarning,
        )
    if wcs.sip is not None and not any("-SIP" in ctype for ctype in wcs.wcs.ctype):
        warn(
            f"wcs: the header of {name or 'data'} has SIP coefficients, which are "
            f"applied, but no -SIP in CTYPE ({', '.join(wcs.wcs.ctype)}); if they are "
            "left over, remove them: they shift all positions",
            AstropyUserWarning,
        )
    return wcs if any(wcs.wcs.ctype) else None


def read_unit(header):
    """Return BUNIT as a unit, None where it is missing or no unit."""
    text = str(header.get("BUNIT", "")).strip()
    if not text:
        return None
    with quietly():
        unit = u.Unit(text, parse_strict="silent")
    return None if isinstance(unit, u.UnrecognizedUnit) else unit


def header_with_wcs(header, wcs):
    """
    Return a header with another WCS in place of its own.

    Parameters
    ----------
    header : `~astropy.io.fits.Header`
        The header; it is not changed.
    wcs : `~astropy.wcs.WCS` or None
        The WCS; None leaves the new header without one.

    Returns
    -------
    header : `~astropy.io.fits.Header`
        A new header.
    """
    kept = readable_header(header)
    with quietly():
        own = WCS(header).to_header(relax=True) if len(header) else fits.Header()
        for name in {*own, *filter(WCS_NUMBER.fullmatch, kept)}:
            kept.remove(name, ignore_missing=True, remove_all=True)
        if wcs is not None:
            kept.update(wcs.to_header(relax=True))
    return kept


def as_header(meta):
    """
    Return the metadata of an NDData as a FITS header.

    Parameters
    ----------
    meta : `~astropy.io.fits.Header` or mapping
        The metadata; they are not changed.

    Returns
    -------
    header : `~astropy.io.fits.Header`
        A new header; of other mappings, with what fits in a card and the band.
    """
    if isinstance(meta, fits.Header):
        return readable_header(meta)
    header = fits.Header()
    for key, value in dict(meta).items():
        key = str(key).removeprefix("HIERARCH ")
        fits_in = len(key) <= 8 or key in BAND_CARDS
        if fits_in and isinstance(value, (str, Real)):
            with quietly(), suppress(ValueError):  # such as NaN
                header[key] = value
    return header


def first_line(error):
    """Pick the most telling line: wcslib begins with the place in its C code."""
    lines = [
        line for line in str(error).splitlines() if line and " at line " not in line
    ]
    return lines[0] if lines else type(error).__name__


def is_quicklook(header):
    """
    Whether a header is that of a 2MASS Quicklook image.

    Its header is that of the Atlas image except for BITPIX, which is 16 instead of -32
    (Explanatory Supplement to the 2MASS All Sky Data Release, section II.4a). The
    rule: an integer BITPIX, ``ORIGIN = '2MASS'``, and the keywords ORDATE and SCANNO.
    """
    bitpix = header.get("BITPIX", -32)
    return (
        isinstance(bitpix, (int, np.integer))
        and bitpix > 0
        and str(header.get("ORIGIN", "")).strip() == "2MASS"
        and "ORDATE" in header
        and "SCANNO" in header
    )


def is_compressed_lossily(hdu, name):
    """
    Whether the pixels of an HDU were tile-compressed with loss.

    The rule: HCOMPRESS with a nonzero scale, or floats that were quantised, which
    shows as a dithering method or as the scale of each tile.
    """
    if not isinstance(hdu, fits.CompImageHDU):
        return False
    with reading(name):
        tiles = hdu.compressed_data
    if tiles is None:
        return False  # an HDU that was never written is not compressed yet
    scaled = hdu.compression_type == "HCOMPRESS_1" and hdu.hcomp_scale != 0
    dithered = hdu.quantize_method > 0
    quantised = hdu.header["BITPIX"] < 0 and "ZSCALE" in tiles.names
    return scaled or dithered or quantised


def _check_hdu_type(hdu):
    is_pair = isinstance(hdu, tuple) and [type(part) for part in hdu] == [str, int]
    is_index = isinstance(hdu, (int, np.integer)) and not isinstance(hdu, bool)
    if not (is_pair or is_index or isinstance(hdu, str)):
        raise TypeError(
            f"hdu must be an index, a name, or a pair (name, version), got {hdu!r}"
        )


def _only_image(hdulist):
    images = [hdu for hdu in hdulist if has_image(hdu) and hdu.name not in _LOOKUP_HDUS]
    if len(images) == 1:
        return images[0]
    if images:
        raise ValueError(
            f"hdu: choose one of the {len(images)} images of {_name(hdulist)}; "
            f"{_image_listing(hdulist)}"
        )
    kinds = ", ".join(type(hdu).__name__ for hdu in hdulist)
    raise ValueError(
        f"data: {_name(hdulist)} holds no image ({kinds or 'no HDU'}); if it should, "
        "it is truncated"
    )


def _image_listing(hdulist):
    rows = [
        f"  {index}: {(hdu.name, hdu.ver)!r}, shape {hdu.shape}"
        for index, hdu in enumerate(hdulist)
        if has_image(hdu)
    ]
    return "images are\n" + "\n".join(rows) if rows else "it has no image"


def _name(hdulist):
    filename = hdulist.filename()
    return repr(os.path.basename(filename)) if filename else "the HDUList"


def _unreadable(name, *said):
    """Return the error for what astropy said in errors and warnings."""
    text = " ".join(map(str, said))
    why = "is truncated or not a FITS file"
    if card := re.search(r"Unparsable card \((\w+)\)", text):
        why = f"has a header whose card {card[1]} is neither text nor a number"
    elif "multiple members" in text:
        why = "is a zip of several files, of which one must be taken out"
    return ValueError(f"data: {name or 'the HDU'!r} {why}")
