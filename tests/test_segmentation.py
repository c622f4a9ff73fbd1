# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The rules for the threshold of a heat map."""

from dataclasses import dataclass

import numpy as np
import pytest

from astro_vaeclust.segmentation import (
    THRESHOLDS,
    FixedThreshold,
    PeakFraction,
    SigmaClipped,
    Threshold,
    resolve_threshold,
)


def test_peak_fraction_counts_from_the_sky():
    values = np.array([0.2, 0.0, 0.8, 0.2, 0.2])
    assert PeakFraction(fraction=0.25).level(values) == pytest.approx(0.35)


def test_nothing_lies_above_a_fraction_of_no_peak():
    assert PeakFraction().level(np.full(9, 0.3)) == pytest.approx(0.3)


def test_fixed():
    assert FixedThreshold(value=0.3).level(np.array([0.1, 0.8])) == 0.3


def test_sigma_clipped_ignores_the_cluster():
    rng = np.random.default_rng(0)
    sky = rng.normal(0.3, 0.01, 20_000)
    values = np.concatenate([sky, np.full(400, 0.95)])
    level = SigmaClipped(n_sigma=5, minimum=0.0).level(values)
    assert level == pytest.approx(0.35, abs=0.003)


def test_sigma_clipped_has_a_floor():
    values = np.random.default_rng(0).normal(0.1, 0.001, 1000)
    assert SigmaClipped(n_sigma=3, minimum=0.5).level(values) == 0.5


def test_resolve():
    assert resolve_threshold("peak-fraction") == PeakFraction()
    assert resolve_threshold(0.4) == FixedThreshold(value=0.4)
    rule = SigmaClipped(n_sigma=7)
    assert resolve_threshold(rule) is rule


@pytest.mark.parametrize(
    ("threshold", "error"),
    [("otsu", ValueError), (1.5, ValueError), (True, TypeError), (None, TypeError)],
)
def test_resolve_refuses(threshold, error):
    with pytest.raises(error, match="threshold"):
        resolve_threshold(threshold)


@pytest.mark.parametrize(
    "make",
    [
        lambda: PeakFraction(fraction=1.0),
        lambda: FixedThreshold(value=-0.1),
        lambda: SigmaClipped(n_sigma=0),
        lambda: SigmaClipped(minimum=1),
    ],
)
def test_bad_settings(make):
    with pytest.raises(ValueError, match=r"fraction|value|n_sigma|minimum"):
        make()


def test_third_party_rule():
    @THRESHOLDS.register("test-median")
    @dataclass(frozen=True, kw_only=True)
    class Median(Threshold):
        def level(self, values):
            return float(np.median(values))

    assert resolve_threshold("test-median").level(np.array([1, 2, 9])) == 2
