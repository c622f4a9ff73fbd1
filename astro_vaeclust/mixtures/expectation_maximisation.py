# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The EM algorithm for Gaussian mixtures with components that are drawn again.

Importing this imports torch, whose generator draws the components;
`~astro_vaeclust.mixtures.EMGaussianMixture` is what to use, and imports this when it
fits. In all functions ``settings`` is an object with the attributes of that class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import torch

from .base import FittedMixture

__all__ = [
    "EMRun",
    "best_of_random_starts",
    "bhattacharyya_distance",
    "expectation_maximisation",
    "find_degenerate",
    "maximise",
    "random_mixture",
]

EQUAL = 1e-9
"""Mean log-likelihoods that differ by less may do so by rounding, which differs between
machines."""


@dataclass(eq=False)
class EMRun:
    """
    One run of the EM algorithm.

    Parameters
    ----------
    mixture : `~astro_vaeclust.mixtures.FittedMixture`
        The mixture as it stands.
    log_likelihoods : list of float
        Mean log-likelihood per row at the E-step of each iteration, that is of the
        mixture from the iteration before.
    reinitialised_after : list of int
        Iterations, from 1 on, after which a component was drawn again.
    converged : bool
        Whether the last iteration changed the log-likelihood by less than ``tol``.
    degenerate : bool
        Whether the mixture has a low or too similar component in the end.
    """

    mixture: FittedMixture
    log_likelihoods: list[float] = field(default_factory=list)
    reinitialised_after: list[int] = field(default_factory=list)
    converged: bool = False
    degenerate: bool = False

    @property
    def n_iter(self):
        """Number of iterations (int)."""
        return len(self.log_likelihoods)

    @property
    def rank(self):
        """Sorts runs: those that are not degenerate, then by likelihood (tuple)."""
        return not self.degenerate, self.log_likelihoods[-1]


def best_of_random_starts(features, settings, *, seed):
    """
    Run the EM algorithm ``settings.n_init`` times and return the best run.

    It is that of the highest likelihood, of those without degenerate components if
    there are any; the first of those that are equal except for rounding.
    """
    generator = torch.Generator().manual_seed(seed)
    runs = []
    for _ in range(settings.n_init):
        start = random_mixture(features, settings.n_components, settings, generator)
        runs.append(expectation_maximisation(features, start, settings, generator))
    is_sound, likelihood = max(run.rank for run in runs)
    minimum = is_sound, likelihood - EQUAL
    return next(run for run in runs if run.rank >= minimum)


def random_mixture(features, n_components, settings, generator):
    """
    Draw components at random (`FittedMixture`).

    Means are rows of the features, no row twice. Covariances are that of all features,
    each feature scaled by a random factor between 1/2 and 1. Weights are between 1/2
    and 3/2 of the mean weight before they are normalised.
    """
    n_rows, n_features = features.shape
    rows = torch.randperm(n_rows, generator=generator)[:n_components].numpy()
    scales = 0.5 + 0.5 * _uniform((n_components, n_features), generator)
    weights = 0.5 + _uniform((n_components,), generator)
    whole = maximise(features, np.ones((n_rows, 1)), settings)
    return FittedMixture(
        weights=weights / weights.sum(),
        means=features[rows],
        covariances=whole.covariances * scales[:, :, None] * scales[:, None, :],
    )


def _uniform(shape, generator):
    """Draw float64 numbers in [0, 1)."""
    return torch.rand(shape, generator=generator, dtype=torch.float64).numpy()


def expectation_maximisation(features, start, settings, generator=None):
    """
    Run the EM algorithm from a given start (`EMRun`).

    Without re-initialisations (``max_reinitialisations=0``), which need the generator,
    the iterations are those of `sklearn.mixture.GaussianMixture` from the same start.
    """
    run = EMRun(start)
    previous, iterations_left = -math.inf, settings.max_iter
    while iterations_left and not run.converged:
        iterations_left -= 1
        log_joint = run.mixture.log_joint(features)
        log_density = np.logaddexp.reduce(log_joint, axis=1, keepdims=True)
        run.mixture = maximise(features, np.exp(log_joint - log_density), settings)
        run.log_likelihoods.append(float(log_density.mean()))
        component = find_degenerate(run.mixture, len(features), settings)
        run.degenerate = component is not None
        may_restart = len(run.reinitialised_after) < settings.max_reinitialisations
        if run.degenerate and may_restart:
            run.mixture = _redrawn(
                run.mixture, component, features, settings, generator
            )
            run.reinitialised_after.append(run.n_iter)
            previous, iterations_left = -math.inf, settings.max_iter
        else:
            change = run.log_likelihoods[-1] - previous
            run.converged = abs(change) < settings.tol
            previous = run.log_likelihoods[-1]
    return run


