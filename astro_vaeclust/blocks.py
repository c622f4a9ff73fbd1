# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The search of an image block by block, as one image."""

from __future__ import annotations

from dataclasses import dataclass

import astropy.units as u
import numpy as np
from astropy.table import vstack

from .detector.candidates import MIN_DISTANCE
from .detector.grid import NetworkGrid, Scaling
from .images.celestial import middle, pixel_area
from .measure.columns import cluster_table
from .sources.points import PointSources, check_number_on_image
from .sources.table import read_sources

__all__ = [
    "Block",
    "block_size_of",
    "cut_into_blocks",
    "join_detections",
    "part_around",
    "search_in_blocks",
]

MAX_WHOLE_PIXELS = 8192**2
"""Pixels from which on a trained model searches in blocks, to spare the memory."""

BLOCK_SIZE = 2048
"""Side of these blocks in pixels."""

SAMPLE = 2048
"""Side in pixels of the part of an image that is compared with the calibration."""

OVERLAP = 512
"""Network pixels that a block sees beyond its own on every side."""

MARGIN = 32
"""Network pixels beyond its own in which a block may have a centre."""


@dataclass(frozen=True)
class Block:
    """
    A part of an image that is searched at a time.

    Parameters
    ----------
    own : tuple of slice
        Rows and columns that no other block has.
    read : tuple of slice
        Rows and columns that it sees.
    """

    own: tuple[slice, slice]
    read: tuple[slice, slice]

    def owns(self, x, y, margin):
        """
        Tell which positions are in the block's own pixels.

        Parameters
        ----------
        x, y : (n,) array
            Positions in pixels of the image.
        margin : float
            Pixels beyond its own that count, too.

        Returns
        -------
        own : (n,) bool array
            Which of them are.
        """
        rows, columns = self.own
        return (
            (y >= rows.start - margin)
            & (y < rows.stop + margin)
            & (x >= columns.start - margin)
            & (x < columns.stop + margin)
        )


