# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Columns of tables of sources as plain numbers and words."""

from __future__ import annotations

import re

import astropy.units as u
import numpy as np
from astropy.coordinates import Angle

__all__ = ["as_degrees", "as_magnitudes", "as_numbers", "as_words", "plain"]

FAINTEST = 40.0
"""Magnitudes from this on are codes of a missing value."""

SEXAGESIMAL = re.compile(r"[+-]?\d+[:hd°\s]\s*\d")

SPELLINGS = {
    "deg": u.deg,
    "degree": u.deg,
    "rad": u.rad,
    "radian": u.rad,
    "h": u.hourangle,
    "hr": u.hourangle,
    "hour": u.hourangle,
    "arcsec": u.arcsec,
    "mag": u.mag,
    "pixel": u.pix,
}
"""Units as files spell them, in lower case, without brackets and plural."""


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
        If its unit is no magnitude.
    """
    values = as_numbers(column, u.mag)
    return np.where(np.abs(values) < FAINTEST, values, np.nan)


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
    try:
        own = _unit_of(column) or unit
        return u.Quantity(values, own).to_value(unit)
    except (ValueError, TypeError):
        raise ValueError(f"a column is in {column.unit}, and not in {unit}") from None


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
    if not any(map(SEXAGESIMAL.match, texts)):
        return as_numbers(column, u.deg)
    degrees = np.full(len(texts), np.nan)
    given = texts != ""
    try:
        degrees[given] = Angle(texts[given], unit).deg
    except ValueError:
        degrees[given] = [_angle(text, unit) for text in texts[given]]
    return degrees


def _unit_of(column):
    """Return the unit of a column whatever its spelling, such as ``[DEGREES]``."""
    unit = getattr(column, "unit", None)
    if unit is None or str(unit) == "":
        return None
    plain = str(unit).lower().strip("[]() ").removesuffix("s")
    return SPELLINGS.get(plain) or u.Unit(unit)


def _angle(text, unit):
    """Return a sexagesimal angle in degrees, infinite if it cannot be read."""
    try:
        return Angle(text, unit).deg
    except ValueError:
        return np.inf


def plain(column):
    """Return the values and the mask of a column without its unit, (n,) both."""
    values = getattr(column, "unmasked", column)
    values = np.ma.getdata(getattr(values, "value", values))
    mask = np.broadcast_to(getattr(column, "mask", False), values.shape)
    if values.ndim > 1 and values.size == len(values):
        values, mask = values.reshape(len(values)), mask.reshape(len(values))
    return values, mask


def _number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return np.nan


def _word(value):
    if isinstance(value, bytes):
        return value.decode("ascii", "replace").strip()
    return "" if value is None else str(value).strip()
