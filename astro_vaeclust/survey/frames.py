# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""One image of what a field sees, from the images that show parts of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse.csgraph import connected_components

from ..archives.mosaic import zero_point
from ..images.celestial import wcs_of_part
from ..images.hdus import quietly
from ..utils.optional import import_optional
from ..utils.validation import check_choice
from .images import opened, what_is_wrong

__all__ = ["ANY_BAND", "Assembled", "assemble", "bands_of"]

ANY_BAND = ("",)
"""Bands of a survey in one band, whatever it is called."""

MIN_OVERLAP = 100
"""Pixels that two images must share to be compared."""


def bands_of(band):
    """Return the bands that a survey searches together, given its setting (tuple)."""
    return tuple(band.split(",")) if band and "," in band else ANY_BAND


@dataclass(frozen=True, eq=False)
class Assembled:
    """
    The pixels of a frame.

    Parameters
    ----------
    pixels : dict of str to (ny, nx) float32 array
        By the band; NaN where no image has any.
    lossy : bool
        Whether an image went through a lossy compression.
    bad : tuple of str
        What is wrong with images that were left out.
    """

    pixels: dict[str, np.ndarray]
    lossy: bool
    bad: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Piece:
    """Pixels of an image on the frame, from a row and a column on."""

    corner: tuple[int, int]
    pixels: np.ndarray

    @cached_property
    def n_usable(self):
        """Number of its pixels that have values."""
        return np.count_nonzero(np.isfinite(self.pixels))

    @property
    def place(self):
        """Rows and columns of the frame."""
        return tuple(
            slice(first, first + side)
            for first, side in zip(self.corner, self.pixels.shape, strict=True)
        )


def assemble(paths, frame, grid, *, bands=ANY_BAND, opened=opened, skip_bad=False):
    """
    Put the images of a frame together, those of each band by themselves.

    Images that are cut from one grid of pixels are pasted. Others are put on the grid
    of the frame by nearest neighbour, so that their noise stays what it is. They are
    scaled to one zero point. Those that agree to the bit where they overlap are parts
    of one image, and become one again: how an image was cut changes nothing. Then the
    skies are moved by constants such that they agree best where images overlap, and
    the mean is taken there.

    ``frame`` is a `~astro_vaeclust.survey.grid.Frame` of ``grid``; ``bands`` are those
    of the images, or ``ANY_BAND`` if they show one; ``opened`` opens a path as
    `~astro_vaeclust.survey.images.opened` does. An image that cannot be read is left
    out with ``skip_bad``; else an OSError names it.
    """
    pieces, bad, lossy = {band: [] for band in bands}, [], False
    put = _resampled if grid.pixels is None else _pasted
    for path in paths:
        try:
            with opened(path) as source:
                band = bands[0] if bands == ANY_BAND else source.band
                check_choice("the band", band, bands)
                piece = put(source, frame, grid)
                lossy |= source.lossy
        except (OSError, ValueError, TypeError) as error:
            reason = what_is_wrong(path, error)
            if not skip_bad:
                raise OSError(reason) from error
            bad.append(reason)
            continue
        if piece is not None and piece.n_usable:
            pieces[band].append(piece)
    pixels = {
        band: _mean(_matched(_joined(of_band)), frame.shape)
        for band, of_band in pieces.items()
    }
    return Assembled(pixels, lossy, tuple(bad))


def _pasted(source, frame, grid):
    """Cut the part of an image that is on a frame of the same grid of pixels."""
    shift = np.round(frame.wcs.wcs.crpix - source.wcs.wcs.crpix).astype(int)
    return _piece(source, frame, shift[::-1], grid)


def _piece(source, frame, shift, grid):
    """Cut the part of an image that is on a frame, given its corner there."""
    low = np.maximum(shift, 0)
    high = np.minimum(shift + source.shape, frame.shape)
    if np.any(low >= high):
        return None
    place = tuple(
        slice(int(a), int(b)) for a, b in zip(low - shift, high - shift, strict=True)
    )
    return _Piece(tuple(map(int, low)), _pixels(source, place, grid))


def _resampled(source, frame, grid):
    """Put the part of an image that is on a frame on the grid of the frame."""
    reproject = import_optional("reproject", "survey")
    place = _box(frame.wcs, frame.shape, source.wcs, source.shape)
    if place is None:
        return None
    pixels = _pixels(source, place, grid)
    wcs = wcs_of_part(source.wcs, place)
    target = _box(wcs, pixels.shape, frame.wcs, frame.shape)
    if target is None:
        return None
    with quietly():
        found = reproject.reproject_interp(
            (pixels, wcs),
            frame.wcs.slice(target),
            shape_out=tuple(side.stop - side.start for side in target),
            order="nearest-neighbor",
            roundtrip_coords=False,
            return_footprint=False,
        )
    corner = tuple(side.start for side in target)
    return _Piece(corner, np.asarray(found, dtype=np.float32))


