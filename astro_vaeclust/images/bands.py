# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Images of one field in several bands, on one grid."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import replace

import astropy.units as u
import numpy as np
from astropy.io import fits

from ..utils.bands import BANDS, band_of
from ..utils.optional import import_optional
from ..utils.validation import check_choice
from .image import BAND_CARDS, Image
from .read import read_image

__all__ = [
    "as_image",
    "facts_of_bands",
    "holds_bands",
    "only_image",
    "read_bands",
    "read_in_bands",
]

SAME_GRID = 0.05
"""Pixels within which grids agree: as much as stars of one survey are out of place."""

PROBES = 9
"""Positions along each side of an image at which grids are compared."""

FINER = 0.8
"""Ratio of the pixel scales below which pixels are averaged, not interpolated."""


def read_bands(images, *, reference=None, wcs=None, mask=None, error=None, hdu=None):
    """
    Read images of one field in several bands on one grid.

    Parameters
    ----------
    images : dict of str to image, or sequence of images
        The image of each band: ``"J"``, ``"H"`` or ``"Ks"``, also ``"K"``, in any
        combination, each of a kind that `~astro_vaeclust.images.read.read_image`
        takes. The bands of a sequence are those that the headers name, as ``FILTER`` or
        ``BAND``.
    reference : str, optional
        The band whose grid is taken; by default that of the longest wavelength.
    wcs, mask, error, hdu
        As in `~astro_vaeclust.images.read.read_image`: one for all images, or, with a
        dict of images, a dict by the same bands.

    Returns
    -------
    bands : dict of str to `~astro_vaeclust.images.image.Image`
        The images from short to long wavelengths, all of the shape and the WCS of the
        reference. A pixel that a band does not show is masked in that band alone.

    Raises
    ------
    TypeError
        If ``images`` is neither a dict nor a list or tuple, or an argument is of a
        wrong kind.
    ValueError
        If a band is not known or given twice, a header names none, an image shows
        nothing of the grid, or `~astro_vaeclust.images.read.read_image` refuses an
        image; the message names the band.
    ImportError
        If an image must be resampled and ``reproject`` is not installed.

    Notes
    -----
    Where the pixels of an image lie on those of the reference to within 0.05 of them,
    it is cut and keeps its values. Otherwise it is resampled by ``reproject``:
    interpolated bilinearly, or averaged with a Gaussian kernel where its pixels are
    much finer. Values of a count per pixel then stay those of the sky, as they are
    multiplied by the ratio of the areas; pixels next to one without data are masked.
    Its errors are those of single pixels, although neighbours are then correlated.
    """
    given = {"wcs": wcs, "mask": mask, "error": error, "hdu": hdu}
    found = _read_all(images, given)
    target = found[_reference_of(found, reference)]
    return {
        band: target if found[band] is target else _on_grid(found[band], target, band)
        for band in BANDS
        if band in found
    }


def read_in_bands(images, *, reference=None, **options):
    """
    Read images of one field in several bands as one image.

    Parameters
    ----------
    images, reference, **options
        As those of `read_bands`, with the same errors.

    Returns
    -------
    image : `~astro_vaeclust.images.image.Image`
        The image of the reference, with all bands as its ``bands``; of one band alone,
        that image without any.
    """
    bands = read_bands(images, reference=reference, **options)
    image = bands[_reference_of(bands, reference)]
    return replace(image, bands=bands) if len(bands) > 1 else image


def as_image(data):
    """Return an `Image` as it is, and any other image, or several bands, as one."""
    if isinstance(data, Image):
        return data
    return read_in_bands(data) if holds_bands(data) else read_image(data)


def facts_of_bands(image):
    """Return the file of each band of an image, and the reference (dict)."""
    files = {band: one.name for band, one in image.bands.items()}
    same = (band for band, one in image.bands.items() if one.data is image.data)
    return {"bands": files, "reference": next(same)}


def holds_bands(data):
    """Whether data is a dict, list or tuple of images, not one image (bool)."""
    if isinstance(data, fits.HDUList):  # which is a list
        return False
    return isinstance(data, (Mapping, list, tuple))


def only_image(images, reference, options):
    """
    Return the image of a dict, list or tuple of one, and its options.

    Parameters
    ----------
    images, reference
        As those of `read_bands`.
    options : dict
        ``wcs``, ``mask``, ``error`` and ``hdu``, as there.

    Returns
    -------
    image : image
        As `~astro_vaeclust.images.read.read_image` takes it.
    options : dict
        Those of it.

    Raises
    ------
    ValueError
        If the band of a dict is not known, or anything is for another.
    """
    ((band, image, options),) = _pairs(images, options)
    if reference is not None and band is not None:
        _reference_of((band,), reference)
    return image, options


def _reference_of(bands, reference):
    """Return the band whose grid is taken."""
    if reference is None:
        return max(bands, key=BANDS.index)
    reference = band_of(reference, "reference")
    check_choice("reference", reference, tuple(bands))
    return reference


def _read_all(images, given):
    """Return the images by their bands, each on its own grid."""
    found = {}
    for number, (band, data, options) in enumerate(_pairs(images, given)):
        with _naming(band or f"number {number}"):
            image = read_image(data, **options)
        band = band or _stated_band(image, number)
        _check_is_new(band, found)
        found[band] = image
    return found


