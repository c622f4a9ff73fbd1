# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tables of all clusters, and of all detections with their kinds."""

from __future__ import annotations

import astropy.units as u
import numpy as np

from ..matching.pairs import (
    MATCH_RADIUS,
    checked_scores,
    checked_table,
    match_clusters,
    separations,
)

__all__ = ["DUPLICATE", "EXTENDED_NULLS", "FIELD", "MATCH", "UNITS", "judge_tile"]

MATCH, DUPLICATE, FIELD = "match", "duplicate", "field"
"""Kinds of detections beside those of nulls."""

MEASURED = (
    *("r50", "r50_err", "n_members", "n_members_err", "a_k", "a_k_err"),
    *("radius", "n_sources", "false_alarm_rate"),
)
"""Columns of catalogues that are kept where they exist."""

TRUE = ("r50", "r80", "n_members", "a_k")
"""Columns of the true clusters that are kept where they exist."""

UNITS = {
    "offset": u.arcsec,
    "radius": u.arcsec,
    "r50": u.arcsec,
    "r50_err": u.arcsec,
    "r80": u.arcsec,
    "a_k": u.mag,
    "a_k_err": u.mag,
    "false_alarm_rate": u.deg**-2,
}

EXTENDED_NULLS = (
    *("edge", "seam", "bad-columns", "trail"),
    *("density-gradient", "dark-lane"),
)
"""Nulls that are lines; the radius in their table is half their length."""


def judge_tile(number, catalog, truth, nulls=None, *, n_before=0):
    """
    Return the detections of a tile with their kinds, and its clusters with scores.

    ``number`` is that of the tile and ``n_before`` the number of clusters of the tiles
    before. Both are dicts of the columns that `FROC` describes, arrays without units:
    arcsec and deg2.
    """
    table = checked_table("catalog", catalog, ("sky_center", "score"))
    truth = checked_table("truth", truth, ("sky_center", "r50"))
    matches = match_clusters(table, truth)
    score = checked_scores(table)
    partner = np.full(len(table), -1)
    partner[matches.detection] = n_before + matches.cluster
    offset = np.full(len(table), np.nan)
    offset[matches.detection] = matches.separation.to_value(u.arcsec)
    kind, null = _kinds(table, matches, nulls)
    detections = {
        "tile": np.full(len(table), number),
        "row": np.arange(len(table)),
        "score": score,
        "is_matched": matches.is_matched,
        "kind": kind,
        "null": null,
        "cluster": partner,
        "near": np.where(
            matches.nearest_cluster >= 0, n_before + matches.nearest_cluster, -1
        ),
        "offset": offset,
        **{name: _numbers(table, name) for name in MEASURED},
    }
    found = np.full(len(truth), np.nan)
    found[matches.cluster] = score[matches.detection]
    clusters = {
        "tile": np.full(len(truth), number),
        "row": np.arange(len(truth)),
        **{name: _numbers(truth, name) for name in TRUE},
        "score": found,
    }
    return detections, clusters


def _kinds(table, matches, nulls):
    """Return the kind of each detection, and the row of the null it lies on or -1."""
    kind = np.full(len(table), FIELD, dtype="U32")
    null = np.full(len(table), -1)
    if nulls is not None:
        nulls = checked_table("nulls", nulls, ("sky_center", "kind", "radius"))
        null = _smallest_null(table, nulls)
        on_null = null >= 0
        kind[on_null] = np.asarray(nulls["kind"])[null[on_null]]
    null[matches.near_cluster] = -1
    kind[matches.near_cluster] = DUPLICATE
    kind[matches.is_matched] = MATCH
    return kind, null


def _smallest_null(table, nulls):
    """Return the row of the smallest null that each detection lies on, or -1."""
    found = np.full(len(table), -1)
    radius = nulls["radius"].to_value(u.arcsec)
    separation = separations(table["sky_center"], nulls["sky_center"])
    is_extended = np.isin(np.asarray(nulls["kind"]), EXTENDED_NULLS)
    # The last one to write wins: compact before extended, small before large.
    for row in np.lexsort((-radius, ~is_extended)):
        reach = radius[row] + MATCH_RADIUS.to_value(u.arcsec)
        found[separation[:, row] <= reach] = row
    return found


def _numbers(table, name):
    """Return a column in its unit as floats, NaN if the table does not have it."""
    if name not in table.colnames:
        return np.full(len(table), np.nan)
    column = table[name]
    return np.array(column.to_value(UNITS[name]) if name in UNITS else column, float)
