# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The variational autoencoder as four parts, and its objective."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from .divergences import SLOPES, mean_bound
from .networks import DenseStack, Posterior, StackPass

__all__ = [
    "BoundGradient",
    "ObjectiveTerms",
    "VariationalAutoencoder",
    "evidence_lower_bound",
    "reconstruction_alone",
]


class VariationalAutoencoder(nn.Module):
    """
    Network, likelihood, prior and divergence, each exchangeable alone.

    Parameters
    ----------
    encoder : `torch.nn.Module`
        Windows to a posterior with ``reparameterise`` and ``log_prob``.
    decoder : `torch.nn.Module`
        Latent variables to outputs.
    likelihood : `torch.nn.Module`
        See `astro_vaeclust.embeddings.likelihoods`.
    prior : `torch.nn.Module`
        See `astro_vaeclust.embeddings.priors`.
    divergence : callable
        See `astro_vaeclust.embeddings.divergences`.
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
    Both terms of the evidence lower bound, each ``(batch,)``, in nats.

    Parameters
    ----------
    reconstruction : tensor
        log p(x|z).
    divergence : tensor
        Divergence of the posterior from the prior.
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
    equations 5 and 7 of Karmakar et al. 2018), or what the divergence of the model
    puts in its place.

    Parameters
    ----------
    model : `VariationalAutoencoder`
        The model.
    pixels : (batch, n_pixels) tensor
        The windows.
    noise : (batch, latent) or (samples, batch, latent) tensor
        Standard normal noise.
    generator : `torch.Generator`, optional
        For divergences that draw samples of the prior.

    Returns
    -------
    terms : `ObjectiveTerms`
        Reconstruction and divergence of each window.
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


class BoundGradient:
    """
    The gradient of the negative lower bound, again and again for one model.

    It is that of `evidence_lower_bound`, summed over the windows. Dense networks with
    a likelihood that gives its own ``slopes``, and one sample per window, spare what
    the optimiser does not ask for: the value of the bound, and autograd for all but
    the latent variables, or for these too where the divergence has ``SLOPES``.

    Parameters
    ----------
    model : `VariationalAutoencoder`
        The model. Its parameters may change their values, but not their place in
        memory.
    """

    def __init__(self, model):
        self.model = model
        self._passes = None
        networks = model.encoder, model.decoder
        if hasattr(model.likelihood, "slopes") and all(
            isinstance(getattr(network, "stack", None), DenseStack)
            for network in networks
        ):
            self._passes = [StackPass(network.stack) for network in networks]

    def __call__(self, pixels, noise, generator=None):
        """
        Set the gradients of the parameters.

        Parameters
        ----------
        pixels, noise, generator
            As those of `evidence_lower_bound`.
        """
        for parameter in self.model.parameters():
            parameter.grad = None
        if self._passes is None or noise.ndim > pixels.ndim:
            terms = evidence_lower_bound(self.model, pixels, noise, generator)
            terms.elbo.sum().neg().backward()
            return
        encoder, decoder = self._passes
        activations, moments = encoder.outputs(pixels)
        by_hand = self.model.divergence in SLOPES
        moments.requires_grad_(not by_hand)
        posterior = Posterior(*moments.chunk(2, dim=-1))
        z = posterior.reparameterise(noise)

        def slopes(part, outputs):
            return self.model.likelihood.slopes(pixels[:, part], outputs)

        of_z = decoder.pull_back_from(slopes, z.detach())
        if by_hand:
            of_moments = self._through_latents(posterior, z, of_z)
        else:
            divergence = self.model.divergence(
                posterior, self.model.prior, z, generator
            )
            torch.autograd.backward([z, divergence.sum()], [of_z, None])
            of_moments = moments.grad
        encoder.pull_back(activations, of_moments)
        for done in self._passes:
            # a prior that is made of the encoder has left its share
            if done.parameter.grad is not None:
                done.gradient.add_(done.parameter.grad)
            done.parameter.grad = done.gradient

    def _through_latents(self, posterior, z, of_z):
        """Add the gradient of the divergence; return that with respect to moments."""
        slopes = SLOPES[self.model.divergence]
        through_z, of_mean, of_log_variance = slopes(posterior, self.model.prior, z)
        of_z = of_z + through_z
        of_width = 0.5 * (z - posterior.mean) * of_z
        return torch.cat([of_z + of_mean, of_width + of_log_variance], dim=-1)


def reconstruction_alone(model, pixels, noise, generator=None):
    """
    Return the objective of a plain autoencoder: log p(x|z) at the posterior mean.

    Parameters
    ----------
    model, pixels, noise, generator
        As those of `evidence_lower_bound`; only the shape of ``noise`` matters.

    Returns
    -------
    terms : `ObjectiveTerms`
        Reconstruction of each window, and zero for the divergence.
    """
    outputs = model.decoder(model.encoder(pixels).mean)
    reconstruction = model.likelihood.log_prob(pixels, outputs)
    return ObjectiveTerms(reconstruction, torch.zeros_like(reconstruction))
