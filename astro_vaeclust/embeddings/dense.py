# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The dense variational autoencoder of the paper, trained on the image itself."""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..mixtures.base import FittedMixture
from ..mixtures.scikit import SklearnGaussianMixture
from ..utils.devices import resolve_device
from ..utils.validation import check_choice, check_count, check_number
from ._concurrency import run_side_by_side
from .divergences import DIVERGENCES, Divergence
from .latent_map import LatentMap, digest
from .likelihoods import LIKELIHOODS
from .networks import DenseDecoder, DenseEncoder
from .objectives import (
    VariationalAutoencoder,
    evidence_lower_bound,
    reconstruction_alone,
)
from .priors import PRIORS, MixtureOfGaussians, VampPrior
from .training import cut_windows, train
from .windows import WindowEmbedding

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..images.prepare import PreparedImage

__all__ = ["DenseVAE"]

logger = logging.getLogger(__name__)

ACTIVE_UNIT_VARIANCE = 0.01
N_COMPONENTS = 2
SMALLEST_WEIGHT = 1e-3
SMALLEST_VARIANCE = 1e-4
WINDOWS_PER_PASS = 1024


@dataclass(frozen=True, kw_only=True)
class DenseVAE(WindowEmbedding):
    """
    One dense variational autoencoder per patch size, trained on this very image.

    Parameters
    ----------
    hidden : tuple of int
        Widths of the hidden layers of the encoder; the decoder mirrors them.
    latent : int
        Dimension of the latent space.
    likelihood : {'bernoulli', 'continuous-bernoulli', 'gaussian'}
        Likelihood of the pixels.
    prior : {'mixture-of-gaussians', 'standard-normal', 'vamp'}
        Prior of the latent variables; see `astro_vaeclust.embeddings.priors`.
    n_components : int or None
        Gaussians of the mixture prior, or pseudo-inputs of the variational mixture;
        None for two. Not for ``prior="standard-normal"``, which has none to choose.
    divergence : str or `~astro_vaeclust.embeddings.divergences.Divergence`
        Divergence of the posterior from the prior: ``"kl"``, ``"kl-analytic"``,
        ``"mmd"``, ``"renyi"``, ``"vade"``, or an instance with settings of its own.
    n_steps : int
        Steps of the optimiser per patch size.
    batch_size : int
        Windows per step, at most.
    learning_rate : float
        Step size of Adam.
    n_seeds : int
        Number of networks per patch size, with other seeds, in the ensemble.
    patch_sizes, overlap, preparation, box_size, max_masked
        As those of `~astro_vaeclust.embeddings.windows.WindowEmbedding`.

    Raises
    ------
    ValueError
        If a setting is out of its range, or cannot matter.

    Notes
    -----
    The embedding of Karmakar, Mishra & Tej (2018), who have a Bernoulli likelihood;
    their hidden widths, latent dimension, optimiser and number of steps are not known.

    The networks of all patch sizes are trained side by side, each on one thread, on as
    many threads as torch may use. The result does not depend on how many these are.
    """

    hidden: tuple[int, ...] = (128, 64, 32)
    latent: int = 4
    likelihood: str = "gaussian"
    prior: str = "mixture-of-gaussians"
    n_components: int | None = None
    divergence: str | Divergence = "kl"
    n_steps: int = 300
    batch_size: int = 128
    learning_rate: float = 1e-3
    n_seeds: int = 1

    def __post_init__(self):
        super().__post_init__()
        check_choice("likelihood", self.likelihood, LIKELIHOODS)
        check_choice("prior", self.prior, PRIORS)
        if not isinstance(self.divergence, Divergence):
            check_choice("divergence", self.divergence, DIVERGENCES)
        object.__setattr__(self, "hidden", tuple(self.hidden))
        for width in self.hidden or (0,):
            check_count("hidden", width)
        check_count("latent", self.latent)
        self._check_n_components()
        if self.divergence == "kl-analytic" and self.prior != "standard-normal":
            raise ValueError(
                "divergence='kl-analytic' takes prior='standard-normal', "
                f"got prior={self.prior!r}"
            )
        check_count("n_seeds", self.n_seeds)
        check_count("n_steps", self.n_steps)
        check_count("batch_size", self.batch_size)
        check_number("learning_rate", self.learning_rate, low_counts=False)

    def _check_n_components(self):
        """Raise unless the prior has as many components."""
        if self.n_components is None:
            return
        check_count("n_components", self.n_components)
        if self.prior == "standard-normal":
            raise ValueError(
                "n_components is for a prior of several components, got "
                f"{self.n_components} with prior='standard-normal'"
            )

    @property
    def _n_components(self):
        return self.n_components or N_COMPONENTS

    @property
    def has_prior(self) -> bool:
        """Whether the prior is a mixture, for ``mixture="prior"`` (bool)."""
        return self.prior != "standard-normal" and self._n_components > 1

    def embed(
        self,
        prepared: PreparedImage,
        *,
        seed: int,
        device: str,
        progress_bar: Callable | None = None,
    ) -> list[LatentMap]:
        """See `Embedding.embed`; diagnostics are ``active_units`` and ``identity``."""
        device = resolve_device(device)
        sizes = self.patch_sizes
        # the largest windows take longest, so they start first
        order = sorted(range(len(sizes)), key=lambda n: -sizes[n])
        tasks = [
            functools.partial(self._embed_one_size, prepared, sizes[n], seed, device)
            for n in order
        ]
        done = run_side_by_side(
            tasks,
            n_threads=torch.get_num_threads() if device.type == "cpu" else 1,
            bar=_bar(progress_bar, sizes, self.n_steps),
        )
        in_order = sorted(zip(order, done, strict=True), key=lambda pair: pair[0])
        maps = [latent_map for _, latent_map in in_order]
        for latent_map in maps:
            logger.info(
                "%d px: %d of %d latent units active",
                latent_map.patch_size,
                latent_map.diagnostics["active_units"],
                self.latent,
            )
        return maps

    def build(
        self, n_pixels: int, generator: torch.Generator
    ) -> VariationalAutoencoder:
        """Return an untrained `VariationalAutoencoder` of windows of ``n_pixels``."""
        model = VariationalAutoencoder(
            encoder=DenseEncoder(n_pixels, self.hidden, self.latent, generator),
            decoder=DenseDecoder(n_pixels, self.hidden, self.latent, generator),
            likelihood=LIKELIHOODS[self.likelihood](),
            prior=PRIORS[self.prior](self.latent, self._n_components, generator),
            divergence=self._divergence,
        )
        if isinstance(model.prior, VampPrior):
            noise = torch.rand(self._n_components, n_pixels, generator=generator)
            model.prior.bind(model.encoder, noise)
        return model

    @property
    def _divergence(self):
        if isinstance(self.divergence, Divergence):
            return self.divergence
        return DIVERGENCES[self.divergence]

    def _embed_one_size(self, prepared, size, seed, device, watch):
        grid = self.windows(prepared, size)
        cells = torch.from_numpy(grid.usable_cells())
        generator = torch.Generator().manual_seed(seed)
        model = self.build(grid.patch_size**2, generator).to(device)
        windows = torch.from_numpy(grid.views).to(device)
        self._train(model, windows, cells, seed, generator, watch)
        mean, variance = _posteriors(model.encoder, windows, cells)
        return LatentMap(
            mean=_on_grid(mean, grid.valid),
            variance=_on_grid(variance, grid.valid),
            valid=grid.valid,
            patch_size=grid.patch_size,
            stride=grid.stride,
            image_shape=grid.image_shape,
            diagnostics={
                "active_units": count_active_units(mean),
                "identity": _identity(model),
            },
            prior=prior_mixture(model.prior),
        )

    def _train(self, model, windows, cells, seed, generator, watch):
        if isinstance(model.prior, VampPrior):
            _imitate_windows(model.prior, windows, cells, generator)
        n_first = round(getattr(model.divergence, "pretraining", 0) * self.n_steps)
        stages = [
            (n_first, reconstruction_alone),
            (self.n_steps - n_first, evidence_lower_bound),
        ]
        for n_steps, objective in stages:
            if not n_steps:
                continue
            train(
                model,
                windows,
                cells,
                n_steps=n_steps,
                batch_size=self.batch_size,
                learning_rate=self.learning_rate,
                latent=self.latent,
                generator=generator,
                progress=watch,
                objective=objective,
            )
            if objective is reconstruction_alone and isinstance(
                model.prior, MixtureOfGaussians
            ):
                latents, _ = _posteriors(model.encoder, windows, cells)
                _start_mixture(model.prior, latents, seed)


