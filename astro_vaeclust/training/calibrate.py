# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Calibration of a model: rates of false alarms, and errors of the measures."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial

import astropy.units as u
import numpy as np

from ..detector.calibration import (
    HEIGHT_ALONE,
    cluster_logit,
    score_terms,
)
from ..detector.network import CELL, COLOR_MEASURES
from ..detector.search import DetectorSearch
from ..matching.pairs import MATCH_RADIUS
from ..utils.jobs import run_jobs
from .rates import NullSample, fit_calibration, fit_score, null_sample, range_of
from .tiles import TrainingTile

__all__ = ["calibrate", "calibrate_errors", "real_sky_factor"]

logger = logging.getLogger(__name__)


MIN_PAIRS = 20
"""Clusters that must be found for their errors to be calibrated."""

ERRORS = ("biases", "error_factors", "error_floors")
"""Fields of a `Calibration` that clusters determine."""

CONFIDENT = 0.0
"""Logit from which on the errors of a candidate are calibrated."""

WITHIN = 0.68
"""Fraction of the truths that lie within the stated errors."""

N_FLOORS = 41
"""Floors of the errors that are tried."""

RATE = 100.0
"""Stated rate per deg2 up to which candidates are counted: at lower ones are few."""

PRIOR = 10.0
"""Candidates that speak for a factor of one."""


def calibrate(model, tiles, *, progress_bar=None):
    """
    Measure the rates of false alarms and the errors of a model.

    Parameters
    ----------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The model.
    tiles : sequence of path
        Files of `~astro_vaeclust.training.tiles.TrainingTile`: those without
        clusters give the rates, those with some the errors.
    progress_bar : callable, optional
        Called as ``progress_bar(iterable, desc=..., total=...)``.

    Returns
    -------
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The same with a calibration; what the tiles do not determine stays as it was.

    Raises
    ------
    ValueError
        If the model has no calibration, and no tile is without clusters.
    """
    nulls, outcomes, pairs = [], ([], []), ([], [])
    find = partial(_find_candidates, model)
    for tile, candidates, conditions in run_jobs(
        find, tiles, progress_bar=progress_bar, desc="calibration"
    ):
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
        logger.info("calibrated on %.2f deg2, and %.2f of fine images", *areas)
    elif calibration is None:
        raise ValueError("tiles must have some without clusters, got none")
    before = model.calibration or calibration
    errors = [_errors(pairs[fine], before, fine) for fine in (False, True)]
    corrections = dict(zip(ERRORS, zip(*errors, strict=True), strict=True))
    calibration = replace(calibration, levels=((), ()), **corrections)
    return replace(model, calibration=calibration)


def _find_candidates(model, path):
    tile = TrainingTile.load(path)
    return tile, *tile.candidates(model.quick_network_for(tile.fine))


def _outcomes(candidates, tile):
    """Return height, radius, and whether it is a cluster, of those that count."""
    is_cluster, counts = tile.matched(candidates)
    log_r50 = candidates.measures["log_r50"]
    return np.column_stack([candidates.score, log_r50, is_cluster])[counts]


def _rates(nulls, outcomes, before):
    """
    Fit scores and their rates.

    Scores of fine images stay as before where clusters are few, or no sky without
    clusters gives their rates.

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
    if len(pairs) >= MIN_PAIRS:
        return calibrate_errors(pairs)
    return [getattr(before, name)[int(fine)] for name in ERRORS]


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


def calibrate_errors(pairs):
    """
    Compare what was measured of known clusters with the truth.

    ``pairs``, (n, 2, n_measures), are deviations from the truth and stated errors.
    Returns the medians of the deviations; factors of the errors; and what is added to
    them in quadrature, such that 68 % of the deviations are smaller. Of a logarithm the
    error is stated as that of the number itself, up and down alike, and so it is
    calibrated.
    """
    deviations, errors = pairs[:, 0], pairs[:, 1]
    biases = np.median(deviations, axis=0)
    biases[:2] = 0  # the sky has no preferred direction
    deviations = deviations - biases
    names = COLOR_MEASURES[: deviations.shape[1]]
    logarithms = [name.startswith("log_") for name in names]
    numbers = (1 - 10 ** -deviations[:, logarithms]) / np.log(10)
    deviations[:, logarithms] = numbers
    scales = zip(*map(_error_scale, np.abs(deviations).T, errors.T), strict=True)
    return tuple(biases.tolist()), *scales


def _error_scale(deviations, errors):
    """
    Fit the 68th percentile of the deviations as hypot(factor * error, floor).

    By its quantile regression (Koenker & Bassett 1978): a factor alone fits either the
    sure measures or the others.
    """
    best = np.inf
    for floor in np.linspace(0, np.percentile(deviations, 100 * WITHIN), N_FLOORS):
        beyond = np.sqrt(np.maximum(deviations**2 - floor**2, 0))
        factor = np.percentile(beyond / errors, 100 * WITHIN)
        residuals = deviations - np.hypot(factor * errors, floor)
        loss = np.maximum(WITHIN * residuals, (WITHIN - 1) * residuals).sum()
        if loss < best:
            best, scale = loss, (float(factor), float(floor))
    return scale


def real_sky_factor(model, images):
    """
    Return the factor of the rates of false alarms on images without a known cluster.

    It compares the candidates on them with those that a model, calibrated on mock sky,
    states; a factor that it has already is left out. It is the mean of its posterior:
    the number of candidates is Poisson, and the prior is a gamma distribution with mean
    one that weighs as much as ``PRIOR`` candidates.
    """
    model = replace(model, calibration=replace(model.calibration, real_sky=1.0))
    observed, expected = PRIOR, PRIOR
    for image in images:
        search = DetectorSearch(image, model, max_false_alarm_rate=RATE)
        area = image.usable_area.to_value(u.deg**2)
        observed += len(search.rows)
        expected += RATE * area
    return observed / expected
