# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks of the settings of the catalogue methods."""

from __future__ import annotations

import astropy.units as u
import numpy as np

__all__ = ["angles", "check_angle"]


def check_angle(name, value):
    """Raise TypeError or ValueError unless a value is a positive angle."""
    takes = "a positive angle such as 30 * u.arcsec"
    if not (isinstance(value, u.Quantity) and value.unit.is_equivalent(u.arcsec)):
        raise TypeError(f"{name} takes {takes}, got {value!r}")
    if value.ndim or not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} takes {takes}, got {value!r}")


def angles(name, values):
    """Return a tuple of positive angles from a Quantity or a sequence of angles."""
    try:
        angles = tuple(values)
    except TypeError:
        raise TypeError(
            f"{name} takes several angles such as (10, 20) * u.arcsec, got {values!r}"
        ) from None
    if not angles:
        raise ValueError(f"{name} takes one angle or more, got none")
    for angle in angles:
        check_angle(name, angle)
    return angles
