# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Likelihoods p(x|z) of the pixels of a window given the output of a decoder.

Each is a `torch.nn.Module` with ``log_prob(pixels, outputs)``, the sum over pixels,
and ``mean(outputs)``, the expected pixels. Pixels are ``(batch, pixels)``; outputs are
too, or have a further first axis: several samples of the latent variables.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

__all__ = ["LIKELIHOODS", "Bernoulli", "ContinuousBernoulli", "LearnedVarianceGaussian"]

SMALL = 0.02
"""Below this, the second term of a series is beyond single precision."""


class Bernoulli(nn.Module):
    """
    Independent Bernoulli pixels, equation 2 of Karmakar et al. (2018).

    The outputs are logits. For pixels between 0 and 1 this is a cross-entropy and not
    a normalised density.
    """

    def log_prob(self, pixels, outputs):
        """Return the log-likelihood of each window, ``(..., batch)``."""
        return -functional.binary_cross_entropy_with_logits(
            outputs, pixels.expand_as(outputs), reduction="none"
        ).sum(dim=-1)

    def mean(self, outputs):
        """Return the expected pixels."""
        return torch.sigmoid(outputs)


class ContinuousBernoulli(nn.Module):
    """
    Independent continuous Bernoulli pixels in [0, 1].

    The Bernoulli likelihood with its missing normalisation (Loaiza-Ganem & Cunningham
    2019). The outputs are logits, the natural parameters of this exponential family.
    """

    def log_prob(self, pixels, outputs):
        """Return the log-likelihood of each window, ``(..., batch)``."""
        return ((pixels - 0.5) * outputs - _log_sinhc(0.5 * outputs)).sum(dim=-1)

    def mean(self, outputs):
        """Return the expected pixels."""
        half = 0.5 * outputs
        small = half.abs() < SMALL
        safe = torch.where(small, torch.ones_like(half), half)
        exact = 0.5 / torch.tanh(safe) - 0.5 / safe
        return 0.5 + torch.where(small, half / 6, exact)


def _log_sinhc(x):
    """Return log(sinh(x) / x), by its series near zero."""
    magnitude = x.abs()
    small = magnitude < SMALL
    safe = torch.where(small, torch.ones_like(x), magnitude)
    exact = safe + torch.log(-torch.expm1(-2 * safe) / (2 * safe))
    return torch.where(small, x.square() / 6, exact)


class LearnedVarianceGaussian(nn.Module):
    """
    Independent Gaussian pixels with one learned variance for all.

    The maximum-likelihood variance balances reconstruction and divergence without
    a weight to tune (Rybkin et al. 2021). The outputs are means.
    """

    def __init__(self):
        super().__init__()
        self.log_variance = nn.Parameter(torch.zeros(()))

    def log_prob(self, pixels, outputs):
        """Return the log-likelihood of each window, ``(..., batch)``."""
        squares = (pixels - outputs).square().sum(dim=-1)
        constant = pixels.shape[-1] * (self.log_variance + math.log(2 * math.pi))
        return -0.5 * (squares * torch.exp(-self.log_variance) + constant)

    def mean(self, outputs):
        """Return the expected pixels."""
        return outputs


LIKELIHOODS = {
    "bernoulli": Bernoulli,
    "continuous-bernoulli": ContinuousBernoulli,
    "gaussian": LearnedVarianceGaussian,
}
