# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Rates of false alarms of all levels, and errors of the coarser ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import astropy.units as u
import numpy as np

from ..detector.calibration import SCORES, LevelCalibration
from ..detector.candidates import MIN_USABLE
from ..detector.grid import FINE, NetworkGrid, NetworkImage
from ..detector.levels import LevelSearch, on_level
from ..detector.network import CELL, MEASURES
from ..images.read import read_image
from ..simulation.design import mock_tile
from ..simulation.mosaics import draw_mosaic
from ..simulation.surveys import get_survey
from ..utils.files import ResultFolder
from ..utils.jobs import run_jobs
from .calibrate import MIN_PAIRS, calibrate_errors
from .rates import NullSample, fit_intensity, range_of

__all__ = [
    "LevelSample",
    "LevelSky",
    "calibrate_levels",
    "level_pairs",
    "level_samples",
    "level_skies",
    "search_skies",
]

FIRST_SEED = 60_001
"""Seed of the first tile or mosaic of a sky; the others follow by twos."""

R50_PIXELS = (15.0, 60.0)
"""Network pixels of r50 of clusters that tell of the measures of a level."""

N_LEVELS = 6
"""Levels that are calibrated at most, with the finest."""

MIN_CANDIDATES = 40
"""False candidates with which the rates of a level are fitted."""

N_BINS = 400
"""Bins of the crowding of the sky of one image."""


@dataclass(frozen=True, kw_only=True)
class LevelSky:
    """
    Mock sky that calibrates the levels.

    Parameters
    ----------
    name : str
        Name of its results.
    survey : str
        Tag of the survey that it imitates.
    number : int
        How many tiles or mosaics.
    side : float or None
        Side of a mosaic in degrees; None for tiles.
    n_clusters : int
        Clusters of each, which tell of the errors; none for the rates.
    """

    name: str
    survey: str
    number: int
    side: float | None = None
    n_clusters: int = 0

    def draw(self, seed):
        """Simulate a tile or mosaic (`~astro_vaeclust.simulation.MockTile`)."""
        if self.side is None:  # tiles of even seeds have a cluster
            return mock_tile(seed + self.n_clusters, survey=self.survey)
        return draw_mosaic(
            seed, survey=self.survey, side=self.side * u.deg, clusters=self.n_clusters
        )


def level_skies(surveys, fraction=1.0):
    """
    Return the sky of the calibration of surveys (tuple of `LevelSky`).

    For each there are tiles without clusters and images with some. Mosaics take long
    in fine pixels, so that of fine surveys there are tiles alone.

    Parameters
    ----------
    surveys : sequence of str
        Tags of the surveys.
    fraction : float
        Of the numbers of tiles and mosaics of the model of the package.
    """

    def sky(survey, kind, number, **settings):
        number = round(fraction * number)
        return LevelSky(
            name=f"{survey}-{kind}", survey=survey, number=number, **settings
        )

    skies = []
    for survey in surveys:
        if get_survey(survey).pixel_scale < FINE:
            skies.append(sky(survey, "tiles", 600))
            skies.append(sky(survey, "clusters", 150, n_clusters=1))
        else:
            skies.append(sky(survey, "tiles", 1300))
            skies.append(sky(survey, "mosaics", 64, side=1.25))
            skies.append(sky(survey, "clusters", 40, side=1.25, n_clusters=12))
    return tuple(one for one in skies if one.number)


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


def level_samples(model, data):
    """
    Search all levels of an image without clusters.

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
        for level in _levels(model, data)
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
    for level in _levels(model, tile.image):
        if not level.level:
            continue
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


def search_skies(model, skies, folder, *, workers=1, progress_bar=None):
    """
    Search mock sky for the calibration of the levels; what is there already is used.

    Parameters
    ----------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The model, calibrated on the finest level.
    skies : sequence of `LevelSky`
        The sky.
    folder : path
        Where results are kept.
    workers : int
        Processes that search.
    progress_bar : callable, optional
        Called as ``progress_bar(iterable, desc=..., total=...)``.

    Returns
    -------
    samples : list of `LevelSample`
        Of images without clusters.
    pairs : list of dict
        What `level_pairs` returned of the others.

    Raises
    ------
    ValueError
        If the folder holds results of another model or sky.
    """
    results = ResultFolder(
        folder, {"model": model.identity}, {sky.name: sky.survey for sky in skies}
    )
    jobs = [
        (sky, FIRST_SEED + 2 * number) for sky in skies for number in range(sky.number)
    ]
    found = run_jobs(
        partial(_search, model=model, results=results),
        jobs,
        workers=workers,
        progress_bar=progress_bar,
        desc="levels",
    )
    samples, pairs = [], []
    for path in sorted(found):
        with np.load(path, allow_pickle=False) as stored:
            of_image = dict(stored)
        keys = sorted({tuple(map(int, name.split()[:2])) for name in of_image})
        if any(name.endswith("pairs") for name in of_image):
            pairs.append({(bool(f), n): of_image[f"{f} {n} pairs"] for f, n in keys})
            continue
        samples += [
            LevelSample(
                bool(fine), n, *(of_image[f"{fine} {n} {name}"] for name in _ARRAYS)
            )
            for fine, n in keys
        ]
    return samples, pairs


_ARRAYS = ("scores", "crowding", "exposure")


def _search(job, *, model, results):
    """Search one image, or take what is there; return the file of it (Path)."""
    sky, seed = job
    name = f"{sky.name}-{seed}.npz"
    if name not in results:
        tile = sky.draw(seed)
        if sky.n_clusters:
            found = {
                f"{int(fine)} {level} pairs": pairs
                for (fine, level), pairs in level_pairs(model, tile).items()
            }
        else:
            found = {
                f"{int(one.fine)} {one.level} {array}": getattr(one, array)
                for one in level_samples(model, tile.image)
                for array in _ARRAYS
            }
        with results.new(name) as path, Path(path).open("wb") as file:
            np.savez(file, **found)
    return results.path / name


def calibrate_levels(model, samples, pairs=()):
    """
    Fit the rates of all levels, and the errors of the coarser ones.

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
        The same with the levels that have candidates enough, without gaps. The finest
        of a kind of images stays as it is where there are too few.
    """
    intensities, levels = list(model.calibration.intensities), []
    for fine in (False, True):
        of_kind = [LevelCalibration(intensities[fine])]
        for level in range(N_LEVELS):
            chosen = [s for s in samples if (s.fine, s.level) == (fine, level)]
            if sum(len(sample.scores) for sample in chosen) < MIN_CANDIDATES:
                break
            found = [one[fine, level] for one in pairs if (fine, level) in one]
            of_kind.append(_level(chosen, found, of_kind[-1]))
        if of_kind[1:]:
            intensities[fine] = of_kind[1].intensity
        levels.append(tuple(of_kind[2:]))
    calibration = replace(
        model.calibration, intensities=tuple(intensities), levels=tuple(levels)
    )
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


def _levels(model, data):
    """Yield the searches of all levels of an image."""
    image = read_image(data)
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
