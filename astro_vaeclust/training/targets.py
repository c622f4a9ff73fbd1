# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What the network is asked to say of a crop of a training tile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..detector.network import CELL, CLASSES, COARSEST, MEASURES

__all__ = ["Crop", "crop_tile"]

CORE = 0.45
"""Radius in half-number radii within which a cell counts as a centre."""

CORE_LIMITS = (0.8, 5.0)
"""Range of that radius in cells."""

RIM = 1.5
"""Cells around the core, if not the half-number radius, in which nothing is asked."""

MARKED = 0.3
"""Radius in cells from which on what is no cluster marks a cell."""

UNLABELLED = -1


@dataclass(frozen=True, eq=False)
class Crop:
    """
    A square of a training tile with its targets.

    Parameters
    ----------
    channels : (3, side, side) float32 array
        What the network gets.
    center : (n, n) float32 array
        One in the cores of clusters, zero elsewhere, and ``UNLABELLED`` on their rims;
        cells of ``CELL`` pixels.
    density : (n, n) float32 array
        Number of members of clusters in each cell.
    measures : (5, n, n) float32 array
        `~astro_vaeclust.detector.network.MEASURES` of the nearest cluster, in units
        of its core.
    weights : (n, n) float32 array
        One over the number of cells of the core in cores, zero elsewhere: every
        cluster counts once.
    labels : list of (n_s, n_s) int array
        Class of each cell at each scale, -1 where it is not known.
    usable : (n, n) bool array
        Cells in which more than half of the pixels are usable.
    """

    channels: np.ndarray
    center: np.ndarray
    density: np.ndarray
    measures: np.ndarray
    weights: np.ndarray
    labels: list
    usable: np.ndarray


def crop_tile(tile, side, rng, *, n_scales=4, position=None):
    """
    Cut a randomly placed, turned and mirrored square with its targets (`Crop`).

    Where the tile is smaller, the square, of a multiple of 64 network pixels a side,
    has masked margins. It holds ``position``, x and y, or at random a cluster or
    anything.
    """
    corner = _corner(tile, side, rng, position)
    turn = _Turn(side, int(rng.integers(4)), bool(rng.integers(2)))
    channels = turn.image(_cut(tile.channels, corner, side))
    channels = _disturbed(channels, rng)
    clusters = tile.clusters.copy()
    clusters[:, :2] = turn.points(clusters[:, :2] - corner)
    members = turn.points(tile.members - corner)
    regions = tile.regions[_near(tile.regions, corner, side)]
    regions[:, 1:3] = turn.points(regions[:, 1:3] - corner)
    n_cells = side // CELL
    center, measures, weights = _cores(clusters, n_cells)
    for _, *hidden in regions[regions[:, 0] == UNLABELLED]:
        center[_within(*hidden, CELL, n_cells) & (center == 0)] = UNLABELLED
    usable = channels[2].reshape(n_cells, CELL, n_cells, CELL).mean(axis=(1, 3)) > 0.5
    return Crop(
        channels=channels,
        center=center,
        density=_counts(members, n_cells),
        measures=measures,
        weights=weights,
        labels=[
            _labels(clusters, regions, usable, CELL << scale, side, tile.labelled)
            for scale in range(n_scales)
        ],
        usable=usable,
    )


@dataclass(frozen=True)
class _Turn:
    """A rotation by right angles, after a mirror."""

    side: int
    quarters: int
    mirrored: bool

    def image(self, image):
        if self.mirrored:
            image = image[..., ::-1]
        return np.ascontiguousarray(np.rot90(image, self.quarters, axes=(-2, -1)))

    def points(self, points):
        x, y = np.asarray(points, dtype=np.float32).reshape(-1, 2).T
        last = self.side - 1
        if self.mirrored:
            x = last - x
        for _ in range(self.quarters):
            x, y = y, last - x
        return np.column_stack([x, y])


def _corner(tile, side, rng, position=None):
    """Draw a corner in x and y: about a position, a cluster, an object, or anywhere."""
    room = np.array(tile.channels.shape[:0:-1]) - side
    low, high = np.minimum(room, 0), np.maximum(room, 0)
    positions = np.concatenate([tile.clusters[:, :2], tile.regions[:, 1:3]])
    if position is None and len(positions) and rng.uniform() < 0.6:
        best = tile.clusters[:, :2] if len(tile.clusters) else positions
        position = best[rng.integers(len(best))]
    if position is None:
        return rng.integers(low, high + 1)
    corner = np.rint(position - side * rng.uniform(0.15, 0.85, 2)).astype(int)
    return np.clip(corner, low, high)


