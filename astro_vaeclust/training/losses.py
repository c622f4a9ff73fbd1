# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The objective of the detector, term by term."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from ..detector.network import CELL, CLASSES, LOG_DENSITIES, class_sums
from ..embeddings.divergences import DIVERGENCES, kl_joint, mean_bound
from ..embeddings.networks import Posterior

__all__ = ["LABELLED", "Weights", "objective"]

LABELLED = "labelled"
"""The divergence from the component of a label, where it is known."""

PIXEL_SCATTER = 0.15
"""Standard deviation of the likelihood of a compressed pixel."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """
    Weights of the terms of `objective`.

    Of the centres, the members per cell, the measured quantities, the negative evidence
    lower bound, and the classes of the latents.
    """

    center: float = 1.0
    density: float = 0.2
    measures: float = 0.4
    autoencoder: float = 0.01
    labels: float = 0.05


def objective(network, batch, weights, generator=None, divergence=LABELLED):
    """
    Evaluate all terms for a batch.

    Parameters
    ----------
    network : `~astro_vaeclust.detector.network.ConvolutionalVAE`
        The network.
    batch : dict of tensor
        Stacked fields of `~astro_vaeclust.training.targets.Crop`.
    weights : `Weights`
        Of the terms.
    generator : `torch.Generator`, optional
        Draws the latents.
    divergence : str or `~astro_vaeclust.embeddings.divergences.Divergence`
        Of the posteriors from the priors: ``"labelled"``, or one of the dense
        autoencoder, which does not ask for labels.

    Returns
    -------
    total : tensor
        The weighted sum.
    terms : dict of float
        Each term.
    """
    outputs = network(batch["channels"])
    terms = {
        "center": center_loss(outputs.center, batch["center"], batch["usable"]),
        "density": density_loss(outputs.density, batch["density"], batch["usable"]),
        "measures": measures_loss(outputs, batch["measures"], batch["weights"]),
        **autoencoder_losses(network, outputs, batch, generator, divergence),
    }
    total = sum(getattr(weights, name) * term for name, term in terms.items())
    return total, {name: term.item() for name, term in terms.items()}


def center_loss(logits, target, usable):
    """
    Cross-entropy of the cores of clusters, per hundred cells.

    Nothing is reweighted, so that the logits are those of the probability that a cell
    lies in a core, and rank candidates best.
    """
    known = usable & (target >= 0)
    entropy = functional.binary_cross_entropy_with_logits(
        logits, target.clamp(min=0), reduction="none"
    )
    return 100 * (entropy * known).mean()


def density_loss(log_density, counts, usable):
    """Poisson deviance of members per cell, per hundred cells."""
    loss = functional.poisson_nll_loss(
        log_density.clamp(*LOG_DENSITIES), counts, log_input=True, reduction="none"
    )
    return 100 * (loss * usable).mean()


def measures_loss(outputs, target, weights):
    """
    Gaussian negative log-likelihood of what is measured, alike for all clusters.

    ``target`` is ``(batch, 5, ny, nx)``; ``weights``, ``(batch, ny, nx)``, add up
    to one over the cells of a cluster.
    """
    weight = weights[:, None]
    squares = (outputs.measures - target).square() / outputs.log_variances.exp()
    loss = 0.5 * (squares + outputs.log_variances) * weight
    return loss.sum() / weight.sum().clamp(min=1)


def autoencoder_losses(network, outputs, batch, generator, divergence=LABELLED):
    """
    Return the negative evidence lower bound and the cross-entropy of the classes.

    With ``"labelled"``, the divergence of a cell of known class c is that from
    component c, or from the components of that class; for others the mixture's own
    posterior is used instead, as in VaDE. Other divergences have their own bound. In
    the entropy, rare classes count more.
    """
    image, usable = (batch["channels"][:, i : i + 1].contiguous() for i in (0, 2))
    total, entropy = 0.0, 0.0
    scales = zip(
        outputs.posteriors,
        network.priors,
        network.decoders,
        batch["labels"],
        strict=True,
    )
    for scale, (maps, prior, decoder, labels) in enumerate(scales):
        posterior = Posterior(*maps)
        chosen = DIVERGENCES.get(divergence, divergence)
        n_samples = getattr(chosen, "n_samples", 1)
        shape = posterior.mean.shape
        noise = torch.randn(
            shape if n_samples == 1 else (n_samples, *shape),
            generator=generator,
            device=posterior.mean.device,
        )
        z = posterior.reparameterise(noise)
        if scale:
            image, usable = (functional.avg_pool2d(maps, 2) for maps in (image, usable))
        misfit = decoder(z) - _cells(image)
        squares = misfit.square() * _cells(usable)
        reconstruction = -0.5 * squares.sum(dim=-1) / PIXEL_SCATTER**2
        log_gamma = torch.log_softmax(prior.log_joint(z), dim=-1)
        if divergence == LABELLED:
            away = kl_joint(posterior, prior, _responsibilities(labels, log_gamma))
        else:
            away = chosen(posterior, prior, z, generator)
        bound = reconstruction - away
        if n_samples > 1:
            combine = getattr(chosen, "bound", mean_bound)
            bound, log_gamma = combine(reconstruction, away), log_gamma[0]
        total = total - bound.mean()
        known = labels >= 0
        if known.any():
            of_classes = class_sums(log_gamma)[known]
            entropy = entropy + _balanced_entropy(of_classes, labels[known])
    n_scales = len(outputs.posteriors)
    return {"autoencoder": total / n_scales, "labels": entropy / n_scales}


def _responsibilities(labels, log_gamma):
    """
    Return one for the component of a known label, else the mixture's posterior.

    Where a label has several components, the posterior divides the one between them.
    """
    weight = functional.one_hot(labels.clamp(min=0), len(CLASSES))
    n_each = log_gamma.shape[-1] // len(CLASSES)
    if n_each > 1:
        of_classes = class_sums(log_gamma).repeat_interleave(n_each, dim=-1)
        within = (log_gamma - of_classes).exp()
        weight = weight.repeat_interleave(n_each, dim=-1) * within
    return torch.where((labels >= 0)[..., None], weight, log_gamma.exp())


def _balanced_entropy(log_probabilities, labels):
    n_classes = log_probabilities.shape[-1]
    counts = torch.bincount(labels, minlength=n_classes).clamp(min=1)
    weights = counts.rsqrt()
    return functional.nll_loss(log_probabilities, labels, weights / weights.sum())


def _cells(maps):
    """Put the pixels of each cell last."""
    return functional.pixel_unshuffle(maps, CELL).permute(0, 2, 3, 1)
