# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Reading of pixels, of all or of a part of an image, through the same checks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from astropy.wcs import WCS

from ..utils.warning import warn
from . import arrays, dead
from .celestial import wcs_of_part
from .hdus import reading
from .image import (
    BOX,
    MIN_SAMPLE,
    SAMPLE,
    Image,
    Whole,
    every_usable,
    most_usable,
    sampling_step,
    unusable,
    usable_sample,
)

__all__ = ["ImageSource", "LazyPixels", "everything"]


STRIP = 1 << 22
"""Pixels, in whole rows, that are read at a time of what is not read whole."""

SAMPLED_ROWS = 64
"""Rows, or more of a narrow image, that tell which values stand for "no data"."""

SENTINEL = 1e12
"""Such a value over the usual ones stands for "no data"."""


class LazyPixels:
    """
    Pixels of an image HDU that are read when they are asked for.

    Parts of an uncompressed file, and tiles of a tile-compressed one, are read alone.
    Pixels are scaled by BZERO, BSCALE and BLANK; axes of length 1 are dropped.

    Parameters
    ----------
    hdu : `~astropy.io.fits.PrimaryHDU` or other image HDU
        The HDU, whose file stays open.
    name : str
        Name of the file, for errors.
    convert : callable, optional
        Applied to what is read.

    Raises
    ------
    ValueError
        When it is indexed, if bytes are missing.
    """

    def __init__(self, hdu, name, convert=None):
        arrays.check_image_shape(hdu.shape)
        self.hdu, self.name, self.convert = hdu, name, convert
        self.shape = arrays.plane(hdu.shape)

    def __getitem__(self, place):
        """Read a part, which two slices give."""
        shape = [
            len(range(*side.indices(size)))
            for side, size in zip(place, self.shape, strict=True)
        ]
        sides = iter(place)
        axes = self.hdu.shape
        if len(axes) > 2:
            place = tuple(next(sides) if side > 1 else 0 for side in axes)
        with reading(self.name):
            pixels = self._cheapest()[place].reshape(shape)
        return pixels if self.convert is None else self.convert(pixels)

    def _cheapest(self):
        """Return what is cheaper to cut from: the file, or all of its pixels."""
        file = (self.hdu.fileinfo() or {}).get("file")
        is_loaded = file is None or "data" in vars(self.hdu)
        return self.hdu.data if is_loaded or file.compression else self.hdu.section


