# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""False candidates of a network, from which it goes on learning."""

import numpy as np
import pytest

from astro_vaeclust.detector.network import ConvolutionalVAE
from astro_vaeclust.training import mining
from astro_vaeclust.training.loop import TrainingPlan, draw_batch, train_network
from astro_vaeclust.training.mining import find_false_candidates
from astro_vaeclust.training.targets import crop_tile
from astro_vaeclust.training.tiles import TrainingTile

from ..detector.examples import TINY

SIDE = 640

CLUSTER = 0, SIDE / 2, SIDE / 2, SIDE, 50
"""x, y, r50, r80 and members."""


@pytest.fixture
def tile_files(tmp_path):
    """Two tiles of noise, the second with a large cluster on its left."""
    rng = np.random.default_rng(7)
    paths = []
    for number, clusters in enumerate(([], [CLUSTER])):
        channels = rng.normal(0, 0.1, (3, SIDE, SIDE)).astype(np.float16)
        channels[2] = 1
        tile = TrainingTile(
            channels=channels,
            clusters=np.array(clusters, dtype=np.float32).reshape(-1, 5),
            members=np.zeros((0, 2), dtype=np.float32),
            regions=np.zeros((0, 4), dtype=np.float32),
        )
        paths.append(tmp_path / f"{number}.npz")
        tile.save(paths[-1])
    return paths


@pytest.fixture
def everything(monkeypatch):
    """Let every peak of an untrained network count."""
    monkeypatch.setattr(mining, "MIN_SCORE", -np.inf)


@pytest.fixture
def network():
    return ConvolutionalVAE(TINY).eval()


def test_false_candidates_lie_outside_of_clusters(
    tile_files, network, everything, tmp_path
):
    places = find_false_candidates(network, tile_files, tmp_path / "false.npy")
    number, x, y, probability = places.T
    assert np.all((probability > 0) & (probability < 1))
    assert set(number) == {0, 1}
    inside = np.hypot(x, y - SIDE / 2) < SIDE / 2
    assert inside[number == 0].any()
    assert not inside[number == 1].any()


def test_false_candidates_are_sought_once(tile_files, network, everything, tmp_path):
    path = tmp_path / "false.npy"
    first = find_false_candidates(network, tile_files, path)
    assert len(first)
    again = find_false_candidates(None, tile_files, path)
    np.testing.assert_array_equal(first, again)


def test_what_is_surely_nothing_is_left_out(tile_files, network, tmp_path, monkeypatch):
    monkeypatch.setattr(mining, "MIN_SCORE", np.inf)
    path = tmp_path / "false.npy"
    assert find_false_candidates(network, tile_files, path).shape == (0, 4)


def test_a_square_holds_its_place():
    channels = np.zeros((3, SIDE, SIDE), dtype=np.float16)
    channels[0, 500, 90] = 77  # row and column
    tile = TrainingTile(channels, *(np.zeros((0, n)) for n in (5, 2, 4)))
    crops = [
        crop_tile(tile, 192, np.random.default_rng(seed), position=[90, 500])
        for seed in range(20)
    ]
    held = [np.sum(crop.channels[0] > 70) for crop in crops]
    assert np.mean(held) > 0.8  # strips are masked at random


def test_a_share_of_the_squares_is_mined(tile_files):
    tile = TrainingTile.load(tile_files[0])
    tile.channels[0, 320, 320] = 77
    tile.save(tile_files[0])
    places = np.array([[0.0, 320.0, 320.0, 0.5]])
    shares = []
    for mined in (0.0, 1.0):
        plan = TrainingPlan(batch_size=8, side=128, network=TINY, mined=mined)
        batches = [draw_batch(plan, tile_files, [], n, places) for n in range(8)]
        held = [(batch["channels"][:, 0] > 70).sum(dim=(1, 2)) for batch in batches]
        shares.append(np.mean([number.numpy() for number in held]))
    assert shares[0] < 0.2
    assert shares[1] > 0.8  # strips are masked at random


def test_the_worst_come_most_often(tile_files):
    for value, path in enumerate(tile_files):
        tile = TrainingTile.load(path)
        tile.channels[0] = value
        tile.save(path)
    plan = TrainingPlan(batch_size=8, side=128, network=TINY, mined=1.0)
    shares = []
    for probabilities in ((0.5, 0.5), (0.1, 0.9)):
        places = np.array([[n, 320, 320, p] for n, p in enumerate(probabilities)])
        batches = [draw_batch(plan, tile_files, [], n, places) for n in range(16)]
        medians = [np.median(batch["channels"][:, 0], axis=(1, 2)) for batch in batches]
        shares.append(np.mean(np.array(medians) > 0.5))
    assert 0.35 < shares[0] < 0.65
    assert 0.8 < shares[1] < 0.97


def test_a_training_goes_on_with_what_it_took_for_clusters(
    tile_files, network, everything, tmp_path
):
    plan = TrainingPlan(n_steps=2, batch_size=2, side=128, network=TINY, mined=0.5)
    trained = train_network(plan, tile_files, tmp_path / "run", start=network)
    assert not trained.training
    assert (tmp_path / "run" / "false_candidates.npy").exists()
    with pytest.raises(ValueError, match="start must be a network with this plan"):
        train_network(plan, tile_files, tmp_path / "none")
