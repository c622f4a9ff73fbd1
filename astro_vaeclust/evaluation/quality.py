# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""False positives by kind, errors of measurement, and stated false-alarm rates."""

from __future__ import annotations

from functools import partial

import astropy.units as u
import numpy as np
from astropy.stats import poisson_conf_interval
from astropy.table import QTable
from scipy.stats import norm

from .assignment import DUPLICATE, FIELD, MATCH

__all__ = ["count_by_kind", "measure_calibration", "measure_errors"]

_floats = partial(np.asarray, dtype=float)


def count_by_kind(detections, nulls, threshold):
    """Return the table of `FROC.false_positives_by_kind`, except for the rates."""
    kind = np.asarray(detections["kind"])
    counts = (np.asarray(detections["score"]) >= threshold) & (kind != MATCH)
    tables = [] if nulls is None else nulls
    of_nulls = [str(name) for table in tables for name in table["kind"]]
    names = [*sorted(set(of_nulls)), DUPLICATE, FIELD]
    rows = [counts & (kind == name) for name in names]
    numbers = np.array([which.sum() for which in rows])
    return QTable(
        {
            "kind": names,
            "n_nulls": [of_nulls.count(name) for name in names],
            "n_hit": [_count_hit(detections[which]) for which in rows],
            "n_false_positives": numbers,
            "fraction": numbers / max(numbers.sum(), 1),
        }
    )


def _count_hit(detections):
    """Count the different nulls that some detections lie on."""
    pairs = zip(detections["tile"], detections["null"], strict=True)
    return len({(int(tile), int(null)) for tile, null in pairs if null >= 0})


def measure_errors(detections, clusters, threshold):
    """Return the table of `FROC.measurement_errors`."""
    used = (np.asarray(detections["score"]) >= threshold) & detections["is_matched"]
    found = detections[used]
    true = clusters[np.asarray(found["cluster"])]
    samples = {
        "offset / r50": _ratio(found["offset"], true["r50"]),
        "log10(radius / r50)": _log_ratio(found["radius"], true["r50"]),
        "log10(n_sources / n_members)": _log_ratio(
            found["n_sources"], true["n_members"]
        ),
        "area IoU": _circle_iou(found["offset"], found["radius"], true["r80"]),
    }
    for name, text, compared in (
        ("r50", "log10(r50 / true)", _log_ratio),
        ("n_members", "log10(n_members / true)", _log_ratio),
        ("a_k", "a_k - true", _difference),
    ):
        if np.isfinite(detections[name]).any():
            samples[text] = compared(found[name], true[name])
            samples[f"{name} within error"] = _within_error(
                found[name], found[f"{name}_err"], true[name]
            )
    return _summary(samples)


def _within_error(measured, error, true):
    """Return 1 where the truth lies within the stated error and 0 where not."""
    measured, error, true = map(_floats, (measured, error, true))
    valid = np.isfinite(measured) & np.isfinite(error) & np.isfinite(true)
    return (np.abs(measured - true) <= error)[valid].astype(float)


def _circle_iou(distance, first, second):
    """Return the intersection over union of the areas of circles."""
    distance, first, second = map(_floats, (distance, first, second))
    valid = np.isfinite(distance) & (first > 0) & (second > 0)
    d, a, b = distance[valid], first[valid], second[valid]
    safe = np.maximum(d, 1e-9)
    along_a = np.clip((d**2 + a**2 - b**2) / (2 * safe * a), -1, 1)
    along_b = np.clip((d**2 + b**2 - a**2) / (2 * safe * b), -1, 1)
    kite = (a + b - d) * (d + a - b) * (d - a + b) * (d + a + b)
    shared = a**2 * np.arccos(along_a) + b**2 * np.arccos(along_b)
    shared -= 0.5 * np.sqrt(np.maximum(kite, 0))
    shared = np.where(d >= a + b, 0, shared)
    shared = np.where(d <= np.abs(a - b), np.pi * np.minimum(a, b) ** 2, shared)
    return shared / (np.pi * (a**2 + b**2) - shared)


def measure_calibration(false_positives, stated, area, confidence, *, is_stated):
    """
    Return the table of `FROC.calibration`.

    ``false_positives`` are those on the sky of the ``area`` (Quantity), ``stated`` is a
    list of rates per deg2, and ``is_stated`` whether any detection states a rate.
    """
    stated = np.array(stated if is_stated else [])
    rates = false_positives["false_alarm_rate"].to_value(u.deg**-2)
    n = np.array([np.sum(rates <= rate) for rate in stated], dtype=int)
    low, high = poisson_conf_interval(
        n, "frequentist-confidence", sigma=norm.isf((1 - confidence) / 2)
    )
    return QTable(
        {
            "stated": stated * u.deg**-2,
            "measured": (n / area).to(u.deg**-2),
            "low": (low / area).to(u.deg**-2),
            "high": (high / area).to(u.deg**-2),
            "n": n,
        }
    )


def _ratio(measured, true):
    measured, true = map(_floats, (measured, true))
    valid = np.isfinite(measured) & (true > 0)
    return measured[valid] / true[valid]


def _log_ratio(measured, true):
    ratio = _ratio(measured, true)
    return np.log10(ratio[ratio > 0])


def _difference(measured, true):
    difference = _floats(measured) - _floats(true)
    return difference[np.isfinite(difference)]


def _summary(samples):
    rows = []
    for name, values in samples.items():
        known = values if values.size else np.array([np.nan])
        low, middle, high = np.percentile(known, [16, 50, 84])
        rows.append((name, values.size, middle, (high - low) / 2, known.mean()))
    return QTable(rows=rows, names=("quantity", "n", "bias", "scatter", "mean"))
