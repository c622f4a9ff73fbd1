# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Voronoi cells and the minimum spanning tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array, eye_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import ConvexHull, QhullError

from ..utils.statistics import poisson_significance
from ..utils.validation import check_count, check_number
from .base import BaselineFinder
from .candidates import Candidate
from .graphs import SourceGraph

if TYPE_CHECKING:
    from .field import SourceField

__all__ = ["MinimumSpanningTree", "VoronoiTessellation"]


@dataclass(frozen=True, kw_only=True)
class VoronoiTessellation(BaselineFinder):
    """
    Density from the areas of Voronoi cells.

    The density at a source is one over the area of its cell; cells of high density
    that touch form a cluster (Schmeja 2011, AN, 332, 172; Ramella et al.
    2001, A&A, 368, 776).

    Parameters
    ----------
    rings : int
        Over which areas are averaged: 1 for the cell and those around it, 2 for those
        around these too, and so on.
    linking : float
        Significance from which on cells are linked to a cluster.
    **settings
        Those of `BaselineFinder`.

    Notes
    -----
    A single cell is too noisy for an embedded cluster of a few dozen stars, so areas
    are averaged over rings of neighbours. Chosen here: the significance of a cell is
    the Poisson significance of the number of sources in its rings over the background
    expected in their area, divided by the scatter of the field; the score of
    a cluster is that of its best cell, and its region is the cells that are linked and
    reach half of that.
    """

    threshold: float = 3.5
    rings: int = 2
    linking: float = 1.0

    def __post_init__(self):
        """Check the settings."""
        super().__post_init__()
        check_count("rings", self.rings)
        check_number("linking", self.linking, low_counts=False)

    def search(self, field: SourceField) -> tuple[list[Candidate], np.ndarray]:
        """Link dense cells; see `BaselineFinder.search`."""
        try:
            graph = SourceGraph(field)
            areas = graph.areas()
        except QhullError:
            return [], np.zeros(field.shape)
        significance = self._significance(field, graph, areas)
        _, owner = graph.nearest
        dense = significance > min(self.linking, self.threshold)
        start, end = graph.edges.T
        linked = graph.adjacency(dense[start] & dense[end])
        candidates = []
        for group in graph.groups(linked, members=self.min_members):
            core = group[significance[group] >= 0.5 * significance[group].max()]
            score, cells = significance[group].max(), np.isin(owner, core)
            candidates.append(Candidate.from_points(graph.points[core], score, cells))
        return candidates, significance[owner]

    def _significance(self, field, graph, areas):
        """Return the significance of the density at each point."""
        step = graph.adjacency() + eye_array(len(areas), format="csr")
        within = step
        for _ in range(self.rings - 1):
            within = within @ step
        within.data[:] = 1
        expected = areas * field.density_at(*graph.points.T)
        counts = within @ graph.weights.astype(float)
        significance = poisson_significance(counts, within @ expected)
        reach = np.sqrt(np.median(within @ areas) / np.pi) * field.pixel_side
        return significance / field.scatter(float(reach))


@dataclass(frozen=True, kw_only=True)
class MinimumSpanningTree(BaselineFinder):
    """
    Groups of sources in the minimum spanning tree.

    Edges of the tree longer than a critical length are cut; what stays together and
    has enough sources is a candidate (Schmeja 2011, AN, 332, 172; Gutermuth et al.
    2009, ApJS, 184, 18).

    Parameters
    ----------
    separation : float
        Critical length over the mean distance of sources that the local background
        has, one over the root of its density.
    min_members : int
        Sources that a group must have; ten with Gutermuth et al.
    **settings
        Those of `BaselineFinder`.

    Notes
    -----
    The authors read the critical length off the distribution of the lengths, by eye.
    Chosen here: a fraction of the local mean distance. The tree is that of the
    Delaunay triangulation, which contains it. The area of a group is that of its
    convex hull, corrected for the sources on it (Schmeja & Klessen 2006, A&A, 449,
    151); the score is the Poisson significance of its sources in that area, divided
    by the scatter of the field.
    """

    threshold: float = 5.0
    min_members: int = 10
    separation: float = 0.75

    def __post_init__(self):
        """Check the settings."""
        super().__post_init__()
        check_number("separation", self.separation, low_counts=False)

    def search(self, field: SourceField) -> tuple[list[Candidate], np.ndarray]:
        """Cut the tree; see `BaselineFinder.search`."""
        heat = np.zeros(field.shape)
        try:
            graph = SourceGraph(field)
        except QhullError:
            return [], heat
        candidates = []
        distance, owner = graph.nearest
        for group in graph.groups(self._links(graph), members=self.min_members):
            score, reach = self._score(field, graph, group)
            cells = np.isin(owner, group) & (distance <= reach)
            heat[cells] = np.maximum(heat[cells], score)
            candidates.append(Candidate.from_points(graph.points[group], score, cells))
        return candidates, heat

    def _links(self, graph):
        """Return the edges of the tree that are not cut."""
        lengths = graph.lengths / graph.spacing
        shape = (len(graph.points),) * 2
        tree = minimum_spanning_tree(coo_array((lengths, graph.edges.T), shape=shape))
        tree.data[tree.data > self.separation] = 0
        tree.eliminate_zeros()
        return tree

    def _score(self, field, graph, group):
        """Return the significance of a group, and the reach of a source in pixels."""
        points = graph.points[group]
        density = field.density_at(*points.T).mean()
        number = graph.weights[group].sum()
        area = _corrected_hull_area(points)
        significance = poisson_significance(number, density * area)
        radius = np.sqrt(area / np.pi) * field.pixel_side
        significance = significance / field.scatter(float(radius))
        return significance, max(self.separation / np.sqrt(density), field.cell)


def _corrected_hull_area(points):
    """Return the area of the convex hull over the fraction of points inside it."""
    smallest = np.pi
    try:
        hull = ConvexHull(points)
    except QhullError:
        return smallest * len(points)
    inside = max(1, len(points) - len(hull.vertices))
    return max(smallest, hull.volume * len(points) / inside)
