# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""From the variances that the network states to errors."""

from __future__ import annotations

import numpy as np

from .network import MEASURES

__all__ = ["calibrate_errors"]

WITHIN = 0.68
"""Share of the truths that lie within the stated errors."""

N_FLOORS = 41
"""Floors of the errors that are tried."""


def calibrate_errors(pairs):
    """
    Compare what was measured of known clusters with the truth.

    Parameters
    ----------
    pairs : (n, 2, n_measures) array
        Deviations from the truth, and stated errors.

    Returns
    -------
    biases, factors, floors : tuple of float
        Medians of the deviations; factors of the errors, and what is added to them in
        quadrature, such that 68 % of the deviations are smaller.

    Notes
    -----
    Of a logarithm the error is stated as that of the number itself, up and down alike,
    and so it is calibrated.
    """
    deviations, errors = pairs[:, 0], pairs[:, 1]
    biases = np.median(deviations, axis=0)
    biases[:2] = 0  # the sky has no preferred direction
    deviations = deviations - biases
    logarithms = [name.startswith("log_") for name in MEASURES]
    numbers = (1 - 10 ** -deviations[:, logarithms]) / np.log(10)
    deviations[:, logarithms] = numbers
    scales = zip(*map(_error_scale, np.abs(deviations).T, errors.T), strict=True)
    return tuple(biases.tolist()), *scales


def _error_scale(deviations, errors):
    """
    Fit the 68th percentile of the deviations as hypot(factor * error, floor).

    By its quantile regression (Koenker & Bassett 1978): a factor alone fits either the
    sure measures or the others.
    """
    best = np.inf
    for floor in np.linspace(0, np.percentile(deviations, 100 * WITHIN), N_FLOORS):
        beyond = np.sqrt(np.maximum(deviations**2 - floor**2, 0))
        factor = np.percentile(beyond / errors, 100 * WITHIN)
        residuals = deviations - np.hypot(factor * errors, floor)
        loss = np.maximum(WITHIN * residuals, (WITHIN - 1) * residuals).sum()
        if loss < best:
            best, scale = loss, (float(factor), float(floor))
    return scale
