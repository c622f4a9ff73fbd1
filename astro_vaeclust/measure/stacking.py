# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tables of clusters stacked into one, with new numbers."""

from __future__ import annotations

import numpy as np
from astropy.table import vstack

__all__ = ["part_numbers", "stacked", "tables_of"]


def stacked(tables):
    """
    Stack tables of clusters into one, with a new ``id`` from 1.

    If all say which image they are of, so does a column. A column that some do not
    have is masked for these; metadata that differ become lists. Raises ValueError if
    there is no table, or units do not convert.
    """
    tables = _with_image_column(tables)
    table = vstack(tables, metadata_conflicts="silent")
    table["id"][:] = np.arange(1, len(table) + 1)
    first = 0
    for part in tables:
        rows = slice(first, first + len(part))
        if "part_of" in part.colnames:
            table["part_of"][rows] = part_numbers(
                part["part_of"], part["id"], table["id"][rows]
            )
        first = rows.stop
    table.meta = _joint_meta([part.meta for part in tables])
    return table


def tables_of(catalogs, kind):
    """Return the tables of one catalogue of a kind or more; raise for anything else."""
    takes = f"catalogs takes one {kind.__name__} or more in a list"
    if isinstance(catalogs, (str, kind)) or not np.iterable(catalogs):
        raise TypeError(f"{takes}, got a {type(catalogs).__name__}")
    catalogs = list(catalogs)
    if not catalogs:
        raise ValueError(f"{takes}, got none")
    for catalog in catalogs:
        if not isinstance(catalog, kind):
            raise TypeError(f"{takes}, got a {type(catalog).__name__}")
    return [catalog.table for catalog in catalogs]


def part_numbers(part_of, before, after):
    """
    Return the column ``part_of`` of clusters that get new numbers.

    ``before`` and ``after`` are the numbers of the clusters that are left; a part of
    one that is not left is a part of none (0).
    """
    numbers = dict(zip(before, after, strict=True))
    return np.array([numbers.get(number, 0) for number in part_of], dtype=np.int64)


def _with_image_column(tables):
    """Return tables with the name of their image, if all say which it is."""
    named = all(isinstance(table.meta.get("image"), str) for table in tables)
    if not named or any("image" in table.colnames for table in tables):
        return tables
    copies = [table.copy() for table in tables]
    for table in copies:
        names = np.full(len(table), table.meta["image"])
        table.add_column(names, name="image", index=1)
        table["image"].info.description = "Name of the image"
    return copies


def _joint_meta(metas):
    """Return what metadata have in common, and lists of what differs."""
    joint = {}
    for key in dict.fromkeys(key for meta in metas for key in meta):
        values = [meta.get(key) for meta in metas]
        same = all(value == values[0] for value in values)
        joint[key] = values[0] if same else values
    return joint
