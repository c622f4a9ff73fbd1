# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""From the columns of an archive to those that every catalogue has."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from ..sources.columns import (
    MAGNITUDE_COLUMNS,
    as_magnitudes,
    as_numbers,
    as_words,
    plain,
)
from ..sources.table import ANGLE_COLUMNS, angles
from .exceptions import ArchiveFormatError

__all__ = ["COLOUR_COLUMNS", "NATIVE_COLUMNS", "has_magnitudes", "standardise"]

COLOUR_COLUMNS = tuple(
    f"{band}_mag{suffix}" for band in "jhk" for suffix in ("", "_err")
)
"""Magnitudes in J, H and K (mag) of every catalogue; NaN where there is none."""

ERROR_COLUMNS = {
    "j": (
        *("j_mag_err", "j_msigcom", "j_cmsig", "e_jmag", "japermag3err"),
        *("e_jmag3", "ej"),
    ),
    "h": (
        *("h_mag_err", "h_msigcom", "h_cmsig", "e_hmag", "hapermag3err"),
        *("e_hmag3", "eh"),
    ),
    "k": (
        *("k_mag_err", "k_msigcom", "k_cmsig", "e_kmag", "k_1apermag3err"),
        *("kapermag3err", "ksapermag3err", "e_kmag1", "e_ksmag3", "e_ksmag", "eks"),
    ),
}
"""Names of their standard deviations in lower case, by the band."""

NATIVE_COLUMNS = {
    "designation": ("designation", "2mass", "_2mass", "id2mass"),
    "ph_qual": ("ph_qual", "qflg"),
    "rd_flg": ("rd_flg", "rflg"),
    "bl_flg": ("bl_flg", "bflg"),
    "cc_flg": ("cc_flg", "cflg"),
    "sourceid": ("sourceid",),
    "framesetid": ("framesetid",),
    "mergedclass": ("mergedclass", "mclass", "cl"),
    "priorsec": ("priorsec",),
    "pstar": ("pstar", "p*", "p_", "p_star"),
    "j_pperrbits": ("j_pperrbits", "jpperrbits", "jperrbits", "jflag"),
    "h_pperrbits": ("h_pperrbits", "hpperrbits", "hperrbits", "hflag"),
    "k_pperrbits": (
        *("k_pperrbits", "k_1pperrbits", "kpperrbits", "kspperrbits", "ksperrbits"),
        *("kflag1",),
    ),
}
"""Columns of the surveys that are kept, with their names in lower case elsewhere."""

FLAG_COLUMNS = ("ph_qual", "rd_flg", "bl_flg", "cc_flg")
MISSING_INTEGER = -99999999

_CLASSES = {
    -1: "star",
    -2: "probable star",
    1: "galaxy",
    -3: "probable galaxy",
    0: "noise",
    -9: "saturated",
}
_GRADES = {
    **dict.fromkeys("A", "good"),
    **dict.fromkeys("BC", "fair"),
    **dict.fromkeys("DEFX", "poor"),
    "U": "limit",
}
_INDEX = {"j": 0, "h": 1, "k": 2}


def standardise(native, *, band, cone=None, service=""):
    """
    Turn a table of an archive into one with the standard columns.

    Names of columns are compared without regard to case. Missing values, which the
    archives write as masked, NaN, -9.999995e8, -99999999, -9999 or 99.99, become NaN,
    and ``unknown`` in columns of words. Rows without a position are left out.

    Parameters
    ----------
    native : `~astropy.table.Table`
        The table: 2MASS from IRSA or VizieR, UKIDSS or VISTA from their archives or
        VizieR, or one that has the standard columns already.
    band : str
        Band of ``mag``, ``mag_err`` and ``quality``: J, H, or K or Ks.
    cone : `~astro_vaeclust.archives.areas.Cone`, optional
        Where the sources should be; decides whether positions without a unit are in
        degrees or in radians.
    service : str, optional
        Who gave it, for messages.

    Returns
    -------
    catalog : `~astropy.table.QTable`
        See `~astro_vaeclust.archives.Archive.get_catalog`.

    Raises
    ------
    `~astro_vaeclust.archives.exceptions.ArchiveFormatError`
        If it has no positions, or no magnitudes in the band, or they have a unit that
        does not convert.

    Warns
    -----
    AstropyUserWarning
        If there are impossible positions.
    """
    columns = _Columns(native, service)
    letter = band.strip().lower()[0]
    sky = _positions(columns, cone)
    usable = np.isfinite(sky[0])
    catalog = QTable()
    ra, dec = (axis[usable] for axis in sky)
    magnitudes = _magnitudes(columns, letter)
    catalog["ra"], catalog["dec"] = ra * u.deg, dec * u.deg
    catalog["mag"] = magnitudes[f"{letter}_mag"][usable]
    catalog["mag_err"] = magnitudes[f"{letter}_mag_err"][usable]
    catalog["band"] = np.full(len(ra), band, dtype=f"U{max(len(band), 2)}")
    kept = {name: values[usable] for name, values in _natives(columns).items()}
    catalog["quality"] = _quality(columns, kept, letter, catalog["mag"], usable)
    catalog["source_class"] = _source_class(columns, kept, usable)
    catalog["sky"] = SkyCoord(catalog["ra"], catalog["dec"], frame="icrs")
    for name in COLOUR_COLUMNS:
        catalog[name] = magnitudes[name][usable]
    for name, values in kept.items():
        catalog[name] = values
    return catalog


