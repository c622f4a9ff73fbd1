# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Cuts: which sources of a catalogue count.

A cut takes a catalogue as `~astro_vaeclust.archives.Archive.get_catalog` returns it and
returns a bool array, one value per row, True for the sources to keep. It raises
ValueError if the catalogue lacks a column that it needs. `CUTS` has the cuts by name.
"""

from __future__ import annotations

import numpy as np
from astropy.table import Table

__all__ = [
    "CUTS",
    "everything",
    "include_extended",
    "paper",
    "primary",
    "read_flag",
    "reliable_photometry",
    "resolve_cut",
    "stars",
]

_DIGIT = {"J": 0, "H": 1, "K": 2, "Ks": 2}


def everything(catalog):
    """Keep every source."""
    return np.ones(len(catalog), dtype=bool)


def paper(catalog):
    """
    Keep the sources that Karmakar, Mishra & Tej (2018) count.

    That is `read_flag` for 2MASS, and `stars` for UKIDSS and any other catalogue that
    has ``mergedclass``.
    """
    if "rd_flg" in catalog.colnames:
        return read_flag(catalog)
    if "mergedclass" in catalog.colnames:
        return stars(catalog)
    raise ValueError(
        "catalog must have the column rd_flg (2MASS) or mergedclass (UKIDSS) for the "
        f"cut of the paper, got {catalog.colnames}"
    )


def read_flag(catalog):
    """
    Keep 2MASS sources with a digit of ``rd_flg`` from 1 to 6 in their ``band``.

    The read flag says how the magnitude was measured: 1 by aperture on the short
    exposure, 2 by profile fit, 3 by radial profile on the short exposure (saturated),
    4 by aperture, 6 an upper limit of a detection; 0 is no detection, 9 confusion
    (Explanatory Supplement to the 2MASS All Sky Data Release, section II.2a). The cut
    of the paper for 2MASS, there for the digit of K.
    """
    return np.isin(_band_digit(catalog, "rd_flg"), list("123456"))


def stars(catalog):
    """
    Keep sources with ``mergedclass`` -1 (star) or -2 (probable star).

    The cut of the paper for UKIDSS. In nebulae and crowds members of clusters are
    often classed +1 (Solin et al. 2012) and lost; see `include_extended`.
    """
    return np.isin(_column(catalog, "mergedclass"), (-1, -2))


def include_extended(catalog):
    """
    Keep sources with ``mergedclass`` -1, -2 and +1.

    As `stars`, with those that look extended (+1), as members of embedded clusters do
    in nebulae and crowds.
    """
    return np.isin(_column(catalog, "mergedclass"), (-1, -2, 1))


def reliable_photometry(catalog):
    """
    Keep sources with a good magnitude in their band; stricter than the paper.

    For 2MASS: ``ph_qual`` A, B or C (above five times the noise), ``rd_flg`` 1, 2 or 3,
    and ``cc_flg`` 0 (no artefact, no confusion), each in the band. For UKIDSS and
    VISTA: ``ppErrBits`` below 256 in the band, and neither noise nor saturated. There
    must be a magnitude in the band.
    """
    measured = np.isfinite(_plain(catalog["mag"]))
    good = np.isin(_column(catalog, "quality"), ("good", "fair"))
    if "rd_flg" in catalog.colnames:
        clean = _band_digit(catalog, "cc_flg") == "0"
        read = np.isin(_band_digit(catalog, "rd_flg"), list("123"))
        return measured & good & clean & read
    return measured & good & ~np.isin(_column(catalog, "mergedclass"), (0, -9))


def primary(catalog):
    """
    Keep one of the rows of a source that lies on several frames of UKIDSS or VISTA.

    The rule of the archive: ``priorsec`` is not positive or is ``framesetid``
    (http://wsa.roe.ac.uk/). Where ``framesetid`` is missing, a source with a positive
    ``priorsec`` may be either and is kept, as are all of other catalogues.
    """
    if not {"priorsec", "framesetid"} <= set(catalog.colnames):
        return everything(catalog)
    priority = _column(catalog, "priorsec")
    return (priority <= 0) | (priority == _column(catalog, "framesetid"))


CUTS = {
    cut.__name__: cut
    for cut in (
        everything,
        paper,
        read_flag,
        stars,
        include_extended,
        reliable_photometry,
        primary,
    )
}
"""The cuts by their names."""


def resolve_cut(cut):
    """
    Return the name and the function of a cut: a name of `CUTS`, a function, or None.

    None is `everything`. Raises TypeError for anything else, and ValueError for a name
    that `CUTS` does not have.
    """
    if cut is None:
        cut = everything
    if isinstance(cut, str):
        if cut not in CUTS:
            raise ValueError(f"cut must be one of {', '.join(CUTS)}, got {cut!r}")
        return cut, CUTS[cut]
    if not callable(cut):
        raise TypeError(
            f"cut must be one of {', '.join(CUTS)}, or a function of a catalogue, got "
            f"{cut!r}"
        )
    return getattr(cut, "__name__", type(cut).__name__), cut


def checked_mask(keep, catalog):
    """Return what a cut gave as an array of bool, one per row, or raise."""
    keep = np.asarray(keep)
    if keep.dtype != bool or keep.shape != (len(catalog),):
        raise TypeError(
            f"cut must return an array of bool of shape ({len(catalog)},), got one of "
            f"{keep.dtype} of shape {keep.shape}"
        )
    return keep


def _column(catalog, name):
    if not isinstance(catalog, Table):
        raise TypeError(f"catalog must be a Table, got {type(catalog).__name__}")
    if name not in catalog.colnames:
        raise ValueError(
            f"catalog must have the column {name} for this cut, got {catalog.colnames}"
        )
    return np.asarray(catalog[name])


def _band_digit(catalog, name):
    """Return the character of a 2MASS flag that belongs to the band of each row."""
    flags = _column(catalog, name).astype("U3")
    bands = _column(catalog, "band")
    digits = np.full(len(catalog), "", dtype="U1")
    for band in np.unique(bands):
        if band not in _DIGIT:
            raise ValueError(f"band must be J, H or Ks for a flag of 2MASS, got {band}")
        rows = bands == band
        digits[rows] = [flag[_DIGIT[band] :][:1] for flag in flags[rows]]
    return digits


def _plain(values):
    return np.asarray(getattr(values, "value", values), dtype=float)