def maximise(features, responsibilities, settings):
    """
    Return the mixture of the highest likelihood, the M-step.

    ``responsibilities`` are the probabilities of the components for every row, (n, k);
    ``settings.reg_covar`` is added to the variances.
    """
    totals = responsibilities.sum(axis=0) + 10 * np.finfo(np.float64).eps
    means = responsibilities.T @ features / totals[:, None]
    identity = np.eye(features.shape[1])
    covariances = np.empty((len(totals), *identity.shape))
    for covariance, mean, column, total in zip(
        covariances, means, responsibilities.T, totals, strict=True
    ):
        offsets = features - mean
        covariance[:] = (offsets * column[:, None]).T @ offsets / total
    if settings.covariance_type == "diag":
        covariances *= identity
    return FittedMixture(
        weights=totals / totals.sum(),
        means=means,
        covariances=covariances + settings.reg_covar * identity,
    )


def bhattacharyya_distance(mixture, first, second):
    r"""
    Return the Bhattacharyya distance of two components.

    .. math::
        D = \frac{1}{8} \Delta^T \Sigma^{-1} \Delta + \frac{1}{2} \ln
        \frac{|\Sigma|}{\sqrt{|\Sigma_1| |\Sigma_2|}}, \quad
        \Delta = \mu_1 - \mu_2, \quad \Sigma = (\Sigma_1 + \Sigma_2) / 2

    (Bhattacharyya 1943; Kailath 1967). It is zero for equal components, and the Bayes
    error between equally probable ones is at most exp(-D) / 2.
    """
    pair = mixture.covariances[[first, second]]
    middle = pair.mean(axis=0)
    offset = mixture.means[first] - mixture.means[second]
    log_determinants = np.linalg.slogdet([middle, *pair]).logabsdet
    return float(
        offset @ np.linalg.solve(middle, offset) / 8
        + log_determinants @ [0.5, -0.25, -0.25]
    )


def find_degenerate(mixture, n_rows, settings):
    """
    Return a component that is low or too similar to another, or None.

    It is the lowest component if that is too low; else of the two most similar ones, if
    they are too similar, the lower one.
    """
    lowest = int(mixture.weights.argmin())
    if mixture.weights[lowest] < _weight_floor(mixture, n_rows, settings):
        return lowest
    if mixture.n_components == 1 or not settings.min_distance:
        return None
    distances = {
        pair: bhattacharyya_distance(mixture, *pair)
        for pair in combinations(range(mixture.n_components), 2)
    }
    closest = min(distances, key=distances.get)
    if distances[closest] >= settings.min_distance:
        return None
    return min(closest, key=lambda component: mixture.weights[component])


def _weight_floor(mixture, n_rows, settings):
    """Weight below which a component is low (float); zero where that is off."""
    if not settings.min_weight:
        return 0.0
    rows_needed = mixture.n_features + 1 if settings.covariance_type == "full" else 2
    floor = max(settings.min_weight, rows_needed / n_rows)
    return min(floor, 0.5 / mixture.n_components)


def _redrawn(mixture, component, features, settings, generator):
    """Return the mixture with one component drawn again, of the mean weight."""
    drawn = random_mixture(features, 1, settings, generator)
    weights, means, covariances = (
        array.copy() for array in (mixture.weights, mixture.means, mixture.covariances)
    )
    weights[component] = 0.0
    weights *= (1 - 1 / len(weights)) / weights.sum()
    weights[component] = 1 / len(weights)
    means[component] = drawn.means[0]
    covariances[component] = drawn.covariances[0]
    return FittedMixture(weights, means, covariances)
