# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Columns of tables of sources as plain numbers and words."""

from __future__ import annotations

import re

import astropy.units as u
import numpy as np
from astropy.coordinates import Angle

__all__ = [
    "MAGNITUDE_COLUMNS",
    "as_degrees",
    "as_magnitudes",
    "as_numbers",
    "as_words",
    "is_sexagesimal",
    "limiting_magnitudes",
    "magnitudes_of_bands",
    "own_names",
    "plain",
    "unit_of",
]

MAGNITUDE_COLUMN = "mag"
"""Name of the magnitudes in the band of a table."""

MAGNITUDE_COLUMNS = {
    "j": ("j_mag", "j_m", "jmag", "japermag3", "jmag3", "mag_j"),
    "h": ("h_mag", "h_m", "hmag", "hapermag3", "hmag3", "mag_h"),
    "k": (
        *("k_mag", "k_m", "kmag", "k_1apermag3", "kapermag3"),
        *("ksapermag3", "kmag1", "ksmag3", "ksmag", "mag_ks", "mag_k"),
    ),
}
"""Names of magnitudes in lower case, by the band."""

FAINTEST = 40.0
"""Magnitudes from this on are codes of a missing value."""

MISSING_BELOW = -9000.0
"""Numbers below this are codes of a missing value in every unit of magnitudes."""

MISSING_WORDS = ("", "nan", "null", "none", "--")

SEXAGESIMAL = re.compile(r"[+-]?\d+[:hd°\s]\s*\d")

SPELLINGS = {
    "h:m:s": u.hourangle,
    "hms": u.hourangle,
    "hh:mm:ss": u.hourangle,
    "d:m:s": u.deg,
    "dms": u.deg,
    "dd:mm:ss": u.deg,
    "deg": u.deg,
    "degree": u.deg,
    "rad": u.rad,
    "radian": u.rad,
    "h": u.hourangle,
    "hr": u.hourangle,
    "hour": u.hourangle,
    "arcsec": u.arcsec,
    "mag": u.mag,
    "magnitude": u.mag,
    "pixel": u.pix,
}
"""Units as files spell them, in lower case, without brackets, quotes and plural."""


def as_magnitudes(column):
    """
    Return a column as magnitudes.

    Parameters
    ----------
    column : (n,) column of a table
        Magnitudes; numbers without a unit are in mag.

    Returns
    -------
    magnitudes : (n,) float64 array
        NaN where one is masked, missing, or a code such as 99.9 or -9999.

    Raises
    ------
    ValueError
        If its unit is no magnitude; fluxes need a zero point.
    """
    values = as_numbers(column, u.mag)
    given = (np.abs(values) < FAINTEST) & ~(as_numbers(column) < MISSING_BELOW)
    return np.where(given, values, np.nan)


def own_names(table):
    """Return the names of the columns by those in lower case (dict of str)."""
    return {name.strip().lower(): name for name in reversed(table.colnames)}


def limiting_magnitudes(table):
    """
    Return the magnitudes to which ``magnitude_limit`` applies, (n,) float64.

    Raises ValueError if the table has none, or in another unit.
    """
    own = own_names(table)
    if MAGNITUDE_COLUMN not in own:
        raise ValueError(
            f"sources must have magnitudes in the column {MAGNITUDE_COLUMN!r} when "
            f"magnitude_limit is set, got the columns {table.colnames}"
        )
    return as_magnitudes(table[own[MAGNITUDE_COLUMN]])


def magnitudes_of_bands(table):
    """
    Return the magnitudes in J, H and K of a table by names of ``MAGNITUDE_COLUMNS``.

    Parameters
    ----------
    table : `~astropy.table.Table`
        The table.

    Returns
    -------
    magnitudes : (3, n) float64 array
        NaN where there is none.

    Raises
    ------
    ValueError
        If there are not two bands at least, or in another unit.
    """
    own, magnitudes = own_names(table), np.full((3, len(table)), np.nan)
    found = [
        next((own[name] for name in names if name in own), None)
        for names in MAGNITUDE_COLUMNS.values()
    ]
    if found.count(None) > 1:
        raise ValueError(
            "sources must have magnitudes in two bands of J, H and K when colors=True, "
            f"in columns such as j_mag and k_mag, got the columns {table.colnames}"
        )
    for row, name in enumerate(found):
        if name is not None:
            magnitudes[row] = as_magnitudes(table[name])
    return magnitudes


