# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tables as text on the standard output."""

from __future__ import annotations

__all__ = ["print_table"]


def print_table(table):
    """Print a table with a few digits, positions as ra and dec in degrees."""
    shown = _flat(table)
    for name in shown.colnames:
        if shown[name].dtype.kind == "f":
            given = table[name].info.format if name in table.colnames else ".5f"
            shown[name].info.format = given or ".4g"
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
