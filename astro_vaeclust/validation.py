# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks of settings; each error names the argument, what it got and what it takes."""

from __future__ import annotations

import numbers

__all__ = ["check_choice", "check_fraction", "check_positive_integer", "check_seed"]


def check_choice(name, value, choices):
    """Raise ValueError unless a value is one of some words."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {sorted(choices)}, got {value!r}")


def check_positive_integer(name, value):
    """Raise TypeError or ValueError unless a value is an integer above zero."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(f"{name} takes positive integers, got {value!r}")
    if value <= 0:
        raise ValueError(f"{name} takes positive integers, got {value!r}")


def check_fraction(name, value):
    """Raise TypeError or ValueError unless a value is a number in [0, 1)."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise TypeError(f"{name} takes a number in [0, 1), got {value!r}")
    if not 0 <= value < 1:
        raise ValueError(f"{name} takes a number in [0, 1), got {value!r}")


def check_seed(seed):
    """Raise TypeError or ValueError unless a seed is an integer in [0, 2**32)."""
    if not isinstance(seed, numbers.Integral) or isinstance(seed, bool):
        raise TypeError(f"seed takes an integer in [0, 2**32), got {seed!r}")
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed takes an integer in [0, 2**32), got {seed!r}")
