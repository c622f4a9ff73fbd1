# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
How a model is made: tiles, training, calibration, each resumable.

The seeds of training tiles, of clusters that are painted on real tiles, and of the
tiles of the calibration are disjoint and below 100 000; evaluations begin at 1 000 000.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from astropy.nddata import CCDData

from ..evaluation.matching import MATCH_RADIUS
from ..evaluation.workers import run_jobs
from ..simulation import SURVEYS
from .calibration import (
    NullSample,
    calibrate_errors,
    fit_calibration,
    local_conditions,
)
from .candidates import LEAST_USABLE, find_candidates
from .inference import run_network
from .network import CELL
from .tiles import TrainingTile, draw_tile, inject_tile
from .training import TrainingPlan, train_network
from .weights import TrainedModel

__all__ = ["Recipe", "calibrate", "make_model"]

logger = logging.getLogger(__name__)

TRAINING_SEED, INJECTION_SEED, HARD_SEED, CALIBRATION_SEED = (
    20_000,
    30_000,
    40_000,
    60_000,
)
MOCK = ("train", "hard")
"""Kinds of mock tiles to train with, which are also their folders."""

INJECTIONS = 40
"""Clusters that are painted on each real tile, each on a copy of its own."""

LEAST_PAIRS = 20
"""Clusters that must be found for their errors to be calibrated."""

