# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks of the arguments of mock tiles."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord

from ..utils.validation import check_number

__all__ = []


def checked_tags(name, tags, known):
    """Return tags as a tuple if all are known, or raise TypeError or ValueError."""
    if isinstance(tags, str) or not hasattr(tags, "__iter__"):
        raise TypeError(f"{name} must be a sequence of strings, got {tags!r}")
    tags = tuple(tags)
    for tag in tags:
        if tag not in list(known):
            raise ValueError(
                f"{name} has {tag!r}, which is not known; available: {', '.join(known)}"
            )
    return tags


def checked_shape(shape):
    """Return the shape of an image as a tuple of int, or raise ValueError."""
    shape = tuple(shape) if hasattr(shape, "__iter__") else (shape,)
    if len(shape) != 2 or not all(
        isinstance(side, (int, np.integer)) and side >= 16 for side in shape
    ):
        raise ValueError(f"shape must be (ny, nx), each at least 16, got {shape!r}")
    return tuple(int(side) for side in shape)


def check_quantity(name, value, unit, *, low=-np.inf, low_counts=True):
    """Raise TypeError or ValueError unless a value is one finite quantity."""
    if not isinstance(value, u.Quantity) or not value.unit.is_equivalent(unit):
        raise TypeError(f"{name} must be a Quantity in {unit}, got {value!r}")
    if not value.isscalar or not np.isfinite(value.value):
        raise ValueError(f"{name} must be one finite value, got {value!r}")
    number = value.to_value(unit)
    if not (number >= low if low_counts else number > low):
        bound = "at least" if low_counts else "above"
        raise ValueError(f"{name} must be {bound} {low:g} {unit}, got {value!r}")


def checked_generator(name, seed):
    """Return random numbers from a seed, or raise TypeError."""
    if isinstance(seed, np.random.Generator):
        return seed
    check_seed(name, seed)
    return np.random.default_rng(seed)


def check_seed(name, seed):
    """Raise TypeError unless a seed is a non-negative integer or None."""
    if seed is not None and (
        isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0
    ):
        raise TypeError(
            f"{name} must be a non-negative integer, a Generator or None, got {seed!r}"
        )


def checked_extinction(extinction):
    """Return an extinction in magnitudes, or raise TypeError or ValueError."""
    if not isinstance(extinction, u.Quantity) or extinction.unit != u.mag:
        raise TypeError(f"extinction must be a Quantity in mag, got {extinction!r}")
    check_number("extinction", extinction.value, high=20)
    return float(extinction.value)


def checked_center(center):
    """Return a position in ICRS, the default for None, or raise TypeError."""
    if center is None:
        center = SkyCoord(40 * u.deg, 0.3 * u.deg, frame="galactic")
    if not isinstance(center, SkyCoord) or not center.isscalar:
        raise TypeError(f"center must be a scalar SkyCoord, got {center!r}")
    return center.icrs
