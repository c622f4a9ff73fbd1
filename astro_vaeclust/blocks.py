# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The search of an image that is larger than the memory, block by block."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager

import astropy.units as u
import numpy as np
from astropy.io import fits
from astropy.nddata import NDData
from astropy.table import vstack
from astropy.wcs.utils import proj_plane_pixel_area

from .catalog import ClusterCatalog
from .detector.candidates import LEAST_DISTANCE
from .detector.grid import NetworkGrid
from .exceptions import NoDetectionsWarning
from .images import hdus
from .images.celestial import celestial_wcs
from .images.sky import SKY_BOX
from .sources.points import PointSources, check_fewest
from .sources.table import read_sources
from .utils.validation import check_count

__all__ = ["detect_in_blocks"]

OVERLAP = 512
"""Network pixels that a block sees beyond its own on every side."""

MARGIN = 32
"""Network pixels beyond its own in which a block may have a centre."""


def detect_in_blocks(
    finder, data, *, wcs=None, hdu=None, sources=None, block_size=2048
):
    """
    Find the clusters of a large image, reading a block at a time.

    Parameters
    ----------
    finder : `~astro_vaeclust.VAEClusterFinder`
        The finder; its ``n_largest`` is of the whole image.
    data : str, path-like, HDU or `~astropy.nddata.NDData`
        The image, of shape (ny, nx); of an uncompressed file and of what is mapped
        into memory, only a block at a time is read.
    wcs : `~astropy.wcs.WCS`, optional
        Replaces that of a header.
    hdu : int, str or (str, int), optional
        HDU of a file.
    sources : `~astropy.table.Table` or `~astro_vaeclust.sources.points.PointSources`
        Point sources on the whole image, optional.
    block_size : int
        Side of the blocks in image pixels, without what they overlap.

    Returns
    -------
    catalog : `~astro_vaeclust.ClusterCatalog`
        The clusters, without heat map and segmentation.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        If the input cannot be used; the message names the argument.
    """
    check_count("block_size", block_size)
    with _opened(data, wcs, hdu) as source:
        pixel = np.sqrt(proj_plane_pixel_area(source.wcs)) * 3600
        settings = finder.trained_model.network.settings
        grid = NetworkGrid.of_pixel_scale(pixel, settings.fine_scale)
        blocks = list(_blocks(source.shape, grid, block_size))
        points = None if sources is None else _points(sources, source)
        tables = [
            _detect_block(finder, source, block, grid, points) for block in blocks
        ]
    tables = [table for table in tables if table is not None]
    if not tables:
        raise ValueError(f"data: no block of shape {source.shape} has usable pixels")
    table = _joined(tables, pixel * u.arcsec, grid)[: finder.n_largest]
    table["id"] = np.arange(1, len(table) + 1)
    table.meta = tables[0].meta | {"image": source.name, "n_blocks": len(blocks)}
    if points is not None:
        table.meta["n_sources_in_image"] = len(points)
    if not len(table):
        warnings.warn("no cluster was found", NoDetectionsWarning, stacklevel=3)
    return ClusterCatalog(table)


class _Source:
    """An image of which parts can be read."""

    def __init__(self, pixels, wcs, *, mask=None, uncertainty=None, **facts):
        if len(pixels.shape) != 2:
            raise ValueError(f"data must have 2 axes, got shape {pixels.shape}")
        self.pixels, self.shape = pixels, tuple(pixels.shape)
        self.wcs = celestial_wcs(wcs, self.shape)
        self.mask, self.uncertainty = mask, uncertainty
        self.name = facts.pop("name", "")
        self.facts = facts

    def part(self, place):
        """Read a part as NDData; None if no two of its pixels differ."""
        pixels = np.asarray(self.pixels[place])
        mask = None if self.mask is None else np.asarray(self.mask[place])
        usable = np.isfinite(pixels)
        if mask is not None:
            usable &= ~mask
        values = pixels[usable]
        if not values.size or values.min() == values.max():
            return None
        error = self.uncertainty
        if error is not None:
            error = type(error)(np.asarray(error.array[place]), unit=error.unit)
        return NDData(
            pixels,
            wcs=self.wcs.slice(place),
            mask=mask,
            uncertainty=error,
            **self.facts,
        )


