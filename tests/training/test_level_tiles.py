# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Training tiles of coarser levels, and what is asked of them."""

from dataclasses import replace

import numpy as np
import pytest

from astro_vaeclust.simulation import simulate_tile
from astro_vaeclust.training.level_tiles import draw_level
from astro_vaeclust.training.stages import default_stages
from astro_vaeclust.training.targets import UNLABELLED, crop_tile
from astro_vaeclust.training.tiles import ASKED, TrainingTile


def test_clusters_are_as_large_as_the_level_asks():
    tile = draw_level(3, 4, surveys=["2mass-ks"])
    assert 2 < tile.scale < 6
    assert len(tile.clusters)
    assert (tile.clusters[:, 2] > ASKED[0]).all()
    assert (tile.clusters[:, 2] < ASKED[1]).all()
    again = draw_level(3, 4, surveys=["2mass-ks"])
    np.testing.assert_array_equal(tile.channels, again.channels)


def test_a_stage_draws_the_levels_of_its_tiles(monkeypatch):
    drawn = []
    for name in ("draw_tile", "draw_level"):
        monkeypatch.setattr(
            f"astro_vaeclust.training.stages.{name}",
            lambda seed, binning=1, **settings: drawn.append(binning),
        )
    stage = next(stage for stage in default_stages() if stage.name == "others")
    for seed in range(400):
        stage.draw_tile(seed)
    assert set(drawn) == {1, 2, 4, 8, 16}
    assert 0.3 < drawn.count(1) / 400 < 0.55


@pytest.fixture(scope="module")
def hidden():
    """Return a tile whose cluster is too small for its level."""
    mock = simulate_tile(shape=(512, 512), clusters=1, seed=8)
    (radius,) = mock.clusters["r50"].to_value("arcsec")
    binning = 2
    while radius / binning > ASKED[0]:
        binning *= 2
    return TrainingTile.from_mock(mock, 0.6, binning=binning)


def test_a_cluster_of_another_level_is_neither_right_nor_wrong(hidden):
    assert not len(hidden.clusters)
    (number,) = np.flatnonzero(hidden.regions[:, 0] == UNLABELLED)
    crop = crop_tile(hidden, 64, np.random.default_rng(1))
    assert (crop.center == UNLABELLED).any()
    assert not (crop.center == 1).any()
    plain = replace(hidden, regions=np.delete(hidden.regions, number, axis=0))
    crop = crop_tile(plain, 64, np.random.default_rng(1))
    assert (crop.center == 0).all()


def test_candidates_on_it_do_not_count(hidden):
    from astro_vaeclust.detector.model import load_model

    candidates = hidden.candidates(load_model().quick_network_for(False))[0][:1]
    (x, y), *_ = hidden.regions[hidden.regions[:, 0] == UNLABELLED][:, 1:3]
    on_it = replace(candidates, x=np.array([x]), y=np.array([y]))
    _, counts = hidden.matched(on_it)
    assert not counts.any()
