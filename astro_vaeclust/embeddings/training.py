# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Training of a variational autoencoder on the windows of one image."""

from __future__ import annotations

import logging

import torch

from .objectives import evidence_lower_bound

__all__ = ["cut_windows", "train"]

logger = logging.getLogger(__name__)


def train(
    model,
    windows,
    cells,
    *,
    n_steps,
    batch_size,
    learning_rate,
    latent,
    generator,
    progress=iter,
    objective=evidence_lower_bound,
):
    """
    Maximise the evidence lower bound, or another objective, by Adam.

    ``windows`` is a view ``(grid_ny, grid_nx, patch_size, patch_size)`` and
    ``cells``, ``(n, 2)`` integers, the positions in it of those to learn from, at
    most ``batch_size`` per step; ``progress`` wraps the iterable of steps. Another
    ``objective`` takes and returns what
    `~astro_vaeclust.embeddings.objectives.evidence_lower_bound` does.
    """
    n_samples = getattr(model.divergence, "n_samples", 1)
    batch_size = min(batch_size, len(cells))
    # the loss is the sum over a batch: the steps are those for the mean
    optimiser = torch.optim.Adam(
        model.parameters(),
        lr=learning_rate,
        eps=1e-8 * batch_size,
        fused=True,
    )
    shape = (latent,) if n_samples == 1 else (n_samples, latent)
    batches = _endless_batches(cells, batch_size, shape, generator)
    for _, (batch, noise) in zip(progress(range(n_steps)), batches, strict=False):
        pixels = cut_windows(windows, batch)
        noise = noise.to(pixels.device)
        optimiser.zero_grad()
        objective(model, pixels, noise, generator).elbo.sum().neg().backward()
        optimiser.step()
    if logger.isEnabledFor(logging.DEBUG):
        _log_bound(model, pixels, noise)


def _log_bound(model, pixels, noise):
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)  # that of the training stays
        terms = evidence_lower_bound(model, pixels, noise, generator)
    logger.debug("negative ELBO of the last batch: %.3f nats", -terms.elbo.mean())


def cut_windows(windows, cells):
    """Return a copy of windows at cells, ``(n, patch_size**2)``; see `train`."""
    rows, columns = cells.unbind(dim=1)
    if windows.device.type != "cpu":
        return windows[rows, columns].flatten(start_dim=1)
    # numpy copies whole rows of a window at once, torch pixel by pixel
    cut = windows.numpy()[rows.numpy(), columns.numpy()]
    return torch.from_numpy(cut).flatten(start_dim=1)


def _endless_batches(cells, batch_size, shape, generator):
    """Yield positions and standard normal noise, each epoch in a new order."""
    n_batches = len(cells) // batch_size
    while True:
        order = torch.randperm(len(cells), generator=generator)
        positions = cells[order[: n_batches * batch_size]].split(batch_size)
        noise = torch.randn(n_batches, batch_size, *shape, generator=generator)
        # the axis of the samples precedes that of the windows
        yield from zip(positions, noise.movedim(1, -2), strict=True)