def as_numbers(column, unit=None):
    """
    Return a column as numbers.

    Parameters
    ----------
    column : (n,) or (n, 1) column of a table
        Numbers, or words with numbers.
    unit : `~astropy.units.UnitBase`, optional
        The wanted unit, which numbers without a unit have. By default as they are.

    Returns
    -------
    numbers : (n,) float64 array
        NaN where the column is masked or no number.

    Raises
    ------
    ValueError
        If the unit of the column does not convert.
    """
    values, mask = plain(column)
    if values.dtype.kind in "OSU":
        values = np.array([_number(value) for value in values], dtype=float)
    values = np.where(mask, np.nan, values.astype(float))
    if unit is None:
        return values
    return u.Quantity(values, unit_of(column, unit) or unit).to_value(unit)


def as_words(column):
    """Return a column as (n,) array of str, empty where it is masked."""
    values, mask = plain(column)
    texts = [
        "" if gone else _word(value) for value, gone in zip(values, mask, strict=True)
    ]
    return np.array(texts, dtype=str) if texts else np.empty(0, dtype="U1")


def as_degrees(column, unit):
    """
    Return a column of angles in degrees.

    Parameters
    ----------
    column : (n,) or (n, 1) column of a table
        Angles, in degrees without a unit, or words such as ``"06 08 32.1"``.
    unit : `~astropy.units.UnitBase`
        Unit of the first number of such words, where they do not say it.

    Returns
    -------
    degrees : (n,) float64 array
        NaN where there is none, infinite where a word cannot be read.

    Raises
    ------
    ValueError
        If the unit of the column is no angle.
    """
    if plain(column)[0].dtype.kind not in "OSU":
        return as_numbers(column, u.deg)
    texts = as_words(column)
    given = ~np.isin(np.char.lower(texts), MISSING_WORDS)
    degrees = np.full(len(texts), np.nan)
    if not any(map(SEXAGESIMAL.match, texts)):
        degrees[given] = as_numbers(column[given], u.deg)
        words = given & np.isnan(degrees)
        degrees[words] = [_angle(text, unit_of(column, u.deg)) for text in texts[words]]
        return degrees
    unit = unit_of(column, u.deg) or unit
    degrees[given] = np.inf
    if unit == u.hourangle:  # plain numbers among them may be degrees
        given &= [bool(SEXAGESIMAL.match(text)) for text in texts]
    try:
        degrees[given] = Angle(texts[given], unit).deg
    except ValueError:
        degrees[given] = [_angle(text, unit) for text in texts[given]]
    return degrees


def is_sexagesimal(column):
    """Whether a column has angles in words such as ``"-16 10 45"`` (bool)."""
    if plain(column)[0].dtype.kind not in "OSU":
        return False
    return any(map(SEXAGESIMAL.match, as_words(column)))


def unit_of(column, unit):
    """
    Return the unit of a column whatever its spelling, such as ``[DEGREES]``.

    Parameters
    ----------
    column : column of a table
        The column.
    unit : `~astropy.units.UnitBase`
        What it must convert to.

    Returns
    -------
    own : `~astropy.units.UnitBase` or None
        Its unit, None without one. Magnitudes of a system, such as AB, are in mag.

    Raises
    ------
    ValueError
        If it does not convert; the message has the name of the column.
    """
    given = getattr(column, "unit", None)
    if given is None or str(given) == "":
        return None
    spelled = str(given).lower().strip("[]()\"'. ")
    own = SPELLINGS.get(spelled) or SPELLINGS.get(spelled.removesuffix("s"))
    try:
        own = own or u.Unit(given)
        own = getattr(own, "function_unit", own)
        own.to(unit)
    except (ValueError, TypeError):
        raise ValueError(
            f"column {_name(column)!r} is in {given}, and not in {unit}"
        ) from None
    return own


def _name(column):
    return getattr(getattr(column, "info", None), "name", None) or "without a name"


def _angle(text, unit):
    """Return an angle in words in degrees, infinite if it cannot be read."""
    try:
        return Angle(text, unit).deg
    except (ValueError, u.UnitsError):
        return np.inf


def plain(column):
    """Return the values and the mask of a column without its unit, (n,) both."""
    values = getattr(column, "unmasked", column)
    values = np.ma.getdata(getattr(values, "value", values))
    mask = np.broadcast_to(getattr(column, "mask", False), values.shape)
    if values.ndim > 1 and values.size != len(values):
        raise ValueError(f"column {_name(column)!r} has several values in a row")
    if values.ndim > 1:
        values, mask = values.reshape(len(values)), mask.reshape(len(values))
    return values, mask


def _number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return np.nan


def _word(value):
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return "" if value is None else str(value).strip().replace("\N{MINUS SIGN}", "-")
