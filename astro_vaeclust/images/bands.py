# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Images of one field in several bands, on one grid."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import combinations

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning

from ..utils.bands import BANDS, band_of
from ..utils.validation import check_choice
from ..utils.warning import muted, named, warn
from .alignment import on_grid
from .image import Image, is_unusable, unusable
from .read import open_image, read_image
from .sky import check_enough_usable

__all__ = [
    "as_image",
    "facts_of_bands",
    "holds_bands",
    "only_image",
    "read_bands",
    "read_in_bands",
    "told_apart",
]


SAME_STEP, SAME_NOISE = 16, 0.999
"""One row of so many is compared; correlation of the noise of one image at least."""

MIN_STEPS = 100
"""Pairs of neighbouring pixels that tell."""


def read_bands(images, *, reference=None, wcs=None, mask=None, error=None, hdu=None):
    """
    Read images of one field in several bands on one grid.

    Parameters
    ----------
    images : dict of str to image, or sequence of images
        The image of each band: ``"J"``, ``"H"`` or ``"Ks"``, also ``"K"``, in any
        combination, each of a kind that `~astro_vaeclust.images.read.read_image`
        takes. The bands of a sequence are those that the headers name, as ``FILTER``,
        ``BAND``, ``FILTER1`` or ``ESO INS FILT1 NAME``.
    reference : str, optional
        The band whose grid is taken; by default that of the longest wavelength.
    wcs, mask, error, hdu
        As in `~astro_vaeclust.images.read.read_image`: one for all images, or, with a
        dict of images, a dict by the same bands.

    Returns
    -------
    bands : dict of str to `~astro_vaeclust.images.image.Image`
        The images from short to long wavelengths, all of the shape and the WCS of the
        reference. A pixel that a band does not show is masked in that band alone, and
        an image without enough usable pixels for a sky is left out.

    Raises
    ------
    TypeError
        If ``images`` is neither a dict nor a list or tuple, or an argument is of a
        wrong kind.
    ValueError
        If a band is not known or given twice, a header names none, an image shows
        nothing of the grid, two are one image or multiples of it, none has enough
        usable pixels, or `~astro_vaeclust.images.read.read_image` refuses an image; the
        message names the band.
    ImportError
        If an image must be resampled and ``reproject`` is not installed.

    Warns
    -----
    `~astropy.utils.exceptions.AstropyUserWarning`
        If an image is left out, or its header names another filter than the dict.

    Notes
    -----
    Where the pixels of an image lie on those of the reference to within 0.05 of them,
    it is cut and keeps its values. Otherwise it is resampled by ``reproject``:
    interpolated bilinearly, or averaged with a Gaussian kernel where its pixels are
    much finer. Values of a count per pixel then stay those of the sky, as they are
    multiplied by the ratio of the areas. Masked are pixels that are interpolated with
    one without data, or of which less than half is averaged from data.
    Its errors are those of single pixels, although neighbours are then correlated.
    """
    given = {"wcs": wcs, "mask": mask, "error": error, "hdu": hdu}
    found = _read_all(images, given)
    target = found[_reference_of(found, reference)]
    bands = {}
    for band in filter(found.__contains__, BANDS):
        try:
            with _naming(band):
                bands[band] = on_grid(found[band], target)
        except ValueError as error:
            if not is_unusable(error):
                raise
            _leave_out(error)
    _check_differ(bands)
    return bands


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


def told_apart(data, reference, given):
    """
    Return an image, or a dict, list or tuple of images, and the reference.

    An `Image` in several bands becomes a dict of these. Raises ValueError if anything
    is given by bands for one image.
    """
    if isinstance(data, Image) and data.bands:
        return data.bands, reference or facts_of_bands(data)["reference"]
    if not holds_bands(data):
        if reference is not None:
            raise ValueError(f"reference is for several bands, got {reference!r}")
        _check_for_all(given, "one image")
    return data, reference


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
    if band is not None or reference is not None:
        with muted(Warning), open_image(image, **options) as source:
            if band is None:
                band = _stated_band(source, 0)
            name, stated = source.name, source.band
        _compare_with_header(band, stated, name)
    if reference is not None:
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
    found, failures = {}, []
    for number, (band, data, options) in enumerate(_pairs(images, given)):
        try:
            with _naming(band or f"number {number}"):
                image = read_image(data, **options)
                check_enough_usable(image.most_usable)
        except ValueError as error:
            if not is_unusable(error):
                raise
            failures.append(error)
            continue
        if band is None:
            band = _stated_band(image, number)
        else:
            _compare_with_header(band, image.band, image.name)
        _check_is_new(band, found)
        found[band] = image
    if not found:
        raise unusable("; ".join(map(str, failures)))
    for failure in failures:
        _leave_out(failure)
    return found


def _leave_out(failure):
    """Warn that an image cannot be used, and why."""
    warn(f"{failure}; it is left out", AstropyUserWarning)


def _compare_with_header(band, stated, name):
    """Warn if the header names another filter than the dict."""
    if stated and stated != band:
        warn(
            f"image {band}: the header of {name or 'data'} names the band {stated!r}; "
            f"it is taken as {band}",
            AstropyUserWarning,
        )


def _check_differ(bands):
    """Raise ValueError if two bands, on one grid, are one image."""
    for (band, one), (other, same) in combinations(bands.items(), 2):
        if _are_same(one, same):
            raise ValueError(
                f"images must differ, got the same pixels for {band} and {other}, or "
                "multiples of these"
            )


def _are_same(one, other):
    """Whether two images have the same noise, but for a factor."""
    rows = np.s_[::SAME_STEP]
    seen = ~(one.mask[rows] | other.mask[rows])
    both = seen[:, 1:] & seen[:, :-1]
    steps = np.array(
        [np.diff(image.data[rows].astype(float))[both] for image in (one, other)]
    )
    if steps.shape[1] < MIN_STEPS:
        return False
    sizes = np.abs(steps[0])
    quiet = steps[:, sizes <= np.percentile(sizes, 90)]
    if not quiet.any(axis=1).all():  # of constant margins, which bands may share
        return False
    return abs(np.corrcoef(quiet)[0, 1]) > SAME_NOISE


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
        _check_for_all(given, f"a {type(images).__name__} of images")
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


def _check_for_all(given, images):
    """Raise ValueError if an option is a dict by bands; says what the images are."""
    for argument, value in given.items():
        if isinstance(value, Mapping):
            raise ValueError(
                f"{argument} by bands is for a dict of images, got {images}"
            )


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
    """Name the image in errors and warnings of what is done within a ``with`` block."""
    try:
        with named(f"image {name}"):
            yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        kind = unusable if is_unusable(error) else kind
        raise kind(f"image {name}: {error}") from error


def _stated_band(image, number):
    where = f"the header of image {image.name or f'number {number}'}"
    if not image.band:
        raise ValueError(
            f"images: {where} names no band, as FILTER does; give a dict "
            "from bands to images"
        )
    return band_of(image.band, f"the band in {where}")
