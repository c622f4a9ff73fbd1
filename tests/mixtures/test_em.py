# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tests of EM with re-initialised components."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.mixture import GaussianMixture

from astro_vaeclust.mixtures import EMGaussianMixture, FittedMixture
from astro_vaeclust.mixtures import expectation_maximisation as em
from astro_vaeclust.mixtures.expectation_maximisation import (
    best_of_random_starts,
    bhattacharyya_distance,
    expectation_maximisation,
    find_degenerate,
    random_mixture,
)

PLAIN = {"max_reinitialisations": 0, "min_weight": 0.0, "min_distance": 0.0}


@pytest.mark.parametrize("covariance_type", ["full", "diag"])
@pytest.mark.parametrize("n_components", [2, 3])
def test_iterations_are_those_of_sklearn(two_groups, covariance_type, n_components):
    features = two_groups[0]
    means = features[[3, 100, 250][:n_components]]
    weights = np.array([0.5, 0.3, 0.2])[:n_components]
    weights /= weights.sum()
    variances = np.linspace(0.5, 2, n_components * 3).reshape(n_components, 3)
    full = covariance_type == "full"
    theirs = GaussianMixture(
        n_components,
        covariance_type=covariance_type,
        tol=1e-6,
        max_iter=500,
        reg_covar=1e-6,
        weights_init=weights,
        means_init=means,
        precisions_init=[np.diag(1 / v) for v in variances] if full else 1 / variances,
        random_state=0,
    ).fit(features)
    run = expectation_maximisation(
        features,
        FittedMixture(weights, means, [np.diag(v) for v in variances]),
        EMGaussianMixture(
            n_components=n_components,
            covariance_type=covariance_type,
            tol=1e-6,
            max_iter=500,
            **PLAIN,
        ),
    )
    assert run.converged
    assert run.n_iter == theirs.n_iter_ > 5
    if hasattr(theirs, "lower_bounds_"):
        assert_allclose(run.log_likelihoods, theirs.lower_bounds_, rtol=1e-10)
    assert_allclose(run.log_likelihoods[-1], theirs.lower_bound_, rtol=1e-10)
    covariances = (
        theirs.covariances_ if full else [np.diag(v) for v in theirs.covariances_]
    )
    assert_allclose(run.mixture.weights, theirs.weights_, rtol=1e-8)
    assert_allclose(run.mixture.means, theirs.means_, rtol=1e-8, atol=1e-10)
    assert_allclose(run.mixture.covariances, covariances, rtol=1e-8, atol=1e-10)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**16),
    n_components=st.integers(1, 4),
    n_features=st.integers(1, 4),
    covariance_type=st.sampled_from(["full", "diag"]),
)
def test_likelihood_never_falls_between_reinitialisations(
    seed, n_components, n_features, covariance_type
):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(80, n_features)) + 3 * rng.integers(0, 2, size=(80, 1))
    mixture = EMGaussianMixture(
        n_components=n_components,
        covariance_type=covariance_type,
        n_init=1,
        max_iter=40,
        min_weight=0.1,
        min_distance=0.05,
        reg_covar=1e-9,
    )
    run = best_of_random_starts(features, mixture, seed=seed)
    assert len(run.reinitialised_after) <= mixture.max_reinitialisations
    for stretch in np.split(run.log_likelihoods, run.reinitialised_after):
        assert (np.diff(stretch) > -1e-6).all()


def test_bhattacharyya_distance_in_closed_form():
    mixture = FittedMixture(
        [0.2, 0.3, 0.5],
        [[0.0, 0.0], [3.0, 0.0], [0.0, 0.0]],
        [np.eye(2), np.eye(2), 4 * np.eye(2)],
    )
    expected = {
        (0, 1): 9 / 8,
        (0, 2): np.log(2.5 / 2),
        (1, 2): 9 / 8 / 2.5 + np.log(2.5 / 2),
        (1, 1): 0,
    }
    for pair, distance in expected.items():
        for one, other in (pair, pair[::-1]):
            got = bhattacharyya_distance(mixture, one, other)
            assert got == pytest.approx(distance, abs=1e-15)


def test_a_low_component_is_found():
    mixture = FittedMixture([0.003, 0.997], [[0.0], [9.0]], [[[1.0]], [[1.0]]])
    assert find_degenerate(mixture, 10_000, EMGaussianMixture()) == 0
    tolerant = EMGaussianMixture(min_weight=0.002)
    assert find_degenerate(mixture, 10_000, tolerant) is None
    # 0.003 of 100 rows is less than the two that a variance needs.
    assert find_degenerate(mixture, 100, tolerant) == 0


def test_the_less_probable_of_two_similar_components_is_found():
    mixture = FittedMixture(
        [0.5, 0.2, 0.3], [[9.0], [0.1], [0.0]], [[[1.0]], [[1.0]], [[1.0]]]
    )
    assert find_degenerate(mixture, 1000, EMGaussianMixture(n_components=3)) == 1
    strict = EMGaussianMixture(n_components=3, min_distance=1e-3)
    assert find_degenerate(mixture, 1000, strict) is None


