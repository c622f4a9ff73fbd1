# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Catalogues of sources as the matching takes them."""

from __future__ import annotations

import re

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table

from ..archives import ArchiveFormatError, cuts
from ..archives.standard_columns import standardise

__all__ = [
    "apply_cut",
    "finite_magnitudes",
    "has_positions",
    "positions",
    "standard_sources",
]

_POSITIONS = (
    ("ra2000", "dec2000"),
    ("_RAJ2000", "_DEJ2000"),
    ("_RA_icrs", "_DE_icrs"),
    ("_RA.icrs", "_DE.icrs"),
    ("ra", "dec"),
    ("RAJ2000", "DEJ2000"),
    ("RA_ICRS", "DE_ICRS"),
    ("RAICRS", "DEICRS"),
    ("RAdeg", "DEdeg"),
)
"""Columns of right ascension and declination, the best first; UKIDSS has ``ra`` and
``dec`` in radians beside the first, and VizieR computes those with an underscore."""

_SEXAGESIMAL = re.compile(r"[+-]?\d+[:h ]\s*\d")

_FLAGS_OF_THE_PAPER = ("rd_flg", "mergedclass")

FAINTEST = 40.0
"""Magnitudes beyond this are codes of a missing value."""


def standard_sources(sources):
    """
    Return the rows of a catalogue that have a position, with a column ``sky``.

    A table that has ``sky`` is taken as it is. Others are standardised as the archives
    do it, with K as the band, so that files of 2MASS, UKIDSS and VISTA have the
    columns that cuts need and each source once; if there are no magnitudes in K, only
    ``sky`` is added.

    Parameters
    ----------
    sources : `~astropy.table.Table`
        The catalogue.

    Returns
    -------
    table : `~astropy.table.QTable`
        A new table.

    Raises
    ------
    TypeError
        If it is no table.
    ValueError
        If it has no positions or no rows.
    """
    if not isinstance(sources, Table):
        raise TypeError(
            "sources must be an astropy table with sky, or ra and dec in degrees, got "
            f"{type(sources).__name__}"
        )
    table = _with_sky(sources)
    sky = table["sky"]
    placed = np.isfinite(sky.ra.deg) & np.isfinite(sky.dec.deg)
    if not placed.any():
        raise ValueError(
            f"sources has no row with a position; it has {len(sources)} rows"
        )
    return table[placed]


def _with_sky(sources):
    """Return a new table with ``sky``, in ICRS and without distances."""
    if not _has_sky(sources):
        try:
            table = standardise(sources, band="K")
            return table[cuts.primary(table)]
        except ArchiveFormatError:  # no magnitudes, or no positions either
            pass
    sky = positions(sources, "sources")
    table = QTable(sources)
    table["sky"] = sky
    return table


def positions(table, name):
    """
    Return the positions of a table.

    Parameters
    ----------
    table : `~astropy.table.Table`
        A table with ``sky`` (`~astropy.coordinates.SkyCoord`), ``ra`` and ``dec``, or
        the positions of VizieR; numbers without a unit are degrees, and words are hours
        and degrees such as ``"06 08 32.1"`` and ``"+20 38 57"``, ICRS. Upper or lower
        case does not matter.
    name : str
        The argument, for the message.

    Returns
    -------
    sky : `~astropy.coordinates.SkyCoord`
        ICRS; NaN where a position is missing.

    Raises
    ------
    ValueError
        If there are no such columns, or a declination is beyond a pole.
    """
    if _has_sky(table):
        return _plain(table["sky"])
    pair = _position_columns(table)
    if pair is None:
        raise ValueError(
            f"{name} must have the columns ra and dec in degrees, or sky; got "
            f"{table.colnames}"
        )
    ra, dec = (table[column] for column in pair)
    try:
        if _is_sexagesimal(ra):
            return _from_words(ra, dec)
        return SkyCoord(_degrees(ra), _degrees(dec), frame="icrs")
    except ValueError as error:
        raise ValueError(
            f"{name}: {pair[0]} and {pair[1]} are no positions in degrees: {error}"
        ) from error


def has_positions(table):
    """Whether `positions` finds the columns that it needs (bool)."""
    return _has_sky(table) or _position_columns(table) is not None


def apply_cut(table, cut):
    """
    Say which sources count.

    Parameters
    ----------
    table : `~astropy.table.Table`
        The sources.
    cut : str, callable or None
        A name of `~astro_vaeclust.archives.cuts.CUTS`, a function from the table to
        a bool array, or None for all. ``"paper"`` is none as well for a catalogue that
        has neither of the columns which that cut needs.

    Returns
    -------
    passes : bool array
        One value per row.
    name : str
        What the cut was.

    Raises
    ------
    TypeError, ValueError
        If there is no such cut, or it does not fit the table.
    """
    if cut == "paper" and not set(_FLAGS_OF_THE_PAPER) & set(table.colnames):
        cut = None
    name, function = cuts.resolve_cut(cut)
    return cuts.checked_mask(function(table), table), name


def finite_magnitudes(column):
    """Return a column of magnitudes as floats, NaN where one is missing (array)."""
    values = _floats(column, u.mag)
    return np.where(np.abs(values) < FAINTEST, values, np.nan)


def _has_sky(table):
    return "sky" in table.colnames and isinstance(table["sky"], SkyCoord)


def _position_columns(table):
    """Return the names of the best columns of positions, None without any."""
    own = {column.lower(): column for column in reversed(table.colnames)}
    for pair in _POSITIONS:
        if all(part.lower() in own for part in pair):
            return tuple(own[part.lower()] for part in pair)
    return None


def _is_sexagesimal(column):
    return column.dtype.kind in "OSU" and any(
        isinstance(value, str) and _SEXAGESIMAL.match(value.strip()) for value in column
    )


def _from_words(ra, dec):
    """Return positions in hours and degrees as ICRS, NaN where one is missing."""
    ra, dec = (np.array([_word(value) for value in column]) for column in (ra, dec))
    given = (ra != "") & (dec != "")
    places = SkyCoord(ra[given], dec[given], unit=(u.hourangle, u.deg))
    degrees = np.full((2, len(ra)), np.nan)
    degrees[:, given] = places.ra.deg, places.dec.deg
    return SkyCoord(*degrees, unit=u.deg, frame="icrs")


def _word(value):
    return "" if value is np.ma.masked else str(value).strip()


def _plain(sky):
    """Drop distances and velocities, which would get in the way of separations."""
    sky = sky.icrs
    return SkyCoord(_degrees(sky.ra), _degrees(sky.dec), frame="icrs")


def _degrees(column):
    return _floats(column, u.deg) * u.deg


def _floats(column, unit):
    """Return a column as floats in a unit; numbers without a unit are in it."""
    own = getattr(column, "unit", None)
    mask = np.broadcast_to(getattr(column, "mask", False), np.shape(column))
    values = np.ma.getdata(getattr(column, "unmasked", column))
    values = np.array(getattr(values, "value", values), dtype=float).reshape(len(mask))
    if own is not None and own != u.dimensionless_unscaled:
        try:
            values = u.Quantity(values, own).to_value(unit)
        except ValueError:  # units that astropy does not know or that do not convert
            raise ValueError(f"a column is in {own}, and not in {unit}") from None
    return np.where(mask.reshape(len(values)), np.nan, values)
