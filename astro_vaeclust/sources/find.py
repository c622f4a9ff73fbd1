# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Find the point sources of an image, and measure how wide its stars are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import photutils
from astropy.nddata import NDData
from astropy.stats import gaussian_fwhm_to_sigma, mad_std
from photutils.detection import DAOStarFinder
from scipy.ndimage import gaussian_filter

from ..exceptions import NoDetectionsWarning
from ..images.sky import Sky
from ..utils.warning import ignored_warnings
from .points import PointSources
from .seeing import fwhm_in_pixels

if TYPE_CHECKING:
    from ..images.image import Image

__all__ = ["find_sources", "measure_fwhm"]

SIGNIFICANCE = 4.0
"""Least significance of a source over the noise of the sky."""

BOX_SIZE = 32
"""Side in pixels of the meshes of sky and noise: nebulae must not hide stars."""

KERNEL_RATIO = 0.75
"""Width of the kernel over that of the stars; a narrow one parts close stars."""

SHARPNESS_RANGE = (0.2, 1.5)
"""Wider than usual at the upper end, since the kernel is narrower than the stars."""

CROWDED_RATIO = 0.4
"""Width of the kernel over that of the stars where fields are crowded."""

WELL_SAMPLED = 3.2
"""Width of the stars in pixels from which on the image is smoothed before."""

SMOOTHING = 0.5
"""Width of that smoothing over the width of the stars."""

SEEING_SIDE = 1024
"""Side in pixels of the middle of the image in which that width is measured."""

FALLBACK_FWHM = 2.7
"""Width of the stars in pixels where too few can be measured."""


def find_sources(
    image: Image,
    *,
    significance: float = SIGNIFICANCE,
    fwhm: float | None = None,
    crowded: bool = False,
) -> PointSources:
    """
    Find the sources of an image with `photutils.detection.DAOStarFinder`.

    Parameters
    ----------
    image : `~astro_vaeclust.images.image.Image`
        The image.
    significance : float, optional
        Least significance of a source over the noise of the sky.
    fwhm : float, optional
        Full width at half maximum of the stars in pixels; measured without it.
    crowded : bool, optional
        Whether to part stars that are close, at the cost of the faintest: with a
        narrower kernel, stars of any sharpness, and one noise for the image, which the
        stars of a crowded place do not raise there.

    Returns
    -------
    sources : `~astro_vaeclust.sources.points.PointSources`
        The sources.
    """
    pixel_significance = _significance(image, local=not crowded)
    fwhm = measure_fwhm(image) if fwhm is None else fwhm
    finder = DAOStarFinder(
        threshold=significance,
        fwhm=(CROWDED_RATIO if crowded else KERNEL_RATIO) * fwhm,
        sharpness_range=None if crowded else SHARPNESS_RANGE,
    )
    searched = _searched(pixel_significance, image, fwhm)
    with ignored_warnings(NoDetectionsWarning), photutils.use_future_column_names():
        found = finder(searched, mask=image.mask)
    if found is None:
        return PointSources(np.empty(0), np.empty(0))
    x, y = (np.asarray(found[name], float) for name in ("x_centroid", "y_centroid"))
    return PointSources(x, y)


def _significance(image, local):
    """
    Return the image minus the local sky over the noise, by default the local one.

    Unlike in `astro_vaeclust.images.prepare`, the noise is that of each mesh: where it
    is raised, by a nebula or a bad strip, one noise for the image makes false sources
    by the dozen.
    """
    sky = Sky.from_pixels(image.data, image.mask, box_size=BOX_SIZE)
    return sky.significance(image, local=local)


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


def measure_fwhm(image):
    """
    Measure the width of the stars in the middle of an image.

    Parameters
    ----------
    image : `~astro_vaeclust.images.image.Image`
        The image.

    Returns
    -------
    fwhm : float
        Full width at half maximum in pixels, two or more; that of a usual image where
        too few stars can be measured.
    """
    middle = tuple(
        slice(max(side - SEEING_SIDE, 0) // 2, (side + SEEING_SIDE) // 2)
        for side in image.shape
    )
    stars = NDData(image.data[middle], mask=image.mask[middle], wcs=image.wcs)
    try:
        return max(2.0, fwhm_in_pixels(stars))
    except ValueError:
        return FALLBACK_FWHM
