# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Curves of tables made by hand are known exactly."""

import astropy.units as u
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import average_precision_score

from astro_vaeclust.evaluation import froc

from .examples import NO_CLUSTERS, detections, table, truth

PER = u.deg**-2
AREAS = [1, 2] * u.deg**2
TRUTHS = [truth([0, 500], [40, 10]), NO_CLUSTERS]
CATALOGS = [detections([5, 505, 900], [0.9, 0.5, 0.7]), detections([0, 99], [0.8, 0.5])]


def nothing(n):
    return [detections([], []) for _ in range(n)]


def test_curve_counts_false_positives_without_clusters():
    result = froc(CATALOGS, TRUTHS, AREAS)
    assert_array_equal(result.thresholds, [np.inf, 0.9, 0.8, 0.7, 0.5])
    assert_array_equal(result.completeness, [0, 0.5, 0.5, 0.5, 1])
    assert_allclose(result.rate.to_value(PER), [0, 0, 0.5, 0.5, 1])
    assert result.sky_area == 2 * u.deg**2


def test_curve_counts_false_positives_everywhere():
    result = froc(CATALOGS, TRUTHS, AREAS, sky="all")
    assert_allclose(result.rate.to_value(PER), np.array([0, 0, 1, 2, 3]) / 3)
    assert result.sky_area == 3 * u.deg**2


def test_areas_convert():
    result = froc(CATALOGS, TRUTHS, AREAS.to(u.arcmin**2))
    assert_allclose(result.rate.to_value(PER), [0, 0, 0.5, 0.5, 1])


@pytest.mark.parametrize(
    ("rate", "completeness", "threshold", "reached", "resolved"),
    [
        (0, 0.5, 0.9, True, False),
        (0.1, 0.5, 0.9, True, False),
        (0.5, 0.5, 0.7, True, True),
        (0.99, 0.5, 0.7, True, True),
        (1, 1, 0.5, True, True),
        (10, 1, 0.5, False, True),
    ],
)
def test_completeness_at_rates(rate, completeness, threshold, reached, resolved):
    at = froc(CATALOGS, TRUTHS, AREAS).completeness_at(rate * PER)
    assert at.completeness == completeness
    assert at.threshold == threshold
    assert (at.reached, at.resolved) == (reached, resolved)
    assert at.low <= completeness <= at.high


def test_false_positives_before_the_first_cluster():
    result = froc(
        [detections([0], [0.1]), detections([0, 1, 2], [0.9, 0.8, 0.7])], TRUTHS, AREAS
    )
    at = result.completeness_at(0.1 * PER)
    assert (at.completeness, at.threshold, at.measured_rate) == (0, np.inf, 0 * PER)
    assert result.completeness_at(1 * PER).completeness == 0
    assert result.completeness_at(1.5 * PER).completeness == 0.5


def test_equal_scores_come_together():
    # one true and two false detections of the same score: no threshold parts them
    result = froc(
        [detections([0], [0.5]), detections([0, 9], [0.5, 0.5])], TRUTHS, AREAS
    )
    assert_array_equal(result.thresholds, [np.inf, 0.5])
    assert_array_equal(result.completeness, [0, 0.5])
    assert result.completeness_at(0.9 * PER).completeness == 0
    assert result.completeness_at(1 * PER).completeness == 0.5
    assert_allclose(result.average_precision, 0.5 / 3)


def test_average_precision_by_hand():
    # falling: true, false, false, then a true and a false one of equal score
    result = froc(CATALOGS, TRUTHS, AREAS)
    assert_allclose(result.average_precision, 0.5 * 1 + 0.5 * 2 / 5)


def test_average_precision_is_that_of_scikit_learn_if_all_are_found():
    rng = np.random.default_rng(3)
    catalogs = [
        detections([0, *rng.uniform(1000, 9000, 3)], rng.integers(0, 9, 4))
        for _ in range(20)
    ]
    truths = [truth([0], 30)] * 20
    result = froc(catalogs, truths, np.ones(20) * u.deg**2, sky="all")
    expected = average_precision_score(
        result.detections["is_matched"], result.detections["score"]
    )
    assert_allclose(result.average_precision, expected)


def test_second_detections_are_false_and_misses_cost_precision():
    once = froc([detections([0], [1])], [truth([0], 30)], [1] * u.deg**2, sky="all")
    twice = froc(
        [detections([0, 1], [1, 2])], [truth([0], 30)], [1] * u.deg**2, sky="all"
    )
    missed = froc(
        [detections([0], [1])], [truth([0, 900], 30)], [1] * u.deg**2, sky="all"
    )
    assert [r.average_precision for r in (once, twice, missed)] == [1, 1, 0.5]
    assert twice.rate[-1] == 1 * PER


def test_nothing_detected():
    result = froc(nothing(2), TRUTHS, AREAS)
    at = result.completeness_at(1 * PER)
    assert (at.completeness, at.low, at.high, at.threshold) == (0, 0, 0, np.inf)
    assert not at.reached
    assert result.average_precision == 0
    assert len(result.calibration()) == 0
    assert_array_equal(result.measurement_errors()["n"], [0, 0, 0, 0])
    assert result.false_positives_by_kind()["n_false_positives"].sum() == 0
    result.plot()


def test_no_clusters_at_all():
    result = froc([detections([0], [1])], [NO_CLUSTERS], [2] * u.deg**2)
    at = result.completeness_at(1 * PER)
    assert np.isnan([at.completeness, at.low, at.high, result.average_precision]).all()
    assert_allclose(result.rate.to_value(PER), [0, 0.5])
    assert_allclose(at.measured_rate.to_value(PER), 0.5)


