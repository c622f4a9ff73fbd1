# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The probability that a candidate is a cluster, from its height and its radius."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust.detector.calibration import (
    HEIGHT_ALONE,
    MIDDLE,
    RADII,
    SCORES,
    Calibration,
    cluster_logit,
    score_terms,
)
from astro_vaeclust.detector.candidates import Candidates
from astro_vaeclust.detector.network import MEASURES
from astro_vaeclust.training.calibrate import _rates
from astro_vaeclust.training.rates import fit_score, range_of
from astro_vaeclust.training.tiles import TrainingTile

from .examples import CALIBRATION, INTENSITY

COEFFICIENTS = (0.3, 1.6, -1.2, -1.5, -1.0)


def candidates(height, log_r50):
    n = len(height)
    measures = {name: np.zeros(n) for name in MEASURES}
    return Candidates(
        score=np.array(height, dtype=float),
        x=np.arange(n) * 10.0,
        y=np.arange(n) * 1.0,
        measures=measures | {"log_r50": np.array(log_r50, dtype=float)},
        errors={name: np.ones(n) for name in MEASURES},
        cells=np.column_stack([np.arange(n), np.arange(n)]),
    )


def drawn(coefficients, n=20_000, seed=1):
    rng = np.random.default_rng(seed)
    height = rng.uniform(-3, 4, n)
    log_r50 = rng.uniform(*RADII, n)
    logit = score_terms(height, log_r50) @ np.array(coefficients)
    return height, log_r50, rng.uniform(size=n) < 1 / (1 + np.exp(-logit))


def test_known_coefficients_are_recovered():
    found = fit_score(*drawn(COEFFICIENTS))
    assert_allclose(found, COEFFICIENTS, atol=0.35)
    assert_allclose(found[:2], COEFFICIENTS[:2], atol=0.1)


def test_low_candidates_are_not_fitted():
    height, log_r50, is_cluster = drawn(COEFFICIENTS)
    low = np.full(500, -5.0)
    everything = (
        np.concatenate([height, low]),
        np.concatenate([log_r50, np.full(500, 1.4)]),
        np.concatenate([is_cluster, np.ones(500, dtype=bool)]),
    )
    assert fit_score(*everything) == fit_score(height, log_r50, is_cluster)


def test_a_higher_peak_is_never_a_lesser_one():
    falling = (0.0, 1.0, 0.0, 0.0, -3.0)  # with the height, at large radii
    found = fit_score(*drawn(falling))
    assert found[1] > 0
    assert found[2:] == (0.0, 0.0, 0.0)
    assert fit_score(*drawn((0.0, -1.0, 0.0, 0.0, 0.0))) is None


def test_few_clusters_tell_nothing():
    height, log_r50, is_cluster = drawn(COEFFICIENTS, n=300)
    few = is_cluster & (np.cumsum(is_cluster) < 20)
    assert fit_score(height, log_r50, few) is None
    assert fit_score(height, log_r50, np.ones(300, dtype=bool)) is None


def test_radii_beyond_the_limits_count_as_these():
    inside = score_terms(np.ones(2), np.array(RADII))
    assert_array_equal(score_terms(np.ones(2), np.array([0.1, 3.0])), inside)


def test_height_alone_changes_nothing():
    height = [-2.0, 0.5, 3.0]
    assert_allclose(cluster_logit(candidates(height, [1, 2, 3]), HEIGHT_ALONE), height)


def test_candidates_are_sorted_by_what_they_score():
    found = candidates([2.0, 1.9, -1.0], [MIDDLE + 0.5, MIDDLE - 0.5, MIDDLE])
    smaller_is_better = (0.0, 1.0, -2.0, 0.0, 0.0)
    calibration = replace(
        CALIBRATION, score_coefficients=(HEIGHT_ALONE, smaller_is_better)
    )
    assert_array_equal(calibration.scored(found, fine=False).x, found.x)
    scored = calibration.scored(found, fine=True)
    assert_allclose(scored.score, [2.9, 1.0, -1.0])
    assert_array_equal(scored.x, [10, 0, 20])
    assert_array_equal(scored.cells[:, 0], [1, 0, 2])
    assert_allclose(scored.measures["log_r50"][0], MIDDLE - 0.5)
    assert Calibration.from_dict(calibration.to_dict()) == calibration


def test_rates_stop_falling_far_above_what_was_seen():
    intensity = replace(INTENSITY, score_range=range_of(np.array([-7.5, 3.2])))
    assert intensity.score_range == (-8.0, 8.0)
    at = intensity.rate_above(np.array([5, 7, 9, 50]), [0.5] * 4)
    assert at[0] > at[1] > 0
    assert at[1] == pytest.approx(at[2]) == pytest.approx(at[3])
    assert range_of(np.array([])) == SCORES


def test_radii_tell_on_fine_images_only():
    """As many false candidates as clusters, on coarse images and on fine ones."""
    height, log_r50, is_cluster = drawn(COEFFICIENTS)
    outcomes = [np.column_stack([height, log_r50, is_cluster])]
    nulls = []
    for fine in (0, 1):
        false = candidates(height[~is_cluster], log_r50[~is_cluster])
        n = len(false)
        exposure = np.array([[0.5, float(fine), 10.0]])
        sample = np.full(n, 0.5), np.full(n, float(fine)), exposure
        nulls.append((false, fine, sample))
    found = _rates(nulls, (outcomes, outcomes), None)
    coarse, of_fine = found.score_coefficients
    assert coarse == HEIGHT_ALONE
    assert_allclose(of_fine, COEFFICIENTS, atol=0.35)
    assert found.real_sky == 1
    for false, fine, _ in nulls:
        scores = found.scored(false, fine).score
        threshold = np.sort(scores)[-100]  # ten per deg2
        rate = found.false_alarm_rate([threshold], [0.5], fine)[0]
        assert 5 < rate < 20
    few = _rates(nulls, (outcomes, [outcomes[0][:5]]), replace(found, real_sky=1.4))
    assert few.score_coefficients == found.score_coefficients
    assert few.real_sky == 1.4
    # clusters on fine images alone do not change scores whose rates are known
    height[:] = height[::-1]
    others = [np.column_stack([height, log_r50, is_cluster])]
    coarse_sky = _rates(nulls[:1], (outcomes, others), found)
    assert coarse_sky.score_coefficients == found.score_coefficients
    assert coarse_sky.intensities[1] == found.intensities[1]


def test_candidates_beside_a_matched_cluster_do_not_count():
    clusters = [[100, 100, 60, 90, 50], [300, 100, 20, 30, 50]]
    tile = TrainingTile(
        channels=np.ones((3, 256, 400), dtype=np.float16),
        clusters=np.array(clusters, dtype=np.float32),
        members=np.zeros((0, 2), dtype=np.float32),
        regions=np.zeros((0, 4), dtype=np.float32),
    )
    found = replace(
        candidates([4, 3, 2, 1], [MIDDLE] * 4),
        x=np.array([130.0, 110.0, 300.0, 200.0]),
        y=np.array([100.0, 100.0, 125.0, 200.0]),
    )
    is_cluster, counts = tile.matched(found)
    assert is_cluster.tolist() == [True, False, True, False]
    assert counts.tolist() == [True, False, True, True]
    assert not tile.matched(found[:0])[0].size
