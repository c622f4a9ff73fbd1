# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tables of clusters as text: values with their errors, and the flags in words."""

from __future__ import annotations

from pathlib import PurePath

import numpy as np
from astropy.table import MaskedColumn, Table

from .columns import DECLARED_COLUMNS
from .flags import ClusterFlags

__all__ = ["cluster_lines", "count_text", "flag_lines"]

SHOWN = (
    *("id", "image", "ra", "dec", "center_err", "radius", "r50", "n_members", "a_k"),
    *("bands", "score", "false_alarm_rate", "n_sources", "part_of", "level", "flags"),
)
"""Columns that fit on a line, before those that are not declared; files have all."""

IF_ANY = ("part_of", "level")
"""Columns that are shown where a cluster has a value."""

WITH_ERRORS = ("radius", "r50", "n_members", "a_k")
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
        The header, a line per cluster, and one for each flag that is set; without a
        cluster this, and in what the image is unlike those of the calibration.
    """
    if not len(table):
        return ["No clusters found.", *_why_none(table.meta)]
    shown = _shown(table)
    lines = shown.pformat(max_lines=-1, max_width=-1, align=">")
    return [line.rstrip() for line in lines] + flag_lines(table["flags"])


def _why_none(meta):
    """Return a line that says why clusters may have been missed, if the metadata do."""
    outside = meta.get("outside_of_calibration")
    if not outside or not all(isinstance(one, str) for one in outside):
        return []  # or those of several images, which need not be alike
    return [
        "The image is unlike those that calibrated the search, which may have missed "
        f"clusters: {'; '.join(outside)}"
    ]


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
    declared = {column.name for column in DECLARED_COLUMNS}
    further = [name for name in table.colnames if name not in declared | {"image"}]
    shown = Table()
    for name in (*SHOWN, *further):
        if name in ("ra", "dec"):
            texts, unit = _texts(getattr(table["sky_center"], name).deg, ".5f"), "deg"
        elif name in table.colnames and _is_shown(table, name):
            column = table[name]
            texts, unit = _texts(column, column.info.format), column.info.unit
            if name == "image":
                texts = _short_names(texts)
            if name in WITH_ERRORS and f"{name}_err" in table.colnames:
                texts = _with_errors(texts, table[f"{name}_err"])
        else:
            continue
        shown[name] = MaskedColumn(texts, unit=unit)
    return shown


def _is_shown(table, name):
    """Whether a column is shown; one in `IF_ANY` if a cluster has a value."""
    if name not in IF_ANY:
        return True
    return any(text not in ("0", "nan", "--") for text in _texts(table[name], None))


def _short_names(paths):
    """Return the names of files without their folders, where these are not needed."""
    names = {path: PurePath(path).name for path in paths}
    unique = len(set(names.values())) == len(names)
    return [names[path] for path in paths] if unique else paths


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
