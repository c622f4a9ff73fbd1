# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Large clusters are found on levels on which they look like ordinary ones."""

from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.detector.calibration import Calibration
from astro_vaeclust.detector.grid import NetworkGrid
from astro_vaeclust.detector.levels import level_fractions, level_grids
from astro_vaeclust.detector.model import load_model
from astro_vaeclust.simulation import MockCluster, simulate_tile

SHAPE = (1300, 1100)
RADIUS = 150


@pytest.fixture(scope="module")
def tile():
    """Return a large cluster and, in a corner, a small one."""
    wcs = simulate_tile(shape=SHAPE, seed=2).image.wcs
    clusters = [
        MockCluster(
            n_members=number,
            half_number_radius=radius * u.arcsec,
            nebulosity="none",
            extinction=0 * u.mag,
            center=wcs.pixel_to_world(x, y),
        )
        for number, radius, x, y in ((700, RADIUS, 600, 750), (90, 20, 150, 130))
    ]
    return simulate_tile(
        shape=SHAPE, clusters=clusters, density=4.0, artefacts=False, seed=2
    )


@pytest.fixture(scope="module")
def catalog(tile):
    return VAEClusterFinder(max_false_alarm_rate=0.3 / u.deg**2).detect(tile.image)


def test_a_large_cluster_is_one_row_of_its_size(tile, catalog):
    large, small = tile.clusters
    table = catalog.table
    distance = table["sky_center"].separation(large["sky_center"])
    (row,) = table[(distance < large["r50"]) & (table["part_of"] == 0)]
    assert row["sky_center"].separation(large["sky_center"]) < 0.3 * large["r50"]
    assert 0.7 < row["r50"] / large["r50"] < 1.4
    assert row["level"] >= 2 * u.arcsec
    pixels = (row["r50"] / row["level"]).value
    assert 15 <= pixels <= 60
    distance = table["sky_center"].separation(small["sky_center"])
    (row,) = table[distance < small["r50"]]
    assert row["level"].value == pytest.approx(1)
    assert row["part_of"] == 0


def test_the_heat_map_shows_it(tile, catalog):
    heat = catalog.heatmap.data
    assert heat.shape == SHAPE
    assert heat[700:800, 550:650].max() > 0.3
    assert heat.min() >= 0
    assert heat.max() <= 1


def test_blocks_give_the_same_rows(tile, catalog):
    finder = VAEClusterFinder(max_false_alarm_rate=0.3 / u.deg**2)
    blocks = finder.detect(tile.image, block_size=384).table
    table = catalog.table
    assert len(blocks) == len(table)
    for name in ("x_center", "y_center", "r50", "n_members", "level", "part_of"):
        ours, theirs = (np.asarray(u.Quantity(t[name]).value) for t in (blocks, table))
        np.testing.assert_allclose(ours, theirs, rtol=2e-3, err_msg=name)
    np.testing.assert_array_equal(blocks["flags"], table["flags"])
    np.testing.assert_array_equal(blocks["n_sources"], table["n_sources"])


def test_sources_enter_the_search(tile, catalog):
    stars = tile.stars[tile.stars["mag"] < 15 * u.mag]["sky", "mag"]
    finder = VAEClusterFinder(max_false_alarm_rate=0.3 / u.deg**2)
    table = finder.detect(tile.image, sources=stars).table
    distance = table["sky_center"].separation(tile.clusters["sky_center"][0])
    assert (distance < 0.3 * tile.clusters["r50"][0]).any()


def test_the_levels_share_the_false_detections():
    calibration = load_model().calibration
    for scale in (1.0, 0.2):
        grid = NetworkGrid.from_pixel_scale(scale, 0.6)
        grids = level_grids(grid, (20_000, 20_000), calibration)
        fractions = level_fractions(grids)
        assert len(grids) > 2
        assert fractions.sum() == pytest.approx(1)
        assert fractions[0] > 0.5
        assert (fractions[1:] == fractions[1]).all()


def test_a_model_without_calibrated_levels_searches_one():
    grid = NetworkGrid.from_pixel_scale(1.0, 0.6)
    calibration = load_model().calibration
    for other in (None, replace(calibration, levels=((), ()))):
        assert level_grids(grid, (4000, 4000), other) == [grid]
        assert level_fractions([grid]) == [1]


def test_levels_survive_the_file():
    calibration = load_model().calibration
    again = Calibration.from_dict(calibration.to_dict())
    assert again == calibration
    assert all(len(levels) >= 2 for levels in again.levels)


def test_scores_of_levels_compare_by_rate():
    calibration = load_model().calibration
    rates = np.array([0.01, 0.1, 1.0, 10.0])
    scores = calibration.score_of_rate(rates, fine=False)
    assert (np.diff(scores) < 0).all()
    crowding = np.full(4, calibration.intensities[0].crowding[1])
    back = calibration.false_alarm_rate(scores, crowding, False)
    np.testing.assert_allclose(back, rates, rtol=0.05)


@pytest.mark.parametrize("step", [2, 3])
def test_masks_that_leave_little_of_coarse_pixels(step, tile):
    mask = np.ones(SHAPE, dtype=bool)
    mask[::step] = False
    VAEClusterFinder(max_false_alarm_rate=None).detect(tile.image, mask=mask)
