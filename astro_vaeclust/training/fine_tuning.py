# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Adaptation of a trained model to other tiles."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import astropy.units as u
from astropy.utils.exceptions import AstropyUserWarning

from ..detector.embedding import ConvVAE
from ..detector.grid import NetworkGrid
from ..images.read import read_image
from ..simulation import MockTile
from ..utils.files import check_output
from ..utils.validation import check_count, check_number
from ..utils.warning import warn
from .calibrate import calibrate
from .loop import TrainingPlan, train_network
from .tiles import TrainingTile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from ..finder import VAEClusterFinder

__all__ = ["fine_tune"]

LARGEST_SIDE = 320


def fine_tune(
    finder: VAEClusterFinder,
    tiles: Sequence[MockTile],
    output: str | PathLike,
    *,
    n_steps: int = 500,
    learning_rate: float = 3e-4,
) -> VAEClusterFinder:
    """
    Adapt the trained model of a finder to other tiles, such as those of a survey.

    Parameters
    ----------
    finder : `~astro_vaeclust.VAEClusterFinder`
        A finder with a trained embedding; its seed, device and progress bar are used.
    tiles : sequence of `~astro_vaeclust.simulation.MockTile`
        Tiles with known clusters, made by `~astro_vaeclust.simulation.simulate_tile`
        or, better, by `~astro_vaeclust.simulation.inject_cluster` on tiles of the
        survey. Those without clusters recalibrate the false-alarm rates, and should
        be several square degrees; without any, the rates no longer hold and are NaN,
        with a warning. Where there are too few clusters, the old errors stay.
    output : str or path-like
        File for the adapted model, ``.pt``; it must not exist. The model is not
        calibrated with point sources any more.
    n_steps : int
        Updates of the network, of eight squares each.
    learning_rate : float
        The highest learning rate; a tenth of that of the training is gentle.

    Returns
    -------
    finder : `~astro_vaeclust.VAEClusterFinder`
        The same settings with the adapted model; without a limit of false-alarm rates
        where it states none.

    Raises
    ------
    TypeError
        If a tile is no MockTile.
    ValueError
        If the embedding is not a trained one, there are no tiles with clusters, or
        tiles of fine images, with pixels below 0.7", are mixed with others.
    OSError
        If the file exists or cannot be written.

    Warns
    -----
    `~astropy.utils.exceptions.AstropyUserWarning`
        If no tile without clusters is of the kind of images that are tuned.

    Examples
    --------
    Clusters on real tiles adapt the network, empty ones state its rates::

        tiles = [inject_cluster(image, survey="vvv-ks", seed=n) for n in range(50)]
        tiles += [simulate_tile(survey="vvv-ks", seed=n) for n in range(200)]
        finder = fine_tune(VAEClusterFinder(), tiles, "tuned.pt")
    """
    model = finder.trained_model
    if model is None:
        raise ValueError(
            f"embedding must be a trained one, got {finder.embedding!r}, which "
            "learns on each image"
        )
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
        seed=finder.seed,
        side=LARGEST_SIDE,
        network=settings,
    )
    bar = finder.progress_bar
    with tempfile.TemporaryDirectory() as folder:
        paths = _save(tiles, Path(folder), settings.fine_scale)
        network = train_network(
            plan,
            paths,
            Path(folder),
            start=getattr(model, name),
            device=finder.device,
            progress=bar and partial(bar, desc="fine-tuning"),
        )
        adapted = replace(
            model,
            **{name: network.cpu()},
            source_calibration=None,
            color=None,
            color_calibrations={},
            training=model.training
            | {"fine_tuned": {"n_tiles": len(tiles), "n_steps": n_steps}},
        )
        adapted = calibrate(adapted, paths)
    stale = _stale_kinds(model, name, tiles)
    for fine in stale:
        calibration = adapted.calibration.without_rates(fine)
        adapted = replace(adapted, calibration=calibration)
    adapted.save(output)
    finder = replace(finder, embedding=ConvVAE(model=output))
    if not stale & {_is_fine(tile, model) for tile in tiles}:
        return finder
    warn(
        "no tile without clusters states the false-alarm rates, which are NaN now; "
        "max_false_alarm_rate of the finder is None",
        AstropyUserWarning,
    )
    return replace(finder, max_false_alarm_rate=None)


def _stale_kinds(model, name, tiles):
    """Return whether images are fine for which the rates no longer hold (set)."""
    tuned = {False, True} if model.fine_network is None else {name == "fine_network"}
    empty = [tile for tile in tiles if not len(tile.clusters)]
    return tuned - {_is_fine(tile, model) for tile in empty}


def _is_fine(tile, model):
    scale = read_image(tile.image).pixel_scale.to_value(u.arcsec / u.pix)
    return bool(NetworkGrid.from_pixel_scale(scale, model.fine_scale).is_fine)


def _network_to_tune(model, tiles):
    """Return the name of the network that sees the tiles (str)."""
    if model.fine_network is None:
        return "network"
    kinds = {_is_fine(tile, model) for tile in tiles}
    if len(kinds) > 1:
        scales = [read_image(tile.image).pixel_scale for tile in tiles]
        raise ValueError(
            "tiles must all be of fine images or none of them, as each kind has a "
            f"network of its own; got pixels of {min(scales):.2f} and {max(scales):.2f}"
        )
    return "fine_network" if kinds == {True} else "network"


def _save(tiles, folder, fine_scale):
    paths = []
    for number, tile in enumerate(tiles):
        paths.append(folder / f"{number}.npz")
        TrainingTile.from_mock(tile, fine_scale).save(paths[-1])
    return paths