CONFIDENT = 0.0
"""Logit from which on the errors of a candidate are calibrated."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """
    What goes into a model.

    Parameters
    ----------
    surveys : tuple of str
        Tags of the surveys that the training tiles imitate.
    calibration_surveys : tuple of str
        Tags of the surveys that the calibration tiles imitate.
    n_tiles : int
        Mock tiles to train with.
    n_hard_tiles : int
        Mock tiles to train on with, which have more of the hardest nulls.
    n_nulls : int
        Tiles without a cluster per survey of the calibration; half as many with one.
    plan : `~astro_vaeclust.amortised.training.TrainingPlan`
        How the network is trained.
    hard_plan : `~astro_vaeclust.amortised.training.TrainingPlan`
        How it is trained on with the hard tiles, if there are some.
    """

    surveys: tuple[str, ...] = (
        "2mass-j",
        "2mass-h",
        "2mass-ks",
        "2mass-ks",
        "ukidss-k",
        "ukidss-k",
    )
    calibration_surveys: tuple[str, ...] = ("2mass-ks", "ukidss-k")
    n_tiles: int = 4800
    n_hard_tiles: int = 1600
    n_nulls: int = 800
    plan: TrainingPlan = field(default_factory=TrainingPlan)
    hard_plan: TrainingPlan = field(
        default_factory=lambda: TrainingPlan(n_steps=1600, learning_rate=7e-4, seed=1)
    )


def make_model(
    recipe,
    folder,
    *,
    real_images=(),
    workers=1,
    device="cpu",
    progress_bar=None,
):
    """
    Make tiles, train on them, and calibrate; what is there already is used.

    Parameters
    ----------
    recipe : `Recipe`
        What to do.
    folder : path
        Where tiles, checkpoint and curves are kept.
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
    model : `~astro_vaeclust.amortised.weights.TrainedModel`
        The model.
    """
    folder = Path(folder)
    make = partial(_make_tile, recipe)
    jobs = [
        *(("train", seed) for seed in _range(TRAINING_SEED, recipe.n_tiles)),
        *(("hard", seed) for seed in _range(HARD_SEED, recipe.n_hard_tiles)),
        *(
            (survey, seed)
            for survey in recipe.calibration_surveys
            for seed in _calibration_seeds(recipe.n_nulls)
        ),
        *(
            (str(path), INJECTION_SEED + INJECTIONS * number + copy)
            for number, path in enumerate(real_images)
            for copy in range(INJECTIONS)
        ),
    ]
    files = [(kind, seed, _tile_path(folder, kind, seed)) for kind, seed in jobs]
    missing = [job for job in files if not job[2].exists()]
    for path in {path.parent for *_, path in missing}:
        path.mkdir(parents=True, exist_ok=True)
    for _ in run_jobs(
        make, missing, workers=workers, progress_bar=progress_bar, desc="tiles"
    ):
        pass
    mock, hard = ([path for kind, _, path in files if kind == name] for name in MOCK)
    chosen = (*recipe.calibration_surveys, *MOCK)
    train = partial(
        train_network,
        real_tiles=[path for kind, _, path in files if kind not in chosen],
        device=device,
        progress=progress_bar and partial(progress_bar, desc="training"),
    )
    network = train(recipe.plan, mock, folder)
    if hard:
        network = train(recipe.hard_plan, hard, folder / "hard", start=network)
    model = TrainedModel(
        network=network.cpu(),
        calibration=None,
        training=asdict(recipe) | {"real_tiles": [Path(p).name for p in real_images]},
    )
    tiles = [path for kind, _, path in files if kind in recipe.calibration_surveys]
    return calibrate(model, tiles, progress_bar=progress_bar)


def calibrate(model, tiles, *, progress_bar=None):
    """
    Measure the rates of false alarms and the errors of a model.

    Parameters
    ----------
    model : `~astro_vaeclust.amortised.weights.TrainedModel`
        The model.
    tiles : sequence of path
        Files of `~astro_vaeclust.amortised.tiles.TrainingTile`: those without
        clusters tell the rates, those with some the errors.
    progress_bar : callable, optional
        Called as ``progress_bar(iterable, desc=..., total=...)``.

    Returns
    -------
    model : `~astro_vaeclust.amortised.weights.TrainedModel`
        The same with a calibration; what the tiles do not tell stays as it was.

    Raises
    ------
    ValueError
        If the model has no calibration, and no tile is without clusters.
    """
    paths = list(tiles)
    wrapped = progress_bar(paths, desc="calibration") if progress_bar else paths
    nulls, pairs = [], []
    for path in wrapped:
        tile = TrainingTile.load(path)
        maps = run_network(model.quick_network, tile.channels.astype(np.float32))
        candidates, conditions = _candidates(maps, tile)
        if len(tile.clusters):
            pairs.append(_pairs(candidates, tile))
        else:
            nulls.append(_null(candidates, conditions, tile))
    calibration = model.calibration
    if nulls:
        parts = zip(*nulls, strict=True)
        calibration = fit_calibration(NullSample(*map(np.concatenate, parts)))
        logger.info("calibrated on %.2f deg2", calibration.area)
    elif calibration is None:
        raise ValueError("tiles must have some without clusters, got none")
    pairs = np.concatenate(pairs) if pairs else []
    if len(pairs) >= LEAST_PAIRS:
        biases, factors = calibrate_errors(pairs)
        calibration = replace(calibration, biases=biases, error_factors=factors)
    elif model.calibration is not None:
        calibration = replace(
            calibration,
            biases=model.calibration.biases,
            error_factors=model.calibration.error_factors,
        )
    return replace(model, calibration=calibration)


def _range(first, number):
    return range(first, first + number)


def _calibration_seeds(n_nulls):
    """Seeds of calibration tiles: odd ones have no cluster, see `mock_tile`."""
    nulls = _range(CALIBRATION_SEED, 2 * n_nulls)[1::2]
    return [*nulls, *_range(CALIBRATION_SEED, n_nulls)[::2]]


def _tile_path(folder, kind, seed):
    name = kind if kind in (*MOCK, *SURVEYS) else "real"
    return folder / name / f"{seed}.npz"


def _make_tile(recipe, job):
    kind, seed, path = job
    if kind in MOCK:
        tile = draw_tile(seed, surveys=recipe.surveys, hard=kind == "hard")
    elif kind in SURVEYS:
        tile = _calibration_tile(kind, seed)
    else:
        tile = inject_tile(_read_real(kind), seed)
    tile.save(path)


def _calibration_tile(survey, seed):
    """Simulate a tile as in evaluations; fine surveys with pixels of 0.4 arcsec."""
    from ..evaluation import mock_tile

    survey, shape = SURVEYS[survey], None
    if survey.pixel_scale < 0.3:
        noise = tuple(2 * value for value in survey.white_noise)
        survey = replace(survey, pixel_scale=2 * survey.pixel_scale, white_noise=noise)
        shape = (1200, 1200)
    return TrainingTile.of_mock(mock_tile(seed, survey=survey, shape=shape))


def _read_real(path):
    image = CCDData.read(path, unit="adu")
    image.mask = ~np.isfinite(image.data)
    return image


def _candidates(maps, tile):
    crowding, usable = local_conditions(tile.channels.astype(np.float32))
    candidates = find_candidates(maps)
    kept = np.flatnonzero(usable[tuple(candidates.cells.T)] >= LEAST_USABLE)
    return candidates[kept], (crowding, usable)


def _null(candidates, conditions, tile):
    """Return scores, crowding, binned, and the exposure of a tile without clusters."""
    crowding, usable = conditions
    seen = usable >= LEAST_USABLE
    binned = float(tile.binned)
    area = (CELL * tile.scale / 3600) ** 2
    exposure = np.column_stack(
        [crowding[seen], np.full(seen.sum(), binned), area * usable[seen]]
    )
    return (
        candidates.score,
        crowding[tuple(candidates.cells.T)],
        np.full(len(candidates), binned),
        exposure,
    )


def _pairs(candidates, tile):
    """Return (measured - true, stated error) of the matched clusters, (n, 2, 5)."""
    rows = []
    for x, y, r50, r80, members in tile.clusters:
        distances = np.hypot(candidates.x - x, candidates.y - y)
        near = np.flatnonzero(
            distances < max(r50, MATCH_RADIUS.to_value("arcsec") / tile.scale)
        )
        if not len(near) or candidates.score[near].max() < CONFIDENT:
            continue
        best = near[candidates.score[near].argmax()]
        row, column = candidates.cells[best]
        truth = {
            "dx": (x + 0.5) / CELL - 0.5 - column,
            "dy": (y + 0.5) / CELL - 0.5 - row,
            "log_r50": np.log10(r50),
            "log_r80": np.log10(r80),
            "log_members": np.log10(max(members, 1)),
        }
        rows.append(
            [
                [candidates.measures[name][best] - truth[name] for name in truth],
                [candidates.errors[name][best] for name in truth],
            ]
        )
    return np.array(rows).reshape(-1, 2, 5)
