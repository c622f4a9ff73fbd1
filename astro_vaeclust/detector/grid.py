# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The grid on which the trained network sees an image.

Clusters have angular sizes that do not depend on the survey, so the network sees about
one arcsecond per pixel, or somewhat less where the image is fine. Fine images are
binned by whole numbers of pixels, once by the mean and once by the maximum, which keeps
the stars narrow; coarse ones are seen as they are. On coarser levels the image is
binned by the mean first, so that large clusters are as many network pixels wide as
ordinary ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import astropy.units as u
import numpy as np
from astropy.nddata import block_reduce
from astropy.utils.exceptions import AstropyUserWarning

from ..images.image import is_unusable
from ..images.sky import Meshes, Sky, check_enough_usable, mesh_side
from ..utils.bands import BANDS
from ..utils.warning import warn
from .channels import compress, decompressed, of_longest

__all__ = ["NetworkGrid", "NetworkImage", "Scaling", "bands_on_level"]

COARSE = 1.0
"""Arcseconds per network pixel of the finest level of images that are not fine."""

MAX_SCALE = 8.0
"""Arcseconds of an image pixel at most: clusters would be a few pixels wide."""

MIN_SIDE = 128
"""Network pixels that the shorter side of a level has at minimum."""

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


@dataclass(frozen=True)
class NetworkGrid:
    """
    Relation between the pixels of an image and those of the network.

    Parameters
    ----------
    factor : int
        Pixels per network pixel along an axis whose mean and maximum the network sees.
    scale : float
        Size of a network pixel in arcsec.
    is_fine : bool
        Whether the image is fine, with pixels below ``FINE``.
    binning : int
        Image pixels along an axis of which these are the mean: 1 on the finest level,
        then 2, 4, 8 and so on.
    binned : int
        Pixels of the survey along an axis of which an image pixel is the mean.
    """

    factor: int
    scale: float
    is_fine: bool
    binning: int = 1
    binned: int = 1

    @classmethod
    def from_pixel_scale(cls, pixel_scale, fine_scale, *, binned=1):
        """
        Return the finest grid, whose scale is nearest, in the logarithm, to its aim.

        Parameters
        ----------
        pixel_scale : float
            Size of an image pixel in arcsec.
        fine_scale : float
            Size in arcsec of a network pixel that is aimed at for fine images, see
            `~astro_vaeclust.detector.network.NetworkSettings`.
        binned : int
            Pixels of the survey along an axis of which an image pixel is the mean.

        Raises
        ------
        ValueError
            If pixels are coarser than any in which the network has seen clusters.
        """
        pixel_scale = pixel_scale / binned
        if pixel_scale > MAX_SCALE:
            raise ValueError(
                f"data has pixels of {pixel_scale:.4g} arcsec, but the trained model "
                f"takes up to {MAX_SCALE:g}; if that is not their size, look "
                "for CDELT or CD in the header, or give wcs="
            )
        factor = max(_nearest_integer(fine_scale / pixel_scale), 1)
        scale = pixel_scale * factor * binned
        return cls(factor, scale, pixel_scale < FINE, binned=binned)

    @classmethod
    def of_image(cls, image, fine_scale, *, binned=1):
        """Return the finest grid of an `~astro_vaeclust.images.image.Image`."""
        scale = image.pixel_scale.to_value(u.arcsec / u.pix)
        return cls.from_pixel_scale(scale, fine_scale, binned=binned)

    def coarser(self, binning):
        """Return the grid of a level whose network pixels are larger."""
        return replace(self, scale=self.scale * binning, binning=binning)

    def levels(self, shape, n_levels):
        """
        Return the grids of all levels of an image, from the finest (list).

        Each is twice as coarse as the one before; there are at most ``n_levels``, and
        the shorter side of all but the finest has ``MIN_SIDE`` network pixels.
        """
        binnings = (2**level for level in range(n_levels))
        return [
            self.coarser(binning)
            for binning in binnings
            if binning == 1 or min(shape) >= MIN_SIDE * self.factor * binning
        ]

    def to_image(self, positions):
        """Turn positions in network pixels into image pixels (both from 0)."""
        return (np.asarray(positions) + 0.5) * self.pixels - 0.5

    def to_network(self, positions):
        """Turn positions in image pixels into network pixels (both from 0)."""
        return (np.asarray(positions) + 0.5) / self.pixels - 0.5

    @property
    def level(self):
        """Number of the level, 0 for the finest of the survey or image (int)."""
        return (self.binned * self.binning).bit_length() - 1

    @property
    def pixels(self):
        """Image pixels per network pixel along an axis (int)."""
        return self.factor * self.binning

    @property
    def period(self):
        """Image pixels after which the meshes of the sky begin again (int)."""
        return SKY_BOX * self.pixels


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
        shape = tuple(side // grid.pixels for side in source.shape)
        side, step = mesh_side(SKY_BOX, SKY_STEP, shape)
        every = max(int(np.sqrt(np.prod(shape) / PEAKS)), 1)
        meshes, maxima = [], []
        for part in source.strips(grid.period):
            means, peaks, mask = _resampled(source.part(part), grid)
            meshes.append(Meshes.from_pixels(means, mask, side=side, step=step))
            if grid.factor > 1:
                top = part[0].start // grid.pixels
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
        one where a pixel is usable. Of several bands, those of the longest that shows
        the pixel.
    significance : (ny, nx) float32 array
        Mean of the image minus sky over noise, zero where masked.
    grid : `NetworkGrid`
        Its relation to the image.
    bands : list of (3, ny, nx) float32 array
        Of several bands that show enough, on the finest level, the channels of J, H
        and Ks, zero for one that is not there; else empty.
    """

    channels: np.ndarray
    significance: np.ndarray
    grid: NetworkGrid
    bands: list = field(default_factory=list)

    @classmethod
    def from_image(cls, image, grid):
        """Bin an image, subtract its sky and divide by its noise."""
        if image.bands:
            return cls._from_bands(image, grid)
        check_enough_usable(image.most_usable)
        scaling = image.whole and image.whole.scaling
        if scaling is not None:
            corner = tuple(first // grid.pixels for first in image.whole.corner)
            scaling = replace(scaling, sky=scaling.sky.part(corner))
        return cls._from_arrays(*_resampled(image, grid), grid, scaling)

    @classmethod
    def from_source(cls, source, grid):
        """Do the same with an image that is read in strips."""
        check_enough_usable(source.whole.most_usable)
        strips = (source.part(part) for part in source.strips(grid.pixels))
        arrays = zip(*(_resampled(strip, grid) for strip in strips), strict=True)
        return cls._from_arrays(*map(np.concatenate, arrays), grid)

    @property
    def seen_bands(self):
        """Names of the bands that show enough, if several do (tuple of str)."""
        named = zip(BANDS, self.bands, strict=False)
        return tuple(name for name, channels in named if channels[2].any())

    def in_bands(self, names):
        """Return it in some of its bands (`NetworkImage`)."""
        named = zip(BANDS, self.bands, strict=True)
        bands = [band * np.float32(name in names) for name, band in named]
        channels = of_longest(bands)
        bands = bands if len(names) > 1 else []
        return NetworkImage(channels, decompressed(channels[0]), self.grid, bands)

    def part(self, place):
        """Return rows and columns of it, two slices of network pixels."""
        channels, *bands = (
            channels[:, *place] for channels in (self.channels, *self.bands)
        )
        return NetworkImage(channels, self.significance[place], self.grid, bands)

    @classmethod
    def _from_bands(cls, image, grid):
        """
        Do it for each band that shows enough on the grid.

        Colours enter the scores of the finest level; on others bands after one that
        shows every pixel, from the longest, add nothing to these.
        """
        made, failures = _channels_of_bands(image, grid, enough=grid.binning > 1)
        if not made:
            raise failures.popitem()[1]
        for band, failure in failures.items() if grid.binning == 1 else ():
            text = f"image {band}: {failure}; it is left out"
            warn(text, AstropyUserWarning)
        bands = _every_band(made)
        channels = of_longest(bands)
        bands = bands if len(made) > 1 and grid.binning == 1 else []
        return cls(channels, decompressed(channels[0]), grid, bands)

    @classmethod
    def _from_arrays(cls, means, maxima, mask, grid, scaling=None):
        """Scale what `_resampled` returns, by default as it needs itself."""
        if scaling is None:
            sky = Sky.from_pixels(means, mask, box_size=SKY_BOX, step=SKY_STEP)
        else:
            sky = scaling.sky
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
            compress(significance[rows], channels[0, rows])
            if peaks is None:
                channels[1, rows] = channels[0, rows]
            else:
                np.subtract(maxima[rows], level, out=peaks[rows])
            np.logical_not(mask[rows], out=channels[2, rows], casting="unsafe")
        if peaks is not None:
            if scaling is None:
                scaling = Scaling(sky, *_level_and_spread(peaks[~mask]))
            scaled = _significance(peaks, scaling.peak_level, scaling.peak_spread, mask)
            compress(scaled, channels[1])
        return cls(channels, significance, grid)


def bands_on_level(image, grid):
    """
    Return the channels of J, H and Ks on a grid, zero for one that shows too little.

    At least one of the bands of the image shows enough.
    """
    return _every_band(_channels_of_bands(image, grid)[0])


def _channels_of_bands(image, grid, *, enough=False):
    """
    Return the channels of each band on a grid, and why others show too little (dicts).

    With ``enough``, from the longest until one shows every pixel.
    """
    made, failures = {}, {}
    for band in reversed(image.bands):
        try:
            made[band] = NetworkImage.from_image(image.bands[band], grid).channels
        except ValueError as error:
            if not is_unusable(error):
                raise
            failures[band] = error
            continue
        if enough and made[band][2].all():
            break
    return made, failures


def _every_band(made):
    """Return the channels of J, H and Ks, zero for one that is not there (list)."""
    nothing = np.zeros_like(next(iter(made.values())))
    return [made.get(band, nothing) for band in BANDS]


def _level_and_spread(peaks):
    """Return the median of maxima, and their standard deviation; one for none."""
    level = np.median(peaks)
    return level, 1.4826 * np.median(np.abs(peaks - level)) or 1.0


def _nearest_integer(ratio):
    """Return the integer from one whose logarithm is nearest to that of the ratio."""
    lower = max(int(ratio), 1)
    return lower if ratio / lower <= (lower + 1) / ratio else lower + 1


def _resampled(image, grid):
    """Return means, maxima and mask on the grid."""
    data = _reduced(image.data, grid.binning, np.mean)
    means = _reduced(data, grid.factor, np.mean)
    maxima = _reduced(data, grid.factor, np.max)
    if grid.pixels == 1:
        return means, maxima, image.mask
    masked_part = _reduced(image.mask.astype(np.float32), grid.pixels, np.mean)
    return means, maxima, masked_part > 0.5


def _reduced(array, factor, function):
    """Return a function of blocks of so many pixels along an axis."""
    return array if factor == 1 else block_reduce(array, factor, func=function)


def _significance(values, sky, noise, mask):
    """Return (values - sky) / noise in single precision, zero where masked."""
    significance = np.empty(mask.shape, dtype=np.float32)
    np.subtract(values, sky, out=significance, dtype=np.float64, casting="same_kind")
    significance /= noise
    significance[mask] = 0
    return significance