@contextmanager
def _opened(data, wcs, hdu):
    if isinstance(data, (str, os.PathLike)):
        with hdus.open_file(data) as hdulist:
            name = os.path.basename(os.fspath(data))
            companions = None, None
            if hdu is None and hdus.is_ccddata(hdulist):
                hdu, companions = 0, hdus.read_companions(hdulist, name)
            chosen = hdus.select_hdu(hdulist, hdu)
            yield _of_hdu(chosen, hdulist, wcs, name, *companions)
    elif isinstance(data, hdus.IMAGE_HDUS):
        yield _of_hdu(data, None, wcs, "")
    elif isinstance(data, NDData):
        yield _Source(
            data.data,
            wcs if data.wcs is None else data.wcs,
            mask=data.mask,
            uncertainty=data.uncertainty,
            unit=data.unit,
            meta=data.meta,
        )
    else:
        raise TypeError(
            "data must be the path of a FITS file, an image HDU, or an NDData; got a "
            f"{type(data).__name__}"
        )


def _of_hdu(hdu, hdulist, wcs, name, mask=None, uncertainty=None):
    pixels = hdu.data if isinstance(hdu, fits.CompImageHDU) else hdu.section
    return _Source(
        pixels,
        hdus.read_wcs(hdu, hdulist, name) if wcs is None else wcs,
        mask=mask,
        uncertainty=uncertainty,
        unit=hdus.read_unit(hdu.header),
        meta=hdu.header,
        name=name,
    )


def _blocks(shape, grid, block_size):
    """Yield blocks as pairs of (start, stop) in y and x, on the meshes of the sky."""
    step = SKY_BOX * grid.factor
    side = max(block_size // step, 1) * step
    for y in range(0, shape[0], side):
        for x in range(0, shape[1], side):
            yield (y, min(y + side, shape[0])), (x, min(x + side, shape[1]))


def _points(sources, source):
    """Read the point sources on a whole image, whether on usable pixels or not."""
    everywhere = tuple(slice(0, side) for side in source.shape)
    if isinstance(sources, PointSources):
        return sources.within(everywhere)
    points = read_sources(sources, source.wcs).within(everywhere)
    check_fewest(len(sources), len(points))
    return points


def _detect_block(finder, source, block, grid, points):
    """Return the table of a block in pixels of the whole image, None if it is empty."""
    overlap = OVERLAP * grid.factor
    place = tuple(
        slice(max(start - overlap, 0), min(stop + overlap, side))
        for (start, stop), side in zip(block, source.shape, strict=True)
    )
    part = source.part(place)
    if part is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        within = None if points is None else points.within(place)
        table = finder.detect(part, sources=within).table
    own = np.ones(len(table), dtype=bool)
    margin = MARGIN * grid.factor / grid.zoom
    for name, read, (start, stop) in zip(
        ("y_center", "x_center"), place, block, strict=True
    ):
        table[name] += read.start
        own &= (table[name] >= start - margin) & (table[name] < stop + margin)
    return table[own]


def _joined(tables, pixel, grid):
    """Join tables by falling score, without what two blocks have both found."""
    found = [table for table in tables if len(table)]
    if not found:
        return tables[0]
    table = vstack(found, metadata_conflicts="silent")
    table = table[np.argsort(-table["score"], kind="stable")]
    reach = (LEAST_DISTANCE * grid.scale * u.arcsec / pixel).to_value(u.one)
    x, y = np.asarray(table["x_center"]), np.asarray(table["y_center"])
    kept = []
    for row in range(len(table)):
        if np.all(np.hypot(x[row] - x[kept], y[row] - y[kept]) > reach):
            kept.append(row)
    return table[kept]
