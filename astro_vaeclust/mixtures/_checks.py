# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks of settings and features that all mixtures share."""

from __future__ import annotations

import math
import operator

import numpy as np

__all__ = []


def check_count(name, value, *, least=1):
    """Raise unless a setting is an integer of at least ``least``."""
    message = f"{name} must be an integer of at least {least}, got {value!r}"
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(message) from None
    if isinstance(value, bool) or count < least:
        raise ValueError(message)


def check_number(name, value, *, low=0.0, high=math.inf, low_counts=True):
    """Raise unless a setting is a number in [low, high), or in (low, high)."""
    bracket = "[" if low_counts else "("
    message = f"{name} must be a number in {bracket}{low:g}, {high:g}), got {value!r}"
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(message) from None
    above = number >= low if low_counts else number > low
    if not (above and number < high):
        raise ValueError(message)


def check_choice(name, value, choices):
    """Raise unless a setting is one of several words; the message lists them."""
    if value not in tuple(choices):
        raise ValueError(
            f"{name} must be one of {', '.join(map(repr, choices))}; got {value!r}"
        )


def check_seed(seed):
    """Return a seed as a plain int in [0, 2**32), as scikit-learn takes it."""
    message = f"seed must be an integer in [0, 2**32), got {seed!r}"
    try:
        number = operator.index(seed)
    except TypeError:
        raise TypeError(message) from None
    if not 0 <= number < 2**32:
        raise ValueError(message)
    return number


def as_features(features, *, n_features=None):
    """
    Return features as a finite, C-ordered float64 array ``(n, d)``.

    Parameters
    ----------
    features : (n, d) array_like
        One row per cell.
    n_features : int, optional
        The ``d`` that is needed; any of at least one without it.

    Returns
    -------
    features : (n, d) float64 array
        The features.

    Raises
    ------
    TypeError
        If they are not real numbers.
    ValueError
        If they have another shape or are not finite.
    """
    features = np.asarray(features)
    if features.dtype.kind not in "biuf":
        raise TypeError(f"features must be real numbers, got dtype {features.dtype}")
    needed = "(n, d)" if n_features is None else f"(n, {n_features})"
    fits = features.ndim == 2 and features.shape[1] == (n_features or features.shape[1])
    if not fits or features.shape[1] == 0:
        raise ValueError(f"features must have shape {needed}, got {features.shape}")
    features = np.ascontiguousarray(features, dtype=np.float64)
    n_bad = np.count_nonzero(~np.isfinite(features).all(axis=1))
    if n_bad:
        raise ValueError(
            f"features must be finite; {n_bad} of {len(features)} rows are not"
        )
    return features


def as_training_features(features, n_components):
    """
    Return features that a mixture can be fitted to, as `as_features` does.

    Parameters
    ----------
    features : (n, d) array_like
        One row per cell.
    n_components : int
        Number of components of the mixture.

    Returns
    -------
    features : (n, d) float64 array
        The features.

    Raises
    ------
    ValueError
        If there are fewer different rows than components; else as `as_features`.
    """
    features = as_features(features)
    others = features
    for found in range(n_components):
        if len(others) == 0:
            raise ValueError(
                f"features must have at least n_components={n_components} different "
                f"rows, got {found} in {len(features)} rows"
            )
        others = others[(others != others[0]).any(axis=1)]
    return features
