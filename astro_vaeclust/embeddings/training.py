# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Training of a variational autoencoder on the windows of one image."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch

from ..validation import check_count, check_number
from .objectives import evidence_lower_bound

__all__ = ["TrainingSettings", "train"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """
    How an autoencoder is trained.

    Parameters
    ----------
    n_steps : int
        Steps of the optimiser.
    batch_size : int
        Windows per step, at most.
    learning_rate : float
        Step size of Adam.

    Raises
    ------
    TypeError, ValueError
        If a setting is not a positive number of its kind.
    """

    n_steps: int = 600
    batch_size: int = 128
    learning_rate: float = 1e-3

    def __post_init__(self):
        check_count("n_steps", self.n_steps)
        check_count("batch_size", self.batch_size)
        check_number("learning_rate", self.learning_rate, low_counts=False)


def train(model, windows, cells, settings, *, latent, generator, progress=iter):
    """
    Minimise the negative evidence lower bound by Adam.

    Parameters
    ----------
    model : `VariationalAutoencoder`
        The model; its parameters change.
    windows : (grid_ny, grid_nx, patch_size, patch_size) tensor
        Windows, a view.
    cells : (n, 2) integer tensor
        Positions in the grid of the windows to learn from.
    settings : `TrainingSettings`
        How to train.
    latent : int
        Dimension of the latent space.
    generator : `torch.Generator`
        Source of batches and noise.
    progress : callable, optional
        Wraps the iterable of steps.
    """
    optimiser = torch.optim.Adam(
        model.parameters(), lr=settings.learning_rate, fused=True
    )
    batches = _endless_batches(len(cells), settings.batch_size, generator)
    for _ in progress(range(settings.n_steps)):
        rows, columns = cells[next(batches)].unbind(dim=1)
        pixels = windows[rows, columns].flatten(start_dim=1)
        noise = torch.randn(len(pixels), latent, generator=generator).to(pixels.device)
        terms = evidence_lower_bound(model, pixels, noise)
        loss = -terms.elbo.mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    logger.debug("negative ELBO of the last batch: %.3f nats", loss.item())


def _endless_batches(n, batch_size, generator):
    """Yield batches of positions, each epoch in a new order."""
    batch_size = min(batch_size, n)
    while True:
        order = torch.randperm(n, generator=generator)
        yield from order[: n - n % batch_size].split(batch_size)
