# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tests of the fitted mixture and of the registry of mixtures."""

import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal

from astro_vaeclust.mixtures import (
    MIXTURES,
    BayesianMixture,
    EMGaussianMixture,
    FittedMixture,
    Mixture,
    SklearnGaussianMixture,
)

WEIGHTS = np.array([0.2, 0.8])
MEANS = np.array([[1.0, 2.0], [-1.0, 0.5]])
COVARIANCES = np.array([[[2.0, 0.3], [0.3, 1.0]], [[0.5, -0.2], [-0.2, 0.4]]])
FEATURES = np.random.default_rng(1).normal(size=(50, 2))


@pytest.fixture
def fitted():
    return FittedMixture(WEIGHTS, MEANS, COVARIANCES, converged=False, n_iter=9)


def test_log_joint_is_log_of_weight_times_density(fitted):
    expected = [
        np.log(weight) + multivariate_normal(mean, covariance).logpdf(FEATURES)
        for weight, mean, covariance in zip(WEIGHTS, MEANS, COVARIANCES, strict=True)
    ]
    assert_allclose(fitted.log_joint(FEATURES), np.transpose(expected), rtol=1e-12)


def test_probabilities_are_bayes_rule(fitted):
    joint = np.exp(fitted.log_joint(FEATURES))
    expected = joint / joint.sum(axis=1, keepdims=True)
    assert_allclose(fitted.probabilities(FEATURES), expected, rtol=1e-12)


def test_probabilities_far_away_do_not_underflow(fitted):
    probabilities = fitted.probabilities([[1e6, -1e6]])
    assert_allclose(probabilities.sum(), 1)


def test_rebuilt_and_pickled_mixtures_are_bit_identical(fitted):
    rebuilt = FittedMixture(
        fitted.weights.copy(), np.asfortranarray(fitted.means), fitted.covariances
    )
    expected = fitted.probabilities(FEATURES)
    copy = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(rebuilt.probabilities(FEATURES), expected)
    assert_array_equal(copy.probabilities(FEATURES), expected)
    assert (copy.converged, copy.n_iter) == (False, 9)


def test_mixture_cannot_be_changed(fitted):
    with pytest.raises(FrozenInstanceError):
        fitted.n_iter = 3
    for mixture in (fitted, pickle.loads(pickle.dumps(fitted))):
        with pytest.raises(ValueError, match="read-only"):
            mixture.means[0] = 0
    assert WEIGHTS.flags.writeable


def test_number_of_components(fitted):
    assert fitted.n_components == 2
    assert fitted.n_features == 2
    equal = FittedMixture([0.5, 0.5], MEANS, COVARIANCES)
    single = FittedMixture([1.0, 0.0], MEANS, COVARIANCES)
    assert equal.effective_components == pytest.approx(2)
    assert single.effective_components == pytest.approx(1)
    assert_array_equal(single.probabilities(FEATURES)[:, 1], 0)


def test_no_rows_give_no_probabilities(fitted):
    assert fitted.probabilities(np.empty((0, 2))).shape == (0, 2)


@pytest.mark.parametrize(
    ("features", "error", "message"),
    [
        (np.zeros((4, 3)), ValueError, r"features must have shape \(n, 2\).*\(4, 3\)"),
        (np.zeros(2), ValueError, r"features must have shape \(n, 2\)"),
        ([[0.0, np.nan], [0, 0]], ValueError, "features must be finite; 1 of 2 rows"),
        (np.zeros((4, 2), complex), TypeError, "features must be real numbers"),
        (np.zeros((4, 2), object), TypeError, "features must be real numbers"),
    ],
)
def test_bad_features(fitted, features, error, message):
    with pytest.raises(error, match=message):
        fitted.probabilities(features)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": [1.0]}, "must have shapes"),
        ({"means": [1.0, 2.0]}, "must have shapes"),
        ({"covariances": np.eye(2)}, "must have shapes"),
        ({"weights": [0.5, 0.6]}, "weights must be non-negative and add up"),
        ({"weights": [-0.5, 1.5]}, "weights must be non-negative"),
        ({"means": np.full((2, 2), np.nan)}, "means must be finite"),
        ({"covariances": np.ones((2, 2, 2))}, "positive definite"),
        ({"covariances": [[[1, 0.5], [0, 1]]] * 2}, "symmetric"),
    ],
)
def test_bad_parameters(changes, message):
    parameters = {"weights": WEIGHTS, "means": MEANS, "covariances": COVARIANCES}
    with pytest.raises(ValueError, match=message):
        FittedMixture(**{**parameters, **changes})


