# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Which detection is which cluster."""

from __future__ import annotations

from dataclasses import dataclass

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table

__all__ = ["MATCH_RADIUS", "Matches", "match_clusters"]

MATCH_RADIUS = 30 * u.arcsec
"""Distance within which a detection matches however small the cluster is."""


@dataclass(frozen=True, eq=False)
class Matches:
    """
    Pairs of detections and true clusters of one tile.

    Parameters
    ----------
    detection : (n_matches,) int array
        Rows of the catalogue, by falling score.
    cluster : (n_matches,) int array
        Rows of the truth that they match.
    separation : `~astropy.units.Quantity`
        Distances of the two centres in arcsec, (n_matches,).
    near_cluster : (n_detections,) bool array
        Which detections lie within the match radius of any true centre, matched or
        not.
    n_clusters : int
        Rows of the truth.
    nearest_cluster : (n_detections,) int array
        Row of the nearest true centre within whose match radius each lies, or -1.
    """

    detection: np.ndarray
    cluster: np.ndarray
    separation: u.Quantity
    near_cluster: np.ndarray
    n_clusters: int
    nearest_cluster: np.ndarray

    def __len__(self):
        """Return the number of pairs."""
        return len(self.detection)

    @property
    def is_matched(self):
        """Which rows of the catalogue match a cluster (bool array)."""
        return np.isin(np.arange(len(self.near_cluster)), self.detection)

    @property
    def is_found(self):
        """Which rows of the truth are matched (bool array)."""
        return np.isin(np.arange(self.n_clusters), self.cluster)


def match_clusters(catalog: Table, truth: Table) -> Matches:
    """
    Match the detections of one tile with its true clusters, one to one.

    A detection can match a cluster if its centre lies within
    ``max(r50, 30 arcsec)`` of the true centre. Detections choose by falling score,
    each the nearest cluster that is still free. Of equal scores, the one nearest to
    a cluster chooses first, and then the one that is first in the table. The matches
    above any score are therefore those of a catalogue that was cut there.

    Parameters
    ----------
    catalog : `~astro_vaeclust.ClusterCatalog` or `~astropy.table.Table`
        The detections, or their table with ``sky_center`` and ``score``.
    truth : `~astropy.table.Table`
        The true clusters, with ``sky_center`` and ``r50`` (an angle), such as
        ``MockTile.clusters``.

    Returns
    -------
    matches : Matches
        The pairs.

    Raises
    ------
    TypeError
        If an argument is no table, or a column is of the wrong kind.
    ValueError
        If a column is missing, a score is NaN, or a radius is negative or not finite.

    Examples
    --------
    >>> import astropy.units as u
    >>> from astropy.coordinates import SkyCoord
    >>> from astropy.table import QTable
    >>> from astro_vaeclust.matching import match_clusters
    >>> truth = QTable({"sky_center": SkyCoord([10] * u.deg, [0] * u.deg),
    ...                 "r50": [40] * u.arcsec})
    >>> detections = QTable({
    ...     "sky_center": SkyCoord([10, 10.01] * u.deg, [0.01, 0] * u.deg),
    ...     "score": [0.7, 0.9]})
    >>> matches = match_clusters(detections, truth)
    >>> matches.is_matched, matches.is_found
    (array([False,  True]), array([ True]))
    """
    detections = checked_table("catalog", catalog, ("sky_center", "score"))
    truth = checked_table("truth", truth, ("sky_center", "r50"))
    score = checked_scores(detections)
    limit = match_radii(truth)
    separation = separations(detections["sky_center"], truth["sky_center"])
    nearest = separation.min(axis=1, initial=np.inf)
    order = np.lexsort((nearest, -score))  # stable: rows in their order at the end
    pairs = greedy_pairs(separation, limit, order)
    rows, columns = np.array(pairs, dtype=int).reshape(-1, 2).T
    return Matches(
        detection=rows,
        cluster=columns,
        separation=separation[rows, columns] * u.arcsec,
        near_cluster=(separation <= limit).any(axis=1),
        n_clusters=len(truth),
        nearest_cluster=_nearest(separation, limit),
    )


def _nearest(separation, limit):
    """Return the nearest column within its limit of each row, or -1."""
    if separation.shape[1] == 0:
        return np.full(len(separation), -1)
    within = np.where(separation <= limit, separation, np.inf)
    return np.where(np.isfinite(within.min(axis=1)), within.argmin(axis=1), -1)


def greedy_pairs(separation, limit, order):
    """
    Pair rows with columns, one to one, in the order of the rows (list of tuple).

    ``separation`` is (rows, columns), ``limit`` (columns,) the largest distance of a
    pair, and ``order`` has the rows in the order in which they choose.
    """
    open_distance = np.where(separation <= limit, separation, np.inf)
    pairs = []
    for row in order:
        if open_distance.shape[1] == 0:
            break
        column = int(np.argmin(open_distance[row]))
        if np.isfinite(open_distance[row, column]):
            pairs.append((int(row), column))
            open_distance[:, column] = np.inf
    return pairs


def match_radii(truth):
    """Return the distances in arcsec within which true clusters match (array)."""
    r50 = truth["r50"]
    if not isinstance(r50, u.Quantity) or r50.unit.physical_type != "angle":
        raise TypeError("truth: the column 'r50' must be an angle with its unit")
    r50 = r50.to_value(u.arcsec)
    if not np.all(np.isfinite(r50) & (r50 >= 0)):
        raise ValueError(f"truth: r50 must be finite and not negative, got {r50}")
    return np.maximum(r50, MATCH_RADIUS.to_value(u.arcsec))


def separations(first, second):
    """Return the distances in arcsec of all pairs, (len(first), len(second))."""
    if len(first) == 0 or len(second) == 0:
        return np.zeros((len(first), len(second)))
    return first[:, np.newaxis].separation(second[np.newaxis]).to_value(u.arcsec)


def checked_table(name, table, columns):
    """Return a table that has some columns, a SkyCoord ``sky_center`` among them."""
    table = getattr(table, "table", table)
    if not isinstance(table, Table):
        raise TypeError(f"{name} must be a table, got {type(table).__name__}")
    missing = [column for column in columns if column not in table.colnames]
    if missing:
        raise ValueError(
            f"{name} must have the columns {list(columns)}; {missing} are missing, "
            f"got {table.colnames}"
        )
    if not isinstance(table["sky_center"], SkyCoord):
        raise TypeError(f"{name}: the column 'sky_center' must be a SkyCoord")
    return table if isinstance(table, QTable) else QTable(table)


def checked_scores(table):
    """Return the scores of a table as floats, or raise ValueError for NaN."""
    score = np.asarray(table["score"], dtype=float)
    if np.isnan(score).any():
        raise ValueError("catalog: the column 'score' must not hold NaN")
    return score
