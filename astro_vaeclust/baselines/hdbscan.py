# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""HDBSCAN with a test of the density."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import mannwhitneyu

from ..utils.validation import check_choice, check_count
from ..utils.warning import WARNINGS_LOCK
from .base import BaselineFinder
from .candidates import Candidate

if TYPE_CHECKING:
    from .field import SourceField

__all__ = ["HDBSCANFinder"]

FIELD_RATIO = 5
"""Field sources with which a cluster is compared, per member."""

MIN_FIELD = 100

N_ORDERS = 8
"""Orders of the sources in which they are clustered."""


@dataclass(frozen=True, kw_only=True)
class HDBSCANFinder(BaselineFinder):
    """
    Clusters of HDBSCAN that pass a test of their density.

    `sklearn.cluster.HDBSCAN` finds clusters of any density (Campello, Moulavi & Sander
    2013); too many of them, so distances of nearest neighbours within each are
    compared with those of the field around it (Hunt & Reffert 2021, A&A, 646, A104).

    Parameters
    ----------
    min_cluster_size : int
        Least number of sources of a cluster.
    min_samples : int
        Neighbours by which HDBSCAN measures density.
    selection : {'leaf', 'eom'}
        How clusters are selected from the tree.
    test_neighbour : int
        Neighbour whose distances are compared.
    **settings
        Those of `BaselineFinder`.

    Notes
    -----
    Hunt & Reffert cluster positions, proper motions and parallaxes; here there are
    positions only. Chosen here: the field is the sources nearest to the centre that
    are not in the cluster, five per member and at least a hundred; the score is the
    normal deviate of a one-sided Mann-Whitney test. The members were selected for
    being close together, so that the score of a chance group is well above zero:
    compare it with scores of this method only. Many mutual reachability distances are
    equal, and leaves of the tree depend on which comes first, that is on the order of
    the sources and on the sorting of the machine. The sources are clustered in several
    orders, therefore, and of clusters with common members the most significant is kept.
    """

    threshold: float = 5.0
    min_cluster_size: int = 10
    min_samples: int = 5
    selection: str = "leaf"
    test_neighbour: int = 1

    def __post_init__(self):
        """Check the settings."""
        super().__post_init__()
        check_count("min_cluster_size", self.min_cluster_size, minimum=2)
        check_count("min_samples", self.min_samples)
        check_count("test_neighbour", self.test_neighbour)
        check_choice("selection", self.selection, ("leaf", "eom"))

    def search(self, field: SourceField) -> tuple[list[Candidate], np.ndarray]:
        """Cluster the sources; see `BaselineFinder.search`."""
        heat = np.zeros(field.shape)
        if len(field) <= max(
            self.min_cluster_size, self.min_samples, self.test_neighbour
        ):
            return [], heat
        distance, owner = field.nearest
        candidates = []
        for score, group in self._groups(field):
            cells = np.isin(owner, group) & (distance <= _reach(field, group))
            heat[cells] = np.maximum(heat[cells], score)
            candidates.append(Candidate.from_points(field.points[group], score, cells))
        return candidates, heat

    def _groups(self, field):
        """Return scores and members of clusters, by falling score, none twice."""
        neighbours, _ = field.tree.query(field.points, k=[self.test_neighbour + 1])
        found = []
        for labels in self._labels(field.points):
            for label in range(labels.max() + 1):
                group = np.flatnonzero(labels == label)
                score = self._score(field, neighbours[:, 0], labels, group)
                found.append((score, group))
        found.sort(key=lambda pair: (-pair[0], pair[1].tolist()))
        taken = np.zeros(len(field), dtype=bool)
        groups = []
        for score, group in found:
            if not taken[group].any():
                taken[group] = True
                groups.append((score, group))
        return groups

    def _labels(self, points):
        """Yield the labels by HDBSCAN for each order of the points."""
        from sklearn.cluster import HDBSCAN

        rng = np.random.default_rng(0)
        for _ in range(N_ORDERS):
            order = rng.permutation(len(points))
            labels = np.empty(len(points), dtype=int)
            method = HDBSCAN(
                min_cluster_size=self.min_cluster_size,
                min_samples=self.min_samples,
                cluster_selection_method=self.selection,
                allow_single_cluster=False,
                copy=True,
            )
            with WARNINGS_LOCK:
                labels[order] = method.fit_predict(points[order])
            yield labels

    def _score(self, field, neighbours, labels, group):
        """Return the deviate of the Mann-Whitney test of a cluster and its field."""
        x, y = field.points[group].mean(axis=0)
        outside = np.flatnonzero(labels != labels[group[0]])
        wanted = max(MIN_FIELD, FIELD_RATIO * len(group))
        nearby = np.argsort(np.hypot(field.x[outside] - x, field.y[outside] - y))
        compared = outside[nearby[:wanted]]
        n, m = len(group), len(compared)
        if not m:
            return 0.0
        statistic = mannwhitneyu(
            neighbours[compared], neighbours[group], method="asymptotic"
        ).statistic
        return (statistic - n * m / 2) / np.sqrt(n * m * (n + m + 1) / 12)


def _reach(field, group):
    """Return the distance in pixels up to which cells belong to a member."""
    distance, _ = cKDTree(field.points[group]).query(field.points[group], k=[2])
    return max(field.cell, float(np.median(distance)))
