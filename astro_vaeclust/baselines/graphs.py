# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Sources as a graph: neighbours, areas of cells, groups and their regions."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay, QhullError, Voronoi, cKDTree

__all__ = ["SourceGraph"]

MIN_POINTS = 4
"""Sources that a triangulation needs."""

MIRRORED = 6.0
"""Depth along the edges that is mirrored, in mean distances of sources."""


class SourceGraph:
    """
    Delaunay triangulation and Voronoi cells of the sources of a `SourceField`.

    Raises `~scipy.spatial.QhullError` for sources without one, such as those on a line.
    """

    def __init__(self, field):
        self.field = field
        # sources at one position have one cell; the weights count them
        self.points, self.weights = np.unique(
            np.round(field.points, 6), axis=0, return_counts=True
        )
        if len(self.points) < MIN_POINTS:
            raise QhullError(f"{len(self.points)} sources have no triangulation")
        self.edges = _delaunay_edges(self.points)

    @property
    def lengths(self):
        """Lengths of the edges in pixels."""
        start, end = self.edges.T
        return np.hypot(*(self.points[start] - self.points[end]).T)

    @property
    def spacing(self):
        """Background's mean distance of sources at the middle of the edges."""
        x, y = self.points[self.edges].mean(axis=1).T
        return 1 / np.sqrt(self.field.density_at(x, y))

    def adjacency(self, kept=None):
        """Return the edges as a symmetric sparse matrix, (n, n)."""
        start, end = (self.edges if kept is None else self.edges[kept]).T
        ones = np.ones(2 * len(start))
        pairs = np.r_[start, end], np.r_[end, start]
        return csr_array(coo_array((ones, pairs), shape=(len(self.points),) * 2))

    def areas(self):
        """
        Return the usable areas of the Voronoi cells in square pixels.

        Sources near the edges of the image are mirrored at them, so that cells end
        there; masked parts of a cell do not count.
        """
        field = self.field
        height, width = field.image.shape
        depth = MIRRORED * np.sqrt(height * width / len(self.points))
        mirrored = _with_mirrored(self.points, (width - 0.5, height - 0.5), depth)
        voronoi = Voronoi(mirrored)
        polygons = [
            voronoi.vertices[voronoi.regions[index]]
            for index in voronoi.point_region[: len(self.points)]
        ]
        areas = np.array([_polygon_area(polygon) for polygon in polygons])
        return areas * self._usable_parts()

    def _usable_parts(self):
        """Return the usable fraction of the Voronoi cell of each point."""
        _, owner = self.nearest
        n_points = len(self.points)
        inside = _inside_image(self.field)
        usable = np.bincount(
            owner.ravel(), self.field.coverage.ravel(), minlength=n_points
        )
        total = np.bincount(owner.ravel(), inside.ravel(), minlength=n_points)
        own = self.field.cell_at(*self.points.T)
        own = self.field.coverage[own] / inside[own]
        return np.where(total > 3, usable / np.maximum(total, 1e-9), own)

    @cached_property
    def nearest(self):
        """Distance in pixels and index of the point nearest to each cell."""
        distance, owner = cKDTree(self.points).query(self.field.centers)
        return distance.reshape(self.field.shape), owner.reshape(self.field.shape)

    def groups(self, linked, *, members):
        """
        Return the indices of the points of each group with so many members (list).

        ``linked``, (n, n) sparse, has the links between points.
        """
        _, labels = connected_components(linked, directed=False)
        sizes = np.bincount(labels, self.weights)
        order = np.argsort(labels, kind="stable")
        starts = np.searchsorted(labels[order], np.arange(len(sizes) + 1))
        return [
            order[starts[group] : starts[group + 1]]
            for group in np.flatnonzero(sizes >= members)
        ]


def _delaunay_edges(points):
    triangles = Delaunay(points).simplices
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    return np.unique(edges, axis=0)


def _with_mirrored(points, upper, depth):
    """Append the mirror images of points near the four edges."""
    for axis in (0, 1):
        for edge in (-0.5, upper[axis]):
            near = points[np.abs(points[:, axis] - edge) < depth].copy()
            near[:, axis] = 2 * edge - near[:, axis]
            points = np.concatenate([points, near])
    return points


def _polygon_area(vertices):
    x, y = (vertices - vertices[0]).T
    return 0.5 * abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))


def _inside_image(field):
    """Return the fraction of each cell that is inside the image."""
    parts = [
        np.minimum((np.arange(n) + 1) * field.cell, side) - np.arange(n) * field.cell
        for n, side in zip(field.shape, field.image.shape, strict=True)
    ]
    return np.outer(*parts) / field.cell**2
