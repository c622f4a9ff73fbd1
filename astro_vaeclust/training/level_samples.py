# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a model says of the levels of mock sky, with and without clusters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import astropy.units as u
import numpy as np

from ..detector.candidates import MIN_USABLE
from ..detector.grid import NetworkGrid, NetworkImage
from ..detector.levels import LevelSearch, on_level
from ..detector.network import CELL
from ..detector.search import DetectorSearch
from ..matching.pairs import MATCH_RADIUS, greedy_pairs
from .tiles import image_of

__all__ = [
    "N_LEVELS",
    "LevelSample",
    "level_pairs",
    "level_samples",
    "read_found",
    "search_sky",
]

PAIRS_RATE = 10.0
"""False alarms per deg2 of the search whose clusters tell of the errors."""

N_LEVELS = 6
"""Levels that are calibrated at most, with the finest."""

N_BINS = 400
"""Bins of the crowding of the sky of one image."""

ARRAYS = ("scores", "crowding", "exposure")


@dataclass(frozen=True, eq=False)
class LevelSample:
    """
    The candidates of one level of one image without clusters.

    Parameters
    ----------
    fine : bool
        Whether the image is a fine one.
    level : int
        Number of the level, 0 for the finest.
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


def level_samples(model, image):
    """
    Search all levels of an image without clusters.

    Parameters
    ----------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The model.
    image : `~astro_vaeclust.images.image.Image`
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
        for level in _levels(model, image)
    ]


def level_pairs(model, tile, image):
    """
    Compare what the levels measure of the clusters of a mock tile.

    Of each cluster that row counts which a search reports.

    Parameters
    ----------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The model, which states rates of all levels.
    tile : `~astro_vaeclust.simulation.MockTile`
        The tile.
    image : `~astro_vaeclust.images.image.Image`
        Its image, with bands if these are searched.

    Returns
    -------
    pairs : dict of (bool, int) to (n, 2, n_measures) array
        By whether the image is fine and the level: deviations from the truth and
        stated errors of `~astro_vaeclust.detector.network.COLOR_MEASURES`, the last
        in several bands.
    """
    search = DetectorSearch(image, model, max_false_alarm_rate=PAIRS_RATE)
    rows, truth, pairs = search.rows, tile.clusters, {}
    finest = search.levels[0].grid
    pixel = finest.scale / finest.factor
    x, y, r50, r80 = (
        np.asarray(truth[name].value if name in ("r50", "r80") else truth[name], float)
        for name in ("x_center", "y_center", "r50", "r80")
    )
    dx, dy = (rows[a][:, None] - b for a, b in (("x", x), ("y", y)))
    limit = np.maximum(r50, MATCH_RADIUS.to_value(u.arcsec))
    distance = np.hypot(dx, dy) * pixel
    for row, cluster in greedy_pairs(distance, limit, range(len(rows))):
        if image.bands and np.isnan(rows["a_k"][row]):
            continue  # a single band shows it
        cell = CELL * rows["level"][row]
        true = r50[cluster], r80[cluster], max(truth["n_inside"][cluster], 1)
        deviations, errors = (
            [dx[row, cluster] * pixel / cell, dy[row, cluster] * pixel / cell],
            [rows["center_err"][row] / cell] * 2,
        )
        for name, value in zip(("r50", "radius", "n_members"), true, strict=True):
            deviations.append(np.log10(rows[name][row] / value))
            errors.append(rows[f"{name}_err"][row] / rows[name][row] / np.log(10))
        level = round(np.log2(rows["level"][row] / finest.scale))
        if image.bands:
            deviations.append(rows["a_k"][row] - truth["a_k"][cluster].value)
            errors.append(rows["a_k_err"][row])
        pairs.setdefault((finest.is_fine, level), []).append([deviations, errors])
    return {key: np.array(found) for key, found in pairs.items()}


def search_sky(job, *, models, results):
    """Search one image, or take what is there; return the file of it (Path)."""
    sky, seed = job
    name = f"{sky.name}-{seed}.npz"
    if name not in results:
        tile, found = sky.draw(seed), {}
        for bands, model in models.items():
            image = image_of(tile, bands)
            if sky.n_clusters:
                for (fine, level), pairs in level_pairs(model, tile, image).items():
                    found[f"{bands} {int(fine)} {level} pairs"] = pairs
                continue
            for one in level_samples(model, image):
                for array in ARRAYS:
                    key = f"{bands} {int(one.fine)} {one.level} {array}"
                    found[key] = getattr(one, array)
        with results.new(name) as path, Path(path).open("wb") as file:
            np.savez(file, **found)
    return results.path / name


def read_found(path, bands):
    """Return the samples of some bands in a file, or one dict of pairs (list)."""
    with np.load(path, allow_pickle=False) as stored:
        found = {
            name.removeprefix(f"{bands} "): stored[name]
            for name in stored.files
            if name.startswith(f"{bands} ")
        }
    keys = sorted({tuple(map(int, name.split()[:2])) for name in found})
    if not any(name.endswith("scores") for name in found):
        return [{(bool(f), n): found[f"{f} {n} pairs"] for f, n in keys}]
    return [
        LevelSample(bool(fine), n, *(found[f"{fine} {n} {name}"] for name in ARRAYS))
        for fine, n in keys
    ]


def _levels(model, image):
    """Yield the searches of all levels of an image."""
    grid = NetworkGrid.of_image(image, model.fine_scale)
    grids = grid.levels(image.shape, N_LEVELS)
    for one in grids:
        network_image = on_level(NetworkImage.from_image, image, one)
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
