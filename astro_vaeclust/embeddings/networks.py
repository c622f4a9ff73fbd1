# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Dense encoder and decoder, and the posterior that stands between them."""

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
    mean, log_variance : (batch, latent) tensor
        Means and logarithms of the variances.
    """

    mean: torch.Tensor
    log_variance: torch.Tensor

    def reparameterise(self, noise):
        """Turn standard normal noise into samples, equation 8 of the paper."""
        return self.mean + torch.exp(0.5 * self.log_variance) * noise

    def log_prob(self, z):
        """Log-density at each row of ``z``, ``(batch,)``."""
        squares = (z - self.mean).square() * torch.exp(-self.log_variance)
        return -0.5 * (squares + self.log_variance + LOG_TWO_PI).sum(dim=1)


class DenseEncoder(nn.Module):
    """
    Pixels to posterior through dense layers with rectifiers.

    Parameters
    ----------
    n_pixels : int
        Pixels of a window.
    hidden : tuple of int
        Widths of the hidden layers.
    latent : int
        Dimension of the latent space.
    generator : `torch.Generator`
        Draws the first weights.
    """

    def __init__(self, n_pixels, hidden, latent, generator):
        super().__init__()
        self.layers = _dense_layers((n_pixels, *hidden), generator)
        self.head = _linear(hidden[-1], 2 * latent, generator)

    def forward(self, pixels):
        """Return the `Posterior` of windows ``(batch, n_pixels)``."""
        mean, log_variance = self.head(self.layers(pixels)).chunk(2, dim=1)
        return Posterior(mean, log_variance)


class DenseDecoder(nn.Module):
    """
    The mirrored encoder: latent variables to the parameters of the likelihood.

    Parameters
    ----------
    n_pixels, hidden, latent, generator
        As those of `DenseEncoder`.
    """

    def __init__(self, n_pixels, hidden, latent, generator):
        super().__init__()
        self.layers = _dense_layers((latent, *hidden[::-1]), generator)
        self.head = _linear(hidden[0], n_pixels, generator)

    def forward(self, z):
        """Return the outputs ``(batch, n_pixels)`` for ``z`` ``(batch, latent)``."""
        return self.head(self.layers(z))


def _dense_layers(widths, generator):
    layers = []
    for n_in, n_out in pairwise(widths):
        layers += [_linear(n_in, n_out, generator), nn.ReLU()]
    return nn.Sequential(*layers)


def _linear(n_in, n_out, generator):
    """Make a layer whose weights come from the generator alone (He et al. 2015)."""
    layer = nn.utils.skip_init(nn.Linear, n_in, n_out)
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=generator)
    nn.init.zeros_(layer.bias)
    return layer
