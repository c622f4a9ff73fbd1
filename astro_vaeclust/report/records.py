# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The columns of a table of candidates as plain values."""

from __future__ import annotations

import math

import numpy as np

from ..measure.flags import ClusterFlags

__all__ = ["column_facts", "plain", "records_of"]

DESCRIPTIONS = {"ra": "Right ascension (ICRS)", "dec": "Declination (ICRS)"}
"""Descriptions of the columns that the page adds."""


def column_facts(table):
    """Return name, unit and description of the columns of the page (list of dict)."""
    return [
        {
            "name": name,
            "unit": str(getattr(column, "unit", None) or ""),
            "description": DESCRIPTIONS.get(name)
            or str(getattr(column.info, "description", None) or ""),
        }
        for name, column in _columns(table).items()
    ]


def records_of(table):
    """Return values and flags of each candidate (list of dict), None for NaN."""
    columns = {name: plain(column) for name, column in _columns(table).items()}
    rows = (
        dict(zip(columns, row, strict=True))
        for row in zip(*columns.values(), strict=True)
    )
    return [{"values": row, "flags": _flags(row["flags"])} for row in rows]


def plain(values, digits=8):
    """Return values of any kind as numbers of so many digits, str and None (list)."""
    values = getattr(values, "value", values)
    return [_plain(value, digits) for value in np.ma.asanyarray(values).tolist()]


def _columns(table):
    """Return the columns of the page, with right ascension and declination (dict)."""
    sky = table["sky_center"].icrs
    names = [name for name in table.colnames if name not in ("id", "sky_center")]
    columns = {"id": table["id"], "ra": sky.ra, "dec": sky.dec}
    return columns | {name: table[name] for name in names}


def _plain(value, digits):
    if isinstance(value, float):
        return float(f"{value:.{digits}g}") if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def _flags(value):
    """Return the meanings of the flags that are set (list of str)."""
    return [flag.meaning for flag in ClusterFlags if int(value) & flag]
