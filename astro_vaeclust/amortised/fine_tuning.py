# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Adaptation of a trained model to other tiles."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path

import astropy.units as u
from astropy.utils.exceptions import AstropyUserWarning

from ..inputs import read_image
from ..io import check_output
from ..simulation import MockTile
from ..validation import check_count, check_number
from .grid import NetworkGrid
from .recipe import calibrate
from .tiles import TrainingTile
from .training import TrainingPlan, train_network

__all__ = ["fine_tune"]

LARGEST_SIDE = 320


def fine_tune(
    model,
    tiles,
    output,
    *,
    n_steps,
    learning_rate,
    seed=0,
    device="cpu",
    progress_bar=None,
):
    """
    Go on training a model with other tiles, and write it.

    Parameters
    ----------
    model : `~astro_vaeclust.amortised.weights.TrainedModel`
        The model; it is not changed.
    tiles : sequence of `~astro_vaeclust.simulation.MockTile`
        The tiles.
    output : path
        File for the new model.
    n_steps, learning_rate, seed
        As in `~astro_vaeclust.amortised.training.TrainingPlan`.
    device : str
        Where torch computes.
    progress_bar : callable, optional
        Called as ``progress_bar(iterable, desc=..., total=...)``.

    Returns
    -------
    model : `~astro_vaeclust.amortised.weights.TrainedModel`
        The new model. Its rates are calibrated on the tiles without clusters, its
        errors on those with some; where there are too few, the old ones stay. It is
        not calibrated with point sources any more.

    Raises
    ------
    TypeError
        If a tile is no MockTile.
    ValueError
        If no tile has a cluster, or tiles of sharp and of other images are mixed
        where the model has a network for each.
    """
    check_count("n_steps", n_steps)
    check_number("learning_rate", learning_rate, low_counts=False)
    check_output(output, False)
    tiles = list(tiles)
    for tile in tiles:
        if not isinstance(tile, MockTile):
            raise TypeError(f"tiles takes mock tiles, got {type(tile).__name__}")
    if not any(len(tile.clusters) for tile in tiles):
        raise ValueError(f"tiles must have a cluster, got {len(tiles)} without one")
    name, settings = _network_to_tune(model, tiles), model.network.settings
    plan = TrainingPlan(
        n_steps=n_steps,
        learning_rate=float(learning_rate),
        seed=seed,
        side=LARGEST_SIDE,
        network=settings,
    )
    with tempfile.TemporaryDirectory() as folder:
        paths = _save(tiles, Path(folder), settings.fine_scale)
        network = train_network(
            plan,
            paths,
            Path(folder),
            start=getattr(model, name),
            device=device,
            progress=progress_bar and partial(progress_bar, desc="fine-tuning"),
        )
        adapted = replace(
            model,
            **{name: network.cpu()},
            source_calibration=None,
            training=model.training
            | {"fine_tuned": {"n_tiles": len(tiles), "n_steps": n_steps}},
        )
        adapted = calibrate(adapted, paths)
    if all(len(tile.clusters) for tile in tiles):
        warnings.warn(
            "all tiles have clusters: false-alarm rates stay those of the model "
            "before, and are right no longer",
            AstropyUserWarning,
            stacklevel=3,
        )
    adapted.save(output)
    return adapted


def _network_to_tune(model, tiles):
    """Return the name of the network that sees the tiles (str)."""
    if model.fine_network is None:
        return "network"
    fine_scale = model.network.settings.fine_scale
    scales = [read_image(tile.image).pixel_scale for tile in tiles]
    kinds = {
        NetworkGrid.of_pixel_scale(s.to_value(u.arcsec / u.pix), fine_scale).is_fine
        for s in scales
    }
    if len(kinds) > 1:
        raise ValueError(
            "tiles must all be of sharp images or none of them, as each kind has a "
            f"network of its own; got pixels of {min(scales):.2f} and {max(scales):.2f}"
        )
    return "fine_network" if kinds == {True} else "network"


def _save(tiles, folder, fine_scale):
    paths = []
    for number, tile in enumerate(tiles):
        paths.append(folder / f"{number}.npz")
        TrainingTile.of_mock(tile, fine_scale).save(paths[-1])
    return paths
