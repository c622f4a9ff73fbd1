# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks of the settings and features of all mixtures."""

from __future__ import annotations

import numpy as np

from ..utils.validation import check_choice, check_count, check_number

__all__ = []


def check_settings(settings, covariance_types):
    """Check the settings that all fitted mixtures have in common."""
    check_choice("covariance_type", settings.covariance_type, covariance_types)
    for name in ("n_components", "n_init", "max_iter"):
        check_count(name, getattr(settings, name))
    for name in ("tol", "reg_covar"):
        check_number(name, getattr(settings, name))


def as_features(features, *, n_features=None):
    """
    Return features ``(n, d)`` as a finite, C-ordered float64 array, or raise.

    ``n_features`` is the ``d`` that is needed. TypeError is for what is no real number,
    ValueError for another shape or values that are not finite.
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
    """Return `as_features`; ValueError if fewer different rows than components."""
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
