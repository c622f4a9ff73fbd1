# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tables of clusters as text: values with their errors, and the flags in words."""

from __future__ import annotations

import numpy as np
from astropy.table import MaskedColumn, Table

from .columns import COLUMNS, MEASURED_COLUMNS
from .flags import ClusterFlags

__all__ = ["cluster_lines", "count_text", "flag_lines"]

SHOWN = (
    *("id", "image", "ra", "dec", "center_err", "radius", "r50", "n_members"),
    *("score", "false_alarm_rate", "n_sources", "flags"),
)
"""Columns that fit on a line, before those that are not declared; files have all."""

WITH_ERRORS = ("radius", "r50", "n_members")
"""Columns that are shown with the column of their errors."""


def cluster_lines(table):
    """
    Return the main columns of a table of clusters as text.

    Parameters
    ----------
    table : `~astropy.table.QTable`
        The clusters.

    Returns
    -------
    lines : list of str
        The header, a line per cluster, and one for each flag that is set; one line
        if there is no cluster.
    """
    if not len(table):
        return ["No clusters found."]
    shown = _shown(table)
    lines = shown.pformat(max_lines=-1, max_width=-1, align=">")
    return [line.rstrip() for line in lines] + flag_lines(table["flags"])


def count_text(table, image=None):
    """Return how many clusters there are, how many with flags, and where (str)."""
    n_clusters, n_flagged = len(table), np.count_nonzero(table["flags"])
    facts = [f"{n_clusters} cluster{'' if n_clusters == 1 else 's'}"]
    if n_flagged:
        facts.append(f"{n_flagged} flagged")
    if image:
        facts.append(f"in {image}")
    return ", ".join(facts)


def flag_lines(values):
    """Return a line for each flag that is set in one of the values (list of str)."""
    bits = np.bitwise_or.reduce(np.asarray(values, dtype=np.int64), initial=0)
    return [
        f"flag {flag.value}: {flag.meaning}" for flag in ClusterFlags if bits & flag
    ]


def _shown(table):
    """Return the columns as texts."""
    declared = {column.name for column in (*COLUMNS, *MEASURED_COLUMNS)}
    further = [name for name in table.colnames if name not in declared | {"image"}]
    shown = Table()
    for name in (*SHOWN, *further):
        if name in ("ra", "dec"):
            texts, unit = _texts(getattr(table["sky_center"], name).deg, ".5f"), "deg"
        elif name in table.colnames:
            column = table[name]
            texts, unit = _texts(column, column.info.format), column.info.unit
            if name in WITH_ERRORS and f"{name}_err" in table.colnames:
                texts = _with_errors(texts, table[f"{name}_err"])
        else:
            continue
        shown[name] = MaskedColumn(texts, unit=unit)
    return shown


def _texts(values, form):
    """Return values as texts without units."""
    values = getattr(values, "value", values)
    if values.dtype.kind != "f":
        return [str(one) for one in values]
    if hasattr(values, "filled"):
        values = values.filled(np.nan)
    return [format(float(one), form or ".5g") for one in values]


def _with_errors(texts, errors):
    """Return values with errors, alone where the error is not known."""
    pairs = zip(texts, _texts(errors, errors.info.format), strict=True)
    return [one if error == "nan" else f"{one} +- {error}" for one, error in pairs]
