# Licensed under a 3-clause BSD style license - see LICENSE.rst

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from astro_vaeclust.evaluation import paper_table
from astro_vaeclust.evaluation.paper_table import TABLE_I, possible_ious
from astro_vaeclust.matching.overlap import member_iou, source_iou


def test_wilson_interval_by_hand():
    z = 1.0000217
    n, p = 10, 0.5
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert_allclose(source_iou(5, 10), (0.5, 0.5 - half, 0.5 + half), atol=1e-5)


@pytest.mark.parametrize(
    ("counts", "iou", "low", "high"),
    [((0, 4), 0, 0, 0.2), ((4, 4), 1, 0.8, 1), ((0, 0), np.nan, 0, 1)],
)
def test_interval_at_the_ends(counts, iou, low, high):
    assert_allclose(source_iou(*counts), (iou, low, high), atol=1e-4)


@given(st.integers(0, 500), st.integers(1, 500), st.floats(0.1, 0.99))
def test_interval_holds_the_ratio_within_bounds(n_shared, n_union, confidence):
    n_shared = min(n_shared, n_union)
    iou, low, high = source_iou(n_shared, n_union, confidence=confidence)
    tiny = 1e-12
    assert 0 <= low <= iou + tiny
    assert iou - tiny <= high <= 1
    wider = source_iou(n_shared, n_union, confidence=(1 + confidence) / 2)
    assert wider[1] <= low + tiny
    assert high <= wider[2] + tiny


@pytest.mark.parametrize("counts", [(3, 2), (-1, 2)])
def test_impossible_counts(counts):
    with pytest.raises(ValueError, match="n_shared <= n_union"):
        source_iou(*counts)


@pytest.mark.parametrize("confidence", [0, 1, 1.5])
def test_impossible_level(confidence):
    with pytest.raises(ValueError, match="confidence must be"):
        source_iou(1, 2, confidence=confidence)


def test_members_by_hand():
    # 60 - 10 members are shared of 80 - 20: 5/6
    ratio, error = member_iou(60, 80, 10.0, 20.0, 1.0, 0.0)
    assert_allclose(ratio, 50 / 60)
    assert_allclose(error, np.sqrt(10**2 * 60 + 50**2 * 20) / 60**2)


def test_without_a_field_members_are_sources():
    ratio, error = member_iou(30, 40, 5.0, 9.0, 0.0, 0.0)
    assert_allclose(ratio, 0.75)
    assert_allclose(error, np.sqrt(0.75 * 0.25 / 40))


def test_error_of_members_is_that_of_many_draws():
    rng = np.random.default_rng(4)
    draws = 20_000
    shared, other = rng.poisson(90, draws), rng.poisson(50, draws)
    density = rng.normal(1.0, 0.1, draws)
    ratios = [
        member_iou(a, a + b, 20.0, 35.0, d, 0.1)[0]
        for a, b, d in zip(shared, other, density, strict=True)
    ]
    _, error = member_iou(90, 140, 20.0, 35.0, 1.0, 0.1)
    assert_allclose(error, np.std(ratios), rtol=0.1)


def test_no_members_at_all():
    assert np.isnan(member_iou(5, 10, 10.0, 20.0, 1.0, 0.1)).all()


def test_no_printed_iou_follows_from_the_printed_members():
    table = paper_table()
    printed, nearest = table["iou"], table["nearest_iou"]
    assert len(table) == len(TABLE_I) == 8
    assert (abs(printed - nearest) > 1e-4).all()
    beyond = table["name"][printed > table["largest_iou"]]
    assert list(beyond) == ["IRAS 06055+2039", "IRAS 06056+2131"]
    assert_allclose(table["largest_iou"][0], 98 / 119)


def test_means_of_the_paper():
    table = paper_table()
    assert_allclose(table["iou"].mean(), 0.781, atol=5e-4)
    ratio = (table["radius"] / table["reference_radius"]).mean()
    assert_allclose(ratio, 0.879, atol=5e-4)


@given(st.integers(1, 60), st.integers(1, 60))
def test_possible_ious_rise_to_the_ratio_of_the_numbers(n_first, n_second):
    possible = possible_ious(n_first, n_second)
    assert possible[0] == 0
    assert (np.diff(possible) > 0).all()
    smaller, larger = sorted((n_first, n_second))
    assert_allclose(possible[-1], smaller / larger)


@pytest.mark.parametrize("numbers", [(0, 3), (3, -1)])
def test_regions_without_sources_have_no_iou(numbers):
    with pytest.raises(ValueError, match="must be an integer of at least 1"):
        possible_ious(*numbers)
