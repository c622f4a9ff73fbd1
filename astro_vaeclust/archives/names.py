# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""From coordinates and names of objects to positions on the sky."""

from __future__ import annotations

import re
from dataclasses import dataclass

import astropy.units as u
import numpy as np
from astropy.coordinates import FK4, Angle, SkyCoord

from .configuration import conf
from .exceptions import ArchiveFormatError, UnknownNameError
from .services import import_clients, remembered_list

__all__ = ["Position", "iras_position", "resolve"]

LONGEST_NAME = 100
"""Longest name in characters that is looked up."""

IRAS_EPOCH = "B1983.5"
"""When IRAS observed."""

_COORDINATES = re.compile(r"[+-]?\d(?:[\d\s:.,+hmsd°'\"-]|deg|e(?=[+-]?\d))*")
"""Numbers with signs and units of angles: never a name that SIMBAD knows."""

_PLAIN = str.maketrans("\N{MINUS SIGN}\N{PRIME}\N{DOUBLE PRIME};", "-'\",")
"""Other spellings of the signs in coordinates."""

_FRAME = r"[\s,]+\(?(ICRS|J2000(\.0)?)$"
"""What may stand behind coordinates, which are ICRS anyway."""

_TAKES = (
    'position takes right ascension and declination such as "275.12 -16.18" (degrees), '
    '"18:20:30 -16:10:45" or "18 20 -16 10" (hours and degrees)'
)

