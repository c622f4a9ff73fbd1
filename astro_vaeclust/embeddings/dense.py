# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The dense variational autoencoder of the paper, trained on the image itself."""

from __future__ import annotations

import functools
import logging
import warnings
from dataclasses import dataclass

import numpy as np
import torch

from ..devices import resolve_device
from ..exceptions import PosteriorCollapseWarning
from ..validation import check_choice, check_count, check_fraction
from .base import Embedding
from .divergences import DIVERGENCES
from .latent_map import LatentMap, digest
from .likelihoods import LIKELIHOODS
from .networks import DenseDecoder, DenseEncoder
from .objectives import VariationalAutoencoder
from .priors import PRIORS
from .training import TrainingSettings, train
from .windows import WindowGrid

__all__ = ["DenseVAE", "count_active_units"]

logger = logging.getLogger(__name__)

ACTIVE_UNIT_VARIANCE = 0.01
WINDOWS_PER_PASS = 1024


@dataclass(frozen=True, kw_only=True)
class DenseVAE(Embedding):
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
    prior : {'mixture-of-gaussians', 'standard-normal'}
        Prior of the latent variables.
    n_components : int
        Gaussians of the mixture prior.
    divergence : {'kl', 'kl-analytic'}
        Divergence of the posterior from the prior.
    n_steps : int
        Steps of the optimiser per patch size.
    batch_size : int
        Windows per step, at most.
    learning_rate : float
        Step size of Adam.
    max_masked : float
        Largest fraction of unusable pixels of a window that is used.

    Raises
    ------
    ValueError
        If a setting is out of its range.

    Notes
    -----
    The embedding of Karmakar, Mishra & Tej (2018), who have a Bernoulli likelihood;
    their hidden widths, latent dimension, optimiser and number of steps are not known.
    """

    hidden: tuple[int, ...] = (128, 64, 32)
    latent: int = 4
    likelihood: str = "gaussian"
    prior: str = "mixture-of-gaussians"
    n_components: int = 2
    divergence: str = "kl"
    n_steps: int = 300
    batch_size: int = 128
    learning_rate: float = 1e-3
    max_masked: float = 0.5

    def __post_init__(self):
        check_choice("likelihood", self.likelihood, LIKELIHOODS)
        check_choice("prior", self.prior, PRIORS)
        check_choice("divergence", self.divergence, DIVERGENCES)
        object.__setattr__(self, "hidden", tuple(self.hidden))
        for width in self.hidden or (0,):
            check_count("hidden", width)
        check_count("latent", self.latent)
        check_count("n_components", self.n_components)
        if self.divergence == "kl-analytic" and self.prior != "standard-normal":
            raise ValueError(
                "divergence='kl-analytic' takes prior='standard-normal', "
                f"got prior={self.prior!r}"
            )
        check_fraction("max_masked", self.max_masked)
        _ = self.training

    @property
    def training(self):
        """The settings of the training (`TrainingSettings`)."""
        return TrainingSettings(
            n_steps=self.n_steps,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
        )

    def embed(self, prepared, *, patch_sizes, overlap, seed, device, progress_bar=None):
        """
        Train one autoencoder per patch size and embed the windows by it.

        Parameters
        ----------
        prepared, patch_sizes, overlap, seed, device, progress_bar
            As those of `Embedding.embed`.

        Returns
        -------
        maps : list of `LatentMap`
            One per patch size. ``diagnostics`` hold ``active_units`` and ``identity``.

        Raises
        ------
        ValueError
            If the device does not exist, or an image has no usable window.

        Warns
        -----
        PosteriorCollapseWarning
            If no latent variable depends on the input.
        """
        device = resolve_device(device)
        return [
            self._embed_one_size(
                WindowGrid(
                    prepared.pixels, prepared.mask, size, overlap, self.max_masked
                ),
                seed,
                device,
                _progress(progress_bar, size, self.n_steps),
            )
            for size in patch_sizes
        ]

    def build(self, n_pixels, generator):
        """
        Make an untrained autoencoder.

        Parameters
        ----------
        n_pixels : int
            Pixels of a window.
        generator : `torch.Generator`
            Draws the first parameters.

        Returns
        -------
        model : `VariationalAutoencoder`
            The model, on the CPU.
        """
        return VariationalAutoencoder(
            encoder=DenseEncoder(n_pixels, self.hidden, self.latent, generator),
            decoder=DenseDecoder(n_pixels, self.hidden, self.latent, generator),
            likelihood=LIKELIHOODS[self.likelihood](),
            prior=PRIORS[self.prior](self.latent, self.n_components, generator),
            divergence=DIVERGENCES[self.divergence],
        )

    def _embed_one_size(self, grid, seed, device, progress):
        cells = torch.from_numpy(grid.usable_cells())
        generator = torch.Generator().manual_seed(seed)
        model = self.build(grid.patch_size**2, generator).to(device)
        windows = torch.from_numpy(grid.views).to(device)
        train(
            model,
            windows,
            cells,
            self.training,
            latent=self.latent,
            generator=generator,
            progress=progress,
        )
        mean, variance = _posteriors(model.encoder, windows, cells)
        active_units = count_active_units(mean)
        _report_activity(active_units, self.latent, grid.patch_size)
        return LatentMap(
            mean=_on_grid(mean, grid.valid),
            variance=_on_grid(variance, grid.valid),
            valid=grid.valid,
            patch_size=grid.patch_size,
            stride=grid.stride,
            image_shape=grid.image_shape,
            diagnostics={"active_units": active_units, "identity": _identity(model)},
        )


def count_active_units(mean):
    """
    Count the latent variables whose posterior mean depends on the input.

    Parameters
    ----------
    mean : (n, latent) array
        Posterior means.

    Returns
    -------
    count : int
        Variables whose mean has a variance above 0.01 (Burda et al. 2016).
    """
    return int(np.count_nonzero(np.var(mean, axis=0) > ACTIVE_UNIT_VARIANCE))


def _report_activity(active_units, latent, patch_size):
    logger.info("%d px: %d of %d latent units active", patch_size, active_units, latent)
    if not active_units:
        warnings.warn(
            f"posterior collapse: no latent unit of the {patch_size}-pixel "
            "autoencoder depends on its input",
            PosteriorCollapseWarning,
            stacklevel=5,
        )


def _progress(progress_bar, patch_size, n_steps):
    if progress_bar is None:
        return iter
    return functools.partial(
        progress_bar, desc=f"training on {patch_size} px", total=n_steps
    )


def _posteriors(encoder, windows, cells):
    """Embed windows in parts; arrays ``(n, latent)`` of means and variances."""
    with torch.inference_mode():
        parts = [
            encoder(windows[rows, columns].flatten(start_dim=1))
            for rows, columns in (part.T for part in cells.split(WINDOWS_PER_PASS))
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
