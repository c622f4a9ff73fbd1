# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How well a detected region and a reference agree."""

from __future__ import annotations

from dataclasses import dataclass

import astropy.units as u
import numpy as np
from astropy.table import QTable

from ..utils.validation import check_number

__all__ = ["Overlap", "member_iou", "source_iou"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Overlap:
    """
    How well a detected region and a reference agree.

    Parameters
    ----------
    id : int
        Number of the cluster in the catalogue; 0 if there is none.
    region : {'mask', 'circle'}
        Whether the detected region is its pixels or its circle.
    iou : float
        Sources in both regions over sources in either; NaN if either has none.
    iou_low, iou_high : float
        Bounds of its Wilson interval.
    n_shared, n_union : int
        Numbers of sources in both and in either.
    n_detected, n_reference : int
        Numbers of sources in each.
    members_detected, members_reference : float
        The same less the expected number of field sources; NaN without a field.
    member_iou, member_iou_err : float
        Field-subtracted sources in both over those in either, and its standard error.
    area_iou : float
        Sky in both regions over sky in either.
    offset : `~astropy.units.Quantity`
        Distance of the centres in arcsec; NaN without a detection.
    radius_ratio : float
        Radius of the circle with the area of the detected region over that of the
        reference; NaN without a detection.
    """

    id: int
    region: str
    iou: float
    iou_low: float
    iou_high: float
    n_shared: int
    n_union: int
    n_detected: int
    n_reference: int
    members_detected: float
    members_reference: float
    member_iou: float
    member_iou_err: float
    area_iou: float
    offset: u.Quantity
    radius_ratio: float

    def __float__(self):
        """Return the source-count IoU."""
        return self.iou

    def __repr__(self):
        """Return a line with the IoU and its counts."""
        return (
            f"<Overlap: IoU {self.iou:.3f} ({self.iou_low:.3f} to {self.iou_high:.3f}),"
            f" {self.n_shared} of {self.n_union} sources shared>"
        )

    def to_table(self) -> QTable:
        """Return all numbers as a table of one row (`~astropy.table.QTable`)."""
        return QTable(rows=[vars(self)])


def source_iou(n_shared, n_union, *, confidence=0.6827):
    """
    Return the source-count IoU with its Wilson interval.

    The sources in either region are taken as independent trials, each of which lies
    in both or not. The interval (Wilson 1927, J. Am. Stat. Assoc., 22, 209) keeps
    within [0, 1] and means something also for 0 of 5 or 5 of 5.

    Parameters
    ----------
    n_shared, n_union : int
        Numbers of sources in both regions and in either.
    confidence : float, optional
        The level of the interval, in (0, 1).

    Returns
    -------
    iou, low, high : float
        The ratio and the bounds; without any source NaN, 0 and 1.

    Raises
    ------
    TypeError, ValueError
        If the numbers are no counts, or the level is none.

    Examples
    --------
    >>> from astro_vaeclust.matching.overlap import source_iou
    >>> iou, low, high = source_iou(98, 119)
    >>> print(f"{iou:.4f} ({low:.3f} to {high:.3f})")
    0.8235 (0.786 to 0.856)
    """
    from astropy.stats import binom_conf_interval

    check_number("confidence", confidence, high=1.0, low_counts=False)
    if not 0 <= n_shared <= n_union:
        raise ValueError(
            "n_shared and n_union must be counts with n_shared <= n_union, got "
            f"{n_shared!r} and {n_union!r}"
        )
    if n_union == 0:
        return np.nan, 0.0, 1.0
    low, high = binom_conf_interval(
        n_shared, n_union, confidence_level=confidence, interval="wilson"
    )
    return n_shared / n_union, float(low), float(high)


def member_iou(
    n_shared, n_union, shared_area, union_area, field_density, field_density_err
):
    r"""
    Return the IoU of members: of sources less those expected from the field.

    With :math:`M = N - bA` for both the shared sky and the union, :math:`b` being
    the density of the field, it is :math:`M_\cap / M_\cup`. The error is that of
    Poisson counts in the shared and in the other sky and of the density, propagated to
    first order. The ratio is not forced into [0, 1], since that would bias it: noise
    can take more from one part than is there.

    Parameters
    ----------
    n_shared, n_union : int
        Numbers of sources in both regions and in either.
    shared_area, union_area : float
        Areas of both, in one unit.
    field_density, field_density_err : float
        Field sources per such unit, with standard error.

    Returns
    -------
    ratio, error : float
        NaN if no members are left in the union.

    Examples
    --------
    >>> from astro_vaeclust.matching.overlap import member_iou
    >>> ratio, error = member_iou(60, 80, 10.0, 20.0, 1.0, 0.0)
    >>> print(f"{ratio:.3f}")
    0.833
    """
    shared = n_shared - field_density * shared_area
    union = n_union - field_density * union_area
    if not union > 0:
        return np.nan, np.nan
    other = union - shared
    by_counts = (other**2 * n_shared + shared**2 * (n_union - n_shared)) / union**4
    by_density = (shared * union_area - union * shared_area) / union**2
    error = np.sqrt(by_counts + (by_density * field_density_err) ** 2)
    return float(shared / union), float(error)
