# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Catalogues of sources as the matching takes them."""

from __future__ import annotations

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table

from ..archives import cuts
from ..archives.standard_columns import has_magnitudes, standardise
from ..images.hdus import quietly
from ..sources.table import has_sky_positions, sky_positions

__all__ = ["apply_cut", "standard_sources"]

FLAGS_OF_THE_PAPER = ("rd_flg", "mergedclass")


def standard_sources(sources, *, wcs=None):
    """
    Return the rows of a catalogue that have a position, with a column ``sky``.

    A table that has ``sky`` is taken as it is. Others are standardised as the archives
    do it, with K as the band, so that files of 2MASS, UKIDSS and VISTA have the
    columns that cuts need and each source once; if there are no magnitudes in K, only
    ``sky`` is added.

    Parameters
    ----------
    sources : `~astropy.table.Table`
        The catalogue, with positions as `~astro_vaeclust.sources.table.sky_positions`
        takes them.
    wcs : `~astropy.wcs.WCS`, optional
        That of the pixels, for a catalogue with positions in pixels only.

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
    `~astro_vaeclust.archives.ArchiveFormatError`
        If its magnitudes have a unit that does not convert.
    """
    if not isinstance(sources, Table):
        raise TypeError(
            f"sources must be an astropy Table or QTable, got {type(sources).__name__}"
        )
    table = _with_sky(sources, wcs)
    placed = np.isfinite(table["sky"].ra.deg)
    if not placed.any():
        raise ValueError(
            f"sources has no row with a usable position; it has {len(sources)} rows"
        )
    return table[placed]


def _with_sky(sources, wcs):
    """Return a new table with ``sky``, in ICRS and without distances."""
    has_sky = "sky" in sources.colnames and isinstance(sources["sky"], SkyCoord)
    if not has_sky and has_sky_positions(sources) and has_magnitudes(sources, "K"):
        table = standardise(sources, band="K")
        return table[cuts.primary(table)]
    with quietly():  # a column of words may have a unit, such as "h:m:s"
        table = QTable(sources)
    table["sky"] = sky_positions(sources, wcs=wcs)
    return table


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
    if cut == "paper" and not set(FLAGS_OF_THE_PAPER) & set(table.colnames):
        cut = None
    name, function = cuts.resolve_cut(cut)
    return cuts.checked_mask(function(table), table), name
