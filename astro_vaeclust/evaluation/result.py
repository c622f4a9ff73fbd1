# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Completeness against false positives: the free-response operating characteristic."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import astropy.units as u
import numpy as np
from astropy.table import QTable

from ..utils.validation import check_choice, check_count, check_number, check_seed
from .quality import count_by_kind, measure_calibration, measure_errors
from .rates import (
    PER_AREA,
    RateCompleteness,
    ScoreCurve,
    checked_rate,
    checked_rates,
    fraction,
    resampled_weights,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FROC"]

RATES = (0.1, 1.0, 10.0) / u.deg**2
"""Rates of false positives at which completeness is quoted."""

SKIES = ("cluster-free", "all")


@dataclass(eq=False, repr=False)
class FROC:
    """
    Completeness against false positives per area; made by `froc`.

    Parameters
    ----------
    detections : `~astropy.table.QTable`
        All detections: ``tile``, ``row`` in its catalogue, ``score``, ``is_matched``,
        ``kind`` (``match``, ``duplicate``, the kind of a null, or ``field``),
        ``null`` (row among those of its tile or -1),
        ``cluster`` (row of ``clusters`` or -1), ``offset`` (arcsec, NaN without match),
        ``radius``, ``n_sources`` and ``false_alarm_rate``.
    clusters : `~astropy.table.QTable`
        All true clusters: ``tile``, ``row``, ``r50``, ``n_members``, and the
        ``score`` with which it was found or NaN.
    tiles : `~astropy.table.QTable`
        ``tile``, ``area``, ``n_clusters`` and ``n_detections``.
    nulls : list of `~astropy.table.Table`, optional
        Hard negatives of each tile.
    sky, n_bootstrap, confidence, seed
        As in `froc`.
    meta : dict, optional
        Remarks, such as the cost of the search; not touched by the computation.
    """

    detections: QTable
    clusters: QTable
    tiles: QTable
    _: KW_ONLY
    nulls: list | None = None
    sky: str = "cluster-free"
    n_bootstrap: int = 1000
    confidence: float = 0.95
    seed: int = 0
    meta: dict = field(default_factory=dict)

    def __post_init__(self):
        check_choice("sky", self.sky, SKIES)
        check_count("n_bootstrap", self.n_bootstrap)
        check_seed(self.seed)
        check_number("confidence", self.confidence, high=1.0, low_counts=False)
        if not self.sky_area > 0:
            raise ValueError(
                "sky='cluster-free' needs tiles without clusters, and there are none; "
                "sky='all' counts false positives on all tiles"
            )

    def __repr__(self):
        return (
            f"<FROC: {len(self.detections)} detections, {len(self.clusters)} clusters, "
            f"{len(self.tiles)} tiles, average precision {self.average_precision:.3f}>"
        )

    @property
    def on_sky(self) -> np.ndarray:
        """On which tiles false positives count for the rate (bool array)."""
        free = np.asarray(self.tiles["n_clusters"]) == 0
        return free if self.sky == "cluster-free" else np.ones_like(free)

    @property
    def sky_area(self) -> u.Quantity:
        """Area on which false positives count (Quantity, deg2)."""
        return self.tiles["area"][self.on_sky].sum().to(u.deg**2)

    @cached_property
    def _curve(self):
        area = self.tiles["area"].to_value(u.deg**2)
        return ScoreCurve(
            np.asarray(self.detections["score"]),
            np.asarray(self.detections["is_matched"]),
            np.asarray(self.detections["tile"]),
            np.bincount(self.clusters["tile"], minlength=len(self.tiles)),
            np.where(self.on_sky, area, 0.0),
        )

    @property
    def thresholds(self) -> np.ndarray:
        """Scores from which on detections count, falling from infinity (array)."""
        return self._curve.thresholds

    @cached_property
    def completeness(self) -> np.ndarray:
        """Fraction of the clusters found at each threshold (array)."""
        found, *_ = self._curve.counts()
        return fraction(found, len(self.clusters))

    @cached_property
    def rate(self) -> u.Quantity:
        """False positives per area at each threshold (Quantity, 1 / deg2)."""
        *_, false_on_sky = self._curve.counts()
        return (false_on_sky / self.sky_area).to(PER_AREA)

    @property
    def average_precision(self) -> float:
        """
        Mean precision over all true clusters (float); NaN without clusters.

        It depends on how many clusters there are per area: compare it on the same
        tiles only.
        """
        return self._curve.average_precision()

    @cached_property
    def average_precision_interval(self) -> tuple[float, float]:
        """Bounds of the bootstrap interval of `average_precision` (tuple of float)."""
        values = [self._curve.average_precision(w) for w in self._samples()]
        return tuple(self._interval(values))

    def completeness_at(self, rate: u.Quantity) -> RateCompleteness:
        """
        Return the completeness at a rate of false positives.

        Parameters
        ----------
        rate : `~astropy.units.Quantity`
            Allowed false positives per area.

        Returns
        -------
        result : RateCompleteness
            The completeness with its bootstrap interval over tiles, and the threshold
            that belongs to it. Each sample has a threshold of its own, so that
            the interval holds the uncertainty of the rate too.

        Raises
        ------
        TypeError
            If the rate is not one number per area.
        ValueError
            If it is negative or not finite.
        """
        (result,) = self._completeness_at([checked_rate(rate)])
        return result

    def _completeness_at(self, rates):
        index = self._curve.index_at(rates)
        samples = [self._curve.completeness_at(rates, w) for w in self._samples()]
        bounds = self._interval(samples)
        return [
            RateCompleteness(
                rate=rate * PER_AREA,
                completeness=float(self.completeness[at]),
                low=float(low),
                high=float(high),
                threshold=float(self.thresholds[at]),
                measured_rate=self.rate[at],
                reached=bool(self.rate[-1].value >= rate * (1 - 1e-9)),
                resolved=bool(rate * self.sky_area.value >= 1 - 1e-9),
            )
            for rate, at, low, high in zip(rates, index, *bounds, strict=True)
        ]

    def with_members(self, minimum: float) -> FROC:
        """
        Leave clusters with few members out: they are neither missed nor false.

        Parameters
        ----------
        minimum : float
            Least ``n_members`` of a cluster that counts.

        Returns
        -------
        result : FROC
            The curve of the other clusters. What lies on one that was left out does
            not count at all; rates are those on the same sky.

        Raises
        ------
        ValueError
            If a cluster has no number of members.
        """
        members = np.asarray(self.clusters["n_members"], dtype=float)
        if np.isnan(members).any():
            raise ValueError("truths must have the column n_members to cut by it")
        kept = members >= minimum
        number = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1)
        dropped = np.append(~kept, False)
        partner = np.asarray(self.detections["cluster"])
        near = np.asarray(self.detections["near"])
        ignored = dropped[partner] | ((partner < 0) & dropped[near])
        detections = self.detections[~ignored]
        detections["cluster"] = number[partner[~ignored]]
        detections["near"] = number[near[~ignored]]
        clusters, meta = self.clusters[kept], dict(self.meta)
        return replace(self, detections=detections, clusters=clusters, meta=meta)

    def threshold_at(self, rate: u.Quantity | None = None) -> float:
        """
        Return the score from which on detections count at a rate.

        Parameters
        ----------
        rate : `~astropy.units.Quantity`, optional
            Allowed false positives per area; without it, all detections count.

        Returns
        -------
        threshold : float
            The score; minus infinity without a rate.
        """
        if rate is None:
            return -np.inf
        (index,) = self._curve.index_at([checked_rate(rate)])
        return float(self.thresholds[index])

    def to_table(self, rates: u.Quantity = RATES) -> QTable:
        """
        Make a table of the completeness at some rates.

        Parameters
        ----------
        rates : `~astropy.units.Quantity`
            Allowed false positives per area.

        Returns
        -------
        table : `~astropy.table.QTable`
            One row per rate with the fields of `RateCompleteness`. The metadata has
            ``average_precision`` with its interval, and the numbers of tiles and
            clusters and the areas.
        """
        rows = self._completeness_at(checked_rates(rates))
        names = [field.name for field in fields(RateCompleteness)]
        table = QTable({name: [getattr(row, name) for row in rows] for name in names})
        low, high = self.average_precision_interval
        table.meta |= {
            "average_precision": self.average_precision,
            "average_precision_low": float(low),
            "average_precision_high": float(high),
            "confidence": self.confidence,
            "n_tiles": len(self.tiles),
            "n_clusters": len(self.clusters),
            "n_detections": len(self.detections),
            "sky": self.sky,
            "sky_area_deg2": float(self.sky_area.value),
        }
        return table

    def false_positives_by_kind(
        self, rate: u.Quantity | None = None, *, stated: bool = False
    ) -> QTable:
        """
        Count the false positives on all tiles by what they are.

        Parameters
        ----------
        rate : `~astropy.units.Quantity`, optional
            Count those above the threshold of this rate; by default all.
        stated : bool
            Count those whose own ``false_alarm_rate`` does not exceed ``rate``
            instead, as a user without truth does.

        Returns
        -------
        table : `~astropy.table.QTable`
            One row per kind: ``kind``; ``n_nulls``, how many of these there are;
            ``n_false_positives``; ``n_hit``, how many nulls have one or more;
            ``fraction`` of the false positives. A false positive belongs to a null if
            its centre lies within the radius of the null plus 30 arcsec, to the
            smallest one of several. Near a cluster it is a ``duplicate``, else
            ``field``. ``rate`` is their number over the area of all tiles.

        Notes
        -----
        The radius of an edge or a trail is half its length. They take what compact
        nulls leave within a circle of that size, so their numbers are upper bounds.
        """
        detections = self.detections
        threshold = self.threshold_at(None if stated else rate)
        if stated and rate is not None:
            own = detections["false_alarm_rate"].to_value(PER_AREA)
            detections = detections[own <= checked_rate(rate)]
        table = count_by_kind(detections, self.nulls, threshold)
        area = self.tiles["area"].sum()
        table["rate"] = (table["n_false_positives"] / area).to(PER_AREA)
        return table

    def measurement_errors(self, rate: u.Quantity | None = None) -> QTable:
        """
        Compare the measured centres, radii and members with the true ones.

        Parameters
        ----------
        rate : `~astropy.units.Quantity`, optional
            Use the matches above the threshold of this rate; by default all.

        Returns
        -------
        table : `~astropy.table.QTable`
            Rows ``offset / r50``, ``log10(radius / r50)``,
            ``log10(n_sources / n_members)``, and ``area IoU`` of the circle of
            ``radius`` with that of the true ``r80``. Where the catalogue measures them,
            ``log10(r50 / true)``, ``log10(n_members / true)`` and ``a_k - true``
            (mag), and ``r50 within error`` and so on: 1 if the truth lies within one
            stated error and 0 else, with the fraction in ``mean``. Columns:
            ``n``, the median as ``bias``, half the range between the 16th and 84th
            percentile as ``scatter``, and ``mean``; NaN without matches.
        """
        threshold = self.threshold_at(rate)
        return measure_errors(self.detections, self.clusters, threshold)

    def calibration(self, rates: u.Quantity = RATES) -> QTable:
        """
        Compare stated false-alarm rates with measured ones.

        Parameters
        ----------
        rates : `~astropy.units.Quantity`
            Stated rates to look at.

        Returns
        -------
        table : `~astropy.table.QTable`
            For each of the rates ``stated``, the ``measured`` rate of false positives
            whose ``false_alarm_rate`` does not exceed it, with the bounds ``low`` and
            ``high`` of its Poisson interval and the number ``n``. No rows if no
            detection states one.
        """
        on_sky = self.on_sky[np.asarray(self.detections["tile"])]
        return measure_calibration(
            self.detections[on_sky & ~self.detections["is_matched"]],
            checked_rates(rates),
            self.sky_area,
            self.confidence,
            is_stated=np.isfinite(self.detections["false_alarm_rate"]).any(),
        )

    def plot(self, ax: Axes | None = None, **keywords: Any) -> Axes:
        """
        Plot completeness over the rate of false positives.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`, optional
            Where to plot; by default a new figure outside pyplot.
        **keywords
            Passed to `matplotlib.axes.Axes.step`, such as ``label``.

        Returns
        -------
        ax : `~matplotlib.axes.Axes`
            The axes.
        """
        from ..visualization.evaluation import plot_froc

        return plot_froc(self, ax, **keywords)

    def _samples(self):
        n_clusters = np.asarray(self.tiles["n_clusters"])
        rng = np.random.default_rng(self.seed)
        return resampled_weights(rng, self.n_bootstrap, n_clusters)

    def _interval(self, values):
        tail = 50 * (1 - self.confidence)
        return np.percentile(values, [tail, 100 - tail], axis=0)
