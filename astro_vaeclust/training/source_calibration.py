# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Calibration of the detector for images that come with a table of point sources."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from ..detector.source_score import SourceCalibration, combined_score, source_excess
from ..images.read import read_image
from ..simulation.design import mock_tile
from ..utils.files import atomic_path
from ..utils.jobs import run_jobs
from ..utils.statistics import fit_logistic
from .rates import (
    MIN_CLUSTERS,
    NullSample,
    fit_calibration,
    null_sample,
    range_of,
)
from .tiles import TrainingTile

__all__ = ["calibrate_with_sources", "find_tile_sources", "sources_file"]

logger = logging.getLogger(__name__)


def sources_file(tile):
    """Return where the sources of the file of a tile are kept (`pathlib.Path`)."""
    tile = Path(tile)
    return tile.with_name(f"{tile.stem}-sources.npy")


def find_tile_sources(tiles, *, survey, workers=1, progress_bar=None):
    """
    Find the sources of calibration tiles, as the catalogue methods do by default.

    The mock tiles are simulated again, and positions in network pixels are kept in
    files beside theirs. What is there already is left alone.

    Parameters
    ----------
    tiles : sequence of path
        Files of `~astro_vaeclust.training.tiles.TrainingTile`, each named by the seed
        of its `~astro_vaeclust.simulation.mock_tile`.
    survey : str
        Tag of the survey that they imitate.
    workers : int
        Processes that do it.
    progress_bar : callable, optional
        Called as ``progress_bar(iterable, desc=..., total=...)``.

    Raises
    ------
    ValueError
        If the name of a file is no seed.
    """
    paths = [Path(tile) for tile in tiles]
    for path in paths:
        if not path.stem.isdecimal():
            raise ValueError(f"tiles must be named by their seeds, got {path.name!r}")
    missing = [path for path in paths if not sources_file(path).exists()]
    find = partial(_find_sources, survey=survey)
    for _ in run_jobs(
        find, missing, workers=workers, progress_bar=progress_bar, desc="sources"
    ):
        pass


def _find_sources(path, *, survey):
    from ..sources.find import find_sources

    image = read_image(mock_tile(int(path.stem), survey=survey).image)
    found = find_sources(image)
    with np.load(path, allow_pickle=False) as stored:
        ratio = stored["scale"].item() / np.sqrt(image.pixel_area.value)
    points = (np.column_stack([found.x, found.y]) + 0.5) / ratio - 0.5
    with atomic_path(sources_file(path), overwrite=True) as temporary:
        np.save(temporary, points)


def calibrate_with_sources(model, tiles, *, progress_bar=None):
    """
    Fit how the score and the excess of sources combine, and the rates of the outcome.

    The coefficients are those of a logistic regression on all candidates of the tiles,
    matched to a true cluster or not; candidates beside a cluster that another one
    matches are left out. Candidates of tiles without clusters give the rates.

    Parameters
    ----------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The model, calibrated for images alone by
        `~astro_vaeclust.training.calibrate.calibrate`; how much more frequent false
        candidates are on the real sky is taken from there.
    tiles : sequence of path
        Files of `~astro_vaeclust.training.tiles.TrainingTile` with those of
        `find_tile_sources` beside them, with and without clusters.
    progress_bar : callable, optional
        Called as ``progress_bar(iterable, desc=..., total=...)``.

    Returns
    -------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The same with a ``source_calibration``. Where the tiles have no sky without
        clusters, or fewer than 20 clusters are among the candidates, it is the model
        as it was, and the log says so.

    Raises
    ------
    FileNotFoundError
        If a tile has no sources beside it.
    """
    paths = list(tiles)
    for path in paths:
        if not sources_file(path).exists():
            raise FileNotFoundError(
                f"tiles: {str(path)!r} has no sources beside it; find_tile_sources "
                "makes them"
            )
    parts = list(
        run_jobs(
            partial(_measured, model),
            paths,
            progress_bar=progress_bar,
            desc="with sources",
        )
    )
    n_matched = tuple(
        sum(int(part.is_cluster.sum()) for part in parts if part.fine == fine)
        for fine in (False, True)
    )
    nulls = [part for part in parts if part.null is not None]
    if sum(n_matched) < MIN_CLUSTERS or not nulls:
        logger.warning(
            "no calibration with sources: %d clusters among the candidates and %d "
            "tiles without clusters",
            sum(n_matched),
            len(nulls),
        )
        return model
    fitted = _fit(parts, n_matched, model.source_calibration)
    if model.calibration is not None:
        rates = replace(fitted.rates, real_sky=model.calibration.real_sky)
        fitted = replace(fitted, rates=rates)
    logger.info(
        "with sources: coefficients %s, from %s clusters",
        fitted.coefficients,
        n_matched,
    )
    return replace(model, source_calibration=fitted)


@dataclass(frozen=True, eq=False)
class _Part:
    """
    What one tile contributes.

    ``scores``, ``excess`` and ``is_cluster`` are ``(n,)``, of the candidates that
    count; ``null`` is what `null_sample` returns of a tile without clusters.
    """

    scores: np.ndarray
    excess: np.ndarray
    is_cluster: np.ndarray
    fine: bool
    null: tuple | None


def _measured(model, path):
    tile = TrainingTile.load(path)
    candidates, conditions = tile.candidates(model.quick_network_for(tile.fine))
    if model.calibration is not None:
        candidates = model.calibration.scored(candidates, tile.fine)
    points = np.load(sources_file(path), allow_pickle=False)
    usable = tile.channels[2].astype(np.float32)
    excess = source_excess(candidates, points, usable, tile.scale)
    is_cluster, counts = tile.matched(candidates)
    no_clusters = not len(tile.clusters)
    return _Part(
        scores=candidates.score[counts],
        excess=excess[counts],
        is_cluster=is_cluster[counts],
        fine=bool(tile.fine),
        null=null_sample(candidates, conditions, tile) if no_clusters else None,
    )


def _fit(parts, n_matched, before):
    """Fit coefficients and rates; where clusters are few, they stay as before."""
    others = before.coefficients if before else (_coefficients(parts),) * 2
    coefficients = tuple(
        _coefficients([part for part in parts if part.fine == fine])
        if n_matched[fine] >= MIN_CLUSTERS
        else others[fine]
        for fine in (False, True)
    )
    combined = [
        combined_score(coefficients[part.fine], part.scores, part.excess)
        for part in parts
    ]
    everything = np.concatenate(combined)
    nulls = [
        (scores, *part.null)
        for scores, part in zip(combined, parts, strict=True)
        if part.null is not None
    ]
    sample = NullSample(*map(np.concatenate, zip(*nulls, strict=True)))
    rates = fit_calibration(
        sample, score_range=range_of(everything), before=before and before.rates
    )
    return SourceCalibration(coefficients, rates, n_matched)


def _coefficients(parts):
    """
    Return intercept and coefficients of score and excess (tuple of float).

    Neither speaks against a cluster: one of which the fit says that has no weight.
    """
    scores, excess, outcome = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("scores", "excess", "is_cluster")
    )
    variables = np.column_stack([scores, excess])
    kept = fit_logistic(variables, outcome)[0][1:] > 0
    found = np.zeros(3)
    found[[True, *kept]] = fit_logistic(variables[:, kept], outcome)[0]
    return tuple(found.tolist())
