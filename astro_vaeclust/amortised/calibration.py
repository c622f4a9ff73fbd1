# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
From scores to false-alarm rates.

The candidates of sky without clusters are a Poisson process in score and local
conditions. Its intensity is fitted as a generalised linear model, and its integral from
a score upwards is the rate of false alarms of at least this score.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from scipy.ndimage import uniform_filter
from scipy.special import logsumexp

from .candidate_score import HEIGHT_ALONE, cluster_logit
from .candidates import LEAST_SCORE, LEAST_USABLE, find_candidates
from .network import CELL, MEASURES

__all__ = [
    "Calibration",
    "Intensity",
    "NullSample",
    "fit_calibration",
    "local_conditions",
    "null_sample",
    "range_of",
    "usable_candidates",
]

SURROUNDINGS = 512
"""Side in network pixels of the square whose brightness is the local condition."""

STEP = 0.25
"""Width of the bins of the score, in logits."""

SCORES = (LEAST_SCORE, 9.0)
"""Range of scores in which the intensity is integrated by default."""

HIGHER = 4.0
"""Logits above the highest one that was seen, up to which rates go on falling."""

BEYOND = 1.0
"""Logits below the end of the calibrated range at which rates stop falling."""

N_TAIL = 20
"""Candidates of a sample above the knee of the intensity."""

FITTED_RATE = 100.0
"""Candidates per deg2, the highest ones, to which the intensity is fitted."""

N_CONDITION_BINS = 12
PENALTY = 1e-3


def local_conditions(channels):
    """
    Measure how crowded the surroundings of each cell are.

    Parameters
    ----------
    channels : (3, ny, nx) float32 array
        Of `~astro_vaeclust.amortised.grid.NetworkImage`.

    Returns
    -------
    crowding : (ny_cells, nx_cells) array
        Mean of the compressed maxima over a square of ``SURROUNDINGS`` pixels; NaN
        where no pixel is usable.
    usable : (ny_cells, nx_cells) array
        Fraction of usable pixels of the cell.
    """
    light, usable = (_cell_means(channels[index]) for index in (1, 2))
    size = SURROUNDINGS // CELL
    weight = uniform_filter(usable, size, mode="constant")
    total = uniform_filter(light, size, mode="constant")
    seen = weight > 1e-6
    return np.where(seen, total / np.where(seen, weight, 1), np.nan), usable