def cut_into_blocks(shape, *, side, overlap, period=1):
    """
    Cut an image into blocks that overlap.

    Parameters
    ----------
    shape : tuple of int
        ``(ny, nx)`` of the image.
    side : int
        Side of what a block owns, in pixels.
    overlap : int
        Pixels that it sees beyond, on every side.
    period : int
        Blocks begin at multiples of so many pixels: ``side`` becomes the multiple
        below, ``overlap`` that above.

    Returns
    -------
    blocks : list of `Block`
        The blocks, row by row.
    """
    side = max(side // period, 1) * period
    overlap = -(-overlap // period) * period
    rows, columns = (
        [
            (
                slice(start, min(start + side, size)),
                slice(max(start - overlap, 0), min(start + side + overlap, size)),
            )
            for start in range(0, size, side)
        ]
        for size in shape
    )
    return [
        Block(own=(own_y, own_x), read=(read_y, read_x))
        for own_y, read_y in rows
        for own_x, read_x in columns
    ]


def join_detections(tables, reach):
    """
    Join the detections of blocks.

    Parameters
    ----------
    tables : list of `~astropy.table.QTable`
        Tables of clusters in pixels of the image.
    reach : float
        Pixels within which detections are one cluster.

    Returns
    -------
    table : `~astropy.table.QTable`
        The detections by falling score, of each cluster that with the highest.
    """
    table = vstack(tables, metadata_conflicts="silent")
    table = table[np.argsort(-table["score"], kind="stable")]
    x, y = np.asarray(table["x_center"]), np.asarray(table["y_center"])
    kept = []
    for row in range(len(table)):
        if np.all(np.hypot(x[row] - x[kept], y[row] - y[kept]) > reach):
            kept.append(row)
    table = table[kept]
    table["id"] = np.arange(1, len(table) + 1)
    return table


def search_in_blocks(source, search, *, fine_scale, block_size, sources=None):
    """
    Search an image block by block with the trained network.

    Sky and noise are measured once, on the whole image.

    Parameters
    ----------
    source : `~astro_vaeclust.images.source.ImageSource`
        The image.
    search : callable
        Called with an `~astro_vaeclust.images.image.Image` and its
        `~astro_vaeclust.sources.points.PointSources` or None; returns a
        `~astro_vaeclust.detector.search.DetectorSearch`.
    fine_scale : float
        As in `~astro_vaeclust.detector.grid.NetworkGrid.from_pixel_scale`.
    block_size : int
        Side of the blocks in image pixels, without what they overlap.
    sources : `~astropy.table.Table` or PointSources, optional
        Point sources on the whole image.

    Returns
    -------
    table : `~astropy.table.QTable`
        The clusters, by falling score, in pixels of the image.
    meta : dict
        ``model``, ``n_blocks``, and of sources ``n_sources_in_image`` and
        ``sources_used_as``.
    """
    grid = _network_grid(source, fine_scale)
    network_pixel = grid.factor / grid.zoom
    blocks = cut_into_blocks(
        source.shape,
        side=block_size,
        overlap=int(np.ceil(OVERLAP * network_pixel)),
        period=grid.period,
    )
    points = None if sources is None else _usable_points(sources, source)
    scaling = Scaling.from_source(source, grid)
    tables, meta = [], {}
    for block in blocks:
        image = source.part(block.read, scaling=scaling)
        if image.mask.all():
            continue
        of_block = None if points is None else points.within(block.read)
        found = search(image, of_block)
        tables.append(_own_detections(found, block, MARGIN * network_pixel))
        meta = {"model": found.models}
        if points is not None:
            meta["n_sources_in_image"] = len(points)
            meta["sources_used_as"] = found.sources_used_as
    table = join_detections(tables, MIN_DISTANCE * network_pixel)
    return table, meta | {"n_blocks": len(blocks)}


def block_size_of(source, block_size, fine_scale):
    """
    Choose the side of the blocks of an image, and refuse one that is too coarse.

    Parameters
    ----------
    source, fine_scale
        As those of `search_in_blocks`.
    block_size : int or None
        What is wanted; None for what the memory needs.

    Returns
    -------
    block_size : int or None
        Side in image pixels; None for an image that is searched whole.

    Raises
    ------
    ValueError
        If the pixels are coarser than the network takes.
    """
    zoom = _network_grid(source, fine_scale).zoom
    ny, nx = source.shape
    if block_size is None and ny * nx * zoom**2 > MAX_WHOLE_PIXELS:
        return BLOCK_SIZE // zoom
    return block_size


def part_around(row, shape):
    """
    Return the rows and columns around a cluster that stand for the whole image.

    Parameters
    ----------
    row : `~astropy.table.Row`
        The cluster.
    shape : tuple of int
        ``(ny, nx)`` of the image.

    Returns
    -------
    part : tuple of slice
        A part of at most ``SAMPLE`` pixels a side, within the image.
    """
    part = []
    for center, side in zip((row["y_center"], row["x_center"]), shape, strict=True):
        start = int(np.clip(center - SAMPLE / 2, 0, max(side - SAMPLE, 0)))
        part.append(slice(start, min(start + SAMPLE, side)))
    return tuple(part)


def _network_grid(source, fine_scale):
    """Return the grid of the network on an image that is not read yet."""
    area = pixel_area(source.wcs, *middle(source.shape))
    scale = np.sqrt(area) * u.deg.to(u.arcsec)
    return NetworkGrid.from_pixel_scale(scale, fine_scale)


def _own_detections(found, block, margin):
    """Return the table of a block's own detections in pixels of the image."""
    table = cluster_table(found.columns())
    for name, read in zip(("y_center", "x_center"), block.read, strict=True):
        table[name] += read.start
    return table[block.owns(table["x_center"], table["y_center"], margin)]


def _usable_points(sources, source):
    """Return the point sources on the usable pixels of an image, as positions."""
    points = read_sources(sources, source.wcs)
    parts = [
        (place[0].start, points.within(place).on(mask))
        for place, mask in source.masks_of_strips()
    ]
    usable = PointSources(
        np.concatenate([part.x for _, part in parts]),
        np.concatenate([part.y + top for top, part in parts]),
    )
    if not isinstance(sources, PointSources):
        check_number_on_image(len(sources), len(usable))
    return usable
