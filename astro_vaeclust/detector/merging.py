# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""One row for each cluster, of what several levels and blocks see of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

__all__ = ["merge_rows"]

R50_PIXELS = 30.0
"""Network pixels of r50 with which a level measures best: 15 to 60 with octaves."""

MIN_DISTANCE = 20.0
"""Network pixels of the finest level within which two rows are one cluster."""

COMPARABLE, SURE = 10.0, 0.1
"""A row may measure a cluster if its rate is at most so many times that of the cluster,
or at most so many false alarms per deg2."""

PART_SIZE = 0.5
"""Largest r50 of a part over that of the cluster in which it is."""

CONTRAST = 5.0
"""Surface density of a part over that of the cluster at its place, at minimum."""


@dataclass
class _Cluster:
    """Rows of one cluster: that of the lowest rate, and those that measure it."""

    best: int
    rows: list = field(default_factory=list)


def merge_rows(rows, pixel_scale):
    """
    Merge the rows of all levels and blocks.

    A row belongs to a cluster of a lower rate if their centres lie within the larger
    one's ``r50``, and within ``MIN_DISTANCE`` in any case; if one is at most
    ``PART_SIZE`` as large, also within the larger one's ``radius``. The smaller one is
    a part, with a row of its own, if its surface density is ``CONTRAST`` times that of
    a Plummer sphere with the half-number radius and number of the larger one there. A
    cluster has the lowest rate of its rows; its measures are those of the comparable or
    sure row whose r50 is nearest to ``R50_PIXELS``, in the logarithm.

    Parameters
    ----------
    rows : `~astropy.table.Table`
        Rows of `~astro_vaeclust.detector.levels.LevelSearch.rows`.
    pixel_scale : float
        Size of an image pixel in arcsec.

    Returns
    -------
    merged : `~astropy.table.Table`
        One row per cluster, by falling score, with ``part_of``: the number from 1 of
        the row that it is a part of, or 0.
    """
    rows = rows[np.lexsort([-rows["score"], rows["false_alarm_rate"]])]
    sky = _Rows(rows, pixel_scale)
    clusters = []
    for row in range(len(rows)):
        _add(clusters, row, sky)
    home = np.array([sky.measuring(cluster) for cluster in clusters], dtype=int)
    best = np.array([cluster.best for cluster in clusters], dtype=int)
    kept, owner = _parts(home, sky)
    merged = rows[home[kept]]
    for name in ("score", "false_alarm_rate"):
        merged[name] = rows[name][best[kept]]
    return _ordered(merged, owner)


class _Rows:
    """Rows as arrays, in arcsec, and how they lie to each other."""

    def __init__(self, rows, pixel_scale):
        self.x, self.y = (np.asarray(rows[name]) * pixel_scale for name in "xy")
        self.r50, self.r80 = np.asarray(rows["r50"]), np.asarray(rows["radius"])
        self.members = np.asarray(rows["n_members"])
        self.rate = np.asarray(rows["false_alarm_rate"])
        self.level = np.asarray(rows["level"])
        self.reach = MIN_DISTANCE * self.level.min(initial=np.inf)

    def measuring(self, cluster):
        """Return the row that measures a cluster."""
        pixels = self.r50[cluster.rows] / self.level[cluster.rows]
        return cluster.rows[np.argmin(np.abs(np.log(pixels / R50_PIXELS)))]

    def distance(self, row, others):
        """Return distances of rows from one, in arcsec."""
        return np.hypot(self.x[others] - self.x[row], self.y[others] - self.y[row])

    def stands_out(self, small, large, distance):
        """Whether one row is denser than another at its place."""
        own = self.members[small] / self.r50[small] ** 2 / 2
        radius = 1 + (distance / self.r50[large]) ** 2
        there = self.members[large] / self.r50[large] ** 2 / radius**2
        is_small = self.r50[small] <= PART_SIZE * self.r50[large]
        return is_small & (own > CONTRAST * there)

    def relation(self, row, others):
        """Return which rows are one with it, and which are in it or around it."""
        distance = self.distance(row, others)
        larger = np.where(self.r50[others] > self.r50[row], others, row)
        smaller = np.where(self.r50[others] > self.r50[row], row, others)
        inside = distance <= self.r80[larger]
        near = distance <= np.maximum(self.r50[larger], self.reach)
        near |= inside & (self.r50[smaller] <= PART_SIZE * self.r50[larger])
        part = near & self.stands_out(smaller, larger, distance)
        return near & ~part, part


def _add(clusters, row, sky):
    """Join a row to the clusters of lower rates, or begin a cluster with it."""
    homes = np.array([cluster.best for cluster in clusters], dtype=int)
    same, _ = sky.relation(row, homes)
    near = [clusters[index] for index in np.flatnonzero(same)]
    if not near:
        clusters.append(_Cluster(row, [row]))
        return
    comparable = [
        cluster
        for cluster in near
        if not sky.rate[row] > max(COMPARABLE * sky.rate[cluster.best], SURE)
    ]
    if not comparable:
        return
    first, *others = comparable
    first.rows.append(row)
    pieces = [one for one in others if sky.r50[row] > sky.r50[one.best]]
    for piece in pieces:
        clusters.remove(piece)
    if pieces:  # the row sees as a whole what they do not
        first.rows = [one for one in first.rows if sky.r50[one] >= sky.r50[row]]


def _parts(home, sky):
    """Return which clusters have a row, and of which of these each is a part, or -1."""
    relations = [sky.relation(row, home) for row in home]
    kept = np.array(
        [not same[:number].any() for number, (same, _) in enumerate(relations)],
        dtype=bool,
    )
    owner = np.full(len(home), -1)
    for number, (_, part) in enumerate(relations):
        larger = sky.r50[home] > sky.r50[home[number]]
        around = np.flatnonzero(part & larger & kept)
        if len(around):
            owner[number] = around[np.argmin(sky.r50[home][around])]
    numbers = np.cumsum(kept) - 1
    return kept, np.where(owner < 0, -1, numbers[owner])[kept]


def _ordered(merged, owner):
    """Return rows by falling score, with ``part_of``."""
    order = np.argsort(-np.asarray(merged["score"]), kind="stable")
    place = np.empty(len(order), dtype=int)
    place[order] = np.arange(1, len(order) + 1)
    merged["part_of"] = np.where(owner < 0, 0, place[owner] if len(place) else 0)
    return merged[order]
