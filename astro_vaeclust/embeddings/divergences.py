# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Divergences between the posterior q(z|x) and the prior p(z), per window.

Each is called as ``divergence(posterior, prior, z, generator)`` with ``z`` drawn from
the posterior, and returns one value per row of ``z``. All take any shape
``(..., latent)``: several samples, or the cells of a convolutional network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from ..utils.validation import check_choice, check_count, check_fraction, check_number
from .priors import StandardNormal

__all__ = [
    "DIVERGENCES",
    "Divergence",
    "JointKL",
    "MaximumMeanDiscrepancy",
    "Renyi",
    "kl_analytic",
    "kl_monte_carlo",
    "maximum_mean_discrepancy",
    "mean_bound",
    "renyi_bound",
]

KERNELS = ("inverse-multiquadric", "gaussian")
MAX_ROWS = 512
"""Rows that enter a discrepancy at most; its cost grows with their square."""


def kl_monte_carlo(posterior, prior, z, generator=None):
    """
    One-sample estimate of KL(q || p), the log-ratio of q and p at ``z``.

    It holds for every prior that has a density; the Kullback-Leibler divergence of
    a Gaussian to a mixture has no closed form.
    """
    return posterior.log_prob(z) - prior.log_prob(z)


def kl_analytic(posterior, prior, z, generator=None):
    """Return KL(q || p) in closed form, for the standard normal prior only."""
    if not isinstance(prior, StandardNormal):
        raise ValueError(
            "divergence='kl-analytic' takes prior='standard-normal', "
            f"got {type(prior).__name__}"
        )
    variance = posterior.log_variance.exp()
    terms = variance + posterior.mean.square() - 1 - posterior.log_variance
    return 0.5 * terms.sum(dim=-1)


def mean_bound(reconstruction, divergence):
    """Return the evidence lower bound of each window, the mean over its samples."""
    bound = reconstruction - divergence
    return bound.mean(dim=0) if bound.ndim > 1 else bound


def renyi_bound(log_weights, order):
    r"""
    Variational Renyi bound of several importance samples (Li & Turner 2016), in nats.

    :math:`\frac{1}{1 - \alpha} \log \frac{1}{K} \sum_k w_k^{1 - \alpha}` with the
    log-weights log p(x, z) - log q(z|x), ``(samples, ...)``: order 1 is the evidence
    lower bound, order 0 the importance-weighted bound of Burda et al. (2016).
    """
    if order == 1:
        return log_weights.mean(dim=0)
    sums = torch.logsumexp((1 - order) * log_weights, dim=0)
    return (sums - math.log(len(log_weights))) / (1 - order)


def maximum_mean_discrepancy(
    first, second, *, kernel="inverse-multiquadric", bandwidth=1.0
):
    """
    Return the squared maximum mean discrepancy of two sets of samples (0D tensor).

    The unbiased estimator of Gretton et al. (2012), which may be negative, of ``(n,
    latent)`` and ``(m, latent)``; ValueError for fewer than two samples. The kernel is
    c / (c + d**2) or exp(-d**2 / c) for the distance d, with c = 2 latent bandwidth**2,
    the mean squared distance of two draws from a normal distribution of that width.
    """
    if min(len(first), len(second)) < 2:
        raise ValueError(
            "divergence='mmd' takes at least 2 windows per batch, "
            f"got {len(first)} and {len(second)}"
        )
    scale = 2 * first.shape[-1] * bandwidth**2

    def similarity(a, b):
        squares = (a.unsqueeze(1) - b).square().sum(dim=-1)
        if kernel == "gaussian":
            return torch.exp(-squares / scale)
        return scale / (scale + squares)

    def within(samples):
        n = len(samples)
        return (similarity(samples, samples).sum() - n) / (n * (n - 1))

    return within(first) + within(second) - 2 * similarity(first, second).mean()


def kl_joint(posterior, prior, responsibilities):
    r"""
    Return the divergence of q(z|x) gamma_c from a mixture p(z, c), ``(...)``, in nats.

    :math:`\sum_c \gamma_c \mathrm{KL}(q(z|x) \| N(\mu_c, \sigma_c^2)) +
    \mathrm{KL}(\gamma \| \pi)` in closed form (Jiang et al. 2017). ``posterior`` is the
    mean and log-variance of q, each ``(..., latent)``; the responsibilities gamma,
    ``(..., k)``, may be one for a known component and zero for the others.
    """
    log_weights, means, log_variances = prior.components()
    mean, log_variance = (part.unsqueeze(-2) for part in posterior)
    shift = (mean - means).square() + torch.exp(log_variance)
    relative = log_variances - log_variance
    terms = relative + shift * torch.exp(-log_variances) - 1
    per_component = 0.5 * terms.sum(dim=-1) - log_weights
    # the logarithm is kept finite, for the gradient of responsibilities of zero
    tiny = torch.finfo(per_component.dtype).tiny
    logs = responsibilities.clamp(min=tiny).log()
    return (responsibilities * (per_component + logs)).sum(dim=-1)


