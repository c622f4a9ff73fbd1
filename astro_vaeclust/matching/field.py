# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The density of field sources around a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

import astropy.units as u
import numpy as np

from .areas import ARCSEC2, grid

__all__ = ["RING", "FieldDensity", "check_ring", "measure_field"]

RING = (1.5, 3.0)
"""Radii of the ring of field, in units of the radius of the area that it surrounds."""

FIELD_GRID_SIDE = 251
"""Points along a side of the grid on which the ring's area is measured."""


@dataclass(frozen=True)
class FieldDensity:
    """
    Sources counted in an area of the field.

    Parameters
    ----------
    n_sources : int
        Their number.
    area : `~astropy.units.Quantity`
        The area in arcsec2.
    """

    n_sources: int
    area: u.Quantity

    @property
    def density(self):
        """Sources per arcsec2 (float); NaN if there is no field."""
        area = self.area.to_value(ARCSEC2)
        return self.n_sources / area if area > 0 else np.nan

    @property
    def error(self):
        """Its Poisson error (float), with 1 for the error of no source."""
        area = self.area.to_value(ARCSEC2)
        return np.sqrt(max(self.n_sources, 1)) / area if area > 0 else np.nan

    def expected(self, area):
        """Return the number of field sources expected in an area (float)."""
        return self.density * area.to_value(ARCSEC2)


def measure_field(sky, center, reach, *, ring, footprint, excluded):
    """
    Count the sources in a ring, without other clusters and within the footprint.

    The ring is given in units of ``reach``. Returns a mask of the sources in it (bool
    array) and their `FieldDensity`.
    """
    inner, outer = (float(factor) * reach for factor in ring)

    def in_field(positions):
        distance = center.separation(positions)
        inside = (distance > inner) & (distance <= outer)
        inside[inside] = footprint.contains(positions[inside])
        for area in excluded:
            inside &= ~area.contains(positions)
        return inside

    cells, weights = grid(center, outer, FIELD_GRID_SIDE)
    counted = in_field(sky)
    return counted, FieldDensity(
        np.count_nonzero(counted), weights[in_field(cells)].sum() * ARCSEC2
    )


def check_ring(ring):
    """Raise TypeError or ValueError unless a ring is two rising numbers from 1."""
    takes = "ring takes two rising numbers from 1, such as (1.5, 3)"
    try:
        inner, outer = ring
    except (TypeError, ValueError):
        raise TypeError(f"{takes}; got {ring!r}") from None
    if not (isinstance(inner, Real) and isinstance(outer, Real)):
        raise TypeError(f"{takes}; got {ring!r}")
    if not 1 <= inner < outer < np.inf:
        raise ValueError(f"{takes}; got {ring!r}")
