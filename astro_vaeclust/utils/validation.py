# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks of settings; each error names the argument, what it got and what it takes."""

from __future__ import annotations

import math
import numbers
import re

import astropy.units as u
import numpy as np

__all__ = [
    "angles",
    "check_angle",
    "check_choice",
    "check_count",
    "check_device",
    "check_file_names",
    "check_flag",
    "check_fraction",
    "check_number",
    "check_rate",
    "check_seed",
]


_FILE_NAME = r"[A-Za-z0-9][\w .+-]{0,99}"


def _integer(value, low, high, message):
    """Return an integer in [low, high) as an int, or raise with the message."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(message)
    if not low <= value < high:
        raise ValueError(message)
    return int(value)


def check_count(name, value, *, minimum=1):
    """Raise unless a setting is an integer of at least ``minimum``."""
    message = f"{name} must be an integer of at least {minimum}, got {value!r}"
    _integer(value, minimum, math.inf, message)


def check_number(name, value, *, low=0.0, high=math.inf, low_counts=True):
    """Raise unless a setting is a number in [low, high), or in (low, high)."""
    bracket = "[" if low_counts else "("
    message = f"{name} must be a number in {bracket}{low:g}, {high:g}), got {value!r}"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(message)
    above = value >= low if low_counts else value > low
    if not (above and value < high):
        raise ValueError(message)


def check_flag(name, value):
    """Raise TypeError unless a setting is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {value!r}")


def check_choice(name, value, choices):
    """Raise unless a setting is one of several words; the message lists them."""
    if value not in tuple(choices):
        raise ValueError(
            f"{name} must be one of {', '.join(map(repr, choices))}; got {value!r}"
        )


def check_device(device, *, used=True):
    """Raise unless a device is a word that torch may know, or need not if unused."""
    takes = "device takes auto, cpu, cuda, mps, xpu, hpu or mtia, also as cuda:1"
    if not isinstance(device, str):
        raise TypeError(f"{takes}; got {device!r}")
    if not re.fullmatch(r"auto|cpu|(cuda|mps|xpu|hpu|mtia)(:\d+)?", device):
        raise ValueError(f"{takes}; got {device!r}")
    if not used and device not in ("cpu", "auto"):
        raise ValueError(
            f"device={device!r} is for an embedding that computes with torch; this "
            "one takes 'cpu' or 'auto'"
        )


def check_rate(name, rate):
    """Raise unless a rate per area of sky is a positive quantity, or None."""
    message = f"{name} takes a positive Quantity in 1 / deg2 or None, got {rate!r}"
    if rate is None:
        return
    if not isinstance(rate, u.Quantity) or not rate.unit.is_equivalent(u.deg**-2):
        raise TypeError(message)
    if not (rate.isscalar and rate > 0 / u.deg**2):
        raise ValueError(message)


def check_seed(seed):
    """Return a seed as a plain int in [0, 2**32), as scikit-learn takes it."""
    message = f"seed must be an integer in [0, 2**32), got {seed!r}"
    return _integer(seed, 0, 2**32, message)


def check_file_names(name, values):
    """Raise unless words can be names of files in a folder, and of nothing else."""
    for value in values:
        if not (isinstance(value, str) and re.fullmatch(_FILE_NAME, value)):
            raise ValueError(
                f"{name} must have names of letters, digits, spaces and ._+-, which "
                f"become names of files; got {value!r}"
            )


def check_fraction(name, value):
    """Raise unless a setting is a number in [0, 1)."""
    check_number(name, value, high=1.0)


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
