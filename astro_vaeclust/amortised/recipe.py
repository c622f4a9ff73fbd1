# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
How a model is made: tiles, training, calibration, each resumable.

The seeds of training tiles, of clusters that are painted on real tiles, and of the
tiles of the calibration are disjoint and below 100 000; evaluations begin at 1 000 000.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
from astropy.nddata import CCDData

from ..evaluation.matching import MATCH_RADIUS
from ..evaluation.tiles import mock_tile
from ..evaluation.workers import run_jobs
from ..inputs import read_image
from .calibration import (
    NullSample,
    fit_calibration,
    null_sample,
    range_of,
    usable_candidates,
)
from .candidate_score import HEIGHT_ALONE, cluster_logit, fit_score, score_terms
from .inference import run_network
from .measure_errors import calibrate_errors
from .network import CELL
from .point_sources import calibrate_with_sources, find_tile_sources
from .real_sky import real_sky_factor
from .tiles import TrainingTile, inject_tile
from .training import train_network
from .weights import TrainedModel, in_half_precision

__all__ = ["calibrate", "make_model"]

logger = logging.getLogger(__name__)

INJECTION_SEED, CALIBRATION_SEED = 30_000, 60_000

BARE = "{survey}-bare"
"""Folder of calibration tiles whose clusters have lost their clouds."""

REAL = "real"
"""Folder of real tiles with painted clusters."""

INJECTIONS = 40
"""Clusters that are painted on each real tile, each on a copy of its own."""

LEAST_PAIRS = 20
"""Clusters that must be found for their errors to be calibrated."""

ERRORS = ("biases", "error_factors", "error_floors")
"""What of a `Calibration` the clusters tell."""

CONFIDENT = 0.0
"""Logit from which on the errors of a candidate are calibrated."""


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
    recipe : `~astro_vaeclust.amortised.stages.Recipe`
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
    files = _make_tiles(
        recipe, folder, real_images, workers=workers, progress_bar=progress_bar
    )
    network = fine_network = None
    for stage in recipe.stages:
        start = fine_network if stage.fine_only and fine_network else network
        trained = train_network(
            stage.plan,
            [path for name in (stage.name, *stage.tiles_of) for path in files[name]],
            folder / stage.name,
            real_tiles=() if stage.fine_only else files[REAL],
            start=start,
            device=device,
            progress=progress_bar and partial(progress_bar, desc=stage.name),
        )
        if stage.fine_only:
            fine_network = trained
        else:
            network = trained
    model = TrainedModel(
        network=in_half_precision(network.cpu()),
        fine_network=fine_network and in_half_precision(fine_network.cpu()),
        calibration=None,
        training=asdict(recipe) | {"real_tiles": [Path(p).name for p in real_images]},
    )
    tiles = [
        path
        for survey in recipe.calibration_surveys
        for path in (*files[survey], *files[BARE.format(survey=survey)])
    ]
    model = calibrate(model, tiles, progress_bar=progress_bar)
    factor = real_sky_factor(model, (read_image(_real_tile(p)) for p in real_images))
    model = replace(model, calibration=replace(model.calibration, real_sky=factor))
    return _with_sources(
        recipe, model, folder, workers=workers, progress_bar=progress_bar
    )


def _make_tiles(recipe, folder, real_images, *, workers, progress_bar):
    """Make the tiles that are missing; return the files of all by folder (dict)."""
    jobs = {
        stage.name: [
            (stage.draw_tile, seed) for seed in _range(stage.first_seed, stage.n_tiles)
        ]
        for stage in recipe.stages
    }
    fine_scale = recipe.fine_scale
    for survey in recipe.calibration_surveys:
        draw = partial(_mock_tile, survey=survey, fine_scale=fine_scale)
        jobs[survey] = [(draw, seed) for seed in _calibration_seeds(recipe.n_nulls)]
        jobs[BARE.format(survey=survey)] = [
            (partial(draw, clouds=False), seed)
            for seed in _cluster_seeds(recipe.n_bare)
        ]
    jobs[REAL] = [
        (
            partial(_injected_tile, path=path, fine_scale=fine_scale),
            INJECTION_SEED + INJECTIONS * number + copy,
        )
        for number, path in enumerate(real_images)
        for copy in range(INJECTIONS)
    ]
    files = {
        name: [folder / name / f"{seed}.npz" for _, seed in drawn]
        for name, drawn in jobs.items()
    }
    missing = [
        (draw, seed, path)
        for name, drawn in jobs.items()
        for (draw, seed), path in zip(drawn, files[name], strict=True)
        if not path.exists()
    ]
    for name in files:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for _ in run_jobs(
        _save_tile, missing, workers=workers, progress_bar=progress_bar, desc="tiles"
    ):
        pass
    return files


