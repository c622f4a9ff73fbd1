# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Rates of false alarms and errors, calibrated on samples that are known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from astro_vaeclust.detector.calibration import Calibration
from astro_vaeclust.detector.network import MEASURES
from astro_vaeclust.training.calibrate import calibrate_errors
from astro_vaeclust.training.rates import NullSample, fit_calibration

from .examples import CALIBRATION


def test_rates_of_a_known_process_are_recovered():
    """Scores that fall off exponentially, at twice the rate in half of the sky."""
    rng = np.random.default_rng(3)
    area, per_area, slope = 40.0, 3000.0, 1.5
    scores, crowding = [], []
    for place, factor in ((0.3, 1), (0.7, 2)):
        number = rng.poisson(area / 2 * per_area * factor)
        scores.append(-6 + rng.exponential(1 / slope, number))
        crowding.append(np.full(number, place))
    exposure = np.array([[0.3, 0.0, area / 2], [0.7, 0.0, area / 2]])
    sample = NullSample(
        scores=np.concatenate(scores),
        crowding=np.concatenate(crowding),
        fine=np.zeros(sum(map(len, scores))),
        exposure=exposure,
    )
    calibration = fit_calibration(sample)
    for place, factor in ((0.3, 1), (0.7, 2)):
        for score in (-4.0, -3.0, -2.0):
            expected = factor * per_area * np.exp(-slope * (score + 6))
            stated = calibration.false_alarm_rate([score], [place], False)[0]
            assert 0.6 < stated / expected < 1.7
    rates = calibration.false_alarm_rate(np.arange(-3, 4), [0.5] * 7, False)
    assert (np.diff(rates) < 0).all()
    assert Calibration.from_dict(calibration.to_dict()) == calibration


def test_rates_that_fall_ever_faster_are_recovered():
    """Gaussian scores: an exponential that fits the many would overstate the few."""
    rng = np.random.default_rng(5)
    area = 50.0
    scores = rng.normal(-4, 1.2, int(area * 300))
    shown = scores[scores > -6]
    sample = NullSample(
        scores=shown,
        crowding=np.full(len(shown), 0.5),
        fine=np.zeros(len(shown)),
        exposure=np.array([[0.4, 0.0, area / 2], [0.5, 0.0, area / 2]]),
    )
    sample.crowding[::2] = 0.4
    calibration = fit_calibration(sample)
    for rate in (0.3, 1.0, 10.0):
        score = -4 + 1.2 * norm.isf(rate / 300)
        stated = calibration.false_alarm_rate([score], [0.45], False)[0]
        assert 0.6 < stated / rate < 1.7


def test_coarse_and_fine_images_have_rates_of_their_own():
    """Twice as steep on fine ones, and ten times as many of them."""
    rng = np.random.default_rng(6)
    slopes, numbers, area = (1.0, 2.0), (3000, 30_000), 30.0
    scores = [
        -6 + rng.exponential(1 / k, n) for k, n in zip(slopes, numbers, strict=True)
    ]
    sample = NullSample(
        scores=np.concatenate(scores),
        crowding=np.full(sum(numbers), 0.5),
        fine=np.repeat([0.0, 1.0], numbers),
        exposure=np.array([[0.5, 0.0, area], [0.5, 1.0, area]]),
    )
    both = fit_calibration(sample)
    for fine, (slope, number) in enumerate(zip(slopes, numbers, strict=True)):
        for rate in (1.0, 10.0, 50.0):
            score = -6 + np.log(number / area / rate) / slope
            stated = both.false_alarm_rate([score], [0.5], fine)[0]
            assert 0.6 < stated / rate < 1.7
    coarse = NullSample(
        scores=scores[0],
        crowding=np.full(numbers[0], 0.5),
        fine=np.zeros(numbers[0]),
        exposure=sample.exposure[:1],
    )
    alone = fit_calibration(coarse)
    assert alone.intensities == (both.intensities[0],) * 2
    assert fit_calibration(coarse, before=both) == both


def test_calibrated_errors_hold_68_percent_of_the_truths_at_every_size():
    rng = np.random.default_rng(4)
    errors = rng.uniform(0.02, 0.2, (6000, 5))
    spread = np.hypot(1.5 * errors, 0.1)
    deviations = rng.normal(0.3, spread)
    biases, factors, floors = calibrate_errors(np.stack([deviations, errors], axis=1))
    assert biases[:2] == (0.0, 0.0)
    np.testing.assert_allclose(biases[2:], 0.3, atol=0.02)
    calibration = replace(
        CALIBRATION,
        biases=(biases,) * 2,
        error_factors=(factors,) * 2,
        error_floors=(floors,) * 2,
    )
    for number, name in enumerate(MEASURES[2:], start=2):
        logarithms, stated = calibration.corrected(
            name, deviations[:, number], errors[:, number], fine=False
        )
        # the truth is a logarithm of zero: the number itself is one
        measured = 10**logarithms
        inside = np.abs(measured - 1) < measured * np.log(10) * stated
        for small in (errors[:, number] < 0.06, errors[:, number] > 0.15):
            assert inside[small].mean() == pytest.approx(0.68, abs=0.04)


def test_errors_without_deviations_are_zero():
    pairs = np.stack([np.zeros((30, 5)), np.ones((30, 5))], axis=1)
    assert calibrate_errors(pairs) == ((0.0,) * 5,) * 3
