# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Catalogues of sources as the matching takes them."""

from __future__ import annotations

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from ..archives import cuts
from ..archives.standard_columns import has_magnitudes, standardise
from ..images.hdus import quietly
from ..sources.table import check_table, has_sky_positions, sky_positions

__all__ = ["apply_cut", "standard_sources"]

FLAGS_OF_THE_PAPER = ("rd_flg", "mergedclass")


def standard_sources(sources, *, wcs=None):
    """
    Return the rows of a catalogue that have a position, with a column ``sky`` (QTable).

    A table that has ``sky`` is taken as it is. Others are standardised as the archives
    do it, with K as the band, so that files of 2MASS, UKIDSS and VISTA have the
    columns that cuts need and each source once; if there are no magnitudes in K, only
    ``sky`` is added, as `~astro_vaeclust.sources.table.sky_positions` does with the
    ``wcs``. Raises an ArchiveFormatError for magnitudes in a unit that is none.
    """
    check_table(sources, "sources")
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
    Return a mask of the sources that a cut keeps (bool array), and its name.

    ``cut`` is what `~astro_vaeclust.archives.cuts.resolve_cut` takes. ``"paper"`` keeps
    all of a catalogue that has neither of the columns which that cut needs.
    """
    if cut == "paper" and not set(FLAGS_OF_THE_PAPER) & set(table.colnames):
        cut = None
    name, function = cuts.resolve_cut(cut)
    return cuts.checked_mask(function(table), table), name
