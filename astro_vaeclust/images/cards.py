# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Cards of headers as they come: text for numbers, decimal commas, missing quotes."""

from __future__ import annotations

import re
from numbers import Real

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

__all__ = [
    "WCS_NUMBER",
    "check_scaling",
    "doubts_of_wcs",
    "readable_header",
    "repair",
    "wcs_header",
]

WCS_NUMBER = re.compile(
    r"(CRPIX|CRVAL|CDELT|CROTA)\d+|(PC|CD|PV)\d+_\d+|LONPOLE|LATPOLE|EQUINOX"
)
"""Keywords of a WCS that take numbers."""

_SCALING = re.compile("BZERO|BSCALE|BLANK")


def readable_header(header):
    """Return a copy of a header in which cards that cannot be parsed are text."""
    header = header.copy()
    repair(header)
    return header


def repair(header):
    """Make text of the cards of a header that cannot be parsed."""
    for card in list(header.cards):
        try:
            _ = card.value, card.comment
        except fits.VerifyError:
            card.verify("silentfix+ignore")


def check_scaling(header, name):
    """Raise ValueError if a card that scales the pixels is no number."""
    try:
        _check_numbers(header, _SCALING)
    except ValueError as error:
        raise ValueError(
            f"data: {error}, in the header of {name or 'the HDU'}"
        ) from None


def wcs_header(header):
    """
    Return a copy of a header for `~astropy.wcs.WCS`, with PV of SCAMP read as such.

    TAN takes no parameters on the latitude, so PV there is a distortion by SCAMP,
    which calls TAN what the registry of FITS conventions calls TPV.

    Raises
    ------
    ValueError
        If a card of the WCS, where wcslib would take its default, is no number, or all
        elements of CD are zero.
    """
    header = readable_header(header)
    _check_numbers(header, WCS_NUMBER)
    matrix = {key: header[key] for key in header if re.fullmatch(r"CD\d_\d", key)}
    if matrix and not any(matrix.values()):
        raise ValueError(f"{', '.join(matrix)} are all zero")
    for axis in ("1", "2"):
        latitude = str(header.get(f"CTYPE{axis}", "")).strip()
        if re.fullmatch(r"(DEC-|.LAT)-TAN", latitude) and any(
            re.fullmatch(rf"PV{axis}_\d+", keyword) for keyword in header
        ):
            for keyword in ("CTYPE1", "CTYPE2"):
                header[keyword] = header[keyword].replace("-TAN", "-TPV")
    if str(header.get("CTYPE1", "")).strip().endswith("-TPV"):
        _multiply_steps(header)
    return header


def doubts_of_wcs(header):
    """Return what is missing in a celestial WCS or is there twice (list of str)."""
    doubts = []
    for axis in "12":
        if "-" not in str(header.get(f"CTYPE{axis}", "")):
            continue
        step = rf"CDELT{axis}|(CD|PC){axis}_\d+"
        known = any(re.fullmatch(step, key) for key in header)
        needed = (f"CRVAL{axis}", f"CRPIX{axis}", *(() if known else (f"CDELT{axis}",)))
        doubts += [f"no {key}" for key in needed if key not in header]
    for key in dict.fromkeys(filter(WCS_NUMBER.fullmatch, header)):
        values = {header[key, n] for n in range(header.count(key))}
        if len(values) > 1:
            doubts.append(f"{key} with several values")
    return doubts


def _multiply_steps(header):
    """Put the steps of CDELT into CD, as wcslib applies TPV before them."""
    names = [
        key for key in header if re.fullmatch(r"CDELT[12]|CROTA[12]|PC[12]_[12]", key)
    ]
    if not names:
        return
    plain = header.copy()
    for name in [key for key in header if re.fullmatch(r"PV\d+_\d+", key)]:
        del plain[name]
    for axis in "12":
        plain[f"CTYPE{axis}"] = plain[f"CTYPE{axis}"].replace("-TPV", "-TAN")
    matrix = WCS(plain).celestial.pixel_scale_matrix
    for name in names:
        del header[name]
    for (row, column), value in np.ndenumerate(matrix):
        header[f"CD{row + 1}_{column + 1}"] = value


def _check_numbers(header, keywords):
    for keyword in filter(keywords.fullmatch, header):
        value = header[keyword]
        if isinstance(value, Real) and not isinstance(value, bool):
            continue
        if keyword == "EQUINOX" and "2000" in str(value):
            continue  # J2000 is what wcslib takes without one
        raise ValueError(f"{keyword} = {value!r} is not a number")
