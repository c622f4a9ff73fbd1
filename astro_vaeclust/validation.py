# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks of settings; each error names the argument, what it got and what it takes."""

from __future__ import annotations

import numbers

__all__ = ["check_choice", "check_fraction", "check_positive_integer"]


def check_choice(name, value, choices):
    """
    Check that a value is one of some words.

    Parameters
    ----------
    name : str
        Name of the argument.
    value : object
        What it got.
    choices : iterable of str
        What it takes.

    Raises
    ------
    ValueError
        If the value is none of the choices.
    """
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {sorted(choices)}, got {value!r}")


def check_positive_integer(name, value):
    """
    Check that a value is an integer above zero.

    Parameters
    ----------
    name : str
        Name of the argument.
    value : object
        What it got.

    Raises
    ------
    TypeError
        If the value is no integer.
    ValueError
        If it is not positive.
    """
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(f"{name} takes positive integers, got {value!r}")
    if value <= 0:
        raise ValueError(f"{name} takes positive integers, got {value!r}")


def check_fraction(name, value):
    """
    Check that a value lies in [0, 1).

    Parameters
    ----------
    name : str
        Name of the argument.
    value : object
        What it got.

    Raises
    ------
    TypeError
        If the value is no real number.
    ValueError
        If it is out of range.
    """
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise TypeError(f"{name} takes a number in [0, 1), got {value!r}")
    if not 0 <= value < 1:
        raise ValueError(f"{name} takes a number in [0, 1), got {value!r}")
