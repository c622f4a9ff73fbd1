# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The prior of mixed posteriors for a convolutional autoencoder, in feature space."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from ..embeddings.priors import VampPrior

__all__ = ["FeatureVampPrior"]


class FeatureVampPrior(VampPrior):
    """
    A mixture of the posteriors of learned features (Tomczak & Welling 2018).

    A VampPrior in feature space: a pseudo-input is no image but the features of one
    cell of a scale, and its posterior is that of the latent head of that scale, a 1x1
    convolution whose parameters stay those of the network. Features follow a rectifier,
    and pseudo-inputs are kept positive as they are. Other than in the paper the weights
    are learned, too, since the components are not equally frequent. Log-variances are
    clipped to ``limits``, as those of the posteriors.
    """

    def __init__(self, head, n_components, limits):
        super().__init__(head.out_channels // 2, n_components)
        features = torch.randn(n_components, head.in_channels)
        self.bind(_CellPosterior(head, limits), features)
        self.logits = nn.Parameter(torch.zeros(n_components))

    def components(self):
        """Return log-weights, means and log-variances of the posteriors."""
        _, means, log_variances = super().components()
        return (
            torch.log_softmax(self.logits, dim=0),
            means.to(self.logits.dtype),  # also where convolutions are in bfloat16
            log_variances.to(self.logits.dtype),
        )


class _CellPosterior(nn.Module):
    """From unconstrained features of cells to the posteriors of their latents."""

    def __init__(self, head, limits):
        super().__init__()
        self.head = head
        self.limits = limits

    def forward(self, pseudo_inputs):
        features = functional.softplus(pseudo_inputs)
        maps = self.head(features[..., None, None])[..., 0, 0]
        mean, log_variance = maps.chunk(2, dim=-1)
        return mean, log_variance.clamp(*self.limits)
