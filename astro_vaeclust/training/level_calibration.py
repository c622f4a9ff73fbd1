# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Rates of false alarms of all levels, and errors of the coarser ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import astropy.units as u
import numpy as np

from ..detector.calibration import SCORES, Calibration, LevelCalibration
from ..detector.candidates import MIN_USABLE
from ..detector.grid import NetworkGrid, NetworkImage
from ..detector.levels import LevelSearch, on_level
from ..detector.network import CELL
from ..detector.search import DetectorSearch
from ..matching.pairs import MATCH_RADIUS, greedy_pairs
from ..utils.files import ResultFolder
from ..utils.jobs import run_jobs
from .calibrate import ERRORS, MIN_PAIRS, calibrate_errors
from .rates import NullSample, fit_intensity, range_of
from .tiles import image_of

__all__ = [
    "LevelSample",
    "calibrate_colors",
    "calibrate_level_errors",
    "calibrate_level_rates",
    "calibrate_on_skies",
    "level_pairs",
    "level_samples",
]

FIRST_SEED = 60_001
"""Seed of the first tile or mosaic of a sky; the others follow by twos."""

PAIRS_RATE = 10.0
"""False alarms per deg2 of the search whose clusters tell of the errors."""

SETS = ("J,H,Ks", "J,H", "J,Ks", "H,Ks")
"""Sets of bands that are calibrated."""

ONE_BAND = "one"

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
        stated errors of `~astro_vaeclust.detector.network.COLOR_MEASURES`.
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
        cell = CELL * rows["level"][row]
        true = r50[cluster], r80[cluster], max(truth["n_inside"][cluster], 1)
        deviations, errors = (
            [dx[row, cluster] * pixel / cell, dy[row, cluster] * pixel / cell],
            [rows["center_err"][row] / cell] * 2,
        )
        for name, value in zip(("r50", "radius", "n_members"), true, strict=True):
            deviations.append(np.log10(rows[name][row] / value))
            errors.append(rows[f"{name}_err"][row] / rows[name][row] / np.log(10))
        if image.bands:
            deviations.append(rows["a_k"][row] - truth["a_k"][cluster].value)
            errors.append(rows["a_k_err"][row])
        level = round(np.log2(rows["level"][row] / finest.scale))
        pairs.setdefault((finest.is_fine, level), []).append([deviations, errors])
    return {key: np.array(found) for key, found in pairs.items()}


def calibrate_on_skies(model, skies, folder, *, workers=1, progress_bar=None):
    """
    Calibrate the levels on mock sky; what was searched already is used.

    Sky without clusters gives the rates; then clusters, found with these, the errors of
    the coarser levels.

    Parameters
    ----------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The model, calibrated on the finest level.
    skies : sequence of `~astro_vaeclust.training.level_skies.LevelSky`
        The sky.
    folder : path
        Where results are kept.
    workers : int
        Processes that search.
    progress_bar : callable, optional
        Called as ``progress_bar(iterable, desc=..., total=...)``.

    Returns
    -------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The same with the calibration of its levels.

    Raises
    ------
    ValueError
        If the folder holds results of another model or sky.
    """
    models = _calibrated({ONE_BAND: model}, skies, folder, workers, progress_bar)
    return models[ONE_BAND]


def calibrate_colors(model, skies, folder, *, workers=1, progress_bar=None):
    """
    Calibrate all levels for each set of bands; what was searched already is used.

    Parameters
    ----------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        A model with networks for several bands.
    skies, folder, workers, progress_bar
        As of `calibrate_on_skies`; the sky is in colour.

    Returns
    -------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The same with these calibrations.

    Raises
    ------
    ValueError
        If the folder holds results of another model or sky.
    """
    models = dict.fromkeys(SETS, model.color)
    models = _calibrated(models, skies, folder, workers, progress_bar)
    calibrations = {bands: one.calibration for bands, one in models.items()}
    return replace(model, color_calibrations=calibrations)


