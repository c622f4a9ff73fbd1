# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The logistic regression against its closed form."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from astro_vaeclust.utils.statistics import fit_logistic


def test_two_groups_have_the_logarithms_of_their_odds():
    """The errors are those of a two by two table: sums of inverse numbers."""
    variable = np.repeat([0.0, 1.0], 1000)
    outcome = np.concatenate([np.arange(1000) < 200, np.arange(1000) < 700])
    coefficients, covariance = fit_logistic(variable[:, np.newaxis], outcome)
    assert_allclose(coefficients[0], np.log(200 / 800), rtol=1e-3)
    assert_allclose(coefficients.sum(), np.log(700 / 300), rtol=1e-3)
    expected = [1 / 200 + 1 / 800, 1 / 200 + 1 / 800 + 1 / 700 + 1 / 300]
    assert_allclose(np.diag(covariance), expected, rtol=1e-3)


@pytest.mark.parametrize("outcome", [np.zeros(30, bool), np.arange(30) > 12])
def test_outcomes_that_can_be_separated_have_finite_coefficients(outcome):
    variables = np.column_stack([np.arange(30.0), np.ones(30)])
    coefficients, covariance = fit_logistic(variables, outcome)
    assert np.isfinite(coefficients).all()
    assert np.isfinite(covariance).all()
    logits = coefficients[0] + variables @ coefficients[1:]
    assert ((logits > 0) == outcome).all()


def test_without_variables_it_is_the_fraction():
    outcome = np.arange(1000) < 250
    (intercept,), _ = fit_logistic(np.empty((1000, 0)), outcome)
    assert_allclose(intercept, np.log(1 / 3), rtol=1e-3)