def prior_mixture(prior):
    """
    Return the `FittedMixture` that splits posteriors as a trained prior does, or None.

    The responsibilities of the Gaussians that leave the evidence lower bound of
    `~astro_vaeclust.embeddings.divergences.JointKL` highest are proportional to pi_c
    exp(-KL(q || N_c)). In the means and standard deviations of q, its ``2 * latent``
    features, this is a Gaussian at (mu_c, 0) with variance sigma_c^2 for both. Its
    weights are not the probabilities of the prior. A single Gaussian gives None.
    """
    log_weights, means, log_variances = (
        part.detach().double().cpu() for part in prior.components()
    )
    if len(means) < 2:
        return None
    # the mean's Gaussian keeps its normalisation, that of the deviation is undone
    weights = torch.softmax(log_weights + 0.5 * log_variances.sum(dim=1), dim=0)
    variances = log_variances.exp().repeat(1, 2)
    return FittedMixture(
        weights=weights.numpy(),
        means=torch.cat([means, torch.zeros_like(means)], dim=1).numpy(),
        covariances=torch.diag_embed(variances).numpy(),
    )


def _imitate_windows(prior, windows, cells, generator):
    """Start the pseudo-inputs as windows of the image."""
    chosen = torch.randint(len(cells), (prior.n_components,), generator=generator)
    with torch.no_grad():
        prior.pseudo_inputs.copy_(cut_windows(windows, cells[chosen]))