@dataclass(frozen=True, eq=False)
class ImageSource:
    """
    An image that can be read whole or in parts.

    Made by `~astro_vaeclust.images.read.open_image`.

    Parameters
    ----------
    pixels : array or `~astro_vaeclust.images.source.LazyPixels`
        Pixels of two axes.
    wcs : `~astropy.wcs.WCS`
        Two celestial axes, as those of an `~astro_vaeclust.images.image.Image`.
    masks : tuple
        Masks of bool that are joined by "or".
    error : array, NDUncertainty or `~astro_vaeclust.images.source.LazyPixels`, optional
        What stands for standard deviations.
    unit, name, lossy, header
        As those of an `~astro_vaeclust.images.image.Image`.
    """

    pixels: object
    wcs: WCS
    masks: tuple = ()
    error: object = None
    unit: u.UnitBase | None = None
    name: str = ""
    lossy: bool = False
    header: fits.Header | None = None

    @property
    def shape(self):
        """Shape (ny, nx) in pixels."""
        return self.pixels.shape

    band = Image.band
    bands = ()  # it is in one

    def read(self):
        """
        Read all of the image.

        Returns
        -------
        image : `~astro_vaeclust.images.image.Image`
            The image.

        Raises
        ------
        TypeError, ValueError
            If its pixels cannot be used, see
            `~astro_vaeclust.images.read.read_image`.
        """
        pixels, mask, error, counts = self._arrays(everything(self.shape))
        _check_counts(counts, self.shape)
        _fill(pixels, mask)
        _check_not_constant(pixels.min(), pixels.max())
        if error is not None:
            _fill(error, mask)
        return self._image(pixels, mask, error, self.wcs)

    def part(self, place, *, scaling=None):
        """
        Read a part of the image.

        Parameters
        ----------
        place : tuple of slice
            Its rows and columns, with start and stop within the image.
        scaling : optional
            That of `~astro_vaeclust.images.image.Whole`.

        Returns
        -------
        image : `~astro_vaeclust.images.image.Image`
            The part, filled with the median of the whole image where it is unusable,
            which may be everywhere.

        Raises
        ------
        TypeError, ValueError
            If the pixels of the whole image cannot be used, see
            `~astro_vaeclust.images.read.read_image`.
        """
        corner = tuple(side.start for side in place)
        whole = replace(self.whole, corner=corner, scaling=scaling)
        pixels, mask, error, _ = self._arrays(place)
        _fill(pixels, mask, whole.sample)
        if error is not None:
            _fill(error, mask, whole.error_sample)
        return self._image(pixels, mask, error, wcs_of_part(self.wcs, place), whole)

    def strips(self, multiple=1):
        """
        Cut the image into strips of whole rows.

        Parameters
        ----------
        multiple : int
            The rows of all strips but the last are a multiple of it, and those of the
            last are as many or more.

        Yields
        ------
        place : tuple of slice
            Rows and columns of a strip.
        """
        ny, nx = self.shape
        height = max(STRIP // (nx * multiple), 1) * multiple
        tops = range(0, max(ny - multiple, 0) + 1, height)
        for top, bottom in zip(tops, (*tops[1:], ny), strict=True):
            yield slice(top, bottom), slice(0, nx)

    def masks_of_strips(self):
        """Yield the rows and columns of strips, and their unusable pixels."""
        for place in self.strips():
            yield place, self._arrays(place)[1]

    @cached_property
    def whole(self):
        """What parts must know of the image, which is read once in strips for it."""
        ny, nx = self.shape
        samples, errors, *numbers = self._sampled(sampling_step(ny * nx))
        if samples.size < MIN_SAMPLE:
            samples, errors, *_ = self._sampled(1)
        return Whole(self.shape, *numbers, samples, errors)

    def _sampled(self, step):
        """Return every so many of the usable pixels, their errors, and two counts."""
        counts, most, ranges, samples, errors = [], [], [], [], []
        for place in self.strips(BOX):
            pixels, mask, error, found = self._arrays(place)
            counts.append(found)
            most.append(most_usable(mask))
            start = -place[0].start * self.shape[1] % step
            samples.append(every_usable(pixels, mask, step, start))
            if error is not None:
                errors.append(every_usable(error, mask, step, start))
            if not mask.all():
                _fill(pixels, mask)
                ranges.append((pixels.min(), pixels.max()))
        counts = np.sum(counts, axis=0)
        _check_counts(counts, self.shape)
        _check_not_constant(min(ranges)[0], max(high for _, high in ranges))
        errors = np.concatenate(errors) if errors else None
        return np.concatenate(samples), errors, int(counts[-1]), max(most)

    def _arrays(self, place):
        """
        Return pixels, mask and errors of a part, not yet filled, and three counts.

        Counted are the finite pixels, those that are not masked either, and those whose
        error is finite, too.
        """
        pixels, mask, error, counts = self._given(place)
        mask |= self._dead_pixels(place)
        counts.append(mask.size - np.count_nonzero(mask))
        return pixels, mask, error, counts

    def _given(self, place):
        """Return what `_arrays` returns, except for dead areas."""
        pixels, mask = self._finite(place)
        error = None
        blanks, _ = self._blanks
        if blanks.size:
            mask |= np.isin(pixels, blanks)
        counts = [mask.size - np.count_nonzero(mask)]
        for given in self.masks:
            mask |= given[place]
        counts.append(mask.size - np.count_nonzero(mask))
        if self.error is not None:
            error = arrays.standard_deviation(self.error[place], self.unit)
            mask |= ~np.isfinite(error)
            arrays.check_not_negative(error, mask)
        return pixels, mask, error, counts

    def _finite(self, place):
        """Return the pixels of a part, and which are neither finite nor usual."""
        pixels = arrays.single_precision(self.pixels[place])
        mask = ~np.isfinite(pixels)
        huge = np.abs(pixels) > dead.OVERFLOWING
        if huge.any():
            mask |= huge & (np.abs(pixels) > self._largest)
        return pixels, mask

    @cached_property
    def _blanks(self):
        """Return the values that stand for "no data", and the fraction of them."""
        ny, nx = self.shape
        n_rows = min(max(SAMPLE // nx, SAMPLED_ROWS), ny)
        sample = []
        for row in np.linspace(0, ny - 1, n_rows).astype(int).tolist():
            place = slice(row, row + 1), slice(0, nx)
            pixels, mask = self._finite(place)
            for given in self.masks:
                mask |= given[place]
            sample.append(pixels[~mask])
        sample = np.concatenate(sample)
        values = dead.blank_values(sample)
        return values, np.isin(sample, values).sum() / (n_rows * nx)

    @cached_property
    def _largest(self):
        """Largest absolute value that is no sentinel."""
        step = sampling_step(self.shape[0] * self.shape[1])
        sizes = [
            np.abs(arrays.single_precision(self.pixels[place]).ravel()[::step])
            for place in self.strips()
        ]
        sizes = np.concatenate(sizes)
        n_zero = np.count_nonzero(sizes == 0)
        sizes = sizes[(sizes > 0) & np.isfinite(sizes)]
        usual = sizes[sizes < dead.OVERFLOWING]
        if not usual.size and n_zero > sizes.size:  # huge numbers among zeros
            return dead.OVERFLOWING
        usual = usual if usual.size else sizes
        return SENTINEL * np.median(usual.astype(float)) if usual.size else np.inf

    def _dead_pixels(self, place):
        """Return which pixels of a part are in areas without noise."""
        boxes, noise = self._dead_boxes
        if not boxes.any():
            return False
        wider = tuple(
            slice(max(part.start - dead.REACH, 0), min(part.stop + dead.REACH, side))
            for part, side in zip(place, self.shape, strict=True)
        )
        corner = tuple(part.start for part in wider)
        pixels, mask, *_ = self._given(wider)
        found = dead.dead_pixels(boxes, noise, pixels, mask, corner)
        return found[
            tuple(
                slice(part.start - start, part.stop - start)
                for part, start in zip(place, corner, strict=True)
            )
        ]

    @cached_property
    def _dead_boxes(self):
        """Return which boxes have no noise, and the noise of the image; warn of any."""
        every = max(self.shape[0] * self.shape[1] // (dead.SAMPLE * dead.BOX**2), 1)
        spreads, noises = zip(
            *(
                dead.box_spreads(*self._given(place)[:2], every)
                for place in self.strips(dead.BOX)
            ),
            strict=True,
        )
        boxes, noise = dead.dead_boxes(np.vstack(spreads), np.concatenate(noises))
        blanks, fraction = self._blanks
        if boxes.any() or blanks.size:
            fraction += boxes.mean()
            warn(
                f"{self.name or 'data'}: {100 * fraction:.2g} % of the image are "
                "constant, or have next to none of its noise, and are taken as without "
                "data",
                AstropyUserWarning,
            )
        return boxes, noise

    def _image(self, pixels, mask, error, wcs, whole=None):
        return Image(
            data=pixels,
            mask=mask,
            wcs=wcs,
            error=error,
            unit=self.unit,
            name=self.name,
            lossy=self.lossy,
            header=self.header,
            whole=whole,
        )


def _check_counts(counts, shape):
    for number, message in zip(
        counts,
        (
            "data: all pixels are NaN or infinite",
            "mask: it leaves no usable pixel of data",
            "error: not finite at any usable pixel of data",
        ),
        strict=True,
    ):
        if not number:
            raise unusable(f"{message} (shape {shape})")


def _check_not_constant(lowest, highest):
    if lowest == highest:
        raise unusable(
            f"data is constant: in single precision all usable pixels are {lowest:g}"
        )


def everything(shape):
    """Return the slices of all rows and columns of a shape."""
    return tuple(slice(0, side) for side in shape)


def _fill(values, mask, sample=None):
    """Fill with the lower median of a sample, which is always one of the values."""
    if mask.any():
        sample = usable_sample(values, mask) if sample is None else sample.copy()
        middle = (sample.size - 1) // 2
        sample.partition(middle)
        values[mask] = sample[middle]
