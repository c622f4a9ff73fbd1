# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Published lists of clusters from VizieR."""

from __future__ import annotations

import numpy as np
from astropy.table import Table

from ..archives.configuration import conf
from ..archives.exceptions import ArchiveFormatError, NoDataError
from ..sources.table import has_sky_positions, sky_positions

__all__ = ["fetch_from_vizier", "names_of"]

SERVICE = "VizieR"
_COMPUTED = ["_RAJ2000", "_DEJ2000"]
"""Positions in degrees that VizieR computes for every table that has some."""


def fetch_from_vizier(known, cone):
    """Return ``name, ra, dec`` (deg) of a list in a cone; None is everywhere."""
    from ..archives.contents import read_table, table_bytes
    from ..archives.services import import_clients, remembered

    def ask():
        return table_bytes(_ask(import_clients().VizierClient, known, cone))

    return remembered(SERVICE, _query(known, cone), ask, read_table)


def names_of(known, rows):
    """
    Return the names of the clusters of a list, (n,) object array.

    Bare numbers get the prefix of the list or its tag, and missing names are that; for
    a table of the caller the number of the row is added.
    """
    column = _name_column(known, rows)
    if column is None:
        count = range(1, len(rows) + 1)
        # an answer of VizieR has some rows of a list: their numbers mean nothing
        texts = [""] * len(rows) if known.vizier else map(str, count)
    else:
        texts = ("" if value is np.ma.masked else value for value in rows[column])
    names = [_full_name(known, str(text).strip()) for text in texts]
    return np.array([*names, None], dtype=object)[:-1]


def _query(known, cone):
    """Return all that an answer depends on, names included (str)."""
    naming = f"{known.tag} {known.prefix} {' '.join(known.name_columns)}"
    lists = " ".join(known.vizier)
    return f"{conf.vizier_url} {lists} {cone or 'everywhere'} names: {naming}"


def _ask(make_client, known, cone):
    parts = []
    for name in known.vizier:
        client = make_client(columns=["*", *_COMPUTED])
        if cone is None:
            answer = client.get_catalogs(name)
        else:
            answer = client.query_region(cone.center, radius=cone.radius, catalog=name)
        parts += list(answer.values())
    if not sum(map(len, parts)):
        _check_there(make_client, known)
    return _joined(known, parts)


def _check_there(make_client, known):
    """Raise unless VizieR has a row of a list: without, all clusters would be new."""
    client = make_client(columns=["*"])
    client.ROW_LIMIT = 1
    if not any(len(part) for part in client.get_catalogs(list(known.vizier)).values()):
        raise NoDataError(f"it has no list {' '.join(known.vizier)}, or an empty one")


def _joined(known, parts):
    """Return names and positions of the tables of an answer that have positions."""
    placed = [part for part in parts if has_sky_positions(part)]
    if parts and not placed:
        raise ArchiveFormatError(
            f"no table of {' '.join(known.vizier)} has positions such as "
            f"{', '.join(_COMPUTED)}; got {[part.colnames for part in parts]}"
        )
    names = [name for part in placed for name in names_of(known, part)]
    sky = [sky_positions(part, known.tag) for part in placed]
    return Table(
        {
            "name": np.array(names, dtype=str),
            "ra": np.concatenate([np.empty(0), *(part.ra.deg for part in sky)]),
            "dec": np.concatenate([np.empty(0), *(part.dec.deg for part in sky)]),
        }
    )


def _full_name(known, text):
    is_bare = text.replace(".", "").isdecimal() or not text
    return f"{known.prefix or known.tag} {text}".strip() if is_bare else text


def _name_column(known, rows):
    own = {name.lower(): name for name in reversed(rows.colnames)}
    for name in (*known.name_columns, "name"):  # the last is that of the cache
        if name.lower() in own:
            return own[name.lower()]
    for mark in ("meta.id;meta.main", "meta.id"):
        for name in rows.colnames:
            if _ucd(rows[name]).startswith(mark):
                return name
    return None


def _ucd(column):
    return str((getattr(column.info, "meta", None) or {}).get("ucd", "")).lower()
