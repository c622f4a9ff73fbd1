# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
How a model is made: tiles, training, calibration, each of which can be resumed.

The seeds of training tiles, of clusters that are painted on real tiles, and of the
tiles of the calibration are disjoint and below 100 000; evaluations begin at 1 000 000.
"""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from astropy.nddata import CCDData

from ..detector.grid import FINE
from ..detector.model import TrainedModel, in_half_precision
from ..images.read import read_image
from ..photometry.surveys import get_survey
from ..simulation.design import mock_tile
from ..utils.files import ResultFolder
from ..utils.jobs import run_jobs
from ..utils.provenance import describe, origin
from .calibrate import calibrate, real_sky_factor
from .colors import fit_color_score
from .level_calibration import calibrate_colors, calibrate_on_skies
from .loop import train_network
from .recipe import CALIBRATION_SEED, INJECTION_SEED
from .source_calibration import calibrate_with_sources, find_tile_sources
from .tiles import TrainingTile, inject_tile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike

    from .recipe import Recipe

__all__ = ["make_model"]

logger = logging.getLogger(__name__)

BARE = "{survey}-bare"
"""Folder of calibration tiles whose clusters have lost their clouds."""

REAL = "real"
"""Folder of real tiles with painted clusters."""

INJECTIONS = 40
"""Clusters that are painted on each real tile, each on a copy of its own."""


def make_model(
    recipe: Recipe,
    folder: str | PathLike,
    *,
    start: TrainedModel | None = None,
    real_images: Sequence[str | PathLike] = (),
    workers: int = 1,
    device: str = "cpu",
    progress_bar: Callable | None = None,
) -> TrainedModel:
    """
    Make tiles, train on them, and calibrate; what is there already is used.

    Parameters
    ----------
    recipe : `~astro_vaeclust.training.recipe.Recipe`
        What to do.
    folder : path
        Where tiles, checkpoints and curves are kept.
    start : `~astro_vaeclust.detector.model.TrainedModel`, optional
        Model whose networks the stages go on with, and which keeps what they and the
        surveys of the calibration do not determine. Coarser levels are searched for the
        kinds of images of these surveys alone.
    real_images : sequence of path
        FITS tiles of 2MASS Ks without known clusters, on which clusters are painted.
    workers : int
        Processes that make tiles.
    device : str
        Where torch computes.
    progress_bar : callable, optional
        Called as ``progress_bar(iterable, desc=..., total=...)``.

    Returns
    -------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The model.

    Raises
    ------
    ValueError
        If the folder holds tiles or checkpoints of other settings, or the first stage
        goes on with a network and there is no ``start``.
    """
    folder = Path(folder)
    _check_start(recipe, start)
    files = _make_tiles(
        recipe,
        folder,
        real_images,
        start=start,
        workers=workers,
        progress_bar=progress_bar,
    )
    network, fine_network = start and start.network, start and start.fine_network
    in_one_band = [stage for stage in recipe.stages if not stage.in_color]
    for stage in in_one_band:
        trained = fine_network if stage.fine_only and fine_network else network
        for name, plan in stage.plans.items():
            trained = train_network(
                plan,
                [path for own in (stage.name, *stage.tiles_of) for path in files[own]],
                folder / name,
                real_tiles=() if stage.fine_only else files[REAL],
                start=trained,
                device=device,
                progress=progress_bar and partial(progress_bar, desc=name),
            )
        if stage.fine_only:
            fine_network = trained
        else:
            network = trained
    history = describe(recipe)
    history["real_tiles"] = [Path(path).name for path in real_images]
    for name in ("stages", "calibration_surveys", "real_tiles"):
        before = start.training.get(name, []) if start else []
        history[name] = [*before, *(one for one in history[name] if one not in before)]
    model = TrainedModel(
        network=in_half_precision(network.cpu()),
        fine_network=fine_network and in_half_precision(fine_network.cpu()),
        training=origin() | history,
        **_kept_calibrations(recipe, start),
    )
    if start and not in_one_band:
        model = replace(
            model, color=start.color, color_calibrations=start.color_calibrations
        )
    with_jobs = {"workers": workers, "progress_bar": progress_bar}
    model = _in_one_band(recipe, model, folder, files, real_images, with_jobs)
    return _in_colors(recipe, model, folder, files, with_jobs)


def _kept_calibrations(recipe, start):
    """Return the calibrations of a start, without rates of what is trained (dict)."""
    rates = start and start.calibration
    with_sources = start and start.source_calibration
    scales = [get_survey(tag).pixel_scale for tag in recipe.calibration_surveys]
    calibrated = {scale < FINE for scale in scales}
    for fine in _trained(recipe, start):
        if rates and fine not in calibrated:
            rates = rates.without_rates(fine)
        if with_sources:
            unknown = with_sources.rates.without_rates(fine)
            with_sources = replace(with_sources, rates=unknown)
    return {"calibration": rates, "source_calibration": with_sources}


def _trained(recipe, start):
    """Return whether images that are fine, and others, get another network (set)."""
    trained = {stage.fine_only for stage in recipe.stages if not stage.in_color}
    if trained and not (start and start.fine_network):
        trained.add(True)
    return trained


def _in_colors(recipe, model, folder, files, with_jobs):
    """Learn the score in several bands from the tiles in colour, and calibrate it."""
    tiles = [
        path for stage in recipe.stages if stage.in_color for path in files[stage.name]
    ]
    if not tiles:
        return model
    model = fit_color_score(model, tiles, **with_jobs)
    return calibrate_colors(
        model, recipe.color_skies, folder / "color-calibration", **with_jobs
    )


def _in_one_band(recipe, model, folder, files, real_images, with_jobs):
    """Calibrate a model for one band."""
    progress_bar = with_jobs["progress_bar"]
    if not recipe.calibration_surveys:
        return model
    tiles = [
        path
        for survey in recipe.calibration_surveys
        for path in (*files[survey], *files[BARE.format(survey=survey)])
    ]
    model = calibrate(model, tiles, progress_bar=progress_bar)
    model = calibrate_on_skies(
        model, recipe.level_skies, folder / "levels-calibration", **with_jobs
    )
    if real_images:
        images = (read_image(_real_tile(path)) for path in real_images)
        calibration = replace(
            model.calibration, real_sky=real_sky_factor(model, images)
        )
        model = replace(model, calibration=calibration)
    return _with_sources(recipe, model, folder, **with_jobs)


def _check_start(recipe, start):
    """Raise ValueError if the stages cannot go on with the networks of a start."""
    stage = recipe.stages[0]
    goes_on = stage.plan.averaged or stage.plan.mined or stage.in_color
    if start is None and (stage.fine_only or goes_on):
        raise ValueError(
            f"start must be a model, since stage {stage.name!r} goes on with a network"
        )
    for stage in recipe.stages:
        if start and not stage.in_color:
            stage.plan.check_start(start.network)
    kept = {False, True} - _trained(recipe, start)
    if start and kept and start.fine_scale != recipe.fine_scale:
        raise ValueError(
            f"start bins fine images to {start.fine_scale:g} arcsec, and stages to "
            f"{recipe.fine_scale:g}; then all of its networks must be trained"
        )


def _make_tiles(
    recipe, folder, real_images, *, start=None, workers=1, progress_bar=None
):
    """Make the tiles that are missing; return the files of all by kind (dict)."""
    jobs = {
        stage.name: [
            (stage.draw_tile, seed) for seed in _range(stage.first_seed, stage.n_tiles)
        ]
        for stage in recipe.stages
    }
    settings = {s.name: s.tile_settings for s in recipe.stages if s.n_tiles}
    for survey in recipe.calibration_surveys:
        for name, clouds, seeds in (
            (survey, True, _calibration_seeds(recipe.n_nulls)),
            (BARE.format(survey=survey), False, _cluster_seeds(recipe.n_bare)),
        ):
            settings[name] = {"survey": survey, "clouds": clouds}
            settings[name]["fine_scale"] = recipe.fine_scale
            draw = partial(_mock_tile, **settings[name])
            jobs[name] = [(draw, seed) for seed in seeds]
    jobs[REAL] = []
    for number, path in enumerate(real_images):
        with open(os.path.expanduser(path), "rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        settings[f"{REAL} {number}"] = {
            "image": Path(path).name,
            "digest": content[:16],
            "fine_scale": recipe.fine_scale,
        }
        draw = partial(_injected_tile, path=path, fine_scale=recipe.fine_scale)
        seeds = _range(INJECTION_SEED + INJECTIONS * number, INJECTIONS)
        jobs[REAL] += [(draw, seed) for seed in seeds]
    # refuses tiles of other settings, and checkpoints from another start
    ResultFolder(folder, {"start": start.identity} if start else {}, settings)
    files, missing = {}, []
    for name, drawn in jobs.items():
        (folder / name).mkdir(exist_ok=True)
        files[name] = [folder / name / f"{seed}.npz" for _, seed in drawn]
        pairs = zip(drawn, files[name], strict=True)
        missing += [(*job, path) for job, path in pairs if not path.exists()]
    for _ in run_jobs(
        _save_tile, missing, workers=workers, progress_bar=progress_bar, desc="tiles"
    ):
        pass
    return files


def _save_tile(job):
    draw, seed, path = job
    draw(seed).save(path)


def _mock_tile(seed, *, survey, fine_scale, clouds):
    tile = mock_tile(seed, survey=survey, clouds=clouds)
    return TrainingTile.from_mock(tile, fine_scale)


def _injected_tile(seed, *, path, fine_scale):
    return inject_tile(_real_tile(path), seed, fine_scale=fine_scale)


def _real_tile(path):
    image = CCDData.read(path, unit="adu")
    image.mask = ~np.isfinite(image.data)
    return image


def _with_sources(recipe, model, folder, *, workers, progress_bar):
    """Find the sources of some calibration tiles, and calibrate with them."""
    seeds = [
        *_null_seeds(min(recipe.n_source_nulls, recipe.n_nulls)),
        *_cluster_seeds(recipe.n_nulls)[: recipe.n_source_clusters],
    ]
    if not seeds:
        return model
    tiles = []
    for survey in recipe.calibration_surveys:
        here = [folder / survey / f"{seed}.npz" for seed in seeds]
        find_tile_sources(
            here, survey=survey, workers=workers, progress_bar=progress_bar
        )
        tiles += here
    return calibrate_with_sources(model, tiles, progress_bar=progress_bar)


def _range(first, number):
    return range(first, first + number)


def _calibration_seeds(n_nulls):
    """Seeds of calibration tiles: odd ones have no cluster, see `mock_tile`."""
    return [*_null_seeds(n_nulls), *_cluster_seeds(n_nulls)]


def _null_seeds(n_nulls):
    return _range(CALIBRATION_SEED, 2 * n_nulls)[1::2]


def _cluster_seeds(n_nulls):
    return _range(CALIBRATION_SEED, 2 * n_nulls)[::2]
