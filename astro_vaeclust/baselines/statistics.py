# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Significances of counts."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

__all__ = ["poisson_significance"]


def poisson_significance(counts, expected):
    """
    Return the significance of counts over their expectation, in standard deviations.

    It is the signed root of twice the logarithm of the ratio of the Poisson
    likelihoods with the expectation free and fixed (Wilks 1938; Cash 1979, ApJ, 228,
    939), which is close to a normal deviate from a handful of counts on.

    Parameters
    ----------
    counts : array_like
        Counts, not negative; effective counts need not be integers.
    expected : array_like
        Expected counts; where they vanish, so does the significance.

    Returns
    -------
    significance : array
        Negative for a deficit.
    """
    counts, expected = np.broadcast_arrays(
        np.asarray(counts, dtype=float), np.asarray(expected, dtype=float)
    )
    positive = expected > 0
    safe = np.where(positive, expected, 1.0)
    deviance = 2 * (xlogy(counts, counts / safe) - (counts - safe))
    root = np.sqrt(np.maximum(deviance, 0))
    return np.where(positive, np.sign(counts - safe) * root, 0.0)
