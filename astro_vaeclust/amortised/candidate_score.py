# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
From the height and the radius of a candidate to the probability that it is a cluster.

The network is trained on cells, and the same probability of a cell is not the same of a
candidate whatever its radius: what fools the network is larger than most clusters.
"""

from __future__ import annotations

import numpy as np

__all__ = [
    "HEIGHT_ALONE",
    "cluster_logit",
    "fit_score",
    "logistic_coefficients",
    "score_terms",
]

HEIGHT_ALONE = (0.0, 1.0, 0.0, 0.0, 0.0)
"""Coefficients of `score_terms` with which nothing changes."""

LEAST_FITTED = -3.0
"""Height in logits above which candidates are fitted: lower ones decide nothing."""

LEAST_CLUSTERS = 20
"""Clusters among the candidates that coefficients are fitted to at least."""

RADII = (0.9, 2.1)
"""Logarithms of radii in network pixels; what is beyond counts as these."""

MIDDLE = 1.5
"""Logarithm of the radius at which the terms of the radius are zero."""

REGULARISATION = 1e4
"""Inverse strength of the penalty on the coefficients: next to none."""


def score_terms(height, log_r50):
    """
    Return what the score is a sum of.

    Parameters
    ----------
    height : (n,) array
        Logits of the network at the peaks.
    log_r50 : (n,) array
        Logarithms of the half-number radii in network pixels.

    Returns
    -------
    terms : (n, 5) array
        One, the height, the radius, its square, and its product with the height.
    """
    radius = np.clip(log_r50, *RADII) - MIDDLE
    ones = np.ones_like(height)
    return np.stack([ones, height, radius, radius**2, radius * height], axis=-1)


def cluster_logit(candidates, coefficients):
    """
    Return the logit of the probability that candidates are clusters.

    Parameters
    ----------
    candidates : `~astro_vaeclust.amortised.candidates.Candidates`
        As they are found, with the height of the peak as the score.
    coefficients : tuple of float
        Of `score_terms`.

    Returns
    -------
    logit : (n,) array
        For each of them.
    """
    terms = score_terms(candidates.score, candidates.measures["log_r50"])
    return terms @ np.array(coefficients)


def fit_score(height, log_r50, is_cluster):
    """
    Fit the coefficients of `score_terms` by a logistic regression.

    Parameters
    ----------
    height, log_r50 : (n,) array
        Of candidates.
    is_cluster : (n,) bool array
        Which of them are.

    Returns
    -------
    coefficients : tuple of float or None
        None where fewer than ``LEAST_CLUSTERS`` are clusters, or none is not. A higher
        peak is never a lesser one: where the fit says so, the radius says nothing.
    """
    fitted = height > LEAST_FITTED
    is_cluster = np.asarray(is_cluster, dtype=bool)[fitted]
    if is_cluster.sum() < LEAST_CLUSTERS or is_cluster.all():
        return None
    terms = score_terms(height, log_r50)[fitted, 1:]
    found = logistic_coefficients(terms, is_cluster)
    if min(found[1] + found[4] * (radius - MIDDLE) for radius in RADII) <= 0:
        found = (*logistic_coefficients(terms[:, :1], is_cluster), 0.0, 0.0, 0.0)
    return found if found[1] > 0 else None


def logistic_coefficients(terms, outcome):
    """
    Fit a logistic regression.

    Parameters
    ----------
    terms : (n, k) array
        What the logit is a linear function of.
    outcome : (n,) bool array
        What is to be told.

    Returns
    -------
    coefficients : tuple of float
        The intercept, and one for each term.
    """
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=REGULARISATION, max_iter=1000)
    model.fit(terms, outcome)
    return float(model.intercept_[0]), *map(float, model.coef_[0])
