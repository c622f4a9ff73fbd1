# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Clusters as text on the standard output."""

from __future__ import annotations

__all__ = ["print_clusters", "print_table"]

_SHOWN = (
    *("id", "sky_center", "x_center", "y_center", "radius", "radius_err", "r50"),
    *("n_members", "score", "false_alarm_rate", "n_sources", "flags"),
)
"""Columns of clusters that fit on a line; the files have all of them."""

_NUMBERS = (
    dict.fromkeys(("ra", "dec"), ".5f")
    | dict.fromkeys(("x_center", "y_center", "radius", "radius_err", "r50"), ".1f")
    | {"n_members": ".0f", "area": ".0f", "score": ".3f", "false_alarm_rate": ".3g"}
)
"""Formats of columns."""


def print_clusters(table):
    """Print the main columns of a table of clusters, and the flags in words."""
    if len(table) == 0:
        print("No clusters found.")
        return
    print_table(table[[name for name in _SHOWN if name in table.colnames]])
    _print_flags(table["flags"])


def print_table(table):
    """Print a table with a few digits, positions as ra and dec in degrees."""
    shown = _flat(table)
    for name in shown.colnames:
        if shown[name].dtype.kind == "f":
            shown[name].info.format = _NUMBERS.get(name, ".5g")
    print("\n".join(shown.pformat(max_lines=-1, max_width=-1)))


def _flat(table):
    from astropy.coordinates import SkyCoord
    from astropy.table import QTable

    columns = {}
    for name in table.colnames:
        values = table[name]
        if isinstance(values, SkyCoord):
            columns |= {"ra": values.icrs.ra.deg, "dec": values.icrs.dec.deg}
        else:
            columns[name] = values
    flat = QTable(columns)
    for name in {"ra", "dec"} & set(flat.colnames):
        flat[name].unit = "deg"
    return flat


def _print_flags(values):
    from ..measure.flags import ClusterFlags

    for flag in ClusterFlags:
        if any(int(value) & flag for value in values):
            print(f"flag {flag.value}: {flag.meaning}")
