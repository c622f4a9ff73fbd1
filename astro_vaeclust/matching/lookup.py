# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Which detected clusters are known already."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table

from ..archives import Cone
from ..sources.table import sky_positions
from ..utils.validation import check_angle, check_choice
from .areas import mean_direction
from .known import KNOWN_LISTS, KnownList
from .vizier import fetch_from_vizier, names_of

__all__ = ["crossmatch"]

OWN_LIST = KnownList(
    tag="table",
    vizier=(),
    reference="",
    content="a table of the caller",
    radius=60 * u.arcsec,
    name_columns=("name", "id", "designation"),
)
"""How a table of the caller is read."""

DESCRIPTIONS = {
    "name": "Name of the nearest known cluster within the match radius",
    "offset": "Distance from it",
    "status": "known, or new: not in the lists that were looked up",
    "known_list": "The list that has it",
}

WIDEST_CONE = 10 * u.deg
"""Clusters spread over more than this radius are looked up in the whole list."""


def crossmatch(table, lists, *, radius=None, fetch=None):
    """
    Look clusters up in published lists.

    A cluster is known if a listed position lies within the match radius of the list;
    of several, also of several lists, the nearest is named. It need not be the same
    object: a small cluster at the rim of a large one is near it too.

    Parameters
    ----------
    table : `~astropy.table.Table`
        The clusters, with ``sky_center``.
    lists : str, KnownList, `~astropy.table.Table`, or a list of these
        Tags of `KNOWN_LISTS` or a `KnownList` of your own, which VizieR is asked for;
        or tables of known clusters, with ``sky``, or ``ra`` and ``dec`` in degrees, and
        a name in ``name``.
    radius : `~astropy.units.Quantity`, optional
        The match radius for all lists; by default that of each list, and 60 arcsec
        for a table.
    fetch : callable, optional
        Gives a list as a table: ``fetch(known, cone)`` with a `KnownList` and
        a `~astro_vaeclust.archives.Cone`, or None for the whole list. By default
        VizieR is asked.

    Returns
    -------
    found : `~astropy.table.QTable`
        A row per cluster: ``name`` and ``offset`` (arcsec) of the known cluster, empty
        and NaN without one; ``status``, "known" or "new"; ``known_list``, the tag of
        the list, or "table".

    Raises
    ------
    TypeError, ValueError
        If a list is unknown or has no positions, or the radius is no angle.
    `~astro_vaeclust.archives.ArchiveError`
        If VizieR does not give a list.
    """
    centers = _centers(table)
    chosen = [_resolve(one) for one in _as_list(lists)]
    if radius is not None:
        check_angle("radius", radius)
    found = {
        "name": np.full(len(centers), "", dtype=object),
        "offset": np.full(len(centers), np.nan),
        "status": None,
        "known_list": np.full(len(centers), "", dtype=object),
    }
    if len(centers):
        for known, rows in chosen:
            limit = known.radius if radius is None else radius
            if rows is None:
                ask = fetch_from_vizier if fetch is None else fetch
                rows = ask(known, _cone(centers, limit))
            _keep_nearer(found, centers, known, rows, limit)
    found["status"] = np.where(np.isfinite(found["offset"]), "known", "new")
    return _described(found)


def _centers(table):
    if not isinstance(table, Table):
        raise TypeError(f"table must be a Table, got {type(table).__name__}")
    if "sky_center" not in table.colnames:
        raise ValueError(f"table must have sky_center, got {table.colnames}")
    centers = table["sky_center"].icrs
    return SkyCoord(centers.ra, centers.dec, frame="icrs")


def _as_list(lists):
    if isinstance(lists, (str, Table, KnownList)):
        return [lists]
    try:
        chosen = list(lists)
    except TypeError:
        chosen = None
    if not chosen:
        raise TypeError(
            f"lists takes tags of {', '.join(KNOWN_LISTS)}, or tables; got {lists!r}"
        )
    return chosen


def _resolve(one):
    """Return a description of a list, and the rows of a table of the caller."""
    if isinstance(one, Table):
        sky_positions(one, "lists")
        return OWN_LIST, one
    if isinstance(one, KnownList):
        return one, None
    if not isinstance(one, str):
        raise TypeError(f"lists takes tags or tables, got {type(one).__name__}")
    check_choice("lists", one, KNOWN_LISTS)
    return KNOWN_LISTS[one], None


def _cone(centers, limit):
    """Return a cone with all that can match, None if it would be too wide."""
    middle = mean_direction(centers)
    widest = middle.separation(centers).max() + 1.01 * limit
    return Cone(middle, widest.to(u.deg)) if widest <= WIDEST_CONE else None


def _keep_nearer(found, centers, known, rows, limit):
    """Keep the nearest row of a list where it is nearer than that of other lists."""
    if not len(rows):
        return
    sky = sky_positions(rows, f"the list {known.tag}")
    placed = np.isfinite(sky.ra) & np.isfinite(sky.dec)
    if not placed.any():
        return
    names = names_of(known, rows)[placed]
    index, offset, _ = centers.match_to_catalog_sky(sky[placed])
    offset = offset.to_value(u.arcsec)
    nearer = (offset <= limit.to_value(u.arcsec)) & ~(found["offset"] <= offset)
    found["name"][nearer] = names[index[nearer]]
    found["offset"][nearer] = offset[nearer]
    found["known_list"][nearer] = known.tag


def _described(found):
    table = QTable({name: values.astype(str) for name, values in found.items()})
    table["offset"] = found["offset"] * u.arcsec
    table["offset"].info.format = ".1f"
    for name, text in DESCRIPTIONS.items():
        table[name].info.description = text
    return table
