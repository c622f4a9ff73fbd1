# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The EM algorithm for Gaussian mixtures, in torch.

Importing this imports torch; `~astro_vaeclust.mixtures.EMGaussianMixture` is what to
use, and imports this when it fits. In all functions ``settings`` is an object with
the attributes of `~astro_vaeclust.mixtures.EMGaussianMixture`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch

__all__ = [
    "EMRun",
    "Gaussians",
    "best_of_random_starts",
    "bhattacharyya_distances",
    "expectation_maximisation",
    "find_degenerate",
    "log_joint",
    "maximise",
    "random_gaussians",
]

ROWS_AT_ONCE = 2048
"""What is computed of so many rows stays in the cache."""

EQUAL = 1e-9
"""Mean log-likelihoods that differ by less may do so by rounding, which machines do
in their own ways."""


@dataclass(frozen=True, eq=False)
class Gaussians:
    """
    Parameters of a mixture.

    Parameters
    ----------
    weights : (k,) tensor
        Probabilities of the components.
    means : (k, d) tensor
        Means of the components.
    covariances : (k, d, d) tensor
        Covariances of the components.
    """

    weights: torch.Tensor
    means: torch.Tensor
    covariances: torch.Tensor

    def numpy(self):
        """Return the three as arrays (tuple of array)."""
        return tuple(
            tensor.cpu().numpy()
            for tensor in (self.weights, self.means, self.covariances)
        )


@dataclass(eq=False)
class EMRun:
    """
    One run of the EM algorithm.

    Parameters
    ----------
    gaussians : `Gaussians`
        The mixture as it stands.
    log_likelihoods : list of float
        Mean log-likelihood per row at the E-step of each iteration, that is of the
        mixture from the iteration before.
    reinitialised_after : list of int
        Iterations, from 1 on, after which a component started anew.
    converged : bool
        Whether the last iteration changed the log-likelihood by less than ``tol``.
    degenerate : bool
        Whether the mixture has a low or too similar component in the end.
    """

    gaussians: Gaussians
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


def best_of_random_starts(features, settings, *, seed, device="cpu"):
    """
    Run the EM algorithm ``settings.n_init`` times and return the best run.

    Parameters
    ----------
    features : (n, d) float64 array
        Standardised features.
    settings : `~astro_vaeclust.mixtures.EMGaussianMixture`
        The settings.
    seed : int
        Seed of the random generator.
    device : str, optional
        Where torch computes.

    Returns
    -------
    run : `EMRun`
        The run with the highest likelihood, of those without degenerate components if
        there are any; the first one of those that are equal but for rounding.
    """
    device = torch.device(device)
    if device.type == "mps":
        device = torch.device("cpu")
    features = torch.from_numpy(features).to(device)
    generator = torch.Generator(device=device).manual_seed(seed)
    runs = []
    for _ in range(settings.n_init):
        start = random_gaussians(features, settings.n_components, settings, generator)
        runs.append(expectation_maximisation(features, start, settings, generator))
    is_sound, likelihood = max(run.rank for run in runs)
    least = is_sound, likelihood - EQUAL
    return next(run for run in runs if run.rank >= least)


def random_gaussians(features, n_components, settings, generator):
    """
    Draw components at random.

    Means are rows of the features, no row twice. Covariances are that of all features,
    each feature scaled by a random factor between 1/2 and 1. Weights are between 1/2
    and 3/2 of an equal share before they are normalised.

    Parameters
    ----------
    features : (n, d) tensor
        The features, at least as many rows as components.
    n_components : int
        How many to draw.
    settings : `~astro_vaeclust.mixtures.EMGaussianMixture`
        The settings.
    generator : `torch.Generator`
        On the device of the features.

    Returns
    -------
    gaussians : `Gaussians`
        The components.
    """
    n_rows, n_features = features.shape
    place = {"generator": generator, "device": features.device}
    rows = torch.randperm(n_rows, **place)[:n_components]
    place["dtype"] = features.dtype
    scales = 0.5 + 0.5 * torch.rand(n_components, n_features, **place)
    shares = 0.5 + torch.rand(n_components, **place)
    everything = maximise(features, torch.ones_like(features[:, :1]), settings)
    return Gaussians(
        weights=shares / shares.sum(),
        means=features[rows],
        covariances=everything.covariances * scales[:, :, None] * scales[:, None, :],
    )


