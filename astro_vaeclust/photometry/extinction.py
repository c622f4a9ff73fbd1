# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Extinction before single stars from their colours in J, H and Ks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .palette import LAWS

__all__ = ["count_weights", "reddening_free", "star_extinction"]

LAW = LAWS.mean(axis=0)
"""Extinction in J, H and Ks over that in Ks: between the laws of the mock sky."""

SETS_OF_BANDS = ((0, 1), (0, 2), (1, 2), (0, 1, 2))
"""Bands that a star is seen in, the best last."""

CONTROL_STARS = 10
"""Stars without which a field says nothing of colours."""

CLIPPED, CLIPPING_ROUNDS = 3.0, 3
"""Standard deviations beyond which a colour is no usual one, and rounds of this."""

COUNT_SLOPE = 0.28
"""Slope dlogN/dm of the counts of field stars in K beyond 14.5 mag, as mock fields."""


def star_extinction(magnitudes, control=None):
    r"""
    Return the extinction in Ks before each star from its colours: NICER.

    The excess of J - H and H - Ks over the colours of a control field is turned into an
    extinction by the combination of both that has the least variance, given their
    scatter and its correlation in that field (Lombardi & Alves 2001, A&A, 377, 1023).
    Of a star in two bands, it is the excess of the one colour.

    Parameters
    ----------
    magnitudes : (3, n) array
        In J, H and Ks; NaN where a star is not seen.
    control : (3, m) array, optional
        Those of stars without a cloud before them; by default the stars themselves:
        extinctions are then from the usual one on, and some negative.

    Returns
    -------
    a_k : (n,) float64 array
        In mag; NaN for a star in fewer than two bands, and everywhere if the control
        field has fewer than ten stars in all the bands that it is seen in.

    Notes
    -----
    Dust in the control field adds scatter along the direction of reddening. It does not
    change the combination: that is the same for the covariances *C* and
    :math:`C + s k k^T` with the reddening *k*, so that a field serves as its own.
    """
    magnitudes = np.asarray(magnitudes, dtype=float)
    control = magnitudes if control is None else np.asarray(control, dtype=float)
    is_seen = np.isfinite(control)
    control = control[:, is_seen[is_seen.any(axis=1)].all(axis=0)]
    a_k = np.full(magnitudes.shape[1], np.nan)
    if control.shape[1] < CONTROL_STARS:
        return a_k
    for bands in SETS_OF_BANDS:
        usual = _colors(control, bands)
        if not np.isfinite(usual).all():
            continue
        middle = np.median(usual, axis=1)[:, np.newaxis]
        excess = _colors(magnitudes, bands) - middle
        reddening = _colors(LAW[:, np.newaxis], bands)[:, 0]
        weight = np.linalg.solve(_covariance(usual - middle), reddening)
        weight /= weight @ reddening
        known = np.isfinite(excess).all(axis=0)
        a_k[known] = weight @ excess[:, known]
    return a_k


def _colors(magnitudes, bands):
    """Return the colours of neighbours among some bands, (n_bands - 1, n)."""
    return np.array([magnitudes[one] - magnitudes[two] for one, two in pairwise(bands)])


def _covariance(offsets):
    """Return the covariance of offsets (k, n) from the median without outliers."""
    kept = np.ones(offsets.shape[1], dtype=bool)
    for _ in range(CLIPPING_ROUNDS):
        number = max(kept.sum(), 1)
        covariance = offsets[:, kept] @ offsets[:, kept].T / number
        covariance += 1e-6 * np.eye(len(offsets))
        distance = np.sum(offsets * np.linalg.solve(covariance, offsets), axis=0)
        kept = distance < CLIPPED**2
    return covariance


def count_weights(a_k):
    r"""
    Return how many stars there would be without dust for each that is seen: NICEST.

    An extinction :math:`A` takes all but :math:`10^{-\alpha A}` of the stars to a
    magnitude with the slope :math:`\alpha` of their counts (Lombardi 2009, A&A, 493,
    735), here 0.28 in K.

    Parameters
    ----------
    a_k : (n,) array
        Extinction in Ks in mag; what is NaN has a weight of 1.

    Returns
    -------
    weights : (n,) float64 array
        The numbers.
    """
    return 10 ** (COUNT_SLOPE * np.nan_to_num(a_k))


def reddening_free(magnitudes):
    """
    Return the colour of stars that extinction leaves alone.

    It is J - H less so many times H - Ks as dust reddens it more; young stars with
    discs, which have an excess in Ks, have low values.

    Parameters
    ----------
    magnitudes : (3, n) array
        In J, H and Ks; NaN where a star is not seen.

    Returns
    -------
    color : (n,) float64 array
        In mag; NaN for stars that are not seen in all bands.
    """
    (j_h, h_k), (first, second) = -np.diff(magnitudes, axis=0), -np.diff(LAW)
    return j_h - first / second * h_k
