# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Rates of false alarms of all levels, and errors of the coarser ones."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ..detector.calibration import SCORES, Calibration, LevelCalibration
from ..detector.network import COLOR_MEASURES, MEASURES
from ..utils.bands import BAND_SETS
from ..utils.files import ResultFolder
from ..utils.jobs import run_jobs
from ..utils.provenance import describe
from .calibrate import ERRORS, MIN_PAIRS, calibrate_errors
from .level_samples import ARRAYS, N_LEVELS, read_found, search_sky
from .rates import NullSample, fit_intensity, range_of

__all__ = [
    "calibrate_colors",
    "calibrate_level_errors",
    "calibrate_level_rates",
    "calibrate_on_skies",
]

FIRST_SEED = 60_001
"""Seed of the first tile or mosaic of a sky; the others follow by twos."""

SETS = tuple(map(",".join, BAND_SETS))

ONE_BAND = "one"
"""Stands for the search of a single band, whichever it is."""

UNKNOWN = (np.nan,) * len(COLOR_MEASURES)
"""Errors of a level on which the extinction was not calibrated."""

MIN_CANDIDATES = 40
"""False candidates with which the rates of a level are fitted."""


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
    Calibrate each set of bands; what was searched is used.

    The rates of coarser levels, where the longest band decides alone, stay as they are
    of one band; so do the factor of the real sky, and the errors of all but the
    extinction: they rest on more clusters there.

    Parameters
    ----------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        A calibrated model with a score in colour.
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
    bare = replace(model, calibration=None, color_calibrations={})
    levels = tuple(
        tuple(LevelCalibration(level.intensity) for level in of_kind)
        for of_kind in model.calibration.levels
    )
    kept = {"levels": levels}
    for name in ("real_sky", "score_coefficients"):  # the latter for coarser levels
        kept[name] = getattr(model.calibration, name)
    models = dict.fromkeys(SETS, bare)
    models = _calibrated(models, skies, folder, workers, progress_bar, kept)
    calibrations = {
        bands: _with_errors_of(model.calibration, one.calibration)
        for bands, one in models.items()
    }
    return replace(model, color_calibrations=calibrations)


def _with_errors_of(one_band, calibration):
    """Return a calibration in colour that has its errors but for the extinction."""

    def joined(before, after):
        return (*before[: len(MEASURES)], *after[len(MEASURES) :])

    def of_both_kinds(name):
        pairs = zip(getattr(one_band, name), getattr(calibration, name), strict=True)
        return tuple(joined(*pair) for pair in pairs)

    def of_level(before, after):
        names = {n: joined(getattr(before, n), getattr(after, n)) for n in ERRORS}
        return replace(before, **names)

    levels = tuple(
        tuple(map(of_level, *kinds))
        for kinds in zip(one_band.levels, calibration.levels, strict=True)
    )
    scales = {name: of_both_kinds(name) for name in ERRORS[1:]}
    return replace(calibration, levels=levels, **scales)


def _calibrated(models, skies, folder, workers, progress_bar, kept=None):
    """
    Calibrate models of sets of bands, by the names of the bands (dict).

    ``kept`` is what calibrations in colour have from that in one band.
    """
    model = next(iter(models.values()))
    settings = {
        "model": model.identity,
        "score_coefficients": model.calibration
        and model.calibration.score_coefficients,
    }
    of_skies = {sky.name: replace(sky, number=0) for sky in skies}
    for has_clusters in (False, True):
        if has_clusters:  # which are found depends on the rates
            folder = Path(folder) / f"rates-{_digest(models)}"
        results = ResultFolder(folder, settings, of_skies)
        jobs = [
            (sky, FIRST_SEED + 2 * number)
            for sky in skies
            if bool(sky.n_clusters) == has_clusters
            for number in range(sky.number)
        ]
        found = run_jobs(
            partial(search_sky, models=models, results=results),
            jobs,
            workers=workers,
            progress_bar=progress_bar,
            desc="clusters on levels" if has_clusters else "levels",
        )
        found = sorted(found)
        for bands, model in models.items():
            parts = [part for path in found for part in read_found(path, bands)]
            if has_clusters:
                finest = bands != ONE_BAND
                models[bands] = calibrate_level_errors(model, parts, finest=finest)
                continue
            models[bands] = calibrate_level_rates(model, parts)
            if kept:
                calibration = replace(models[bands].calibration, **kept)
                models[bands] = replace(
                    model,
                    calibration=calibration,
                    color_calibrations={bands: calibration},
                )
    return models


def _digest(models):
    """Return a digest of the calibrations of models (str)."""
    text = repr([describe(model.calibration) for model in models.values()])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def calibrate_level_rates(model, samples):
    """
    Fit the rates of all levels.

    Parameters
    ----------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The model, calibrated on the finest level.
    samples : sequence of `~astro_vaeclust.training.level_samples.LevelSample`
        Of images without clusters.

    Returns
    -------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The same with the levels that have candidates enough, without gaps; measures and
        errors of the coarser ones as the network states them. The finest of a kind of
        images stays as it is where there are too few, or is that of the other kind.

    Raises
    ------
    ValueError
        If there are too few of both kinds and the model has no calibration.
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
    if intensities == [None, None]:
        raise ValueError(
            f"samples must have {MIN_CANDIDATES} false candidates on the finest level "
            "of a kind of images, got fewer; take more sky (n_nulls)"
        )
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
        What `~astro_vaeclust.training.level_samples.level_pairs` returned of tiles with
        clusters.
    finest : bool
        Whether those of the finest level are fitted, too.

    Returns
    -------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The same with errors. Those of a level with few clusters are those of the level
        below; on the first of fine images, those of others, as one network sees both.
        With ``finest``, in colour, those of the first level are NaN then.
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
        if finest:
            errors = (UNKNOWN,) * len(ERRORS)
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
        np.concatenate([getattr(sample, name) for sample in samples]) for name in ARRAYS
    )
    fine = np.zeros(len(scores))
    exposure = np.insert(exposure, 1, 0, axis=1)
    lowest, highest = range_of(scores)
    return fit_intensity(
        NullSample(scores, crowding, fine, exposure),
        False,
        (lowest, max(highest, SCORES[1])),
    )
