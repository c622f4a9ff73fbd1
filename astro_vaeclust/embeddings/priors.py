# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Priors p(z) of the latent variables.

Each is a `torch.nn.Module` with ``log_prob(z)`` for ``z`` of shape ``(batch, latent)``.
"""

from __future__ import annotations

import math

import torch
from torch import nn

__all__ = ["PRIORS", "MixtureOfGaussians", "StandardNormal"]

LOG_TWO_PI = math.log(2 * math.pi)


class StandardNormal(nn.Module):
    """
    The standard normal distribution.

    Parameters
    ----------
    latent : int
        Dimension of the latent space.
    n_components : int
        Not used; all priors are made alike.
    generator : `torch.Generator`
        Not used.
    """

    def __init__(self, latent, n_components=1, generator=None):
        super().__init__()
        self.latent = latent

    def log_prob(self, z):
        """Log-density at each row of ``z``, ``(batch,)``."""
        return -0.5 * (z.square() + LOG_TWO_PI).sum(dim=1)


class MixtureOfGaussians(nn.Module):
    """
    A learned mixture of diagonal Gaussians, equation 1 of Karmakar et al. (2018).

    Parameters
    ----------
    latent : int
        Dimension of the latent space.
    n_components : int
        Number of Gaussians.
    generator : `torch.Generator`
        Draws the first means from the standard normal distribution.
    """

    def __init__(self, latent, n_components=2, generator=None):
        super().__init__()
        means = torch.randn(n_components, latent, generator=generator)
        self.means = nn.Parameter(means)
        self.log_variances = nn.Parameter(torch.zeros(n_components, latent))
        self.logits = nn.Parameter(torch.zeros(n_components))

    def log_prob(self, z):
        """Log-density at each row of ``z``, ``(batch,)``."""
        squares = (z[:, None] - self.means).square() * torch.exp(-self.log_variances)
        gaussians = -0.5 * (squares + self.log_variances + LOG_TWO_PI).sum(dim=2)
        return torch.logsumexp(torch.log_softmax(self.logits, dim=0) + gaussians, dim=1)


PRIORS = {"mixture-of-gaussians": MixtureOfGaussians, "standard-normal": StandardNormal}
