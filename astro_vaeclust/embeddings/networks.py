# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Dense encoder and decoder, and the posterior between them."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import nn

from .priors import LOG_TWO_PI

__all__ = ["DenseDecoder", "DenseEncoder", "Posterior"]


class Posterior(NamedTuple):
    """
    Diagonal Gaussian posteriors q(z|x), equation 3 of Karmakar et al. (2018).

    Parameters
    ----------
    mean, log_variance : (..., latent) tensor
        Means and logarithms of the variances; the other axes are the batch, and the
        cells of a convolutional network.
    """

    mean: torch.Tensor
    log_variance: torch.Tensor

    def reparameterise(self, noise):
        """
        Turn standard normal noise into samples, equation 8 of the paper.

        ``noise`` may have a further first axis: several samples.
        """
        return torch.addcmul(self.mean, torch.exp(0.5 * self.log_variance), noise)

    def log_prob(self, z):
        """Log-density at ``z`` ``(..., latent)``, ``(...)``."""
        squares = (z - self.mean).square() * torch.exp(-self.log_variance)
        return -0.5 * (squares + self.log_variance + LOG_TWO_PI).sum(dim=-1)


class DenseEncoder(nn.Module):
    """
    Pixels to posterior through dense layers with rectifiers.

    ``hidden`` are the widths of the hidden layers; ``generator`` draws the weights.
    """

    def __init__(self, n_pixels, hidden, latent, generator):
        super().__init__()
        self.layers = _dense_layers((n_pixels, *hidden, 2 * latent), generator)

    def forward(self, pixels):
        """Return the `Posterior` of windows ``(..., n_pixels)``."""
        return Posterior(*self.layers(pixels).chunk(2, dim=-1))


class DenseDecoder(nn.Module):
    """The mirrored `DenseEncoder`: latent variables to parameters of the likelihood."""

    def __init__(self, n_pixels, hidden, latent, generator):
        super().__init__()
        self.layers = _dense_layers((latent, *hidden[::-1], n_pixels), generator)

    def forward(self, z):
        """Return the outputs ``(..., n_pixels)`` for ``z`` ``(..., latent)``."""
        return self.layers(z)


def _dense_layers(widths, generator):
    """Dense layers with rectifiers between them (weights of He et al. 2015)."""
    layers = []
    for n_in, n_out in pairwise(widths):
        layer = nn.utils.skip_init(nn.Linear, n_in, n_out)  # no global random state
        weight = nn.init.kaiming_uniform_(
            torch.empty(n_in, n_out).T, nonlinearity="relu", generator=generator
        )
        layer.weight = nn.Parameter(weight)
        nn.init.zeros_(layer.bias)
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])