def _pairs(images, given):
    """Return band, or None where the header names it, data and options of each."""
    if not holds_bands(images):
        raise TypeError(
            "images must be a dict from bands to images, or a list or tuple of images "
            f"whose headers name their bands; got a {type(images).__name__}"
        )
    if not images:
        raise ValueError("images must hold at least one image, got none")
    if not isinstance(images, Mapping):
        for argument, value in given.items():
            if isinstance(value, Mapping):
                raise ValueError(
                    f"{argument} by bands is for a dict of images, got a "
                    f"{type(images).__name__} of images"
                )
        return [(None, image, given) for image in images]
    images = _with_bands(images, "images")
    options = {band: {} for band in images}
    for argument, value in given.items():
        by_band = dict.fromkeys(images, value)
        if isinstance(value, Mapping):
            by_band = _with_bands(value, argument)
            for band in by_band.keys() - images.keys():
                raise ValueError(
                    f"{argument} must have bands of images, {', '.join(images)}, got "
                    f"{band!r}"
                )
        for band in images:
            options[band][argument] = by_band.get(band)
    return [(band, data, options[band]) for band, data in images.items()]


def _with_bands(values, argument):
    """Return a dict whose keys are the bands that those of another name."""
    found = {}
    for name, value in values.items():
        band = band_of(name, f"a band of {argument}")
        _check_is_new(band, found, argument)
        found[band] = value
    return found


def _check_is_new(band, found, argument="images"):
    if band in found:
        raise ValueError(f"{argument} must have each band once, got {band} twice")


@contextmanager
def _naming(name):
    """Name the image in errors of what is done within a ``with`` block."""
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"image {name}: {error}") from error


def _stated_band(image, number):
    where = f"the header of image {image.name or f'number {number}'}"
    if not image.band:
        raise ValueError(
            f"images: {where} names no band as {' or '.join(BAND_CARDS)}; give a dict "
            "from bands to images"
        )
    return band_of(image.band, f"the band in {where}")


def _on_grid(image, target, band):
    """Return an image on the grid of another."""
    offset = _offset(image, target)
    if offset is None:
        return _resampled(image, target, band)
    if offset == (0, 0) and image.shape == target.shape:
        return replace(image, wcs=target.wcs)
    return _cut(image, target, offset, band)


def _offset(image, target):
    """
    Return by how many rows and columns an image is shifted on the grid of another.

    None stands for grids that do not agree.
    """
    ny, nx = target.shape
    y, x = np.meshgrid(np.linspace(0, ny - 1, PROBES), np.linspace(0, nx - 1, PROBES))
    sky = target.wcs.pixel_to_world(x, y)
    with np.errstate(invalid="ignore"):
        there = np.array(image.wcs.world_to_pixel(sky))
    shift = there - [x, y]
    whole = np.round(np.nanmean(shift, axis=(1, 2))) if np.isfinite(shift).any() else 0
    distance = np.abs(shift - np.reshape(whole, (-1, 1, 1)))
    if not distance.max() <= SAME_GRID:  # also where it is NaN
        return None
    return int(whole[1]), int(whole[0])


def _cut(image, target, offset, band):
    """Return what an image shows of the grid of another that it shares."""
    ours, theirs = [], []
    for shift, size, length in zip(offset, target.shape, image.shape, strict=True):
        low, high = max(0, -shift), min(size, length - shift)
        if high <= low:
            _refuse(band)
        ours.append(slice(low, high))
        theirs.append(slice(low + shift, high + shift))
    pixels = np.full(target.shape, np.nan, dtype=np.float32)
    error = None if image.error is None else pixels.copy()
    theirs, ours = tuple(theirs), tuple(ours)
    pixels[ours] = np.where(image.mask, np.nan, image.data)[theirs]
    if error is not None:
        error[ours] = image.error[theirs]
    return _image(image, target, pixels, error, band)


def _resampled(image, target, band):
    """Return an image on the grid of another by reproject."""
    reproject = import_optional("reproject", "archives")
    ratio = float(image.pixel_scale / target.pixel_scale)
    is_finer = ratio < FINER
    if is_finer:
        function, options = reproject.reproject_adaptive, {"boundary_mode": "strict"}
    else:
        function, options = reproject.reproject_interp, {"order": "bilinear"}

    def on_grid(values):
        values = np.where(image.mask, np.nan, values)
        result, footprint = function(
            (values, image.wcs), target.wcs, shape_out=target.shape, **options
        )
        return np.where(footprint > 0, result, np.nan)

    area = 1.0 if _is_per_area(image.unit) else ratio**-2
    pixels, error = area * on_grid(image.data), None
    if image.error is not None:
        averaged = ratio if is_finer else 1.0
        error = area * averaged * np.sqrt(on_grid(image.error**2))
    return _image(image, target, pixels, error, band)


def _is_per_area(unit):
    """Whether values are those of an area of the sky, not of a pixel."""
    if unit is None:
        return False
    parts = unit.decompose()
    powers = dict(zip(parts.bases, parts.powers, strict=True))
    return powers.get(u.rad, 0) < 0


def _refuse(band):
    raise ValueError(f"image {band} shows nothing of the grid of the reference")


def _image(image, target, pixels, error, band):
    """Return an image with other pixels, unusable where these are not finite."""
    if not np.isfinite(pixels).any():
        _refuse(band)
    with _naming(band):
        read = read_image(
            np.asarray(pixels, dtype=np.float32),
            wcs=target.wcs,
            error=None if error is None else np.asarray(error, dtype=np.float32),
        )
    facts = ("unit", "name", "lossy", "header")
    return replace(read, **{fact: getattr(image, fact) for fact in facts})