_IRAS = re.compile(r"IRAS\s*(\d\d)(\d\d)(\d)([+-])(\d\d)(\d\d)[A-Z]?", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Position:
    """
    A position on the sky and where it comes from.

    Parameters
    ----------
    coordinates : `~astropy.coordinates.SkyCoord`
        The position, a scalar, ICRS.
    uncertainty : tuple of `~astropy.units.Quantity`
        Half-widths (in right ascension on the sky, in declination) of the box in which
        the object is; zero where the name says nothing of it.
    source : {"coordinates", "IRAS name", "SIMBAD"}
        Where it comes from.
    """

    coordinates: SkyCoord
    uncertainty: tuple[u.Quantity, u.Quantity] = (0 * u.arcsec, 0 * u.arcsec)
    source: str = "coordinates"


def resolve(position: SkyCoord | str) -> Position:
    """
    Find the position that coordinates or a name stand for.

    Parameters
    ----------
    position : `~astropy.coordinates.SkyCoord` or str
        A single coordinate in any frame; or a str, which is tried in turn as

        - coordinates, ICRS, in degrees (``"275.12 -16.18"``), with units
          (``"18h20m30s -16d10m45s"``), or in hours and degrees
          (``"18:20:30 -16:10:45"``, also with spaces and without seconds). A comma
          or semicolon may stand between the two, ``ICRS`` or ``J2000`` behind them;
        - the name of an IRAS source, ``"IRAS 06055+2039"``, by `iras_position`;
        - a name that SIMBAD knows, ``"M 17"``. Only this needs a network.

    Returns
    -------
    position : `Position`
        The position.

    Raises
    ------
    TypeError
        If it is neither.
    ValueError
        If it is not a single coordinate, or the str states none that is possible, or
        cannot be a name.
    `~astro_vaeclust.archives.UnknownNameError`
        If SIMBAD does not know the name.
    `~astro_vaeclust.archives.ArchiveError`
        If SIMBAD cannot be asked.
    """
    if isinstance(position, SkyCoord):
        return Position(_checked(position))
    if not isinstance(position, str):
        raise TypeError(
            f"position must be a SkyCoord or a name, got a {type(position).__name__}"
        )
    name = _checked_name(position)
    coordinates = _parsed(name)
    if coordinates is not None:
        return Position(coordinates)
    if _IRAS.fullmatch(name):
        return iras_position(name)
    return Position(_simbad_position(name), source="SIMBAD")


def iras_position(name):
    """
    Return the box of the sky that the name of an IRAS source stands for.

    The name is the position in B1950 (FK4), cut off after a tenth of a minute of right
    ascension and a minute of declination (IRAS Explanatory Supplement, section V.H.1).
    The middle is that of the box of all positions with that name: 30 arcsec from its
    edges in declination, and 45 arcsec times the cosine of the declination in right
    ascension. The object can be anywhere in it.

    Parameters
    ----------
    name : str
        Such as ``"IRAS 06055+2039"``.

    Returns
    -------
    position : `Position`
        The middle of the box; ``uncertainty`` has its half-widths.

    Raises
    ------
    ValueError
        If it is not the name of an IRAS source.
    """
    match = _IRAS.fullmatch(name.strip())
    if match is None:
        raise ValueError(f"name must be like 'IRAS 06055+2039', got {name!r}")
    hours, minutes, tenths, sign, degrees, arcminutes = match.groups()
    ra = int(hours) * u.hourangle + (int(minutes) + (int(tenths) + 0.5) / 10) * (
        u.hourangle / 60
    )
    dec = int(degrees) * u.deg + (int(arcminutes) + 0.5) * u.arcmin
    if int(hours) > 23 or int(minutes) > 59 or int(arcminutes) > 59 or dec > 90 * u.deg:
        raise ValueError(f"name must have a possible position, got {name!r}")
    dec = -dec if sign == "-" else dec
    frame = FK4(equinox="B1950", obstime=IRAS_EPOCH)
    middle = SkyCoord(ra, dec, frame=frame).icrs
    return Position(
        SkyCoord(middle.ra, middle.dec, frame="icrs"),
        uncertainty=(0.05 / 60 * 15 * u.deg * np.cos(dec), 0.5 * u.arcmin),
        source="IRAS name",
    )


def _checked(coordinates):
    if not coordinates.isscalar:
        raise ValueError(
            "position must be a single coordinate, got an array of shape "
            f"{coordinates.shape}"
        )
    icrs = coordinates.icrs
    if not (abs(icrs.dec.deg) <= 90 and icrs.ra.deg == icrs.ra.deg):
        raise ValueError(f"position must be finite, got {coordinates!r}")
    return SkyCoord(icrs.ra, icrs.dec, frame="icrs")  # without distance and motion


def _checked_name(position):
    name = " ".join(position.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ValueError(
            "position must be coordinates or a name of 1 to "
            f"{LONGEST_NAME} printable characters, got {position[:200]!r}"
        )
    return name


def _parsed(text):
    """Return the coordinates that a text states, None if it states none."""
    text = re.sub(_FRAME, "", text.translate(_PLAIN).strip("()[] "), flags=re.I)
    if not _COORDINATES.fullmatch(text):
        return None
    parts = _halves(re.sub(r"(?<=[hmd°'])\s+(?=\d)", "", text))
    has_units = [bool(re.search("[hmsd°'\"]", part)) for part in parts]
    sexagesimal = [":" in part or len(part.split()) > 1 for part in parts]
    if len(parts) != 2 or (len(set(sexagesimal)) > 1 and not any(has_units)):
        raise ValueError(f"{_TAKES}; got {text!r}")
    in_hours = sexagesimal[0] and not has_units[0]
    try:
        ra = Angle(parts[0], u.hourangle if in_hours else u.deg)
        dec = Angle(parts[1], u.deg)
    except (ValueError, u.UnitsError) as error:
        raise ValueError(f"{_TAKES}; got {text!r}: {error}") from error
    if not (abs(ra.deg) <= 360 and abs(dec.deg) <= 90):
        raise ValueError(f"position must be possible coordinates, got {text!r}")
    return SkyCoord(ra, dec, frame="icrs")


def _halves(text):
    """Split a text at its comma, at its second sign, or in the middle."""
    if "," in text:
        return [part.strip() for part in text.split(",")]
    words = re.sub(r"(?<=[^\se])(?=[+-])", " ", text).split()
    signed = [i for i, word in enumerate(words) if i and word[0] in "+-"]
    middle = signed[0] if signed else len(words) // 2
    if not words[:middle] or (not signed and len(words) % 2):
        return [text]
    return [" ".join(words[:middle]), " ".join(words[middle:])]


def _simbad_position(name):
    """Return the coordinates of an object that SIMBAD knows."""

    def ask():
        table = import_clients().SimbadClient().query_name(name)
        if not {"ra", "dec"} <= set(table.colnames):
            raise ArchiveFormatError(f"no columns ra and dec, but {table.colnames}")
        if len(table) == 0:
            raise UnknownNameError(f"no object has the name {name!r}")
        ra, dec = (float(np.ma.filled(table[0][key], np.nan)) for key in ("ra", "dec"))
        if not (np.isfinite(ra) and abs(dec) <= 90):
            raise UnknownNameError(f"{name!r} has no position on the sky")
        return [ra, dec]

    ra, dec = remembered_list("SIMBAD", f"{conf.simbad_url} {name}", ask)
    return SkyCoord(ra, dec, unit="deg", frame="icrs")
