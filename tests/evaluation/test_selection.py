# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Fits of selection functions recover what made the outcomes, and know their limits."""

import astropy.units as u
import numpy as np
import pytest
from astropy.table import QTable
from astropy.utils.exceptions import AstropyUserWarning
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from astro_vaeclust.evaluation import SelectionFunction

from .examples import positions

TRUE = np.array([1.0, 4.0, -3.0, -1.5])


def injections(n=2000, seed=0, coefficients=TRUE):
    rng = np.random.default_rng(seed)
    members = 10 ** rng.uniform(1, 2.5, n)
    radius = 10 ** rng.uniform(0.9, 2, n)
    density = 10 ** rng.uniform(0, 1, n)
    logs = np.log10([members, radius, density])
    chance = expit(coefficients[0] + coefficients[1:] @ logs)
    return QTable(
        {
            "sky_center": positions(np.arange(n)),
            "n_members": members,
            "r50": radius * u.arcsec,
            "local_density": density / u.arcmin**2,
            "is_found": rng.uniform(size=n) < chance,
        }
    )


@pytest.fixture(scope="module")
def fitted():
    return SelectionFunction.fit(injections())


def test_known_coefficients_are_recovered_within_their_errors(fitted):
    assert (fitted.errors < [1, 0.5, 0.5, 0.4]).all()
    pull = (fitted.coefficients - TRUE) / fitted.errors
    assert np.abs(pull).max() < 2.5


def test_errors_are_the_scatter_of_the_coefficients():
    fits = [SelectionFunction.fit(injections(400, seed)) for seed in range(40)]
    scatter = np.std([fit.coefficients for fit in fits], axis=0)
    stated = np.mean([fit.errors for fit in fits], axis=0)
    assert_allclose(scatter / stated, 1, atol=0.35)


def test_maximum_is_that_of_scikit_learn(fitted):
    table = fitted.injections
    logs = np.log10(
        [table["n_members"], table["r50"].value, table["local_density"].value]
    ).T
    other = LogisticRegression(C=1e6, tol=1e-8, max_iter=1000).fit(
        logs, table["is_found"]
    )
    expected = np.concatenate([other.intercept_, other.coef_[0]])
    assert_allclose(fitted.coefficients, expected, rtol=0.01)


def test_completeness_and_its_interval(fitted):
    values = (100, 20 * u.arcsec, 3 / u.arcmin**2)
    expected = expit(TRUE @ [1, 2, np.log10(20), np.log10(3)])
    completeness = fitted.completeness(*values)
    low, high = fitted.interval(*values)
    assert isinstance(completeness, float)
    assert 0 < low < completeness < high < 1
    assert abs(completeness - expected) < 3 * (high - low)
    wide = fitted.interval(*values, confidence=0.99)
    assert wide[0] < low < high < wide[1]


def test_arguments_are_broadcast_and_converted(fitted):
    grid = fitted.completeness([[20], [200]], [10, 30, 90] * u.arcsec)
    assert grid.shape == (2, 3)
    assert (np.diff(grid, axis=0) > 0).all()
    assert (np.diff(grid, axis=1) < 0).all()
    assert_allclose(grid[0], fitted.completeness(20, [1 / 6, 0.5, 1.5] * u.arcmin))
    middle = fitted.completeness(20, 10 * u.arcsec, fitted.median_density)
    assert_allclose(grid[0, 0], middle)


@pytest.mark.parametrize(
    "values",
    [
        (5, 20 * u.arcsec),
        (1000, 20 * u.arcsec),
        (50, 500 * u.arcsec),
        ([50, 5], 20 * u.arcsec),
        (50, 20 * u.arcsec, 90 / u.arcmin**2),
    ],
)
def test_values_outside_of_the_injections_are_refused(fitted, values):
    with pytest.raises(ValueError, match="in the range of the injections"):
        fitted.completeness(*values)
    with pytest.raises(ValueError, match="in the range of the injections"):
        fitted.interval(*values)
    assert np.isfinite(fitted.completeness(*values, extrapolate=True)).all()


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ((50, 20), TypeError, "r50 must be a Quantity"),
        ((50, 20 * u.s), TypeError, "r50 must be a Quantity"),
        ((50, 20 * u.arcsec, 3), TypeError, "local_density must be a Quantity"),
        ((0, 20 * u.arcsec), ValueError, "n_members must be positive"),
        ((np.nan, 20 * u.arcsec), ValueError, "n_members must be positive"),
    ],
)
def test_bad_values_are_refused(fitted, values, error, message):
    with pytest.raises(error, match=message):
        fitted.completeness(*values)


def test_round_trip(fitted, tmp_path):
    path = tmp_path / "selection.ecsv"
    first = SelectionFunction(
        fitted.injections,
        fitted.coefficients,
        fitted.covariance,
        fitted.ranges,
        meta={"seed": 3, "finder": "stub"},
    )
    first.write(path)
    again = SelectionFunction.read(path)
    assert_array_equal(again.coefficients, first.coefficients)
    assert_array_equal(again.covariance, first.covariance)
    assert (again.ranges, again.meta) == (first.ranges, first.meta)
    assert_array_equal(again.injections["is_found"], first.injections["is_found"])
    values = (50, 20 * u.arcsec)
    assert again.completeness(*values) == first.completeness(*values)
    with pytest.raises(FileExistsError):
        first.write(path)
    first.write(path, overwrite=True)
    QTable({"a": [1]}).write(path, format="ascii.ecsv", overwrite=True)
    with pytest.raises(ValueError, match="no selection function"):
        SelectionFunction.read(path)


def test_accuracy_is_the_share_called_right(fitted):
    table = fitted.injections
    p = fitted.completeness(table["n_members"], table["r50"], table["local_density"])
    assert_allclose(fitted.accuracy, np.mean((p > 0.5) == table["is_found"]))
    assert fitted.accuracy > 0.7


@pytest.mark.parametrize("outcome", [True, False])
def test_all_or_none_found_is_a_limit_and_says_so(outcome):
    table = injections(50)
    table["is_found"] = outcome
    with pytest.warns(AstropyUserWarning, match="and the fit is only a limit"):
        fit = SelectionFunction.fit(table)
    assert np.isfinite([*fit.coefficients, *fit.errors]).all()
    members = np.median(table["n_members"])
    p = fit.completeness(members, np.median(table["r50"]))
    assert p > 0.9 if outcome else p < 0.1


def test_outcomes_that_separate_stay_finite():
    table = injections(200)
    table["is_found"] = table["n_members"] > 50
    fit = SelectionFunction.fit(table)
    assert np.isfinite([*fit.coefficients, *fit.errors]).all()
    assert fit.accuracy > 0.97


def test_a_variable_that_does_not_vary():
    table = injections(300)
    table["local_density"] = 3 / u.arcmin**2
    fit = SelectionFunction.fit(table)
    assert np.isfinite(fit.errors).all()


def test_plot_has_three_curves_and_their_data(fitted):
    ax = fitted.plot()
    assert len(ax.get_lines()) == 6
    assert fitted.plot(ax) is ax


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table[:0], "must have rows"),
        (lambda table: table["sky_center", "r50"], "is_found"),
    ],
)
def test_bad_tables_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        SelectionFunction.fit(change(injections(20)))
