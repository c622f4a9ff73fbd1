# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Significances of counts, and the logistic regression."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, xlogy

__all__ = ["fit_logistic", "poisson_significance"]

PRIOR_DEVIATION = 10.0
"""Deviation of the Gaussian prior of the coefficients of standardised variables."""


def poisson_significance(counts, expected):
    """
    Return the significance of counts over their expectation, in standard deviations.

    It is the signed root of twice the logarithm of the ratio of the Poisson likelihoods
    with the expectation free and fixed (Wilks 1938; Cash 1979, ApJ, 228, 939), which is
    close to a normal deviate from a handful of counts on; negative for a deficit.
    Effective counts need not be integers; where the expectation vanishes, so does the
    significance.
    """
    counts, expected = np.broadcast_arrays(
        np.asarray(counts, dtype=float), np.asarray(expected, dtype=float)
    )
    positive = expected > 0
    safe = np.where(positive, expected, 1.0)
    deviance = 2 * (xlogy(counts, counts / safe) - (counts - safe))
    root = np.sqrt(np.maximum(deviance, 0))
    return np.where(positive, np.sign(counts - safe) * root, 0.0)


def fit_logistic(variables, outcomes):
    """
    Fit the probability of outcomes by a logistic function of some variables.

    The maximum of the likelihood times a weak Gaussian prior on the coefficients of
    the standardised variables, which keeps them finite where the outcomes can be
    separated without error. The covariance is the inverse of the Fisher information,
    the prior's included, at the maximum.

    ``variables`` are (n, k) and ``outcomes`` (n,) bool. Returns the coefficients,
    intercept first, (k + 1,), and their covariance, (k + 1, k + 1).
    """
    center = variables.mean(axis=0)
    scale = variables.std(axis=0)
    scale[scale < 1e-12] = 1.0
    design = np.column_stack([np.ones(len(variables)), (variables - center) / scale])
    sign = np.where(outcomes, 1.0, -1.0)

    def loss(b):
        likelihood = np.logaddexp(0, -sign * (design @ b)).sum()
        return likelihood + 0.5 * np.sum((b / PRIOR_DEVIATION) ** 2)

    def gradient(b):
        return design.T @ (expit(design @ b) - outcomes) + b / PRIOR_DEVIATION**2

    def information(b):
        p = expit(design @ b)
        prior = np.eye(len(b)) / PRIOR_DEVIATION**2
        return (design.T * (p * (1 - p))) @ design + prior

    start = np.zeros(design.shape[1])
    fit = minimize(
        loss, start, jac=gradient, hess=information, method="trust-exact", tol=1e-9
    )
    # From standardised to plain variables.
    transform = np.diag(np.concatenate([[1.0], 1 / scale]))
    transform[0, 1:] = -center / scale
    covariance = transform @ np.linalg.inv(information(fit.x)) @ transform.T
    return transform @ fit.x, (covariance + covariance.T) / 2