def many_tiles(n=400, fraction=0.6):
    """Return tiles of which ``fraction`` of those with a cluster have it found."""
    rng = np.random.default_rng(0)
    found = (rng.permutation(n // 2) < fraction * n / 2).astype(int).tolist()
    catalogs = [detections([0] * hit, [1.0] * hit) for hit in found] + nothing(n // 2)
    truths = [truth([0], 30)] * (n // 2) + [NO_CLUSTERS] * (n // 2)
    return catalogs, truths, np.full(n, 0.04) * u.deg**2


def test_bootstrap_is_reproducible_and_as_wide_as_binomial():
    tiles = many_tiles()
    first, second = (froc(*tiles, seed=1).completeness_at(1 * PER) for _ in range(2))
    assert first == second
    assert (first.low, first.high) != (0, 1)
    deviation = np.sqrt(0.6 * 0.4 / 200)
    assert_allclose(
        [first.low, first.high],
        0.6 + 1.96 * deviation * np.array([-1, 1]),
        atol=0.4 * deviation,
    )
    wide = froc(*tiles, seed=1, confidence=0.999).completeness_at(1 * PER)
    assert wide.low < first.low < first.high < wide.high


def test_bootstrap_holds_the_uncertainty_of_the_rate():
    # the one false positive lies above all clusters: without its tile all are found
    catalogs, truths, areas = many_tiles(40, 1.0)
    catalogs[-1] = detections([0], [2.0])
    at = froc(catalogs, truths, areas).completeness_at(0.1 * PER)
    assert (at.completeness, at.low, at.high) == (0, 0, 1)


def test_table_and_its_metadata():
    result = froc(CATALOGS, TRUTHS, AREAS)
    rates = result.to_table()
    assert_allclose(rates["rate"].to_value(PER), [0.1, 1, 10])
    assert_array_equal(rates["completeness"], [0.5, 1, 1])
    assert_array_equal(rates["reached"], [True, True, False])
    assert rates.meta["average_precision"] == result.average_precision
    assert (rates.meta["n_tiles"], rates.meta["n_clusters"]) == (2, 2)
    assert rates.meta["sky_area_deg2"] == 2


def test_plot_has_the_curve():
    result = froc(CATALOGS, TRUTHS, AREAS)
    ax = result.plot(label="by hand")
    (line,) = ax.get_lines()
    assert line.get_label() == "by hand"
    assert_array_equal(line.get_ydata(), result.completeness)
    assert result.plot(ax) is ax
    assert len(ax.get_lines()) == 2


def test_order_of_tiles_and_rows_does_not_matter():
    turned = [catalog[::-1] for catalog in CATALOGS[::-1]]
    first = froc(CATALOGS, TRUTHS, AREAS)
    second = froc(turned, TRUTHS[::-1], AREAS[::-1])
    assert_array_equal(first.completeness, second.completeness)
    assert_array_equal(first.rate, second.rate)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"areas": [1, 0] * u.deg**2}, ValueError, "areas must be positive"),
        ({"areas": [1, np.nan] * u.deg**2}, ValueError, "areas must be positive"),
        ({"areas": [1, 2]}, TypeError, "areas must be a Quantity"),
        ({"areas": [1, 2] * u.deg}, TypeError, "areas must be a Quantity"),
        ({"areas": [] * u.deg**2}, ValueError, "areas must hold"),
        ({"catalogs": CATALOGS[:1]}, ValueError, "catalogs must have one entry"),
        ({"truths": TRUTHS[:1]}, ValueError, "truths must have one entry"),
        ({"nulls": []}, ValueError, "nulls must have one entry"),
        ({"truths": TRUTHS[:1] * 2}, ValueError, "sky='all'"),
        ({"truths": [table([0])] * 2}, ValueError, "r50"),
        ({"sky": "blue"}, ValueError, "sky must be one of"),
        ({"n_bootstrap": 0}, ValueError, "n_bootstrap"),
        ({"confidence": 95}, ValueError, "confidence"),
        ({"seed": -1}, ValueError, "seed"),
    ],
)
def test_bad_input_is_refused(changes, error, message):
    arguments = {"catalogs": CATALOGS, "truths": TRUTHS, "areas": AREAS} | changes
    with pytest.raises(error, match=message):
        froc(**arguments)


@pytest.mark.parametrize(
    ("rate", "error"),
    [(1, TypeError), (1 * u.deg, TypeError), ([1, 2] * PER, TypeError)]
    + [(value * PER, ValueError) for value in (-1, np.nan, np.inf)],
)
def test_bad_rates_are_refused(rate, error):
    with pytest.raises(error, match="rate must be"):
        froc(CATALOGS, TRUTHS, AREAS).completeness_at(rate)


def test_clusters_with_few_members_do_not_count():
    clusters = truth([0, 500], [40, 10])
    clusters["n_members"] = [50, 12]
    catalogs = [
        detections([5, 505, 510, 900], [0.9, 0.5, 0.4, 0.7]),
        detections([0, 99], [0.8, 0.5]),
    ]
    whole = froc(catalogs, [clusters, NO_CLUSTERS], AREAS)
    rich = whole.with_members(20)
    assert (len(rich.clusters), len(rich.detections)) == (1, 4)
    assert_array_equal(rich.detections["score"], [0.9, 0.7, 0.8, 0.5])
    assert_array_equal(rich.detections["cluster"], [0, -1, -1, -1])
    assert rich.completeness_at(0.1 * PER).completeness == 1
    assert whole.completeness_at(0.1 * PER).completeness == 0.5
    assert rich.sky_area == whole.sky_area
    none = whole.with_members(1000)
    assert np.isnan(none.completeness_at(1 * PER).completeness)
    with pytest.raises(ValueError, match="n_members"):
        froc(CATALOGS, TRUTHS, AREAS).with_members(10)