def test_equal_components_part_only_by_reinitialisation(two_groups):
    features = two_groups[0]
    start = FittedMixture([0.5, 0.5], np.zeros((2, 3)), [9 * np.eye(3)] * 2)
    stuck = expectation_maximisation(features, start, EMGaussianMixture(**PLAIN))
    assert_allclose(stuck.mixture.means[0], stuck.mixture.means[1])
    generator = torch.Generator().manual_seed(1)
    run = expectation_maximisation(features, start, EMGaussianMixture(), generator)
    assert run.reinitialised_after[0] == 1
    assert not run.degenerate
    assert run.mixture.weights.min() == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize(
    ("options", "n_iter"), [({"tol": 0, "max_iter": 4}, 5), ({"tol": 1e9}, 3)]
)
def test_reinitialisation_starts_iterations_and_convergence_anew(
    two_groups, options, n_iter
):
    features = two_groups[0]
    start = FittedMixture([0.5, 0.5], np.zeros((2, 3)), [9 * np.eye(3)] * 2)
    run = expectation_maximisation(
        features,
        start,
        EMGaussianMixture(max_reinitialisations=1, **options),
        torch.Generator().manual_seed(1),
    )
    assert run.reinitialised_after == [1]
    assert run.n_iter == n_iter


def test_a_component_far_from_everything_is_reinitialised(two_groups):
    features = two_groups[0]
    start = FittedMixture([0.5, 0.5], [[0.0] * 3, [1e4] * 3], [np.eye(3)] * 2)
    generator = torch.Generator().manual_seed(2)
    run = expectation_maximisation(features, start, EMGaussianMixture(), generator)
    assert run.reinitialised_after[0] == 1
    assert run.mixture.weights.min() == pytest.approx(0.1, abs=0.01)


def test_components_left_alike_are_not_called_converged():
    features = np.random.default_rng(4).normal(size=(400, 2))
    mixture = EMGaussianMixture(n_init=2, min_distance=5.0, max_reinitialisations=2)
    run = best_of_random_starts(features, mixture, seed=0)
    assert len(run.reinitialised_after) == 2
    assert run.degenerate
    assert not mixture.fit(features, seed=0).converged


def test_too_few_iterations_are_not_called_converged(two_groups):
    fitted = EMGaussianMixture(max_iter=2, n_init=1, max_reinitialisations=0).fit(
        two_groups[0], seed=0
    )
    assert not fitted.converged
    assert fitted.n_iter == 2


def test_of_equal_runs_the_first_is_kept(two_groups, monkeypatch):
    runs = []

    def kept(*arguments):
        runs.append(expectation_maximisation(*arguments))
        runs[-1].log_likelihoods[-1] = -1.0 + [0, 1e-13, -1e-3, 2e-13][len(runs) - 1]
        return runs[-1]

    monkeypatch.setattr(em, "expectation_maximisation", kept)
    best = em.best_of_random_starts(two_groups[0], EMGaussianMixture(n_init=4), seed=0)
    assert best is runs[0]


def test_random_starts_are_random(two_groups):
    features = two_groups[0]
    generator = torch.Generator().manual_seed(0)
    first, second = (
        random_mixture(features, 3, EMGaussianMixture(), generator) for _ in range(2)
    )
    for name in ("weights", "means", "covariances"):
        assert not np.array_equal(getattr(first, name), getattr(second, name))


def test_different_seeds_start_differently(two_groups):
    mixture = EMGaussianMixture(n_init=1, max_iter=1, max_reinitialisations=0)
    first, second = (mixture.fit(two_groups[0], seed=seed) for seed in (0, 1))
    assert not np.array_equal(first.means, second.means)


def test_diagonal_covariances_are_diagonal(two_groups):
    fitted = EMGaussianMixture(covariance_type="diag").fit(two_groups[0], seed=0)
    off_diagonal = fitted.covariances * (1 - np.eye(3))
    assert_array_equal(off_diagonal, 0)


@pytest.mark.parametrize("covariance_type", ["full", "diag"])
@pytest.mark.parametrize(
    "features",
    [
        pytest.param(np.eye(2), id="as many rows as components"),
        pytest.param(np.repeat(np.eye(3), 50, axis=0), id="duplicated points"),
        pytest.param(np.arange(60.0).reshape(20, 3), id="rows on a line"),
        pytest.param(np.random.default_rng(0).normal(size=(5, 9)), id="n below d"),
        pytest.param(np.array([[0, 0]] * 99 + [[1, 1]]), id="one outlier"),
    ],
)
def test_singular_features_give_finite_probabilities(features, covariance_type):
    mixture = EMGaussianMixture(covariance_type=covariance_type, n_init=2)
    probabilities = mixture.fit(features, seed=0).probabilities(features)
    assert_allclose(probabilities.sum(axis=1), 1)


def test_one_component_is_mean_and_covariance(two_groups):
    features = two_groups[0]
    fitted = EMGaussianMixture(n_components=1).fit(features, seed=0)
    assert fitted.converged
    assert_allclose(fitted.means[0], features.mean(axis=0), rtol=1e-8)
    assert_allclose(
        fitted.covariances[0], np.cov(features.T, bias=True), rtol=1e-5, atol=1e-5
    )