def expectation_maximisation(features, start, settings, generator=None):
    """
    Run the EM algorithm from a given start.

    Without re-initialisations (``max_reinitialisations=0``) the iterations are those
    of `sklearn.mixture.GaussianMixture` from the same start.

    Parameters
    ----------
    features : (n, d) float64 tensor
        The features.
    start : `Gaussians`
        Where to start, on the same device.
    settings : `~astro_vaeclust.mixtures.EMGaussianMixture`
        The settings.
    generator : `torch.Generator`, optional
        Draws the components that start anew; needed when
        ``settings.max_reinitialisations`` is not zero.

    Returns
    -------
    run : `EMRun`
        The mixture and how it went.
    """
    run = EMRun(start)
    previous, iterations_left = -math.inf, settings.max_iter
    while iterations_left and not run.converged:
        iterations_left -= 1
        joint = log_joint(features, run.gaussians)
        log_density = joint.logsumexp(dim=1, keepdim=True)
        run.gaussians = maximise(features, (joint - log_density).exp(), settings)
        run.log_likelihoods.append(log_density.mean().item())
        component = find_degenerate(run.gaussians, len(features), settings)
        run.degenerate = component is not None
        may_restart = len(run.reinitialised_after) < settings.max_reinitialisations
        if run.degenerate and may_restart:
            run.gaussians = _reinitialise(
                run.gaussians, component, features, settings, generator
            )
            run.reinitialised_after.append(run.n_iter)
            previous, iterations_left = -math.inf, settings.max_iter
        else:
            change = run.log_likelihoods[-1] - previous
            run.converged = abs(change) < settings.tol
            previous = run.log_likelihoods[-1]
    return run


def log_joint(features, gaussians):
    """
    Log of weight times density of every component, the heart of the E-step.

    Parameters
    ----------
    features : (n, d) tensor
        The features.
    gaussians : `Gaussians`
        The mixture.

    Returns
    -------
    log_joint : (n, k) tensor
        log w_c + log N(x; mu_c, Sigma_c).
    """
    cholesky = torch.linalg.cholesky(gaussians.covariances)
    half_log_determinants = cholesky.diagonal(dim1=1, dim2=2).log().sum(dim=1)
    constants = (
        gaussians.weights.log()
        - half_log_determinants
        - 0.5 * math.log(2 * math.pi) * features.shape[1]
    )
    joint = []
    for rows in features.split(ROWS_AT_ONCE):
        offsets = rows.T - gaussians.means[:, :, None]
        residuals = torch.linalg.solve_triangular(cholesky, offsets, upper=False)
        joint.append(constants[:, None] - 0.5 * residuals.square().sum(dim=1))
    return torch.cat(joint, dim=1).T


def maximise(features, responsibilities, settings):
    """
    Update weights, means and covariances, the M-step.

    Parameters
    ----------
    features : (n, d) tensor
        The features.
    responsibilities : (n, k) tensor
        Probabilities of the components for every row.
    settings : `~astro_vaeclust.mixtures.EMGaussianMixture`
        The settings.

    Returns
    -------
    gaussians : `Gaussians`
        The mixture of the highest likelihood for these responsibilities, with
        ``settings.reg_covar`` added to the variances.
    """
    totals = responsibilities.sum(dim=0) + 10 * torch.finfo(features.dtype).eps
    means = (responsibilities.T @ features) / totals[:, None]
    covariances = 0
    for rows, shares in zip(
        features.split(ROWS_AT_ONCE), responsibilities.split(ROWS_AT_ONCE), strict=True
    ):
        offsets = rows - means[:, None, :]
        weighted = offsets * shares.T[:, :, None]
        covariances = covariances + weighted.mT @ offsets
    covariances = covariances / totals[:, None, None]
    if settings.covariance_type == "diag":
        covariances = torch.diag_embed(covariances.diagonal(dim1=1, dim2=2))
    covariances.diagonal(dim1=1, dim2=2).add_(settings.reg_covar)
    return Gaussians(totals / totals.sum(), means, covariances)


