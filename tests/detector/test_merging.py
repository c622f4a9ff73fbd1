# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""One cluster is one row, whatever levels and blocks see of it."""

import numpy as np
import pytest
from astropy.table import Table

from astro_vaeclust.detector.merging import merge_rows

NAMES = ("x", "y", "r50", "n_members", "false_alarm_rate", "level")


def rows_of(*rows):
    """Return rows of levels; the score falls with the rate."""
    table = Table(np.array(rows, dtype=float).reshape(-1, len(NAMES)), names=NAMES)
    table["radius"] = 1.6 * table["r50"]
    table["score"] = -np.log(table["false_alarm_rate"])
    return table


def test_no_rows():
    merged = merge_rows(rows_of(), 1.0)
    assert len(merged) == 0
    assert "part_of" in merged.colnames


def test_the_level_with_15_to_60_pixels_measures_and_the_lowest_rate_counts():
    merged = merge_rows(
        rows_of(
            (500, 500, 90, 300, 0.01, 1),  # 90 network pixels
            (505, 495, 110, 400, 0.02, 4),  # 27
            (510, 500, 115, 390, 0.05, 8),  # 14
        ),
        1.0,
    )
    assert len(merged) == 1
    assert merged["r50"][0] == 110
    assert merged["level"][0] == 4
    assert merged["false_alarm_rate"][0] == 0.01
    assert merged["part_of"][0] == 0


def test_a_row_that_is_far_less_sure_measures_nothing():
    merged = merge_rows(
        rows_of((500, 500, 90, 300, 0.01, 1), (505, 495, 110, 400, 5, 4)), 1.0
    )
    assert merged["r50"].tolist() == [90]


def test_pieces_of_one_cluster_are_one_row():
    """A ring of fragments around a core that is not resolved."""
    angles = np.radians([0, 120, 240])
    ring = [
        (500 + 50 * np.cos(a), 500 + 50 * np.sin(a), 20, 40, 0.5 + i / 10, 1)
        for i, a in enumerate(angles)
    ]
    merged = merge_rows(rows_of(*ring, (500, 500, 80, 2000, 0.9, 2)), 1.0)
    assert merged["r50"].tolist() == [80]
    assert merged["false_alarm_rate"].tolist() == [0.5]


@pytest.mark.parametrize("pixel_scale", [1.0, 0.5])
def test_a_dense_part_has_a_row_that_names_the_larger_one(pixel_scale):
    merged = merge_rows(
        rows_of(
            (500 / pixel_scale, 0, 300, 500, 0.02, 8),
            (650 / pixel_scale, 0, 20, 60, 0.01, 1),
            (900 / pixel_scale, 400 / pixel_scale, 20, 60, 0.5, 1),  # far from both
        ),
        pixel_scale,
    )
    assert merged["r50"].tolist() == [20, 300, 20]
    assert merged["part_of"].tolist() == [2, 0, 0]


def test_neighbours_of_like_size_are_two_clusters():
    merged = merge_rows(
        rows_of((500, 500, 30, 60, 0.1, 1), (560, 500, 30, 60, 0.2, 1)), 1.0
    )
    assert len(merged) == 2
    assert merged["part_of"].tolist() == [0, 0]


def test_blocks_that_see_the_same_cluster():
    merged = merge_rows(
        rows_of((500, 500, 9, 40, 0.1, 1), (500.4, 500, 9, 40, 0.11, 1)), 1.0
    )
    assert len(merged) == 1


def test_without_rates_the_score_decides():
    rows = rows_of((500, 500, 30, 60, 0.1, 1), (505, 500, 30, 70, 0.2, 1))
    rows["false_alarm_rate"] = np.nan
    merged = merge_rows(rows, 1.0)
    assert merged["n_members"].tolist() == [60]


def test_the_order_of_rows_does_not_matter():
    rng = np.random.default_rng(5)
    n = 60
    rows = rows_of(
        *np.column_stack(
            [
                rng.uniform(0, 900, (n, 2)),
                10 ** rng.uniform(1, 2.3, n),
                10 ** rng.uniform(1, 3, n),
                10 ** rng.uniform(-3, 2, n),
                2.0 ** rng.integers(0, 4, n),
            ]
        )
    )
    first = merge_rows(rows, 1.0)
    again = merge_rows(rows[rng.permutation(n)], 1.0)
    for name in first.colnames:
        np.testing.assert_array_equal(first[name], again[name], err_msg=name)
    parts = first["part_of"] > 0
    larger = first[first["part_of"][parts] - 1]
    assert (larger["r50"] >= 2 * first["r50"][parts]).all()
