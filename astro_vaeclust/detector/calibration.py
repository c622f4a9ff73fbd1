# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
From scores to false-alarm rates.

The candidates of sky without clusters are a Poisson process in score and local
conditions. Its intensity is fitted as a generalised linear model, and its integral from
a score upwards is the rate of false alarms of at least this score.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
from scipy.ndimage import uniform_filter
from scipy.special import logsumexp

from .candidates import MIN_SCORE, find_candidates
from .network import CELL, COLOR_MEASURES

__all__ = [
    "HEIGHT_ALONE",
    "Calibration",
    "Intensity",
    "LevelCalibration",
    "cell_means",
    "cluster_logit",
    "local_conditions",
    "score_terms",
    "usable_candidates",
]

SURROUNDINGS = 512
"""Side in network pixels of the square whose brightness is the local condition."""


SCORES = (MIN_SCORE, 9.0)
"""Range of scores in which the intensity is integrated by default."""


MARGIN = 1.0
"""Logits below the end of the calibrated range at which rates stop falling."""


HEIGHT_ALONE = (0.0, 1.0, 0.0, 0.0, 0.0)
"""Coefficients of `score_terms` with which nothing changes."""

RADII = (0.9, 2.1)
"""Logarithms of radii in network pixels; what is beyond counts as these."""

MIDDLE = 1.5
"""Logarithm of the radius at which the terms of the radius are zero."""


def local_conditions(channels):
    """
    Return how crowded the surroundings of each cell are, and its usable fraction.

    Crowding, (ny_cells, nx_cells), is the mean of the compressed maxima, of
    ``channels`` as in `NetworkImage`, over a square of ``SURROUNDINGS`` pixels; NaN
    where no pixel is usable.
    """
    light, usable = (cell_means(channels[index]) for index in (1, 2))
    size = SURROUNDINGS // CELL
    weight = uniform_filter(usable, size, mode="constant")
    total = uniform_filter(light, size, mode="constant")
    seen = weight > 1e-6
    return np.where(seen, total / np.where(seen, weight, 1), np.nan), usable