def bhattacharyya_distances(gaussians):
    r"""
    Bhattacharyya distances of all pairs of components.

    .. math::
        D = \frac{1}{8} \Delta^T \Sigma^{-1} \Delta + \frac{1}{2} \ln
        \frac{|\Sigma|}{\sqrt{|\Sigma_1| |\Sigma_2|}}, \quad
        \Delta = \mu_1 - \mu_2, \quad \Sigma = (\Sigma_1 + \Sigma_2) / 2

    (Bhattacharyya 1943; Kailath 1967). It is zero for equal components, and the
    Bayes error of telling equally probable ones apart is at most exp(-D) / 2.

    Parameters
    ----------
    gaussians : `Gaussians`
        The mixture.

    Returns
    -------
    distances : (k, k) tensor
        Distances; infinite on the diagonal, where a component meets itself.
    """
    k = len(gaussians.weights)
    first, second = torch.triu_indices(k, k, 1, device=gaussians.means.device)
    offsets = gaussians.means[first] - gaussians.means[second]
    middle = 0.5 * (gaussians.covariances[first] + gaussians.covariances[second])
    cholesky = torch.linalg.cholesky(middle)
    residuals = torch.linalg.solve_triangular(
        cholesky, offsets[:, :, None], upper=False
    )
    log_determinants = torch.linalg.slogdet(gaussians.covariances).logabsdet
    log_middle = 2 * cholesky.diagonal(dim1=1, dim2=2).log().sum(dim=1)
    log_outer = 0.5 * (log_determinants[first] + log_determinants[second])
    pairs = 0.125 * residuals.square().sum(dim=(1, 2)) + 0.5 * (log_middle - log_outer)
    distances = torch.full((k, k), math.inf, dtype=pairs.dtype, device=pairs.device)
    distances[first, second] = pairs
    distances[second, first] = pairs
    return distances


def find_degenerate(gaussians, n_rows, settings):
    """
    Find a component that is low, or too similar to another.

    Parameters
    ----------
    gaussians : `Gaussians`
        The mixture.
    n_rows : int
        Number of rows that it was fitted to.
    settings : `~astro_vaeclust.mixtures.EMGaussianMixture`
        The settings.

    Returns
    -------
    component : int or None
        The lowest component if that is too low; else of the two most similar ones,
        if they are too similar, the lower one; else None.
    """
    weights = gaussians.weights
    n_components, n_features = gaussians.means.shape
    lowest = int(weights.argmin())
    if weights[lowest] < _weight_floor(n_rows, n_components, n_features, settings):
        return lowest
    if n_components == 1 or not settings.min_distance:
        return None
    distances = bhattacharyya_distances(gaussians)
    closest = int(distances.argmin())
    if distances.flatten()[closest] >= settings.min_distance:
        return None
    return min(divmod(closest, n_components), key=lambda component: weights[component])


def _weight_floor(n_rows, n_components, n_features, settings):
    """Weight below which a component is low (float); zero where that is off."""
    if not settings.min_weight:
        return 0.0
    rows_needed = n_features + 1 if settings.covariance_type == "full" else 2
    floor = max(settings.min_weight, rows_needed / n_rows)
    return min(floor, 0.5 / n_components)


def _reinitialise(gaussians, component, features, settings, generator):
    """Draw one component anew, with an equal share of the probability."""
    drawn = random_gaussians(features, 1, settings, generator)
    weights, means, covariances = (
        tensor.clone()
        for tensor in (gaussians.weights, gaussians.means, gaussians.covariances)
    )
    weights[component] = 0.0
    weights *= (1 - 1 / len(weights)) / weights.sum()
    weights[component] = 1 / len(weights)
    means[component] = drawn.means[0]
    covariances[component] = drawn.covariances[0]
    return Gaussians(weights, means, covariances)