@pytest.mark.parametrize("tag", ["em", "gmm", "bayesian"])
class TestEveryBackend:
    """What holds for all mixtures of the package."""

    def test_finds_the_group(self, tag, two_groups):
        features, is_group = two_groups
        fitted = MIXTURES.resolve(tag).fit(features, seed=3)
        labels = fitted.probabilities(features).argmax(axis=1)
        majorities = [
            is_group[labels == label].mean() > 0.5 for label in np.unique(labels)
        ]
        assert fitted.converged
        assert sum(majorities) == 1
        (group,) = np.unique(labels)[majorities]
        assert np.mean((labels == group) == is_group) > 0.98

    def test_seed_reproduces_and_global_state_is_left_alone(self, tag, two_groups):
        torch = pytest.importorskip("torch")
        numpy_state, torch_state = np.random.get_state()[1], torch.get_rng_state()  # noqa: NPY002
        first, second = (
            MIXTURES.resolve(tag).fit(two_groups[0], seed=np.int64(5)) for _ in range(2)
        )
        assert_array_equal(first.means, second.means)
        assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
        assert torch.equal(torch.get_rng_state(), torch_state)

    def test_scale_and_offset_do_not_matter(self, tag, two_groups):
        features = two_groups[0]
        mixture = MIXTURES.resolve(tag)
        scaled = features * [1e-6, 1.0, 1e5] + [0.0, 30.0, -2e6]
        assert_allclose(
            mixture.fit(scaled, seed=1).probabilities(scaled),
            mixture.fit(features, seed=1).probabilities(features),
            atol=1e-5,
        )

    def test_float32_big_endian_and_read_only(self, tag, two_groups):
        features = two_groups[0].astype(">f4")
        features.setflags(write=False)
        expected = MIXTURES.resolve(tag).fit(features.astype(np.float64), seed=1)
        got = MIXTURES.resolve(tag).fit(features, seed=1)
        assert_array_equal(got.means, expected.means)

    def test_constant_feature_decides_nothing(self, tag, two_groups):
        features = np.insert(two_groups[0], 1, 0.1, axis=1)
        mixture = MIXTURES.resolve(tag)
        fitted = mixture.fit(features, seed=1)
        without = mixture.fit(two_groups[0], seed=1)
        expected = without.probabilities(two_groups[0])
        assert_allclose(fitted.means[:, 1], 0.1, rtol=1e-12)
        assert_allclose(fitted.probabilities(features), expected, atol=1e-9)
        moved = features + np.array([0.0, 1e-4, 0.0, 0.0])
        assert_allclose(fitted.probabilities(moved), expected, atol=1e-9)

    def test_rounding_errors_are_no_features(self, tag):
        features = np.tile([1e8, 3.0], (20, 1))
        features[:10, 0] = np.nextafter(1e8, 2e8)
        mixture = MIXTURES.get(tag)(n_components=2)
        with pytest.raises(ValueError, match="features must vary by more"):
            mixture.fit(features, seed=0)

    def test_too_few_different_rows(self, tag):
        mixture = MIXTURES.resolve(tag)
        k = mixture.n_components
        with pytest.raises(ValueError, match=f"n_components={k} different rows, got 1"):
            mixture.fit(np.ones((20, 3)), seed=0)
        with pytest.raises(ValueError, match="different rows, got 0 in 0 rows"):
            mixture.fit(np.ones((0, 3)), seed=0)

    @pytest.mark.parametrize("seed", [-1, 2**32])
    def test_seed_out_of_range(self, tag, seed, two_groups):
        with pytest.raises(ValueError, match="seed must be an integer in"):
            MIXTURES.resolve(tag).fit(two_groups[0], seed=seed)

    def test_seed_of_wrong_type(self, tag, two_groups):
        with pytest.raises(TypeError, match="seed must be an integer"):
            MIXTURES.resolve(tag).fit(two_groups[0], seed=np.random.default_rng(0))

    def test_settings_are_pickled_and_compared(self, tag):
        mixture = MIXTURES.get(tag)(n_components=3)
        assert pickle.loads(pickle.dumps(mixture)) == mixture
        assert mixture != MIXTURES.get(tag)(n_components=4)


@pytest.mark.parametrize(
    "cls", [EMGaussianMixture, SklearnGaussianMixture, BayesianMixture]
)
@pytest.mark.parametrize(
    ("setting", "error"),
    [
        ({"n_components": 0}, ValueError),
        ({"n_components": 2.0}, TypeError),
        ({"covariance_type": "round"}, ValueError),
        ({"n_init": 0}, ValueError),
        ({"max_iter": 0}, ValueError),
        ({"tol": -1e-3}, ValueError),
        ({"tol": "small"}, TypeError),
        ({"reg_covar": float("nan")}, ValueError),
    ],
)
def test_bad_settings_name_the_argument(cls, setting, error):
    with pytest.raises(error, match=next(iter(setting))):
        cls(**setting)


@pytest.mark.parametrize(
    ("cls", "setting"),
    [
        (EMGaussianMixture, {"min_weight": 0.5}),
        (EMGaussianMixture, {"min_distance": -1}),
        (EMGaussianMixture, {"max_reinitialisations": -1}),
        (BayesianMixture, {"weight_concentration_prior": 0}),
        (BayesianMixture, {"weight_concentration_prior_type": "flat"}),
    ],
)
def test_bad_special_settings(cls, setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        cls(**setting)


def test_third_party_mixture_resolves_by_tag(monkeypatch):
    monkeypatch.setattr(MIXTURES, "_entries", dict(MIXTURES._entries))

    @MIXTURES.register("test-halves")
    class Halves(Mixture):
        def fit(self, features, *, seed):
            return FittedMixture(WEIGHTS, MEANS, COVARIANCES)

    assert isinstance(MIXTURES.resolve("test-halves"), Halves)
    assert "test-halves" in MIXTURES.tags


def test_importing_imports_neither_torch_nor_sklearn():
    program = (
        "import sys, astro_vaeclust.mixtures\n"
        "found = {'torch', 'sklearn', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(', '.join(found) or None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
