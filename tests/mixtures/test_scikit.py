# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tests of the mixtures of scikit-learn as backends."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture

from astro_vaeclust.mixtures import BayesianMixture, SklearnGaussianMixture
from astro_vaeclust.mixtures.scikit import COVARIANCE_TYPES, WEIGHT_PRIORS
from astro_vaeclust.mixtures.standardise import Standardiser


def standardised(features):
    return Standardiser.of(features).apply(features)


def test_standardised_features(two_groups):
    got = standardised(two_groups[0] * 1e3 - 5)
    assert_allclose(got.mean(axis=0), 0, atol=1e-12)
    assert_allclose(got.std(axis=0), 1, rtol=1e-12)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_probabilities_are_those_of_gaussian_mixture(two_groups, covariance_type):
    features = two_groups[0]
    mixture = SklearnGaussianMixture(n_components=3, covariance_type=covariance_type)
    theirs = GaussianMixture(**vars(mixture), random_state=11)
    theirs.fit(standardised(features))
    fitted = mixture.fit(features, seed=11)
    assert_allclose(
        fitted.probabilities(features),
        theirs.predict_proba(standardised(features)),
        atol=1e-10,
    )
    assert_allclose(fitted.weights, theirs.weights_, atol=1e-12)
    assert fitted.n_iter == theirs.n_iter_


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
@pytest.mark.parametrize("prior_type", WEIGHT_PRIORS)
def test_probabilities_are_those_of_bayesian_mixture(
    two_groups, prior_type, covariance_type
):
    features = two_groups[0][::4]  # few rows: the posterior is wide
    mixture = BayesianMixture(
        n_components=3,
        covariance_type=covariance_type,
        weight_concentration_prior_type=prior_type,
        max_iter=2000,
        n_init=1,
    )
    theirs = BayesianGaussianMixture(**vars(mixture), random_state=11)
    theirs.fit(standardised(features))
    fitted = mixture.fit(features, seed=11)
    assert_allclose(
        fitted.probabilities(features),
        theirs.predict_proba(standardised(features)),
        atol=1e-10,
    )


def test_bayesian_mixture_empties_what_is_not_needed(two_groups):
    mixture = BayesianMixture(weight_concentration_prior=1e-3)
    sky = mixture.fit(two_groups[0][:360], seed=0)
    both = mixture.fit(two_groups[0], seed=0)
    assert sky.n_components == both.n_components == 3
    assert sky.effective_components < 1.2
    assert both.effective_components == pytest.approx(1.38, abs=0.05)  # 90 %, 10 %


@pytest.mark.parametrize("cls", [SklearnGaussianMixture, BayesianMixture])
def test_no_convergence_is_reported_and_not_warned_of(two_groups, cls):
    noise = np.random.default_rng(3).normal(size=(300, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = cls(max_iter=1, tol=0, n_init=1).fit(noise, seed=0)
    assert fitted.converged is False
    assert cls(max_iter=2000, n_init=1).fit(two_groups[0], seed=0).converged is True
