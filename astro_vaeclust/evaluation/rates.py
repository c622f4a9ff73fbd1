# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Completeness over false positives, with weights on the tiles for the bootstrap."""

from __future__ import annotations

from dataclasses import dataclass

import astropy.units as u
import numpy as np

__all__ = [
    "PER_AREA",
    "RateCompleteness",
    "ScoreCurve",
    "checked_rate",
    "checked_rates",
    "fraction",
    "resampled_weights",
]

PER_AREA = u.deg**-2

ROUNDING = 1e-9
"""Relative slack of a number of false positives, for rates such as 0.1 per deg2."""


@dataclass(frozen=True)
class RateCompleteness:
    """
    Completeness at a rate of false positives.

    Parameters
    ----------
    rate : `~astropy.units.Quantity`
        Rate that was allowed, per deg2.
    completeness : float
        Fraction of the clusters found at the lowest threshold whose rate does not
        exceed it; NaN without clusters.
    low, high : float
        Bounds of the bootstrap interval.
    threshold : float
        That threshold: detections with at least this score count. Infinite if not
        even the first one may.
    measured_rate : `~astropy.units.Quantity`
        Rate of false positives at the threshold, per deg2.
    reached : bool
        Whether the finder reports enough to reach the rate. If not, its completeness
        is that of all it reports.
    resolved : bool
        Whether the sky is large enough to expect one false positive at this rate. If
        not, the rate at the threshold is an estimate from less than one event.
    """

    rate: u.Quantity
    completeness: float
    low: float
    high: float
    threshold: float
    measured_rate: u.Quantity
    reached: bool
    resolved: bool


class ScoreCurve:
    """
    Numbers of true and false detections above each score that occurs.

    Detections of equal score come and go together, since no threshold separates them.
    ``score``, ``is_matched`` and ``tile`` have a value per detection; ``n_clusters``
    and ``sky_area`` (deg2; 0 where false positives are not counted) one per tile.
    """

    def __init__(self, score, is_matched, tile, n_clusters, sky_area):
        order = np.argsort(-score, kind="stable")
        self._tile = tile[order]
        self._is_matched = is_matched[order]
        self._on_sky = ~self._is_matched & (sky_area[self._tile] > 0)
        self._n_clusters = n_clusters
        self._sky_area = sky_area
        ordered = score[order]
        last = np.ones(len(ordered), dtype=bool)
        last[:-1] = ordered[1:] != ordered[:-1]
        self._ends = np.nonzero(last)[0]
        self.thresholds = np.concatenate([[np.inf], ordered[self._ends]])

    def counts(self, weights=None):
        """
        Return the detections with at least each threshold, three arrays.

        They are clusters found, false positives, and those on the sky where they count.
        ``weights`` say how often each tile counts; once by default.
        """
        if weights is None:
            weights = np.ones(len(self._n_clusters))
        weight = weights[self._tile]
        return tuple(
            np.concatenate([[0], np.cumsum(weight * which)[self._ends]])
            for which in (self._is_matched, ~self._is_matched, self._on_sky)
        )

    def total(self, weights=None):
        """Return the number of clusters and the area of the sky in deg2."""
        if weights is None:
            return float(self._n_clusters.sum()), float(self._sky_area.sum())
        return float(weights @ self._n_clusters), float(weights @ self._sky_area)

    def index_at(self, rates, weights=None):
        """Return the indices of the lowest thresholds that rates per deg2 allow."""
        *_, false_on_sky = self.counts(weights)
        allowed = np.asarray(rates) * self.total(weights)[1] * (1 + ROUNDING)
        return np.searchsorted(false_on_sky, allowed, side="right") - 1

    def completeness_at(self, rates, weights=None):
        """Return the completeness at each rate (array); NaN without clusters."""
        found, *_ = self.counts(weights)
        n_clusters, _ = self.total(weights)
        return fraction(found[self.index_at(rates, weights)], n_clusters)

    def average_precision(self, weights=None):
        """
        Return the mean precision over the clusters (float); NaN without clusters.

        The sum over thresholds of the gain in completeness times the precision there,
        as in `sklearn.metrics.average_precision_score`; clusters that are never found
        count with precision 0.
        """
        found, false, _ = self.counts(weights)
        n_clusters, _ = self.total(weights)
        precision = found[1:] / np.maximum(found[1:] + false[1:], 1e-300)
        return float(np.sum(fraction(np.diff(found), n_clusters) * precision))


def resampled_weights(rng, n_samples, n_clusters):
    """
    Yield how often each tile occurs in samples of the bootstrap, an array per sample.

    Tiles with and without clusters are drawn separately, since their numbers are
    chosen and not random.
    """
    groups = [np.nonzero(which)[0] for which in (n_clusters > 0, n_clusters == 0)]
    for _ in range(n_samples):
        weights = np.zeros(len(n_clusters))
        for group in groups:
            if group.size:
                weights[group] = rng.multinomial(
                    group.size, np.full(group.size, 1 / group.size)
                )
        yield weights


def fraction(numbers, total):
    """Return numbers over their total (array); NaN if there is none."""
    if total == 0:
        return np.full(np.shape(numbers), np.nan)
    return numbers / total


def checked_rate(rate):
    """Return a rate per deg2 as a float, or raise TypeError or ValueError."""
    if (
        not isinstance(rate, u.Quantity)
        or not rate.isscalar
        or not rate.unit.is_equivalent(PER_AREA)
    ):
        raise TypeError(
            f"rate must be a Quantity per area, such as 1 / u.deg**2, got {rate!r}"
        )
    value = float(rate.to_value(PER_AREA))
    if not 0 <= value < np.inf:
        raise ValueError(f"rate must be finite and not negative, got {rate!r}")
    return value


def checked_rates(rates):
    """Return rates per deg2 as a list of floats, or raise TypeError or ValueError."""
    return [checked_rate(rate) for rate in u.Quantity(rates, subok=True).ravel()]