class Divergence:
    """
    Base class of divergences with settings.

    A subclass is a frozen dataclass that implements `__call__`, and `bound` where
    several samples of a window do not simply add up.

    Attributes
    ----------
    n_samples : int
        Samples of the posterior per window.
    pretraining : float
        Fraction of the steps that train the network to reconstruct, before the prior.
    """

    n_samples: ClassVar[int] = 1
    pretraining: ClassVar[float] = 0.0

    def __call__(self, posterior, prior, z, generator=None):
        """Return the divergence at each row of ``z``."""
        raise NotImplementedError

    def bound(self, reconstruction, divergence):
        """Return what is maximised, per window; see `mean_bound`."""
        return mean_bound(reconstruction, divergence)


@dataclass(frozen=True, kw_only=True)
class MaximumMeanDiscrepancy(Divergence):
    """
    Discrepancy of the aggregate posterior from the prior (Zhao et al. 2019).

    InfoVAE: the divergence of every single posterior counts ``kl_weight``, the
    discrepancy of the posteriors of a batch, taken together, ``weight``. The pixels
    may then say as much as they can about the latent variables.

    Parameters
    ----------
    weight : float
        Weight of the discrepancy, lambda + alpha - 1 of the paper, in nats.
    kl_weight : float
        Weight of the Kullback-Leibler divergence, 1 - alpha of the paper.
    kernel, bandwidth
        As those of `maximum_mean_discrepancy`.
    """

    weight: float = 1000.0
    kl_weight: float = 0.0
    kernel: str = "inverse-multiquadric"
    bandwidth: float = 1.0

    def __post_init__(self):
        check_number("weight", self.weight)
        check_number("kl_weight", self.kl_weight)
        check_choice("kernel", self.kernel, KERNELS)
        check_number("bandwidth", self.bandwidth, low_counts=False)

    def __call__(self, posterior, prior, z, generator=None):
        """Return the weighted sum of both; the discrepancy is that of the batch."""
        rows = z.flatten(end_dim=-2)
        rows = rows[:: -(-len(rows) // MAX_ROWS)]
        discrepancy = self.weight * maximum_mean_discrepancy(
            rows,
            prior.sample(len(rows), generator),
            kernel=self.kernel,
            bandwidth=self.bandwidth,
        )
        if not self.kl_weight:
            return discrepancy.expand(z.shape[:-1])
        return self.kl_weight * kl_monte_carlo(posterior, prior, z) + discrepancy


@dataclass(frozen=True, kw_only=True)
class Renyi(Divergence):
    """
    Renyi's divergence through the variational Renyi bound (Li & Turner 2016).

    Parameters
    ----------
    order : float
        The order alpha: 1 gives the evidence lower bound, smaller ones a tighter
        bound, down to the importance-weighted autoencoder at 0.
    n_samples : int
        Samples of the posterior per window, at least 2.
    """

    order: float = 0.5
    n_samples: int = 8

    def __post_init__(self):
        check_number("order", self.order)
        check_count("n_samples", self.n_samples, minimum=2)

    def __call__(self, posterior, prior, z, generator=None):
        """Return the log-ratio of posterior and prior at each sample."""
        return kl_monte_carlo(posterior, prior, z)

    def bound(self, reconstruction, divergence):
        """Return the bound; with one sample any order is the evidence lower bound."""
        log_weights = reconstruction - divergence
        if log_weights.ndim == 1:
            return log_weights
        return renyi_bound(log_weights, self.order)


@dataclass(frozen=True, kw_only=True)
class JointKL(Divergence):
    r"""
    Divergence of q(z, c|x) = q(z|x) gamma_c from the mixture p(z, c), as in VaDE.

    :math:`\sum_c \gamma_c \mathrm{KL}(q(z|x) \| N(\mu_c, \sigma_c^2)) +
    \mathrm{KL}(\gamma \| \pi)`, with the mixture's own posterior gamma_c = p(c|z) at
    the sample, for variational deep embedding (Jiang et al. 2017). Any gamma leaves
    the evidence a lower bound, so that the mixture is trained jointly.

    Parameters
    ----------
    pretraining : float
        Fraction of the steps, in [0, 1), that train the plain autoencoder. Then
        a mixture fitted to its latents is the first prior, if that is a mixture of
        Gaussians.
    """

    pretraining: float = 0.25

    def __post_init__(self):
        check_fraction("pretraining", self.pretraining)

    def __call__(self, posterior, prior, z, generator=None):
        """Return the divergence at each row of ``z``."""
        return kl_joint(posterior, prior, torch.softmax(prior.log_joint(z), dim=-1))


DIVERGENCES = {
    "kl": kl_monte_carlo,
    "kl-analytic": kl_analytic,
    "mmd": MaximumMeanDiscrepancy(),
    "renyi": Renyi(),
    "vade": JointKL(),
}
