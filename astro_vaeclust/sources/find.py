# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The sources that the catalogue methods see: found in the image, or given."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import astropy.units as u
import numpy as np
import photutils
from astropy.nddata import NDData
from astropy.stats import gaussian_fwhm_to_sigma, mad_std
from photutils.detection import DAOStarFinder
from scipy.ndimage import gaussian_filter

from ..exceptions import NoDetectionsWarning
from ..images.sky import Sky
from .points import PointSources
from .seeing import estimate_fwhm

__all__ = ["FoundSources", "find_sources"]


BOX_SIZE = 32
"""Side in pixels of the meshes of sky and noise: nebulae must not hide stars."""

KERNEL_RATIO = 0.75
"""Width of the kernel over that of the stars; a narrow one parts close stars."""

SHARPNESS_RANGE = (0.2, 1.5)
"""Wider than usual at the upper end, since the kernel is narrower than the stars."""

WELL_SAMPLED = 3.2
"""Width of the stars in pixels from which on the image is smoothed before."""

SMOOTHING = 0.5
"""Width of that smoothing over the width of the stars."""

SEEING_SIDE = 1024
"""Side in pixels of the middle of the image in which that width is measured."""

FALLBACK_FWHM = 2.7
"""Width of the stars in pixels where too few can be measured."""


@dataclass(frozen=True, eq=False)
class FoundSources(PointSources):
    """
    Sources that were found in an image.

    Parameters
    ----------
    x, y : (n,) float64 array
        Positions in pixels.
    significance : (ny, nx) float32 array
        Image minus sky over noise.
    """

    significance: np.ndarray


def find_sources(image, *, significance, fwhm):
    """
    Find the sources of an image with `photutils.detection.DAOStarFinder`.

    Parameters
    ----------
    image : `~astro_vaeclust.images.image.Image`
        The image.
    significance : float
        Least significance of a source over the noise of the sky.
    fwhm : float or None
        Full width at half maximum of the stars in pixels; None measures it.

    Returns
    -------
    sources : `FoundSources`
        The sources.
    """
    pixel_significance = _significance(image)
    fwhm = _measured_fwhm(image) if fwhm is None else fwhm
    finder = DAOStarFinder(
        threshold=significance,
        fwhm=KERNEL_RATIO * fwhm,
        sharpness_range=SHARPNESS_RANGE,
    )
    with warnings.catch_warnings(), photutils.use_future_column_names():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        found = finder(_searched(pixel_significance, image, fwhm), mask=image.mask)
    if found is None:
        return FoundSources(np.empty(0), np.empty(0), pixel_significance)
    x, y = (np.asarray(found[name], float) for name in ("x_centroid", "y_centroid"))
    return FoundSources(x, y, pixel_significance)


def _significance(image):
    """
    Return the image minus the local sky over the local noise.

    Unlike in `astro_vaeclust.images.prepare`, the noise is that of each mesh: where it
    is raised, by a nebula or a bad strip, one noise for the image makes false sources
    by the dozen.
    """
    sky = Sky.from_pixels(image.data, image.mask, box_size=BOX_SIZE)
    return sky.significance(image, local=True)


def _searched(significance, image, fwhm):
    """
    Return what is searched: the significance, smoothed where stars are well sampled.

    There the noise of single pixels hides stars that a narrow kernel, which parts
    close stars, does not average enough over.
    """
    if fwhm < WELL_SAMPLED:
        return significance
    smooth = gaussian_filter(significance, SMOOTHING * fwhm * gaussian_fwhm_to_sigma)
    noise = mad_std(smooth[~image.mask])
    return smooth / noise if noise > 0 else significance


def _measured_fwhm(image):
    """Measure the width of the stars in pixels."""
    middle = tuple(
        slice(max(side - SEEING_SIDE, 0) // 2, (side + SEEING_SIDE) // 2)
        for side in image.shape
    )
    stars = NDData(image.data[middle], mask=image.mask[middle], wcs=image.wcs)
    try:
        fwhm = estimate_fwhm(stars)
    except ValueError:
        return FALLBACK_FWHM
    return max(2.0, float((fwhm / image.pixel_scale).to_value(u.pix)))
