# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Priors p(z) of the latent variables.

Each is a `torch.nn.Module` with ``log_prob(z)`` for ``z`` of shape ``(..., latent)``,
``components()``, its Gaussians, and ``sample(n, generator)``.
"""

from __future__ import annotations

import math

import torch
from torch import nn

__all__ = [
    "PRIORS",
    "GaussianMixturePrior",
    "MixtureOfGaussians",
    "StandardNormal",
    "VampPrior",
]

LOG_TWO_PI = math.log(2 * math.pi)


class GaussianMixturePrior(nn.Module):
    """
    Base class of priors that are mixtures of diagonal Gaussians.

    A subclass implements ``components()``, which returns the logarithms of the weights
    ``(k,)``, the means ``(k, latent)`` and the logarithms of the variances
    ``(k, latent)``.
    """

    def components(self):
        """Return log-weights, means and log-variances of the Gaussians."""
        raise NotImplementedError

    def log_prob(self, z):
        """Log-density at ``z`` ``(..., latent)``, ``(...)``."""
        return self.log_joint(z).logsumexp(dim=-1)

    def log_joint(self, z):
        """Log of weight times density of every Gaussian at ``z``, ``(..., k)``."""
        log_weights, means, log_variances = self.components()
        squares = (z.unsqueeze(-2) - means).square() * torch.exp(-log_variances)
        gaussians = -0.5 * (squares + log_variances + LOG_TWO_PI).sum(dim=-1)
        return log_weights + gaussians

    def sample(self, n, generator=None):
        """
        Return n samples, ``(n, latent)``, differentiable in means and variances.

        The choice of the Gaussian has no gradient; the generator is on the CPU.
        """
        log_weights, means, log_variances = self.components()
        weights = log_weights.detach().exp().cpu()
        chosen = torch.multinomial(weights, n, replacement=True, generator=generator)
        noise = torch.randn(n, means.shape[1], generator=generator).to(means)
        chosen = chosen.to(means.device)
        return means[chosen] + torch.exp(0.5 * log_variances[chosen]) * noise


class StandardNormal(GaussianMixturePrior):
    """
    The standard normal distribution, a mixture of one.

    ``n_components`` and ``generator`` have no effect: all priors are built alike.
    """

    def __init__(self, latent, n_components=1, generator=None):
        super().__init__()
        self.latent = latent
        self.register_buffer("_zeros", torch.zeros(1, latent), persistent=False)

    def components(self):
        """Return log-weights, means and log-variances of the one Gaussian."""
        return self._zeros[:, 0], self._zeros, self._zeros


class MixtureOfGaussians(GaussianMixturePrior):
    """
    A learned mixture of diagonal Gaussians, equation 1 of Karmakar et al. (2018).

    ``generator`` draws the first means from the standard normal distribution.
    """

    def __init__(self, latent, n_components=2, generator=None):
        super().__init__()
        means = torch.randn(n_components, latent, generator=generator)
        self.means = nn.Parameter(means)
        self.log_variances = nn.Parameter(torch.zeros(n_components, latent))
        self.logits = nn.Parameter(torch.zeros(n_components))

    def components(self):
        """Return log-weights, means and log-variances of the Gaussians."""
        return torch.log_softmax(self.logits, dim=0), self.means, self.log_variances

    @torch.no_grad()
    def start_from(self, weights, means, variances):
        """Take fitted weights (k,), and means and variances (k, latent)."""
        pairs = (
            (self.logits, torch.tensor(weights).log()),
            (self.means, torch.tensor(means)),
            (self.log_variances, torch.tensor(variances).log()),
        )
        for parameter, values in pairs:
            parameter.copy_(values)


class VampPrior(GaussianMixturePrior):
    """
    Variational mixture of posteriors (Tomczak & Welling 2018).

    An equal mixture of the posteriors of ``n_components`` pseudo-inputs, which are
    learned with the network. Pseudo-inputs may be any that the encoder takes; each
    posterior of a convolutional encoder is a Gaussian of its own.
    """

    def __init__(self, latent, n_components=2, generator=None):
        super().__init__()
        self.n_components = n_components
        self.register_parameter("pseudo_inputs", None)
        self._encoder = None

    def bind(self, encoder, pseudo_inputs):
        """Set the encoder, whose parameters stay the model's, and pseudo-inputs."""
        self._encoder = (encoder,)  # in a tuple: no submodule, counted once
        self.pseudo_inputs = nn.Parameter(pseudo_inputs.clone())

    def components(self):
        """Return log-weights, means and log-variances of the posteriors."""
        if self._encoder is None:
            raise RuntimeError("VampPrior has no encoder yet; call bind() first")
        mean, log_variance = self._encoder[0](self.pseudo_inputs)
        means = mean.reshape(-1, mean.shape[-1])
        log_weights = means.new_full((len(means),), -math.log(len(means)))
        return log_weights, means, log_variance.reshape(means.shape)


PRIORS = {
    "mixture-of-gaussians": MixtureOfGaussians,
    "standard-normal": StandardNormal,
    "vamp": VampPrior,
}
