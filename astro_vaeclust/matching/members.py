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
    "field_share",
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
    Which sources lie in a detected region and which in its field.

    Parameters
    ----------
    id : int
        Number of the cluster.
    center : `~astropy.coordinates.SkyCoord`
        Its centre.
    area : `~astropy.units.Quantity`
        The area of the region in arcsec2.
    inside, in_field : (n_sources,) bool array
        Which sources lie in the region, and which in the field.
    field : FieldDensity
        The density of the field.
    """

    id: int
    center: SkyCoord
    area: u.Quantity
    inside: np.ndarray
    in_field: np.ndarray
    field: FieldDensity


def member_table(sources, sample, *, neighbours=10):
    """
    Return the sources in a region with their membership probabilities.

    Parameters
    ----------
    sources : `~astropy.table.QTable`
        All sources, with ``sky``.
    sample : Sample
        The region and its field.
    neighbours : int, optional
        The density at a source is measured from the distance of this neighbour.

    Returns
    -------
    members : `~astropy.table.QTable`
        As `ClusterMatch.members` says.

    Raises
    ------
    TypeError, ValueError
        If ``neighbours`` is no count.
    """
    check_count("neighbours", neighbours)
    share, colours = _field_share(sources, sample, neighbours)
    members = QTable(sources[sample.inside])
    separation = sample.center.separation(members["sky"]).to(u.arcsec)
    members["cluster_id"] = np.full(len(members), sample.id)
    members["separation"] = separation
    n_sources, n_field = len(members), sample.field.expected(sample.area)
    members["probability"] = probabilities(share, n_sources - n_field)
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


def probabilities(share, n_members):
    """
    Turn shares of the field into probabilities that add up to the members.

    Noise carries shares above 1, and to cut these off makes too many members. All
    shares are therefore scaled by one factor, with which the probabilities
    ``max(1 - factor * share, 0)`` add up to the number of members.

    Parameters
    ----------
    share : array
        Share of the field at each source, not negative.
    n_members : float
        Sources less the expected field; below 0 is none.

    Returns
    -------
    probability : array
        In [0, 1]; NaN where a share is, and everywhere if the number of members is.
    """
    share = np.asarray(share, dtype=float)
    known = share[np.isfinite(share)]
    target = n_members * known.size / max(share.size, 1)
    if not np.isfinite(target) or not known.size:
        return np.full(share.shape, np.nan)
    with np.errstate(invalid="ignore"):
        return np.clip(1 - _factor(np.sort(known), target) * share, 0, 1)


def _factor(share, target):
    """
    Return the factor with which probabilities add up to a target.

    With the k smallest shares below one over the factor, the sum is k less the factor
    times the sum of these shares; k is the largest number for which that is so.
    """
    if target <= 0:
        return np.inf
    number = np.arange(1, len(share) + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.maximum(number - target, 0) / np.cumsum(share)
    holds = np.isfinite(factor) & (factor * share <= 1) & (number > target)
    return factor[holds][-1] if holds.any() else 0.0


def field_share(density, areas, neighbours, colour_ratio=1.0):
    r"""
    Return the share of the field in the density at each source.

    With the area :math:`a` of the circle round a source that reaches to its k-th
    neighbour, :math:`b a / k` is the ratio of the field's density :math:`b` to that at
    the source; on a random field of density :math:`\rho` its mean is exactly
    :math:`b / \rho`.

    Parameters
    ----------
    density : float
        Sources of the field per area.
    areas : array
        Area of the circle to the k-th neighbour of each source.
    neighbours : int
        This k.
    colour_ratio : array or float, optional
        How much more frequent the colours of each source are in the field than in
        the region.

    Returns
    -------
    share : array
        Not negative; above 1 where the sources are sparser than the field.
    """
    return density * np.asarray(areas) / neighbours * colour_ratio


def nearest_neighbour_areas(sky, which, neighbours):
    """
    Return the area of the circle round sources that reaches to a neighbour.

    Parameters
    ----------
    sky : `~astropy.coordinates.SkyCoord`
        All sources.
    which : bool array
        Those round which the circles are.
    neighbours : int
        Count of the neighbour, 1 for the nearest other source.

    Returns
    -------
    areas : float array
        In arcsec2; NaN if there are not so many sources.
    """
    from scipy.spatial import cKDTree

    positions = np.atleast_2d(sky.cartesian.xyz.value.T)
    if len(positions) <= neighbours:
        return np.full(np.count_nonzero(which), np.nan)
    chords, _ = cKDTree(positions).query(positions[which], k=[neighbours + 1])
    # the cap of chord c on the unit sphere has the area pi c**2
    return (np.pi * chords[:, 0] ** 2 * u.sr).to_value(ARCSEC2)


def _field_share(sources, sample, neighbours):
    areas = nearest_neighbour_areas(sources["sky"], sample.inside, neighbours)
    colours = _colours(sources)
    ratio, used = np.ones(len(areas)), False
    if colours is not None:
        ratio, used = _colour_ratio(colours[sample.inside], colours[sample.in_field])
    return field_share(sample.field.density, areas, neighbours, ratio), used


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
