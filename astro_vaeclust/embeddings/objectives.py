# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The variational autoencoder as four parts, and its objective."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from .divergences import mean_bound

__all__ = [
    "ObjectiveTerms",
    "VariationalAutoencoder",
    "evidence_lower_bound",
    "reconstruction_alone",
]


class VariationalAutoencoder(nn.Module):
    """
    Network, likelihood, prior and divergence, each exchangeable alone.

    The encoder takes windows to a posterior with ``reparameterise`` and ``log_prob``,
    the decoder latent variables to outputs; see
    `astro_vaeclust.embeddings.likelihoods`, `~astro_vaeclust.embeddings.priors` and
    `~astro_vaeclust.embeddings.divergences` for the rest.
    """

    def __init__(self, encoder, decoder, likelihood, prior, divergence):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = likelihood
        self.prior = prior
        self.divergence = divergence


class ObjectiveTerms(NamedTuple):
    """
    Terms of the evidence lower bound, each ``(batch,)``, in nats.

    They are log p(x|z) and the divergence of the posterior from the prior.
    """

    reconstruction: torch.Tensor
    divergence: torch.Tensor

    @property
    def elbo(self):
        """The evidence lower bound of each window, ``(batch,)``."""
        return self.reconstruction - self.divergence


def evidence_lower_bound(model, pixels, noise, generator=None):
    """
    Estimate the evidence lower bound by one sample or more per window.

    The stochastic gradient variational Bayes estimator (Kingma & Welling 2014;
    equations 5 and 7 of Karmakar et al. 2018), or the bound of the model's divergence,
    of windows ``(batch, n_pixels)``. ``noise`` is standard normal, ``(batch, latent)``
    or ``(samples, batch, latent)``; ``generator`` is for divergences that draw samples
    of the prior.
    """
    posterior = model.encoder(pixels)
    z = posterior.reparameterise(noise)
    reconstruction = model.likelihood.log_prob(pixels, model.decoder(z))
    divergence = model.divergence(posterior, model.prior, z, generator)
    if noise.ndim == posterior.mean.ndim:
        return ObjectiveTerms(reconstruction, divergence)
    combine = getattr(model.divergence, "bound", mean_bound)
    bound = combine(reconstruction, divergence)
    reconstruction = reconstruction.mean(dim=0)
    return ObjectiveTerms(reconstruction, reconstruction - bound)


def reconstruction_alone(model, pixels, noise, generator=None):
    """Return the objective of a plain autoencoder: log p(x|z) at the posterior mean."""
    outputs = model.decoder(model.encoder(pixels).mean)
    reconstruction = model.likelihood.log_prob(pixels, outputs)
    return ObjectiveTerms(reconstruction, torch.zeros_like(reconstruction))
