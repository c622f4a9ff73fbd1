# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The search of an image block by block, as one image."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import astropy.units as u
import numpy as np
from astropy.table import vstack

from .detector.grid import NetworkGrid, NetworkImage, Scaling
from .detector.levels import LevelSearch, level_fractions, level_grids, on_level
from .detector.search import (
    DetectorSearch,
    check_takes_sources,
    cluster_columns,
    model_facts,
    reported,
)
from .images.celestial import middle, pixel_area
from .measure.circles import CircleMeasurements
from .sources.points import PointSources, check_number_on_image
from .sources.table import read_sources

__all__ = [
    "Block",
    "block_size_of",
    "cut_into_blocks",
    "flag_conditions",
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

MAX_BINNED_PIXELS = 4096**2
"""Network pixels up to which a coarser level is binned in one piece."""

WHOLE_CELL = 64
"""Network pixels at whose multiples pieces of it begin: a cell of all scales."""

SURROUNDINGS = 192
"""Pixels around the circle of a cluster in which its flags and sources are measured."""


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

    def times(self, factor):
        """Return the same block in pixels that are so many times smaller."""
        own, read = (
            tuple(slice(one.start * factor, one.stop * factor) for one in part)
            for part in (self.own, self.read)
        )
        return Block(own, read)

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


def search_in_blocks(
    source,
    model,
    *,
    block_size,
    max_false_alarm_rate=None,
    n_largest=None,
    fwhm=None,
    sources=None,
):
    """
    Search an image block by block with the trained network.

    Sky and noise of a level are measured once, on the whole image. Coarser levels with
    few enough pixels are binned in one piece, and the blocks are cut from that.

    Parameters
    ----------
    source : `~astro_vaeclust.images.source.ImageSource`
        The image.
    model, max_false_alarm_rate, n_largest, fwhm
        As those of `~astro_vaeclust.detector.search.DetectorSearch`.
    block_size : int
        Side of the blocks in image pixels, without what they overlap.
    sources : `~astropy.table.Table` or PointSources, optional
        Point sources on the whole image.

    Returns
    -------
    columns : dict
        Those of the table of clusters, by falling score, in pixels of the image.
    meta : dict
        ``model``, ``n_blocks`` of the finest level, and of sources
        ``n_sources_in_image`` and ``sources_used_as``.
    """
    check_takes_sources(model, sources)
    points = None if sources is None else _usable_points(sources, source)
    finest = _network_grid(source, model.fine_scale)
    grids = level_grids(finest, source.shape, model.calibration)
    fractions = level_fractions(grids)
    rows, n_blocks = [], []
    for grid in grids:
        found = [
            _own_rows(level, block, max_false_alarm_rate)
            for level, block in _levels_of_blocks(
                source, grid, block_size, model, fractions, points
            )
        ]
        n_blocks.append(len(found))
        rows += found
    pixel_scale = finest.scale / finest.factor
    rows = reported(vstack(rows), pixel_scale, max_false_alarm_rate, n_largest)

    def circles(centers, radii):
        measured = [
            _circle(source, *one, points, fwhm)
            for one in zip(centers, radii, strict=True)
        ]
        counts, flags = zip(*measured, strict=True) if measured else ([], [])
        return SimpleNamespace(
            n_sources=np.array(counts, dtype=int), flags=np.array(flags, dtype=int)
        )

    meta = {"model": model_facts(model, grids), "n_blocks": n_blocks[0]}
    if points is not None:
        meta["n_sources_in_image"] = len(points)
        meta["sources_used_as"] = "combined score"
    return cluster_columns(rows, source, circles), meta


def _levels_of_blocks(source, grid, block_size, model, fractions, points):
    """Yield the searches of a level, block by block, and their blocks."""
    n_pixels = np.prod(source.shape) / grid.pixels**2
    if grid.binning > 1 and n_pixels <= MAX_BINNED_PIXELS:
        image = on_level(NetworkImage.from_source, source, grid)
        if image is not None:
            for block in cut_into_blocks(
                image.significance.shape,
                side=BLOCK_SIZE,
                overlap=OVERLAP,
                period=WHOLE_CELL,
            ):
                level = LevelSearch(image.part(block.read), model, fractions)
                yield level, block.times(grid.pixels)
        return
    blocks = cut_into_blocks(
        source.shape,
        side=block_size * grid.binning,
        overlap=OVERLAP * grid.pixels,
        period=grid.period,
    )
    scaling = Scaling.from_source(source, grid)
    for block in blocks:
        image = source.part(block.read, scaling=scaling)
        if image.mask.all():
            continue
        of_block = None if points is None else points.within(block.read)
        image = NetworkImage.from_image(image, grid)
        yield LevelSearch(image, model, fractions, sources=of_block), block


def _own_rows(level, block, limit):
    """Return the rows of a block's own candidates, in pixels of the image."""
    corner = tuple(side.start for side in block.read)
    rows = level.rows(limit, corner)
    return rows[block.owns(rows["x"], rows["y"], MARGIN * level.grid.pixels)]


def _circle(source, center, radius, points, fwhm):
    """Return the number of sources in a circle, and its flags."""
    reach = 2 * radius + SURROUNDINGS
    part = tuple(
        slice(max(int(at - reach), 0), min(int(at + reach) + 1, side))
        for at, side in zip(center[::-1], source.shape, strict=True)
    )
    corner = np.array([part[1].start, part[0].start])
    circles = CircleMeasurements(
        source.part(part),
        center[np.newaxis] - corner,
        np.array([radius]),
        sources=None if points is None else points.within(part),
        fwhm=fwhm,
    )
    return circles.n_sources[0], circles.flags[0]


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
    _network_grid(source, fine_scale)
    ny, nx = source.shape
    if block_size is None and ny * nx > MAX_WHOLE_PIXELS:
        return BLOCK_SIZE
    return block_size


def flag_conditions(table, source, model):
    """
    Flag clusters if the image is outside of the calibration of the model.

    Parameters
    ----------
    table : `~astropy.table.QTable`
        The clusters.
    source, model
        As those of `search_in_blocks`; the part of the image around the first cluster
        stands for the whole, its middle where there is none.
    """
    at = middle(source.shape)
    if len(table):
        at = table["x_center"][0], table["y_center"][0]
    sample = source.part(_part_around(at, source.shape))
    DetectorSearch(sample, model, max_false_alarm_rate=None).flag_conditions(table)


def _part_around(at, shape):
    """Return rows and columns around a position, at most ``SAMPLE`` a side."""
    part = []
    for center, side in zip(at[::-1], shape, strict=True):
        start = int(np.clip(center - SAMPLE / 2, 0, max(side - SAMPLE, 0)))
        part.append(slice(start, min(start + SAMPLE, side)))
    return tuple(part)


def _network_grid(source, fine_scale):
    """Return the grid of the network on an image that is not read yet."""
    area = pixel_area(source.wcs, *middle(source.shape))
    scale = np.sqrt(area) * u.deg.to(u.arcsec)
    return NetworkGrid.from_pixel_scale(scale, fine_scale)


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
