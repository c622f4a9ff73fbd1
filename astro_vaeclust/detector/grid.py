# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The grid on which the trained network sees an image.

Clusters have angular sizes that do not depend on the survey, so the network sees about
one arcsecond per pixel, or somewhat less where the image is fine. Fine images are
binned by whole numbers of pixels, once by the mean and once by the maximum, which keeps
the stars narrow; coarse ones are interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import astropy.units as u
import numpy as np
from astropy.nddata import block_reduce
from scipy.ndimage import zoom

from ..images.sky import Meshes, Sky, check_enough_usable, mesh_side

__all__ = ["NetworkGrid", "NetworkImage", "Scaling"]

COARSE = 1.0
"""Arcseconds per network pixel that are aimed at where the image is coarser."""

MAX_ZOOM = 8
"""Network pixels along an image pixel, and so its arcseconds, at most."""

FINE = 2**-0.5
"""Pixel scale in arcsec below which an image counts as a fine one."""


SKY_BOX = 128
"""Side in network pixels of the meshes of the sky."""

SKY_STEP = 2
"""One pixel of so many, along either axis, enters the sky of a mesh of that side."""

PEAKS = 1 << 22
"""Maxima that are enough for their level and spread, where they are read in strips."""


CHUNK_PIXELS = 1 << 20
"""Pixels that are brought to significances at a time."""

COMPRESSION = 2.0
"""Significance at which the inverse hyperbolic sine turns from linear."""

RANGE = 3.0
"""Divisor that brings the compressed significance of stars to about one."""


@dataclass(frozen=True)
class NetworkGrid:
    """
    Relation between the pixels of an image and those of the network.

    Parameters
    ----------
    factor : int
        Image pixels per network pixel along an axis; 1 where ``zoom`` is not 1.
    zoom : int
        Network pixels per image pixel along an axis.
    scale : float
        Size of a network pixel in arcsec.
    is_fine : bool
        Whether the image is fine, with pixels below ``FINE``.
    """

    factor: int
    zoom: int
    scale: float
    is_fine: bool

    @classmethod
    def from_pixel_scale(cls, pixel_scale, fine_scale):
        """
        Return the grid whose scale is nearest, in the logarithm, to that aimed at.

        Parameters
        ----------
        pixel_scale : float
            Size of an image pixel in arcsec.
        fine_scale : float
            Size in arcsec of a network pixel that is aimed at for fine images, see
            `~astro_vaeclust.detector.network.NetworkSettings`.

        Raises
        ------
        ValueError
            If pixels are coarser than any in which the network has seen clusters.
        """
        factor = max(_nearest_integer(fine_scale / pixel_scale), 1)
        enlarged = max(_nearest_integer(pixel_scale / COARSE), 1)
        if enlarged > MAX_ZOOM:
            raise ValueError(
                f"data has pixels of {pixel_scale:.4g} arcsec, but the trained model "
                f"takes up to {MAX_ZOOM * COARSE:g}; if that is not their size, look "
                "for CDELT or CD in the header, or give wcs="
            )
        scale = pixel_scale * factor / enlarged
        return cls(factor, enlarged, scale, pixel_scale < FINE)

    def to_image(self, positions):
        """Turn positions in network pixels into image pixels (both from 0)."""
        ratio = self.factor / self.zoom
        return (np.asarray(positions) + 0.5) * ratio - 0.5

    def to_network(self, positions):
        """Turn positions in image pixels into network pixels (both from 0)."""
        ratio = self.factor / self.zoom
        return (np.asarray(positions) + 0.5) / ratio - 0.5

    @property
    def period(self):
        """Image pixels after which the meshes of the sky begin again (int)."""
        return SKY_BOX * self.factor // gcd(SKY_BOX, self.zoom)