def _calibrated(models, skies, folder, workers, progress_bar):
    """Calibrate models of sets of bands, by the names of the bands (dict)."""
    model = next(iter(models.values()))
    results = ResultFolder(
        folder,
        {
            "model": model.identity,
            "score_coefficients": model.calibration
            and model.calibration.score_coefficients,
        },
        {sky.name: replace(sky, number=0) for sky in skies},
    )
    for has_clusters in (False, True):
        jobs = [
            (sky, FIRST_SEED + 2 * number)
            for sky in skies
            if bool(sky.n_clusters) == has_clusters
            for number in range(sky.number)
        ]
        found = run_jobs(
            partial(_search, models=models, results=results),
            jobs,
            workers=workers,
            progress_bar=progress_bar,
            desc="clusters on levels" if has_clusters else "levels",
        )
        found = sorted(found)
        for bands, model in models.items():
            parts = [part for path in found for part in _read(path, bands)]
            if has_clusters:
                finest = bands != ONE_BAND
                models[bands] = calibrate_level_errors(model, parts, finest=finest)
            else:
                models[bands] = calibrate_level_rates(model, parts)
    return models


_ARRAYS = ("scores", "crowding", "exposure")


def _search(job, *, models, results):
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
                for array in _ARRAYS:
                    key = f"{bands} {int(one.fine)} {one.level} {array}"
                    found[key] = getattr(one, array)
        with results.new(name) as path, Path(path).open("wb") as file:
            np.savez(file, **found)
    return results.path / name


def _read(path, bands):
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
        LevelSample(bool(fine), n, *(found[f"{fine} {n} {name}"] for name in _ARRAYS))
        for fine, n in keys
    ]


def calibrate_level_rates(model, samples):
    """
    Fit the rates of all levels.

    Parameters
    ----------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The model, calibrated on the finest level.
    samples : sequence of `LevelSample`
        Of images without clusters.

    Returns
    -------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The same with the levels that have candidates enough, without gaps; measures and
        errors of the coarser ones as the network states them. The finest of a kind of
        images stays as it is where there are too few, or is that of the other kind.
    """
    known, levels = model.calibration, []
    intensities = list(known.intensities) if known else [None, None]
    for fine in (False, True):
        of_kind = []
        for level in range(N_LEVELS):
            chosen = [s for s in samples if (s.fine, s.level) == (fine, level)]
            if sum(len(sample.scores) for sample in chosen) < MIN_CANDIDATES:
                break
            of_kind.append(LevelCalibration(_intensity(chosen)))
        if of_kind:
            intensities[fine] = of_kind[0].intensity
        levels.append(tuple(of_kind[1:]))
    pairs = zip(intensities, reversed(intensities), strict=True)
    fitted = {"intensities": tuple(one or other for one, other in pairs)}
    fitted["levels"] = tuple(levels)
    calibration = replace(known, **fitted) if known else Calibration(**fitted)
    return replace(model, calibration=calibration)


def calibrate_level_errors(model, pairs, *, finest=False):
    """
    Fit the errors of the coarser levels.

    Parameters
    ----------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        What `calibrate_level_rates` returned.
    pairs : sequence of dict
        What `level_pairs` returned of tiles with clusters.
    finest : bool
        Whether those of the finest level are fitted, too.

    Returns
    -------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The same with errors. Those of a level with few clusters are those of the level
        below; on the first of fine images, those of others, as one network sees both.
    """
    calibration, levels, errors = model.calibration, [], ()
    if finest:
        fitted = [
            _errors(pairs, (bool(fine), 0))
            or [getattr(calibration, name)[fine] for name in ERRORS]
            for fine in (0, 1)
        ]
        corrections = dict(zip(ERRORS, zip(*fitted, strict=True), strict=True))
        calibration = replace(calibration, **corrections)
    for fine, of_kind in enumerate(calibration.levels):
        calibrated = []
        for number, level in enumerate(of_kind, 1):
            errors = _errors(pairs, (bool(fine), number)) or errors
            calibrated.append(LevelCalibration(level.intensity, *errors))
        levels.append(tuple(calibrated))
        for one in calibrated[:1]:
            errors = one.biases, one.error_factors, one.error_floors
    return replace(model, calibration=replace(calibration, levels=tuple(levels)))


def _errors(pairs, key):
    """Return what corrects measures and errors of a level; None where pairs are few."""
    found = [one[key] for one in pairs if key in one]
    if sum(map(len, found)) < MIN_PAIRS:
        return None
    return calibrate_errors(np.concatenate(found))


def _intensity(samples):
    """Return the intensity of one level."""
    scores, crowding, exposure = (
        np.concatenate([getattr(sample, name) for sample in samples])
        for name in _ARRAYS
    )
    fine = np.zeros(len(scores))
    exposure = np.insert(exposure, 1, 0, axis=1)
    lowest, highest = range_of(scores)
    return fit_intensity(
        NullSample(scores, crowding, fine, exposure),
        False,
        (lowest, max(highest, SCORES[1])),
    )


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
