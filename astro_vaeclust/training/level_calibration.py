# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Calibration of the levels that are coarser than the finest."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..detector.calibration import SCORES, LevelCalibration
from ..detector.candidates import MIN_USABLE
from ..detector.grid import NetworkGrid, NetworkImage
from ..detector.levels import LevelSearch, on_level
from ..detector.network import CELL, MEASURES
from ..images.read import read_image
from .calibrate import MIN_PAIRS, calibrate_errors
from .rates import NullSample, fit_intensity, range_of

__all__ = ["LevelSample", "calibrate_levels", "level_pairs", "level_samples"]

R50_PIXELS = (15.0, 60.0)
"""Network pixels of r50 of clusters that tell of the measures of a level."""

N_LEVELS = 6
"""Levels that are calibrated at most, with the finest."""

MIN_CANDIDATES = 40
"""False candidates with which the rates of a level are fitted."""

N_BINS = 400
"""Bins of the crowding of the sky of one image."""


@dataclass(frozen=True, eq=False)
class LevelSample:
    """
    The candidates of one level of one image without clusters.

    Parameters
    ----------
    fine : bool
        Whether the image is a fine one.
    level : int
        Number of the level, from 1.
    scores, crowding : (n,) array
        Of the candidates.
    exposure : (k, 2) array
        Crowding and area in deg2 of the usable sky.
    """

    fine: bool
    level: int
    scores: np.ndarray
    crowding: np.ndarray
    exposure: np.ndarray


def level_samples(model, data):
    """
    Search the coarser levels of an image without clusters.

    Parameters
    ----------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The model.
    data : NDData or other image
        The image.

    Returns
    -------
    samples : list of `LevelSample`
        One per level.
    """
    return [
        LevelSample(
            level.grid.is_fine,
            level.level,
            level.candidates.score,
            level.found[1][0][tuple(level.candidates.cells.T)],
            _exposure(level),
        )
        for level in _coarser_levels(model, data)
    ]


def level_pairs(model, tile):
    """
    Compare what the coarser levels measure of the clusters of a mock tile.

    Parameters
    ----------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The model.
    tile : `~astro_vaeclust.simulation.MockTile`
        The tile.

    Returns
    -------
    pairs : dict of (bool, int) to (n, 2, 5) array
        By whether the image is fine and the level: deviations from the truth and
        stated errors of the clusters with ``R50_PIXELS`` there.
    """
    truth, pairs = tile.clusters, {}
    for level in _coarser_levels(model, tile.image):
        grid, found = level.grid, level.candidates
        rows = []
        for cluster in truth:
            r50, r80 = (
                cluster[name].to_value("arcsec") / grid.scale for name in ("r50", "r80")
            )
            if not R50_PIXELS[0] <= r50 <= R50_PIXELS[1] or not len(found):
                continue
            x, y = grid.to_network([cluster["x_center"], cluster["y_center"]])
            near = np.flatnonzero(np.hypot(found.x - x, found.y - y) < r50)
            if not len(near) or found.score[near].max() < 0:
                continue
            best = near[found.score[near].argmax()]
            truths = (x / CELL, y / CELL, np.log10(r50), np.log10(r80))
            measured = (found.x[best] / CELL, found.y[best] / CELL)
            members = np.log10(max(cluster["n_inside"], 1))
            measured += tuple(found.measures[name][best] for name in MEASURES[2:])
            rows.append(
                [
                    np.subtract(measured, (*truths, members)),
                    [found.errors[name][best] for name in MEASURES],
                ]
            )
        pairs[grid.is_fine, level.level] = np.array(rows).reshape(-1, 2, 5)
    return pairs


def calibrate_levels(model, samples, pairs=()):
    """
    Fit rates and errors of the coarser levels.

    Parameters
    ----------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The model, calibrated on the finest level.
    samples : sequence of `LevelSample`
        Of images without clusters.
    pairs : sequence of dict
        What `level_pairs` returned of tiles with clusters.

    Returns
    -------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The same with the levels that have candidates enough, without gaps.
    """
    levels = []
    for fine in (False, True):
        of_kind = [LevelCalibration(None)]
        for level in range(1, N_LEVELS):
            chosen = [s for s in samples if (s.fine, s.level) == (fine, level)]
            if sum(len(sample.scores) for sample in chosen) < MIN_CANDIDATES:
                break
            found = [one[fine, level] for one in pairs if (fine, level) in one]
            of_kind.append(_level(chosen, found, of_kind[-1]))
        levels.append(tuple(of_kind[1:]))
    calibration = replace(model.calibration, levels=tuple(levels))
    return replace(model, calibration=calibration)


def _level(samples, pairs, below):
    """Return the calibration of one level; few pairs leave the errors of that below."""
    scores, crowding, exposure = (
        np.concatenate([getattr(sample, name) for sample in samples])
        for name in ("scores", "crowding", "exposure")
    )
    fine = np.zeros(len(scores))
    exposure = np.insert(exposure, 1, 0, axis=1)
    lowest, highest = range_of(scores)
    intensity = fit_intensity(
        NullSample(scores, crowding, fine, exposure),
        False,
        (lowest, max(highest, SCORES[1])),
    )
    pairs = np.concatenate(pairs) if pairs else ()
    if len(pairs) < MIN_PAIRS:
        return replace(below, intensity=intensity)
    return LevelCalibration(intensity, *calibrate_errors(pairs))


def _coarser_levels(model, data):
    """Yield the searches of all coarser levels of an image."""
    image = read_image(data)
    grid = NetworkGrid.of_image(image, model.fine_scale)
    grids = grid.levels(image.shape, N_LEVELS)
    for coarser in grids[1:]:
        network_image = on_level(NetworkImage.from_image, image, coarser)
        if network_image is not None:
            yield LevelSearch(network_image, model, np.ones(len(grids)))


def _exposure(level):
    """Return the usable sky of a level by its crowding."""
    crowding, usable = level.found[1]
    seen = usable >= MIN_USABLE
    area = usable[seen] * (CELL * level.grid.scale / 3600) ** 2
    total, edges = np.histogram(crowding[seen], N_BINS, weights=area)
    middle = 0.5 * (edges[1:] + edges[:-1])
    return np.column_stack([middle, total])[total > 0]