def has_magnitudes(table, band):
    """Whether a table has magnitudes in a band (bool), whatever their unit."""
    names = (*MAGNITUDE_COLUMNS[band.strip().lower()[0]], "mag")
    return _Columns(table, "").find(names) is not None


class _Columns:
    """The columns of a table by their names in lower case."""

    def __init__(self, table, service):
        self.table = table
        self.service = service
        self._own = {name.lower(): name for name in reversed(table.colnames)}

    def find(self, names):
        """Return the first column that is there, None if none is."""
        for name in names:
            if name in self._own:
                return self.table[self._own[name]]
        return None

    def lack(self, what, names):
        """Return the error that says what is missing."""
        return ArchiveFormatError(
            f"the table has no {what}: it needs one of {', '.join(names)}, and has "
            f"{', '.join(self.table.colnames) or 'no columns'}",
            service=self.service,
        )

    def __len__(self):
        return len(self.table)


def _positions(columns, cone):
    """Return ra and dec in degrees (two (n,) float64 arrays), NaN where missing."""
    try:
        found = angles(columns.table, "catalog")
    except ValueError as error:
        raise ArchiveFormatError(str(error), service=columns.service) from error
    if found is None:
        names = [" and ".join(pair) for pair in ANGLE_COLUMNS]
        raise columns.lack("right ascension and declination", names)
    ra, dec = found
    if cone is not None and not _reaches(cone, ra, dec):
        in_radians = np.degrees(ra), np.degrees(dec)
        if _reaches(cone, *in_radians):
            return in_radians
    return found


def _reaches(cone, ra, dec):
    """Whether any of the positions lies in a cone."""
    possible = np.isfinite(ra) & (abs(dec) <= 90)
    if not possible.any():
        return False
    sky = SkyCoord(ra[possible], dec[possible], unit="deg")
    return bool(cone.contains(sky).any())


def _magnitudes(columns, letter):
    """Return magnitudes and errors of all bands ((n,) Quantity each)."""
    found = {}
    for name in _INDEX:
        magnitude = columns.find(MAGNITUDE_COLUMNS[name])
        error = columns.find(ERROR_COLUMNS[name])
        if name == letter and magnitude is None:
            magnitude = columns.find(("mag",))
            if magnitude is None:
                names = (*MAGNITUDE_COLUMNS[name], "mag")
                raise columns.lack(f"magnitude in {letter.upper()}", names)
            error = columns.find(("mag_err", "e_mag")) if error is None else error
        found[f"{name}_mag"] = _measured(magnitude, columns)
        found[f"{name}_mag_err"] = _measured(error, columns, minimum=0.0)
    return found


def _measured(column, columns, minimum=-np.inf):
    """Return a column as magnitudes, NaN where there is nothing."""
    if column is None:
        return np.full(len(columns), np.nan) * u.mag
    try:
        values = as_magnitudes(column)
    except ValueError as error:
        raise ArchiveFormatError(
            f"catalog: {error}", service=columns.service
        ) from error
    return np.where(values < minimum, np.nan, values) * u.mag


def _natives(columns):
    """Return the columns of the survey that are there."""
    kept = {}
    for name, aliases in NATIVE_COLUMNS.items():
        column = columns.find(aliases)
        if column is None:
            continue
        if name in FLAG_COLUMNS:
            kept[name] = _flags(column, digits=name != "ph_qual")
        elif name == "designation":
            kept[name] = as_words(column)
        elif name == "pstar":
            kept[name] = as_numbers(column)
        else:
            kept[name] = _integers(column)
    return kept


def _quality(columns, kept, letter, magnitudes, usable):
    given = columns.find(("quality",))
    if given is not None:
        return as_words(given)[usable]
    quality = np.full(len(magnitudes), "unknown", dtype="U7")
    bits = kept.get(f"{letter}_pperrbits")
    if "ph_qual" in kept:
        grades = [flags[_INDEX[letter] :][:1] for flags in kept["ph_qual"]]
        quality[:] = [_GRADES.get(grade, "unknown") for grade in grades]
    elif bits is not None:
        quality[bits == 0] = "good"
        quality[bits > 0] = "fair"
        quality[bits >= 256] = "poor"
    quality[~np.isfinite(magnitudes.value)] = "unknown"
    return quality


def _source_class(columns, kept, usable):
    given = columns.find(("source_class",))
    if given is not None:
        return as_words(given)[usable]
    if "mergedclass" in kept:
        words = [_CLASSES.get(int(value), "unknown") for value in kept["mergedclass"]]
    else:
        is_2mass = {"rd_flg", "ph_qual"} & set(kept)
        word = "point source" if is_2mass else "unknown"
        words = [word] * np.count_nonzero(usable)
    return np.array(words, dtype="U15")


def _integers(column):
    """Return a column as (n,) int64, `MISSING_INTEGER` where there is none."""
    values, mask = plain(column)
    if values.dtype.kind in "iu":
        integers = values.astype(np.int64)
    else:
        numbers = as_numbers(column)
        mask = mask | ~np.isfinite(numbers)
        integers = np.where(mask, 0, numbers).astype(np.int64)
    return np.where(mask, MISSING_INTEGER, integers)


def _flags(column, *, digits):
    """Return flags of three characters; leading zeros are put back."""
    words = as_words(column)
    if digits:
        words = [word.removesuffix(".0") for word in words]  # floats of other programs
        words = ["" if word in ("", "nan") else word.zfill(3) for word in words]
    return np.array(words, dtype="U3")