@dataclass(frozen=True, eq=False)
class Scaling:
    """
    What brings the pixels of the network to significances.

    Parameters
    ----------
    sky : `~astro_vaeclust.images.sky.Sky`
        Sky and noise of the means.
    peak_level, peak_spread : float
        Median of the maxima above the sky, and their standard deviation. Where image
        pixels are not binned, maxima are means, and these are not used.
    """

    sky: Sky
    peak_level: float = 0.0
    peak_spread: float = 1.0

    @classmethod
    def from_source(cls, source, grid):
        """
        Measure an image that is read in strips; the same as that of the whole image.

        Of more than ``PEAKS`` maxima, a part determines their level and spread.
        """
        check_enough_usable(source.whole.most_usable)
        shape = tuple(side * grid.zoom // grid.factor for side in source.shape)
        side, step = mesh_side(SKY_BOX, SKY_STEP, shape)
        every = max(int(np.sqrt(np.prod(shape) / PEAKS)), 1)
        meshes, maxima = [], []
        for part in source.strips(grid.period, grid.zoom):
            means, peaks, mask = _resampled_strip(source, part, grid)
            meshes.append(Meshes.from_pixels(means, mask, side=side, step=step))
            if grid.factor > 1:
                top = part[0].start // grid.factor
                first = -top % every
                chosen = np.s_[first::every, ::every]
                rows = slice(top + first, top + len(mask), every)
                maxima.append((rows, peaks[chosen], mask[chosen]))
        sky = Sky.from_meshes(Meshes.stacked(meshes), side, shape)
        if not maxima:
            return cls(sky)
        columns = slice(None, None, every)
        peaks = [
            (peaks - sky.level(rows, columns))[~mask] for rows, peaks, mask in maxima
        ]
        return cls(sky, *_level_and_spread(np.concatenate(peaks)))


@dataclass(frozen=True, eq=False)
class NetworkImage:
    """
    An image as the trained network gets it.

    Parameters
    ----------
    channels : (3, ny, nx) float32 array
        Compressed significance of the means and of the maxima, zero where masked, and
        one where a pixel is usable.
    significance : (ny, nx) float32 array
        Mean of the image minus sky over noise, zero where masked.
    grid : `NetworkGrid`
        Its relation to the image.
    """

    channels: np.ndarray
    significance: np.ndarray
    grid: NetworkGrid

    @classmethod
    def from_image(cls, image, fine_scale):
        """Bin or enlarge an image, subtract its sky and divide by its noise."""
        check_enough_usable(image.most_usable)
        pixel_scale = image.pixel_scale.to_value(u.arcsec / u.pix)
        grid = NetworkGrid.from_pixel_scale(pixel_scale, fine_scale)
        means, maxima, mask = _resampled(image, grid)
        scaling = image.whole and image.whole.scaling
        if scaling is None:
            sky = Sky.from_pixels(means, mask, box_size=SKY_BOX, step=SKY_STEP)
        else:
            corner = (grid.zoom * first // grid.factor for first in image.whole.corner)
            sky = scaling.sky.part(tuple(corner))
        significance = np.empty(mask.shape, dtype=np.float32)
        channels = np.empty((3, *mask.shape), dtype=np.float32)
        peaks = np.empty(mask.shape) if grid.factor > 1 else None
        height = max(CHUNK_PIXELS // mask.shape[1], 1)
        for top in range(0, mask.shape[0], height):
            rows = slice(top, min(top + height, mask.shape[0]))
            level = sky.level(rows, slice(0, mask.shape[1]))
            significance[rows] = _significance(
                means[rows], level, sky.noise, mask[rows]
            )
            _compress(significance[rows], channels[0, rows])
            if peaks is None:
                channels[1, rows] = channels[0, rows]
            else:
                np.subtract(maxima[rows], level, out=peaks[rows])
            np.logical_not(mask[rows], out=channels[2, rows], casting="unsafe")
        if peaks is not None:
            if scaling is None:
                scaling = Scaling(sky, *_level_and_spread(peaks[~mask]))
            scaled = _significance(peaks, scaling.peak_level, scaling.peak_spread, mask)
            _compress(scaled, channels[1])
        return cls(channels, significance, grid)


def _level_and_spread(peaks):
    """Return the median of maxima, and their standard deviation; one for none."""
    level = np.median(peaks)
    return level, 1.4826 * np.median(np.abs(peaks - level)) or 1.0


def _compress(significance, channel):
    """Write the compressed significance into a channel."""
    np.divide(significance, COMPRESSION, out=channel)
    np.arcsinh(channel, out=channel)
    channel /= RANGE


def _nearest_integer(ratio):
    """Return the integer from one whose logarithm is nearest to that of the ratio."""
    lower = max(int(ratio), 1)
    return lower if ratio / lower <= (lower + 1) / ratio else lower + 1


def _resampled_strip(source, part, grid):
    """Return what `_resampled` returns of some rows of an image."""
    rows, columns = part
    margin = int(grid.zoom > 1)  # interpolation looks at the rows beside
    read = slice(max(rows.start - margin, 0), min(rows.stop + margin, source.shape[0]))
    resampled = _resampled(source.part((read, columns)), grid)
    if not margin:
        return resampled
    first, n_rows = rows.start - read.start, rows.stop - rows.start
    own = slice(first * grid.zoom, (first + n_rows) * grid.zoom)
    return tuple(array[own] for array in resampled)


def _resampled(image, grid):
    """Return means, maxima and mask on the grid."""
    if grid.zoom > 1:
        data = zoom(image.data, grid.zoom, order=1, grid_mode=True, mode="nearest")
        mask = np.kron(image.mask, np.ones((grid.zoom, grid.zoom), dtype=bool))
        return data, data, mask
    if grid.factor == 1:
        return image.data, image.data, image.mask
    block = (grid.factor, grid.factor)
    masked_part = block_reduce(image.mask.astype(np.float32), block, func=np.mean)
    means = block_reduce(image.data, block, func=np.mean)
    maxima = block_reduce(image.data, block, func=np.max)
    return means, maxima, masked_part > 0.5


def _significance(values, sky, noise, mask):
    """Return (values - sky) / noise in single precision, zero where masked."""
    significance = np.empty(mask.shape, dtype=np.float32)
    np.subtract(values, sky, out=significance, dtype=np.float64, casting="same_kind")
    significance /= noise
    significance[mask] = 0
    return significance
