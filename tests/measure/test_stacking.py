# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Stacked tables have new numbers, also in the column of parts."""

import numpy as np
from numpy.testing import assert_array_equal

from astro_vaeclust.measure.columns import cluster_table
from astro_vaeclust.measure.stacking import part_numbers, stacked

from ..example_catalog import make_columns


def test_parts_are_of_the_cluster_with_its_new_number():
    parts = {"part_of": np.array([0, 1, 2])}
    first = cluster_table(make_columns(3) | parts)
    table = stacked([first, first[1:]])
    assert_array_equal(table["id"], [1, 2, 3, 4, 5])
    assert_array_equal(table["part_of"], [0, 1, 2, 0, 4])


def test_what_has_no_parts_is_masked():
    parts = {"part_of": np.array([2, 0])}
    table = stacked(
        [cluster_table(make_columns(1)), cluster_table(make_columns(2) | parts)]
    )
    assert table["part_of"].mask.tolist() == [True, False, False]
    assert table["part_of"][1] == 3


def test_a_part_of_what_is_gone_is_a_part_of_none():
    assert_array_equal(part_numbers([7, 9, 0], [7], [1]), [1, 0, 0])
