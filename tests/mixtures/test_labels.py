# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tests of the rules that tell which component is "cluster"."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax

from astro_vaeclust.mixtures.labels import LABEL_RULES, cluster_probability


def hard(labels, n_components):
    """Probabilities of zero and one for given labels."""
    return np.eye(n_components)[np.asarray(labels)]


@pytest.mark.parametrize("rule", LABEL_RULES)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_cells=st.integers(0, 40),
    n_components=st.integers(1, 4),
    levels=st.integers(1, 5),
)
def test_order_of_components_changes_nothing(rule, seed, n_cells, n_components, levels):
    rng = np.random.default_rng(seed)
    # Few levels of brightness and sharp probabilities make ties.
    sharpness = rng.choice([0.1, 1.0, 1000.0])
    scores = sharpness * rng.integers(0, levels, size=(n_cells, n_components))
    probabilities = softmax(scores, axis=1) if n_cells else scores
    brightness = rng.integers(0, levels, size=n_cells) / levels
    expected = cluster_probability(probabilities, brightness, rule=rule)
    assert expected.shape == (n_cells,)
    assert ((expected >= 0) & (expected <= 1)).all()
    for order in permutations(range(n_components)):
        permuted = probabilities[:, order]
        got = cluster_probability(permuted, brightness, rule=rule)
        assert_array_equal(got, expected)


def test_brightest_takes_the_brightest_even_if_it_is_common():
    probabilities = hard([0, 0, 0, 1, 1], 2)
    brightness = [0.8, 0.9, 0.7, 0.1, 0.2]
    got = cluster_probability(probabilities, brightness, rule="brightest")
    assert_array_equal(got, [1, 1, 1, 0, 0])


def test_rarest_takes_the_rarest_even_if_it_is_faint():
    probabilities = hard([0, 0, 0, 1, 1], 2)
    brightness = [0.8, 0.9, 0.7, 0.1, 0.2]
    got = cluster_probability(probabilities, brightness, rule="rarest")
    assert_array_equal(got, [0, 0, 0, 1, 1])


def test_brightness_is_weighted_with_probabilities():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.1, 0.9]])
    got = cluster_probability(probabilities, [1.0, 0.0, 0.0], rule="brightest")
    assert_allclose(got, probabilities[:, 0])


def test_brighter_than_sky_sums_all_significantly_brighter_components():
    labels = np.repeat([0, 1, 2, 3], [60, 20, 20, 20])
    scatter = np.resize([-0.1, 0.1], 120)
    brightness = np.array([0.3, 0.5, 0.9, 0.1])[labels] + scatter
    got = cluster_probability(hard(labels, 4), brightness, rule="brighter-than-sky")
    assert_array_equal(got, np.isin(labels, [1, 2]))


@pytest.mark.parametrize(("excess", "expected"), [(0.99, 0.0), (1.01, 1.0)])
def test_brighter_than_sky_asks_for_one_standard_error(excess, expected):
    labels = np.repeat([0, 1], [100, 20])
    scatter = np.resize([-0.1, 0.1], 120)
    standard_error = 0.1 * np.sqrt(1 / 99 + 1 / 19)
    brightness = 0.5 + scatter + excess * standard_error * labels
    got = cluster_probability(hard(labels, 2), brightness, rule="brighter-than-sky")
    assert_array_equal(got, expected * labels)


def test_a_single_bright_cell_is_not_brighter_than_sky():
    got = cluster_probability(
        hard([0] * 9 + [1], 2), [0.1] * 9 + [0.9], rule="brighter-than-sky"
    )
    assert_array_equal(got, 0)


@pytest.mark.parametrize("flip", [False, True])
class TestTies:
    """Ties go by a second criterion, whatever the order of the components."""

    def test_of_equally_bright_components_the_rarer(self, flip):
        labels = np.array([0, 0, 0, 1]) ^ flip
        got = cluster_probability(hard(labels, 2), [0.1] * 4, rule="brightest")
        assert_array_equal(got, [0, 0, 0, 1])

    def test_of_equally_rare_components_the_brighter(self, flip):
        labels = np.array([0, 0, 1, 1]) ^ flip
        got = cluster_probability(hard(labels, 2), [0.2, 0.2, 0.1, 0.1], rule="rarest")
        assert_array_equal(got, [1, 1, 0, 0])

    def test_of_equally_common_components_the_fainter_is_sky(self, flip):
        labels = np.array([0, 0, 1, 1]) ^ flip
        got = cluster_probability(
            hard(labels, 2), [0.2, 0.3, 0.6, 0.7], rule="brighter-than-sky"
        )
        assert_array_equal(got, [0, 0, 1, 1])

    @pytest.mark.parametrize("rule", ["brightest", "rarest"])
    def test_of_components_tied_in_all_that_of_the_first_cell(self, flip, rule):
        labels = np.array([0, 1, 1, 0]) ^ flip
        got = cluster_probability(hard(labels, 2), [0.5] * 4, rule=rule)
        assert_array_equal(got, [1, 0, 0, 1])


@pytest.mark.parametrize("rule", LABEL_RULES)
def test_empty_components_are_never_chosen(rule):
    probabilities = np.tile([0.99, 0.01], (50, 1))
    got = cluster_probability(probabilities, np.linspace(0, 1, 50), rule=rule)
    assert_array_equal(got, 0)


def test_wrong_rule_lists_what_there_is():
    with pytest.raises(
        ValueError, match="'brightest', 'rarest', 'brighter-than-sky'; got 'dimmest'"
    ):
        cluster_probability(hard([0, 1], 2), [0.1, 0.2], rule="dimmest")


@pytest.mark.parametrize(
    ("probabilities", "brightness", "message"),
    [
        (hard([0, 1], 2), [0.1, np.nan], "brightness must be finite.*1 of 2"),
        (hard([0, 1], 2), [0.1], r"brightness must have shape \(2,\)"),
        ([0.5, 0.5], [0.1, 0.2], r"probabilities must have shape \(n, k\)"),
        ([[0.5, 0.4]], [0.1], "add up to one"),
        ([[1.5, -0.5]], [0.1], r"lie in \[0, 1\]"),
        ([[np.nan, 1.0]], [0.1], r"lie in \[0, 1\]"),
    ],
)
def test_bad_input(probabilities, brightness, message):
    with pytest.raises(ValueError, match=message):
        cluster_probability(probabilities, brightness, rule="brightest")