def _save_tile(job):
    draw, seed, path = job
    draw(seed).save(path)


def _mock_tile(seed, *, survey, fine_scale, clouds=True):
    tile = mock_tile(seed, survey=survey, clouds=clouds)
    return TrainingTile.of_mock(tile, fine_scale)


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
    nulls, outcomes, pairs = [], ([], []), ([], [])
    for path in wrapped:
        tile = TrainingTile.load(path)
        channels = tile.channels.astype(np.float32)
        maps = run_network(model.quick_network_for(tile.fine), channels)
        candidates, conditions = usable_candidates(maps, channels)
        fine = int(tile.fine)
        outcomes[fine].append(_outcomes(candidates, tile))
        if len(tile.clusters):
            pairs[fine].append(_pairs(candidates, tile))
        else:
            sample = null_sample(candidates, conditions, tile)
            nulls.append((candidates, fine, sample))
    calibration = model.calibration
    if nulls:
        calibration = _rates(nulls, outcomes, calibration)
        areas = [intensity.area for intensity in calibration.intensities]
        logger.info("calibrated on %.2f deg2, and %.2f of sharp images", *areas)
    elif calibration is None:
        raise ValueError("tiles must have some without clusters, got none")
    before = model.calibration or calibration
    errors = [_errors(pairs[fine], before, fine) for fine in (False, True)]
    corrections = dict(zip(ERRORS, zip(*errors, strict=True), strict=True))
    calibration = replace(calibration, **corrections)
    return replace(model, calibration=calibration)


def _outcomes(candidates, tile):
    """Return height, radius, and whether it is a cluster, of those that count."""
    is_cluster, counts = tile.matched(candidates)
    log_r50 = candidates.measures["log_r50"]
    return np.column_stack([candidates.score, log_r50, is_cluster])[counts]


def _rates(nulls, outcomes, before):
    """
    Fit scores and their rates.

    Scores of fine images stay as before where clusters are few, or no sky without
    clusters tells their rates.

    On coarse images, the score is the height alone: candidates on real 2MASS tiles are
    smaller than on mock ones, and small ones would be trusted too much.
    """
    of_fine, real_sky = HEIGHT_ALONE, 1.0
    if before is not None:
        of_fine, real_sky = before.score_coefficients[True], before.real_sky
    if any(fine for _, fine, _ in nulls):
        of_fine = fit_score(*np.concatenate(outcomes[True]).T) or of_fine
    coefficients = HEIGHT_ALONE, of_fine
    parts = [
        (cluster_logit(candidates, coefficients[fine]), *sample)
        for candidates, fine, sample in nulls
    ]
    sample = NullSample(*map(np.concatenate, zip(*parts, strict=True)))
    everything = [
        score_terms(*np.concatenate(rows).T[:2]) @ chosen
        for rows, chosen in zip(outcomes, coefficients, strict=True)
        if rows
    ]
    calibration = fit_calibration(
        sample, score_range=range_of(np.concatenate(everything)), before=before
    )
    return replace(calibration, score_coefficients=coefficients, real_sky=real_sky)


def _errors(pairs, before, fine):
    """Return what corrects measures and errors, as before where pairs are few."""
    pairs = np.concatenate(pairs) if pairs else []
    if len(pairs) >= LEAST_PAIRS:
        return calibrate_errors(pairs)
    return [getattr(before, name)[int(fine)] for name in ERRORS]


def _range(first, number):
    return range(first, first + number)


def _calibration_seeds(n_nulls):
    """Seeds of calibration tiles: odd ones have no cluster, see `mock_tile`."""
    return [*_null_seeds(n_nulls), *_cluster_seeds(n_nulls)]


def _null_seeds(n_nulls):
    return _range(CALIBRATION_SEED, 2 * n_nulls)[1::2]


def _cluster_seeds(n_nulls):
    return _range(CALIBRATION_SEED, 2 * n_nulls)[::2]


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