def _cell_means(image):
    padding = [(0, -side % CELL) for side in image.shape]
    if any(after for _, after in padding):
        image = np.pad(image, padding)
    ny, nx = (side // CELL for side in image.shape)
    cells = image.reshape(ny, CELL, nx, CELL)
    return cells.sum(axis=1, dtype=np.float64).sum(axis=-1) / CELL**2


def usable_candidates(maps, channels):
    """
    Find the candidates whose cells are usable, and the conditions of all cells.

    Parameters
    ----------
    maps : `~astro_vaeclust.amortised.inference.NetworkMaps`
        What the network says.
    channels : (3, ny, nx) float32 array
        Of `~astro_vaeclust.amortised.grid.NetworkImage`.

    Returns
    -------
    candidates : `~astro_vaeclust.amortised.candidates.Candidates`
        The candidates by falling score.
    conditions : tuple of array
        Crowding and usable fraction, see `local_conditions`.
    """
    crowding, usable = local_conditions(channels)
    return find_candidates(maps, usable), (crowding, usable)


def null_sample(candidates, conditions, tile):
    """
    Return the fields of a `NullSample` of one tile, but for the scores.

    Parameters
    ----------
    candidates, conditions
        What `usable_candidates` returns.
    tile : `~astro_vaeclust.amortised.tiles.TrainingTile`
        The tile.

    Returns
    -------
    crowding, fine, exposure : array
        As in `NullSample`.
    """
    crowding, usable = conditions
    seen = usable >= LEAST_USABLE
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


@dataclass(frozen=True)
class Intensity:
    """
    False candidates per deg2 and logit, on coarse images or on fine ones.

    Parameters
    ----------
    coefficients : tuple of float
        Of the terms of `_terms`; their sum is the logarithm of the intensity.
    crowding : tuple of float
        Lowest, mean, spread and highest crowding of the sample.
    knee : float
        Score above which the intensity is exponential.
    highest_score : float
        Highest score in the sample; beyond it the fit is extrapolated.
    area : float
        Sky of the sample in deg2.
    score_range : tuple of float
        Range of scores in which the intensity is integrated.
    """

    coefficients: tuple[float, ...]
    crowding: tuple[float, float, float, float]
    knee: float
    highest_score: float
    area: float = 0.0
    score_range: tuple[float, float] = SCORES

    def rate_above(self, scores, crowding):
        """
        Integrate the intensity from scores upwards.

        Parameters
        ----------
        scores, crowding : (n,) array
            Logits and local conditions.

        Returns
        -------
        rate : (n,) array
            False candidates per deg2.
        """
        scores = np.minimum(scores, self.score_range[1] - BEYOND)
        crowding = np.asarray(crowding, dtype=np.float64)
        low, _, _, high = self.crowding
        crowding = np.clip(np.nan_to_num(crowding, nan=high), low, high)
        grid = np.arange(*self.score_range, 0.05)
        terms = _terms(grid, crowding[:, None], self.crowding, self.knee)
        log_intensity = terms @ np.array(self.coefficients) + np.log(0.05)
        beyond = grid >= scores[:, None] - 0.025
        return np.exp(logsumexp(np.where(beyond, log_intensity, -np.inf), axis=1))


@dataclass(frozen=True)
class Calibration:
    """
    What is needed to state scores, false-alarm rates and errors.

    Of all but the real sky there are two, for coarse images and for fine ones.

    Parameters
    ----------
    intensities : tuple of Intensity
        Of false candidates.
    biases, error_factors, error_floors : tuple of tuple of float
        What to subtract from the measures, to multiply their errors with, and then to
        add to these in quadrature.
    real_sky : float
        How much oftener false candidates are on the real sky than in the sample.
    score_coefficients : tuple of tuple of float
        Of `~astro_vaeclust.amortised.candidate_score.score_terms`.
    """

    intensities: tuple[Intensity, Intensity]
    biases: tuple[tuple[float, ...], ...] = ((0.0,) * len(MEASURES),) * 2
    error_factors: tuple[tuple[float, ...], ...] = ((1.0,) * len(MEASURES),) * 2
    error_floors: tuple[tuple[float, ...], ...] = ((0.0,) * len(MEASURES),) * 2
    real_sky: float = 1.0
    score_coefficients: tuple[tuple[float, ...], ...] = (HEIGHT_ALONE,) * 2

    def scored(self, candidates, fine):
        """
        Return candidates by falling probability that they are clusters.

        Parameters
        ----------
        candidates : `~astro_vaeclust.amortised.candidates.Candidates`
            As they are found, with the height of the peak as the score.
        fine : bool
            Whether the image is fine.

        Returns
        -------
        candidates : `~astro_vaeclust.amortised.candidates.Candidates`
            With the logit of the probability as the score; with ``HEIGHT_ALONE``, as on
            coarse images, it is that of the cell.
        """
        coefficients = self.score_coefficients[int(fine)]
        return candidates.with_scores(cluster_logit(candidates, coefficients))

    def false_alarm_rate(self, scores, crowding, fine):
        """
        Return the rate of false alarms of at least a score.

        Parameters
        ----------
        scores : (n,) array
            Logits; those far above any that was seen count as the highest seen.
        crowding : (n,) array
            Local condition; beyond that of the sample it counts as its limit.
        fine : bool
            Whether the image is fine.

        Returns
        -------
        rate : (n,) array
            Expected false detections per deg2.
        """
        return self.real_sky * self.intensities[int(fine)].rate_above(scores, crowding)

    def corrected(self, name, values, errors, fine):
        """
        Correct a measure and its error.

        Parameters
        ----------
        name : str
            One of `~astro_vaeclust.amortised.network.MEASURES`.
        values, errors : (n,) array
            As the network gives them.
        fine : bool
            Whether the image is fine.

        Returns
        -------
        values, errors : (n,) array
            Those without bias, and those that hold 68 % of the truths.
        """
        index, row = MEASURES.index(name), int(fine)
        scaled = self.error_factors[row][index] * errors
        return (
            values - self.biases[row][index],
            np.hypot(scaled, self.error_floors[row][index]),
        )

    def to_dict(self):
        """Return all values as lists and numbers (dict)."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values):
        """Make a calibration of what `to_dict` returned."""
        values = {name: _frozen(value) for name, value in values.items()}
        intensities = tuple(
            Intensity(**{name: _frozen(value) for name, value in one.items()})
            for one in values["intensities"]
        )
        return cls(**values | {"intensities": intensities})


def _frozen(value):
    """Turn nested lists into nested tuples."""
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def _terms(scores, crowding, range_, knee):
    """
    Return the terms of the logarithm of the intensity, (..., 6).

    Below the knee it is a parabola in the score, above it a straight line with the
    same slope at the knee: what is extrapolated falls exponentially.
    """
    crowding = (crowding - range_[1]) / range_[2]
    scores, crowding = np.broadcast_arrays(scores - knee, crowding)
    bend = np.minimum(scores, 0) ** 2
    ones = np.ones(scores.shape)
    return np.stack(
        [ones, scores, bend, crowding, crowding**2, crowding * scores], axis=-1
    )


def fit_calibration(sample, *, score_range=SCORES, before=None):
    """
    Fit the intensities of candidates on sky without clusters.

    Parameters
    ----------
    sample : `NullSample`
        The candidates and the sky.
    score_range : (float, float)
        Range of scores in which the intensities are fitted and integrated.
    before : Calibration, optional
        Where to take the intensity from if the sky is of coarse images only, or of
        fine ones; by default the one that there is stands for both.

    Returns
    -------
    calibration : `Calibration`
        The fit, without biases and error factors.
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
    least = _score_of_rank(scores, int(FITTED_RATE * area.sum()), lowest)
    steps = np.arange(least, max(highest, least + STEP) + STEP / 2, STEP)
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
    Return the range in which the intensity of scores is fitted.

    Parameters
    ----------
    scores : (n,) array
        Logits of all candidates.

    Returns
    -------
    range : (float, float)
        From the lowest to ``HIGHER`` above the highest, in whole logits.
    """
    if not len(scores):
        return SCORES
    return float(np.floor(scores.min())), float(np.ceil(scores.max() + HIGHER))


def _score_of_rank(scores, rank, lowest):
    """Return the score of the candidate of a rank, the lowest where there are fewer."""
    ranked = np.sort(scores)[::-1]
    return float(ranked[min(rank, len(ranked) - 1)]) if len(ranked) else lowest
