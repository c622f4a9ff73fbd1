# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""From maps of the network to candidates: where, how large, and which are one."""

import numpy as np
import pytest

from astro_vaeclust.detector.candidates import COMPARABLE, R50, find_candidates
from astro_vaeclust.detector.inference import NetworkMaps
from astro_vaeclust.detector.network import CELL, MEASURES

SHAPE = 40, 60


def maps_of(*peaks):
    """Maps with peaks at (row, column) of a score, each with a radius in pixels."""
    center = np.full(SHAPE, -30.0, dtype=np.float32)
    measures = np.zeros((len(MEASURES), *SHAPE), dtype=np.float32)
    for row, column, score, radius in peaks:
        center[row, column] = score
        square = slice(max(row - 2, 0), row + 3), slice(max(column - 2, 0), column + 3)
        measures[R50][square] = np.log10(radius)
        # all cells around point at the centre of this one
        rows, columns = np.indices(SHAPE)[:, *square]
        measures[0][square] = column - columns
        measures[1][square] = row - rows
    return NetworkMaps(
        center=center,
        density=np.zeros_like(center),
        measures=measures,
        log_variances=np.full_like(measures, 2 * np.log(0.3)),
        posteriors=[],
        classes=[],
    )


def places(candidates):
    return list(zip(candidates.cells[:, 0], candidates.cells[:, 1], strict=True))


@pytest.mark.parametrize("cell", [(20, 30), (0, 0), (39, 59), (1, 58)])
def test_cells_around_a_peak_agree_on_its_place(cell):
    found = find_candidates(maps_of((*cell, 3.0, 40.0)))
    assert places(found) == [cell]
    assert found.y[0] == pytest.approx((cell[0] + 0.5) * CELL - 0.5)
    assert found.x[0] == pytest.approx((cell[1] + 0.5) * CELL - 0.5)
    assert found.measures["log_r50"][0] == pytest.approx(np.log10(40))
    for name in MEASURES:
        assert found.errors[name][0] == pytest.approx(0.3)


def test_measures_are_means_weighted_by_the_odds_of_a_centre():
    maps = maps_of((20, 30, 3.0, 40.0))
    maps.center[20, 31] = 2.0
    maps.measures[R50, 20, 31] = 2.0
    maps.log_variances[R50, 20, 31] = 0.0
    maps.center[20, 36] = 2.9  # beyond the half-number radius
    maps.measures[R50, 20, 36] = 5.0
    weights = np.exp([3.0, 2.0])
    weights /= weights.sum()
    found = find_candidates(maps)
    expected = weights @ [np.log10(40), 2.0]
    assert found.measures["log_r50"][0] == pytest.approx(expected, abs=1e-3)
    variance = weights @ [0.09, 1.0]
    assert found.errors["log_r50"][0] == pytest.approx(np.sqrt(variance), abs=1e-3)


def test_a_part_weighs_no_more_than_the_whole():
    found = find_candidates(maps_of((20, 36, 3.0, 20.0), (20, 30, 1.5, 90.0)))
    assert places(found) == [(20, 30)]
    expected = 0.5 * np.log10(20 * 90)
    assert found.measures["log_r50"][0] == pytest.approx(expected, abs=1e-3)


def test_what_lies_within_a_higher_one_is_dropped():
    found = find_candidates(maps_of((20, 30, 3.0, 90.0), (20, 38, 2.5, 30.0)))
    assert places(found) == [(20, 30)]
    assert found.score[0] == 3


def test_a_part_of_a_larger_cluster_gives_it_its_score():
    found = find_candidates(maps_of((20, 38, 3.0, 30.0), (20, 30, 1.5, 90.0)))
    assert places(found) == [(20, 30)]
    assert found.measures["log_r50"][0] == pytest.approx(np.log10(90))
    assert found.score[0] == 3


def test_several_parts_are_one_cluster_with_the_highest_score():
    parts = (20, 38, 3.0, 30.0), (20, 22, 2.0, 30.0)
    found = find_candidates(maps_of(*parts, (20, 30, 1.5, 90.0), (5, 5, 2.5, 30.0)))
    assert places(found) == [(20, 30), (5, 5)]
    assert found.score.tolist() == [3, 2.5]


def test_a_much_higher_one_is_no_part():
    high = 1.5 + COMPARABLE + 0.1
    found = find_candidates(maps_of((20, 38, high, 30.0), (20, 30, 1.5, 90.0)))
    assert places(found) == [(20, 38), (20, 30)]
    assert found.score == pytest.approx([high, 1.5])


def test_clusters_side_by_side_are_two():
    found = find_candidates(maps_of((20, 45, 3.0, 30.0), (20, 30, 2.5, 90.0)))
    assert places(found) == [(20, 45), (20, 30)]


def test_an_unusable_cell_takes_no_part_with_it():
    maps = maps_of((20, 38, 3.0, 30.0), (20, 30, 1.5, 90.0))
    usable = np.ones(SHAPE)
    usable[20, 30] = 0.4
    assert places(find_candidates(maps, usable)) == [(20, 38)]
    usable[:] = 0
    assert len(find_candidates(maps, usable)) == 0
