# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Likelihoods p(x|z) of the pixels of a window given the output of a decoder.

Each is a `torch.nn.Module` with ``log_prob(pixels, outputs)``, the sum over pixels,
and ``mean(outputs)``, the expected pixels. Pixels and outputs are ``(batch, pixels)``.
"""

from __future__ import annotations

import math

import torch
from torch import nn

__all__ = ["LIKELIHOODS", "Bernoulli", "ContinuousBernoulli", "LearnedVarianceGaussian"]


class Bernoulli(nn.Module):
    """
    Independent Bernoulli pixels, equation 2 of Karmakar et al. (2018).

    The outputs are logits. For pixels between 0 and 1 this is a cross-entropy and not
    a normalised density.
    """

    def log_prob(self, pixels, outputs):
        """Log-likelihood of each window, ``(batch,)``."""
        return -nn.functional.binary_cross_entropy_with_logits(
            outputs, pixels, reduction="none"
        ).sum(dim=1)

    def mean(self, outputs):
        """Expected pixels."""
        return torch.sigmoid(outputs)


class ContinuousBernoulli(nn.Module):
    """
    Independent continuous Bernoulli pixels in [0, 1].

    The Bernoulli likelihood with its missing normalisation (Loaiza-Ganem & Cunningham
    2019). The outputs are logits.
    """

    def log_prob(self, pixels, outputs):
        """Log-likelihood of each window, ``(batch,)``."""
        return self._distribution(outputs).log_prob(pixels).sum(dim=1)

    def mean(self, outputs):
        """Expected pixels."""
        return self._distribution(outputs).mean

    @staticmethod
    def _distribution(outputs):
        return torch.distributions.ContinuousBernoulli(
            logits=outputs, validate_args=False
        )


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
        """Log-likelihood of each window, ``(batch,)``."""
        squares = (pixels - outputs).square().sum(dim=1)
        constant = pixels.shape[1] * (self.log_variance + math.log(2 * math.pi))
        return -0.5 * (squares * torch.exp(-self.log_variance) + constant)

    def mean(self, outputs):
        """Expected pixels."""
        return outputs


LIKELIHOODS = {
    "bernoulli": Bernoulli,
    "continuous-bernoulli": ContinuousBernoulli,
    "gaussian": LearnedVarianceGaussian,
}
