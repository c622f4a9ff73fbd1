# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Rates of false alarms, fitted to sky without clusters, and scores to clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..detector.calibration import (
    MIDDLE,
    RADII,
    SCORES,
    Calibration,
    Intensity,
    _terms,
    score_terms,
)
from ..detector.candidates import MIN_USABLE
from ..detector.network import CELL
from ..utils.statistics import fit_logistic

__all__ = [
    "NullSample",
    "fit_calibration",
    "fit_score",
    "null_sample",
    "range_of",
]


STEP = 0.25
"""Width of the bins of the score, in logits."""

MARGIN = 4.0
"""Logits above the highest one that was seen, up to which rates keep falling."""

N_TAIL = 20
"""Candidates of a sample above the knee of the intensity."""

FITTED_RATE = 100.0
"""Candidates per deg2, the highest ones, to which the intensity is fitted."""

N_CONDITION_BINS = 12

PENALTY = 1e-3

MIN_FITTED = -3.0
"""Height in logits above which candidates are fitted: lower ones decide nothing."""

MIN_CLUSTERS = 20
"""Clusters among the candidates that coefficients are fitted to at minimum."""


def null_sample(candidates, conditions, tile):
    """Return the fields of a `NullSample` of one tile, except for the scores."""
    crowding, usable = conditions
    seen = usable >= MIN_USABLE
    fine = float(tile.fine)
    area = (CELL * tile.scale / 3600) ** 2
    exposure = np.column_stack(
        [crowding[seen], np.full(seen.sum(), fine), area * usable[seen]]
    )
    return (
        crowding[tuple(candidates.cells.T)],
        np.full(len(candidates), fine),
        exposure,
    )


@dataclass(frozen=True, eq=False)
class NullSample:
    """
    Candidates on sky without clusters.

    Parameters
    ----------
    scores : (n,) array
        Their scores.
    crowding, fine : (n,) array
        Local condition, and whether the image is a fine one.
    exposure : (k, 3) array
        Crowding, fine, and area in deg2 of all usable cells.
    """

    scores: np.ndarray
    crowding: np.ndarray
    fine: np.ndarray
    exposure: np.ndarray


def fit_calibration(sample, *, score_range=SCORES, before=None):
    """
    Fit the intensities of candidates on sky without clusters (`Calibration`).

    Where the sky is of coarse images only, or of fine ones, the other intensity is that
    of ``before``; by default the one that there is stands for both.
    """
    of_sky = sample.exposure[:, 1] > 0
    known = [
        _fit_intensity(sample, fine, score_range) if np.any(of_sky == fine) else None
        for fine in (False, True)
    ]
    others = known[::-1] if before is None else before.intensities
    return Calibration(
        tuple(one or other for one, other in zip(known, others, strict=True))
    )


def _fit_intensity(sample, fine, score_range):
    """Fit the intensity on fine images, or on others."""
    from sklearn.linear_model import PoissonRegressor

    chosen = (sample.fine > 0) == fine
    scores, found = sample.scores[chosen], sample.crowding[chosen]
    crowding, _, area = sample.exposure[(sample.exposure[:, 1] > 0) == fine].T
    mean = np.average(crowding, weights=area)
    spread = np.sqrt(np.average((crowding - mean) ** 2, weights=area))
    low, high = np.percentile(crowding, [1, 99])
    range_ = (float(low), float(mean), float(spread or 1.0), float(high))
    lowest, highest = score_range
    knee = _score_of_rank(scores, N_TAIL, lowest)
    minimum = _score_of_rank(scores, int(FITTED_RATE * area.sum()), lowest)
    steps = np.arange(minimum, max(highest, minimum + STEP) + STEP / 2, STEP)
    edges = np.linspace(low, high, N_CONDITION_BINS + 1)
    # what is beyond the edges is in the first and in the last bin
    sky, _ = np.histogram(np.clip(crowding, low, high), edges, weights=area)
    counts, _, _ = np.histogram2d(np.clip(found, low, high), scores, [edges, steps])
    exposures = np.repeat(sky * STEP, len(steps) - 1)
    middles = 0.5 * (edges[1:] + edges[:-1]), 0.5 * (steps[1:] + steps[:-1])
    terms = _terms(middles[1], middles[0][:, None], range_, knee)
    seen = exposures > 0
    model = PoissonRegressor(
        alpha=PENALTY / exposures.sum(), fit_intercept=False, max_iter=2000
    )
    # a step of the search that is too long overflows; it then takes a shorter one
    with np.errstate(over="ignore", invalid="ignore"):
        model.fit(
            terms.reshape(len(exposures), -1)[seen],
            counts.ravel()[seen] / exposures[seen],
            sample_weight=exposures[seen],
        )
    return Intensity(
        coefficients=tuple(float(value) for value in model.coef_),
        crowding=range_,
        knee=knee,
        highest_score=float(scores.max(initial=lowest)),
        area=float(area.sum()),
        score_range=(float(lowest), float(highest)),
    )


def range_of(scores):
    """
    Return the range in which the intensity of scores is fitted, in whole logits.

    It is from the lowest to ``MARGIN`` above the highest.
    """
    if not len(scores):
        return SCORES
    return float(np.floor(scores.min())), float(np.ceil(scores.max() + MARGIN))


def _score_of_rank(scores, rank, lowest):
    """Return the score of the candidate of a rank, the lowest where there are fewer."""
    ranked = np.sort(scores)[::-1]
    return float(ranked[min(rank, len(ranked) - 1)]) if len(ranked) else lowest


def fit_score(height, log_r50, is_cluster):
    """
    Fit the coefficients of `score_terms` by a logistic regression (tuple of float).

    None where fewer than ``MIN_CLUSTERS`` are clusters, or all are. A higher peak is
    never a lesser one: where the fit says so, the radius says nothing.
    """
    fitted = height > MIN_FITTED
    is_cluster = np.asarray(is_cluster, dtype=bool)[fitted]
    if is_cluster.sum() < MIN_CLUSTERS or is_cluster.all():
        return None
    terms = score_terms(height, log_r50)[fitted, 1:]
    found, _ = fit_logistic(terms, is_cluster)
    if min(found[1] + found[4] * (radius - MIDDLE) for radius in RADII) <= 0:
        found = *fit_logistic(terms[:, :1], is_cluster)[0], 0, 0, 0
    return tuple(map(float, found)) if found[1] > 0 else None