def _start_mixture(prior, latents, seed):
    """Fit the first mixture prior to the latents of the pretrained network."""
    n_components = len(prior.logits)
    if len(np.unique(latents, axis=0)) < n_components:
        return
    settings = SklearnGaussianMixture(n_components=n_components, covariance_type="diag")
    fitted = settings.fit(latents, seed=seed)
    variances = np.diagonal(fitted.covariances, axis1=1, axis2=2)
    prior.start_from(
        np.maximum(fitted.weights, SMALLEST_WEIGHT),
        fitted.means,
        np.maximum(variances, SMALLEST_VARIANCE),
    )


def count_active_units(mean):
    """
    Return how many means of units, ``(n, latent)``, vary.

    Those have a variance above 0.01 (Burda et al. 2016).
    """
    return int(np.count_nonzero(np.var(mean, axis=0) > ACTIVE_UNIT_VARIANCE))


def _bar(progress_bar, patch_sizes, n_steps):
    if progress_bar is None:
        return None
    sizes = ", ".join(map(str, patch_sizes))
    return functools.partial(
        progress_bar, desc=f"training on {sizes} px", total=len(patch_sizes) * n_steps
    )


def _posteriors(encoder, windows, cells):
    """Embed windows in parts; arrays ``(n, latent)`` of means and variances."""
    with torch.inference_mode():
        parts = [
            encoder(cut_windows(windows, part))
            for part in cells.split(WINDOWS_PER_PASS)
        ]
        mean = torch.cat([part.mean for part in parts])
        variance = torch.cat([part.log_variance for part in parts]).exp()
    return mean.cpu().numpy(), variance.cpu().numpy()


def _on_grid(values, valid):
    grid = np.zeros((*valid.shape, values.shape[1]), dtype=np.float32)
    grid[valid] = values
    return grid


def _identity(model):
    return digest(tensor.cpu().numpy() for tensor in model.state_dict().values())