def _box(wcs, shape, other, other_shape, n=17):
    """Return the rows and columns of another image that an image may cover, or None."""
    ny, nx = shape
    x, y = np.meshgrid(np.linspace(-1, nx, n), np.linspace(-1, ny, n))
    with quietly():
        x, y = other.world_to_pixel(wcs.pixel_to_world(x, y))
    if not np.isfinite([x, y]).all():
        return tuple(slice(0, side) for side in other_shape)
    low = [max(int(np.floor(axis.min())) - 1, 0) for axis in (y, x)]
    high = [
        min(int(np.ceil(axis.max())) + 2, side)
        for axis, side in zip((y, x), other_shape, strict=True)
    ]
    if any(a >= b for a, b in zip(low, high, strict=True)):
        return None
    return tuple(slice(a, b) for a, b in zip(low, high, strict=True))


def _pixels(source, place, grid):
    """Read a part of an image, scaled to the zero point of the survey."""
    pixels = np.array(source.pixels[place], dtype=np.float32)
    for mask in source.masks:
        pixels[np.asarray(mask[place])] = np.nan
    own = None if source.header is None else zero_point(source.header)
    if own is not None and grid.zero_point is not None and own != grid.zero_point:
        pixels *= np.float32(10 ** (0.4 * (grid.zero_point - own)))
    return pixels


def _joined(pieces):
    """Put pieces together that are parts of one image: they agree to the bit."""
    same = np.zeros((len(pieces), len(pieces)), dtype=bool)
    for first, second, values in _overlaps(pieces):
        enough = min(MIN_OVERLAP, pieces[first].n_usable, pieces[second].n_usable)
        same[first, second] = values[0].size >= enough and np.array_equal(*values)
    number, image_of = connected_components(same, directed=False)
    return [
        _pasted_together([pieces[n] for n in np.flatnonzero(image_of == image)])
        for image in range(number)
    ]


def _pasted_together(pieces):
    """Return one piece of several that agree."""
    if len(pieces) == 1:
        return pieces[0]
    low = np.min([piece.corner for piece in pieces], axis=0)
    high = np.max([np.add(piece.corner, piece.pixels.shape) for piece in pieces], 0)
    pixels = np.full(high - low, np.nan, dtype=np.float32)
    for piece in pieces:
        place = _Piece(tuple(piece.corner - low), piece.pixels).place
        np.copyto(pixels[place], piece.pixels, where=np.isfinite(piece.pixels))
    return _Piece(tuple(map(int, low)), pixels)


def _matched(pieces):
    """Move the skies of pieces by constants such that they agree where they overlap."""
    rows, differences = [], []
    for first, second, values in _overlaps(pieces):
        if values[0].size >= MIN_OVERLAP:
            row = np.zeros(len(pieces))
            row[[first, second]] = 1, -1
            rows.append(row)
            differences.append(np.median(values[0] - values[1]))
    if not np.any(differences):
        return pieces
    shifts = np.linalg.lstsq(np.array(rows), np.array(differences))[0]
    return [
        _Piece(piece.corner, piece.pixels - np.float32(shift))
        for piece, shift in zip(pieces, shifts, strict=True)
    ]


def _overlaps(pieces):
    """Yield numbers of two pieces, and the values of both where both have pixels."""
    low = np.array([piece.corner for piece in pieces]).reshape(-1, 2)
    high = low + np.array([piece.pixels.shape for piece in pieces]).reshape(-1, 2)
    meet = np.all((low[:, None] < high) & (high[:, None] > low), axis=-1)
    for pair in np.argwhere(np.tril(meet, -1)):
        start, stop = low[pair].max(axis=0), high[pair].min(axis=0)
        values = [
            pieces[n].pixels[tuple(map(slice, start - low[n], stop - low[n]))]
            for n in pair
        ]
        both = np.isfinite(values[0]) & np.isfinite(values[1])
        yield *pair, [value[both] for value in values]


def _mean(pieces, shape):
    """Return the mean of pieces, NaN where there is none."""
    if len(pieces) == 1:
        pixels = np.full(shape, np.nan, dtype=np.float32)
        pixels[pieces[0].place] = pieces[0].pixels
        return pixels
    total, number = np.zeros(shape), np.zeros(shape, dtype=np.uint16)
    for piece in pieces:
        usable = np.isfinite(piece.pixels)
        total[piece.place] += np.where(usable, piece.pixels, 0)
        number[piece.place] += usable
    with np.errstate(invalid="ignore"):
        total /= number
    return total.astype(np.float32)