def _near(regions, corner, side):
    """Return which regions can mark a cell of a square (bool array)."""
    outside = np.abs(regions[:, 1:3] - corner - side / 2).max(axis=1) - side / 2
    return outside < np.maximum(regions[:, 3], COARSEST)


def _cut(channels, corner, side):
    """Cut a square that may stick out; what is outside is masked."""
    square = np.zeros((len(channels), side, side), dtype=np.float32)
    x, y = corner
    ny, nx = channels.shape[1:]
    left, lower = max(x, 0), max(y, 0)
    right, upper = min(x + side, nx), min(y + side, ny)
    square[:, lower - y : upper - y, left - x : right - x] = channels[
        :, lower:upper, left:right
    ]
    return square


def _disturbed(channels, rng):
    """Add what differs between surveys: a slope of the sky, and masked strips."""
    if rng.uniform() < 0.3:
        axis = np.linspace(-0.5, 0.5, channels.shape[1], dtype=np.float32)
        slope = rng.normal(0, 0.1, 2).astype(np.float32)
        channels[:2] += (slope[0] * axis[:, None] + slope[1] * axis) * channels[2]
    if rng.uniform() < 0.15:
        width = int(rng.integers(1, channels.shape[1] // 3))
        start = int(rng.integers(0, channels.shape[1] - width))
        channels[:, :, start : start + width] = 0
    return channels


def _cores(clusters, n_cells):
    """
    Return the targets of the centre and of the measures, and what cells count for.

    A cell of a core says whether there is a cluster, not where its centre is to a
    cell: how well a centre can be placed must not lower the score of a cluster.
    """
    axis = (np.arange(n_cells, dtype=np.float32) + 0.5) * CELL - 0.5
    nearest = np.full((n_cells, n_cells), np.inf, dtype=np.float32)
    center = np.zeros((n_cells, n_cells), dtype=np.float32)
    owner = np.full((n_cells, n_cells), len(clusters))
    measures = np.zeros((len(MEASURES), n_cells, n_cells), dtype=np.float32)
    for number, (x, y, r50, r80, members) in enumerate(clusters):
        if members < 1:
            continue
        core = CELL * np.clip(CORE * r50 / CELL, *CORE_LIMITS)
        rim = max(r50, core + RIM * CELL)
        dx, dy = np.broadcast_arrays(x - axis, (y - axis)[:, None])
        distance = np.hypot(dx, dy)
        nearer = distance / core < nearest
        nearest = np.where(nearer, distance / core, nearest)
        values = [dx / CELL, dy / CELL]
        values += [np.full_like(dx, np.log10(v)) for v in (r50, r80, members)]
        measures = np.where(nearer, np.stack(values), measures)
        owner[nearer] = number
        center[(distance < rim) & (center == 0)] = UNLABELLED
        center[distance < core] = 1
    core = center == 1
    sizes = np.bincount(owner[core], minlength=len(clusters) + 1)
    weights = np.where(core, 1 / np.maximum(sizes[owner], 1), 0)
    return center, measures.astype(np.float32), weights.astype(np.float32)


def _counts(points, n_cells):
    edges = np.arange(n_cells + 1) * CELL - 0.5
    counts, *_ = np.histogram2d(points[:, 1], points[:, 0], bins=[edges, edges])
    return counts.astype(np.float32)


def _within(x, y, radius, cell, n_cells):
    """Return which cells, of so many network pixels, have their middle in a circle."""
    axis = (np.arange(n_cells, dtype=np.float32) + 0.5) * cell - 0.5
    return (x - axis) ** 2 + (y - axis)[:, None] ** 2 < radius**2


def _labels(clusters, regions, usable, cell, side, labelled):
    """Classify cells: cluster within r80, other things within their radius."""
    n_cells = side // cell
    field = CLASSES.index("field") if labelled else UNLABELLED
    labels = np.full((n_cells, n_cells), field)

    def within(x, y, radius):
        return _within(x, y, radius, cell, n_cells)

    for kind, x, y, radius in regions:
        if radius > MARKED * cell:
            labels[within(x, y, max(radius, 0.7 * cell))] = int(kind)
    for x, y, _, r80, _ in clusters:
        labels[within(x, y, 1.6 * r80 + 0.5 * cell)] = UNLABELLED
    for x, y, r50, r80, _ in clusters:
        if r50 > 0.25 * cell:
            labels[within(x, y, max(r80, 0.6 * cell))] = CLASSES.index("cluster")
    coarse = cell // CELL
    part = usable.reshape(n_cells, coarse, n_cells, coarse).mean(axis=(1, 3))
    labels[part < 0.5] = UNLABELLED
    return labels
