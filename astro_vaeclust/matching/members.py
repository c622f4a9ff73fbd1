# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How likely each source in a region belongs to the cluster."""

from __future__ import annotations

from dataclasses import dataclass

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from ..sources.columns import as_magnitudes
from ..utils.validation import check_count
from .areas import ARCSEC2
from .field import FieldDensity

__all__ = [
    "Sample",
    "field_fraction",
    "member_table",
    "nearest_neighbour_areas",
    "probabilities",
]

MIN_COLOURS = 20
"""Sources with colours that region and field must have each for them to be used."""

_BANDS = ("j_mag", "h_mag", "k_mag")


@dataclass(frozen=True, eq=False, kw_only=True)
class Sample:
    """
    Which sources lie in a detected region of ``area`` (arcsec2) and which in its field.

    ``inside`` and ``in_field`` are masks of the sources, ``center`` is the centre of
    the cluster with the number ``id``.
    """

    id: int
    center: SkyCoord
    area: u.Quantity
    inside: np.ndarray
    in_field: np.ndarray
    field: FieldDensity


def member_table(sources, sample, *, neighbours=10):
    """Return the table of `ClusterMatch.members` for a `Sample`."""
    check_count("neighbours", neighbours)
    fraction, colours = _field_fraction(sources, sample, neighbours)
    members = QTable(sources[sample.inside])
    separation = sample.center.separation(members["sky"]).to(u.arcsec)
    members["cluster_id"] = np.full(len(members), sample.id)
    members["separation"] = separation
    n_sources, n_field = len(members), sample.field.expected(sample.area)
    members["probability"] = probabilities(fraction, n_sources - n_field)
    members = members[np.argsort(separation)]
    error = sample.field.error * sample.area.to_value(ARCSEC2)
    members.meta.update(
        cluster_id=sample.id,
        n_sources=n_sources,
        n_field=float(n_field),
        n_members=float(n_sources - n_field),
        n_members_err=float(np.hypot(np.sqrt(n_sources), error)),
        field_density=(sample.field.density / ARCSEC2).to(u.arcmin**-2),
        colours=colours,
    )
    return members


def probabilities(fraction, n_members):
    """
    Return membership probabilities that add up to the number of members (array).

    Noise makes field fractions above 1, and to cut these off makes too many members.
    All fractions are therefore scaled by one factor, with which the probabilities
    ``max(1 - factor * fraction, 0)`` add up to ``n_members``, the sources less the
    expected field. They are NaN where a fraction is, and everywhere if the number of
    members is.
    """
    fraction = np.asarray(fraction, dtype=float)
    known = fraction[np.isfinite(fraction)]
    target = n_members * known.size / max(fraction.size, 1)
    if not np.isfinite(target) or not known.size:
        return np.full(fraction.shape, np.nan)
    with np.errstate(invalid="ignore"):
        return np.clip(1 - _factor(np.sort(known), target) * fraction, 0, 1)


def _factor(fraction, target):
    """
    Return the factor with which probabilities add up to a target.

    With the k smallest fractions below one over the factor, the sum is k less the
    factor times their sum; k is the largest number for which that is so.
    """
    if target <= 0:
        return np.inf
    number = np.arange(1, len(fraction) + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.maximum(number - target, 0) / np.cumsum(fraction)
    holds = np.isfinite(factor) & (factor * fraction <= 1) & (number > target)
    return factor[holds][-1] if holds.any() else 0.0


def field_fraction(density, areas, neighbours, colour_ratio=1.0):
    r"""
    Return the fraction of the field in the density at each source (array).

    With the area :math:`a` of the circle around a source that reaches to its k-th
    neighbour, :math:`b a / k` is the ratio of the field's density :math:`b` to that at
    the source; on a random field of density :math:`\rho` its mean is exactly
    :math:`b / \rho`, and it is above 1 where the sources are sparser than the field.
    ``colour_ratio`` is how much more frequent the colours of each source are in the
    field than in the region.
    """
    return density * np.asarray(areas) / neighbours * colour_ratio


def nearest_neighbour_areas(sky, which, neighbours):
    """
    Return the area of the circle around sources that reaches to a neighbour (arcsec2).

    ``which`` is a mask of the sources (SkyCoord) around which the circles are, and
    ``neighbours`` the number of the neighbour, 1 for the nearest other source. The
    areas are NaN if there are not so many sources.
    """
    from scipy.spatial import cKDTree

    positions = np.atleast_2d(sky.cartesian.xyz.value.T)
    if len(positions) <= neighbours:
        return np.full(np.count_nonzero(which), np.nan)
    chords, _ = cKDTree(positions).query(positions[which], k=[neighbours + 1])
    # the cap of chord c on the unit sphere has the area pi c**2
    return (np.pi * chords[:, 0] ** 2 * u.sr).to_value(ARCSEC2)


def _field_fraction(sources, sample, neighbours):
    areas = nearest_neighbour_areas(sources["sky"], sample.inside, neighbours)
    colours = _colours(sources)
    ratio, used = np.ones(len(areas)), False
    if colours is not None:
        ratio, used = _colour_ratio(colours[sample.inside], colours[sample.in_field])
    return field_fraction(sample.field.density, areas, neighbours, ratio), used


def _colours(sources):
    """Return J-H and H-K of all sources, (n, 2), or None without the columns."""
    if not set(_BANDS) <= set(sources.colnames):
        return None
    j, h, k = (as_magnitudes(sources[name]) for name in _BANDS)
    return np.column_stack([j - h, h - k])


def _colour_ratio(region, field):
    """
    Return how frequent the colours of a region's sources are in the field over here.

    Both are kernel densities with Scott's (1992) bandwidth; in the region, a source
    does not count for itself. Sources without colours have 1.
    """
    from scipy.stats import gaussian_kde

    ratio = np.ones(len(region))
    known = np.isfinite(region).all(axis=1)
    field = field[np.isfinite(field).all(axis=1)]
    if min(np.count_nonzero(known), len(field)) < MIN_COLOURS:
        return ratio, False
    here = region[known]
    try:
        in_field, in_region = gaussian_kde(field.T), gaussian_kde(here.T)
    except np.linalg.LinAlgError:  # all colours the same
        return ratio, False
    itself = 1 / np.sqrt(np.linalg.det(2 * np.pi * in_region.covariance))
    n_here = len(here)
    density = (n_here * in_region(here.T) - itself) / (n_here - 1)
    smallest = np.finfo(float).tiny
    ratio[known] = in_field(here.T) / np.maximum(density, smallest)
    return ratio, True