def cell_means(image):
    """Return the means of cells, which count as zero beyond the image."""
    padding = [(0, -side % CELL) for side in image.shape]
    if any(after for _, after in padding):
        image = np.pad(image, padding)
    ny, nx = (side // CELL for side in image.shape)
    cells = image.reshape(ny, CELL, nx, CELL)
    return cells.sum(axis=1, dtype=np.float64).sum(axis=-1) / CELL**2


def usable_candidates(maps, channels):
    """
    Find the candidates whose cells are usable, and the conditions of all cells.

    Returns `Candidates` by falling score and what `local_conditions` returns.
    """
    crowding, usable = local_conditions(channels)
    return find_candidates(maps, usable), (crowding, usable)


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
        """Return false candidates per deg2 above scores; NaN for stale coefficients."""
        if not np.isfinite(self.coefficients).all():
            return np.full(len(scores), np.nan)
        scores = np.minimum(scores, self.score_range[1] - MARGIN)
        crowding = np.asarray(crowding, dtype=np.float64)
        low, _, _, high = self.crowding
        crowding = np.clip(np.nan_to_num(crowding, nan=high), low, high)
        grid = np.arange(*self.score_range, 0.05)
        terms = _terms(grid, crowding[:, None], self.crowding, self.knee)
        log_intensity = terms @ np.array(self.coefficients) + np.log(0.05)
        beyond = grid >= scores[:, None] - 0.025
        return np.exp(logsumexp(np.where(beyond, log_intensity, -np.inf), axis=1))


@dataclass(frozen=True)
class LevelCalibration:
    """
    What is needed to state rates and errors on one level coarser than the finest.

    Parameters
    ----------
    intensity : Intensity
        Of false candidates.
    biases, error_factors, error_floors : tuple of float
        As those of `Calibration`, of this level.
    """

    intensity: Intensity
    biases: tuple[float, ...] = (0.0,) * len(COLOR_MEASURES)
    error_factors: tuple[float, ...] = (1.0,) * len(COLOR_MEASURES)
    error_floors: tuple[float, ...] = (0.0,) * len(COLOR_MEASURES)


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
        How much more frequent false candidates are on the real sky than in the sample.
    score_coefficients : tuple of tuple of float
        Of `~astro_vaeclust.detector.calibration.score_terms`.
    levels : tuple of tuple of LevelCalibration
        Of levels 2, 4, 8, ... times as coarse as the finest; an image is searched on
        no others.
    """

    intensities: tuple[Intensity, Intensity]
    biases: tuple[tuple[float, ...], ...] = ((0.0,) * len(COLOR_MEASURES),) * 2
    error_factors: tuple[tuple[float, ...], ...] = ((1.0,) * len(COLOR_MEASURES),) * 2
    error_floors: tuple[tuple[float, ...], ...] = ((0.0,) * len(COLOR_MEASURES),) * 2
    real_sky: float = 1.0
    score_coefficients: tuple[tuple[float, ...], ...] = (HEIGHT_ALONE,) * 2
    levels: tuple[tuple[LevelCalibration, ...], ...] = ((), ())

    def scored(self, candidates, fine):
        """
        Return candidates by falling probability that they are clusters.

        Their scores, at first the heights of the peaks, become the logits of the
        probability; with ``HEIGHT_ALONE``, as on coarse images, these are those of the
        cells.
        """
        coefficients = self.score_coefficients[int(fine)]
        return candidates.with_scores(cluster_logit(candidates, coefficients))

    def level(self, fine, level=0):
        """
        Return what belongs to one level (`LevelCalibration`).

        It is the finest at 0; each is twice as coarse as the one before.
        """
        if level:
            return self.levels[int(fine)][level - 1]
        row = int(fine)
        return LevelCalibration(
            self.intensities[row],
            self.biases[row],
            self.error_factors[row],
            self.error_floors[row],
        )

    def false_alarm_rate(self, scores, crowding, fine, level=0):
        """
        Return expected false detections per deg2 of at least a score, ``(n,)``.

        Scores are logits; those far above any that was seen count as the highest seen,
        and crowding beyond that of the sample as its limit.
        """
        intensity = self.level(fine, level).intensity
        return self.real_sky * intensity.rate_above(scores, crowding)

    def without_rates(self, fine):
        """Return one that states NaN instead of rates on fine images, or on others."""
        intensities = list(self.intensities)
        unknown = (np.nan,) * len(intensities[fine].coefficients)
        intensities[fine] = replace(intensities[fine], coefficients=unknown)
        return replace(self, intensities=tuple(intensities))

    def score_of_rate(self, rates, fine):
        """
        Return the scores that have such rates on the finest level, ``(n,)``.

        They are those at mean crowding, so that scores of all levels compare.
        """
        intensity = self.intensities[int(fine)]
        scores = np.arange(*intensity.score_range, 0.05)
        crowding = np.full(scores.shape, intensity.crowding[1])
        known = self.false_alarm_rate(scores, crowding, fine)
        return np.interp(-np.log(rates), -np.log(known), scores)

    def corrected(self, name, values, errors, fine, level=0):
        """
        Return a measure without bias, and errors that hold 68 % of the truths.

        ``name`` is one of `~astro_vaeclust.detector.network.COLOR_MEASURES`.
        """
        index, of_level = COLOR_MEASURES.index(name), self.level(fine, level)
        scaled = of_level.error_factors[index] * errors
        return (
            values - of_level.biases[index],
            np.hypot(scaled, of_level.error_floors[index]),
        )

    def to_dict(self):
        """Return all values as lists and numbers (dict)."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values):
        """Return the calibration of what `to_dict` returned."""
        values = {name: _frozen(value) for name, value in values.items()}
        intensities = tuple(map(_intensity, values["intensities"]))
        levels = tuple(
            tuple(
                LevelCalibration(**one | {"intensity": _intensity(one["intensity"])})
                for one in levels
            )
            for levels in values.get("levels", ((), ()))
        )
        return cls(**values | {"intensities": intensities, "levels": levels})


def _intensity(values):
    """Return the intensity of what `asdict` returned of it."""
    return Intensity(**_frozen(values))


def _frozen(value):
    """Turn nested lists into nested tuples, also those in dicts."""
    if isinstance(value, dict):
        return {key: _frozen(entry) for key, entry in value.items()}
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


def score_terms(height, log_r50):
    """
    Return the terms of the score, ``(n, 5)``.

    They are one, the height (logit) of a peak, the logarithm of the half-number radius
    in network pixels, its square, and its product with the height.
    """
    radius = np.clip(log_r50, *RADII) - MIDDLE
    ones = np.ones_like(height)
    return np.stack([ones, height, radius, radius**2, radius * height], axis=-1)


def cluster_logit(candidates, coefficients):
    """
    Return the logit of the probability that candidates are clusters, ``(n,)``.

    Candidates are as found; the coefficients are those of `score_terms`.
    """
    terms = score_terms(candidates.score, candidates.measures["log_r50"])
    return terms @ np.array(coefficients)
