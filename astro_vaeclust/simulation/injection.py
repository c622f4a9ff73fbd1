# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Mock clusters painted on real tiles."""

from __future__ import annotations

import copy
import numbers
from dataclasses import replace
from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np
from astropy.wcs.utils import proj_plane_pixel_scales
from scipy.ndimage import gaussian_filter

from ..photometry.surveys import get_survey
from ..sources.seeing import bad_pixels, checked_image, estimate_fwhm
from ..utils.warning import WARNINGS_LOCK
from .checks import check_quantity, checked_generator
from .clusters import MockCluster
from .members import draw_members, place_cluster
from .nebulae import paint_cluster_nebula
from .observation import saturate
from .rendering import PointSpread, render_stars
from .tables import MockTile, cluster_row, cluster_table, null_table, star_table

if TYPE_CHECKING:
    from astropy.nddata import NDData

    from ..photometry.surveys import Survey

__all__ = ["inject_cluster"]


def inject_cluster(
    image: NDData,
    cluster: MockCluster | None = None,
    *,
    survey: Survey | str = "2mass-ks",
    fwhm: u.Quantity | None = None,
    zero_point: u.Quantity | None = None,
    seed: int | np.random.Generator | None = None,
) -> MockTile:
    """
    Paint a mock cluster on a real tile.

    Parameters
    ----------
    image : `~astropy.nddata.NDData`
        The tile, with a celestial WCS. It is not changed.
    cluster : MockCluster, optional
        The description; by default the defaults of `MockCluster`. A cluster without
        centre gets a position away from the edges and on pixels with data.
    survey : str or Survey
        The survey, for the shape of the profile, the limit and the saturation.
    fwhm : `~astropy.units.Quantity`, optional
        Full width at half maximum of a star, an angle; by default `estimate_fwhm`.
    zero_point : `~astropy.units.Quantity`, optional
        Magnitude of a source of 1 adu; by default ``MAGZP`` of the header.
    seed : int, `~numpy.random.Generator` or None
        The random numbers.

    Returns
    -------
    tile : MockTile
        The new image, of the class of the one given, and the truth about what was
        added: tables with the columns of `simulate_tile`.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If the image has no celestial WCS, no pixel with data or no zero point, or too
        few stars to estimate the profile; if the cluster lies outside, or a value is
        out of its range.

    Notes
    -----
    The noise of the tile stays as it is: the added light has no photon noise of its
    own, and the dust of the cluster dims its members but not the stars of the tile.
    """
    wcs = checked_image(image)
    cluster = MockCluster() if cluster is None else cluster
    if not isinstance(cluster, MockCluster):
        raise TypeError(f"cluster must be a MockCluster, got {cluster!r}")
    survey = get_survey(survey)
    rng = checked_generator("seed", seed)
    with WARNINGS_LOCK:
        scale = float(np.mean(proj_plane_pixel_scales(wcs)) * 3600)
    magnitude = _zero_point(image, zero_point)
    data = np.array(image.data, dtype=np.result_type(image.data.dtype, np.float32))
    bad = bad_pixels(image)
    if bad.all():
        raise ValueError(f"image must have pixels with data, got none in {data.shape}")
    if fwhm is None:
        fwhm = estimate_fwhm(image)
    check_quantity("fwhm", fwhm, u.arcsec, low=0, low_counts=False)
    psf = PointSpread.from_survey(
        replace(survey, pixel_scale=scale), fwhm.to_value(u.arcsec)
    )

    x, y = place_cluster(rng, cluster, wcs, data.shape, scale, allowed=~bad)
    members, _ = draw_members(
        rng, cluster, limit=survey.limit, extinction_ratio=survey.extinction_ratio
    )
    position = x + members["dx"] / scale, y + members["dy"] / scale
    members |= {"x": position[0], "y": position[1]}
    added = np.zeros(data.shape, dtype=np.float32)
    paint_cluster_nebula(
        rng, added, cluster, x, y, zero_point=magnitude, pixel_scale=scale
    )
    added = gaussian_filter(added, psf.fwhm / 2.355)
    flux = 10 ** (0.4 * (magnitude - members["mag"]))
    added += render_stars(data.shape, *position, flux, psf)
    data = _add(data, added, bad, survey, magnitude)
    row = cluster_row(0, cluster, members, x, y, survey.limit, data.shape, position)
    return MockTile(
        images={survey.band: _replaced(image, data)},
        clusters=cluster_table([row], wcs),
        stars=star_table([(members, 0, False)], wcs, magnitude, data.shape),
        nulls=null_table([], wcs, scale),
        surveys=(survey,),
    )


def _zero_point(image, zero_point):
    if zero_point is None:
        if "MAGZP" not in image.meta:
            raise ValueError("zero_point must be given: the header has no MAGZP")
        stated = image.meta["MAGZP"]
        if not isinstance(stated, numbers.Real) or not np.isfinite(stated):
            raise ValueError(
                f"zero_point must be given: MAGZP of the header is {stated!r}"
            )
        return float(stated)
    check_quantity("zero_point", zero_point, u.mag)
    return float(zero_point.to_value(u.mag))


def _add(data, added, bad, survey, zero_point):
    """Add light, which becomes saturated; so does the sum where the survey does."""
    stretch = 10 ** (0.4 * (zero_point - np.mean(survey.zero_point)))
    scaled = replace(
        survey,
        saturation=survey.saturation * stretch,
        core_collapse=survey.core_collapse * stretch,
    )
    ceiling = np.median(data[~bad]) + scaled.saturation
    saturate(added, scaled)
    return np.minimum(data + added, np.maximum(data, ceiling)).astype(data.dtype)


def _replaced(image, data):
    """Return a copy of an image with other pixels."""
    with WARNINGS_LOCK:
        wcs = copy.deepcopy(image.wcs)
    return type(image)(
        data,
        wcs=wcs,
        mask=copy.deepcopy(image.mask),
        uncertainty=copy.deepcopy(image.uncertainty),
        meta=copy.deepcopy(image.meta),
        unit=image.unit,
    )
