# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What the network is asked to say of a crop."""

from dataclasses import replace

import numpy as np
import torch

from astro_vaeclust.detector.network import MEASURES, NetworkSettings, Outputs
from astro_vaeclust.training import targets
from astro_vaeclust.training.loop import TrainingPlan, draw_batch
from astro_vaeclust.training.losses import measures_loss
from astro_vaeclust.training.targets import crop_tile
from astro_vaeclust.training.tiles import TrainingTile

SIDE = 192


def tile_with(*clusters):
    channels = np.zeros((3, SIDE, SIDE), dtype=np.float16)
    channels[2] = 1
    return TrainingTile(
        channels=channels,
        clusters=np.array(clusters, dtype=np.float32).reshape(-1, 5),
        members=np.zeros((0, 2), dtype=np.float32),
        regions=np.zeros((0, 4), dtype=np.float32),
    )


def test_every_cluster_counts_once():
    small, large = (40, 40, 8, 14, 30), (130, 130, 60, 100, 90)
    crop = crop_tile(tile_with(small, large), SIDE, np.random.default_rng(0))
    in_cores = crop.center == 1
    np.testing.assert_array_equal(crop.weights > 0, in_cores)
    members = crop.measures[MEASURES.index("log_members")]
    for cluster in (small, large):
        own = in_cores & np.isclose(members, np.log10(cluster[4]))
        assert np.isclose(crop.weights[own].sum(), 1, rtol=1e-5)
    assert (crop.weights[in_cores] < 0.1).any()  # a cell of the large one


def test_of_overlapping_cores_each_keeps_what_is_nearer():
    crop = crop_tile(
        tile_with((90, 90, 40, 70, 60), (110, 90, 40, 70, 60)),
        SIDE,
        np.random.default_rng(0),
    )
    assert np.isclose(crop.weights.sum(), 2, rtol=1e-5)


def test_clusters_without_members_and_empty_tiles_count_nothing():
    for tile in (tile_with(), tile_with((90, 90, 40, 70, 0))):
        assert not crop_tile(tile, SIDE, np.random.default_rng(0)).weights.any()


def test_what_lies_out_of_reach_of_a_square_changes_nothing(monkeypatch):
    rng = np.random.default_rng(5)
    place = rng.uniform(-300, 900, (400, 2))
    kinds, radii = rng.integers(-1, 5, 400), 10 ** rng.uniform(0.3, 2.4, 400)
    tile = replace(
        tile_with((300, 300, 20, 35, 40)), regions=np.c_[kinds, place, radii]
    )
    tile = replace(tile, channels=np.ones((3, 600, 600), dtype=np.float16))
    near = [crop_tile(tile, SIDE, np.random.default_rng(seed)) for seed in range(20)]
    monkeypatch.setattr(targets, "_near", lambda regions, *_: np.full(400, True))
    for seed, crop in enumerate(near):
        all_of_it = crop_tile(tile, SIDE, np.random.default_rng(seed))
        np.testing.assert_array_equal(crop.center, all_of_it.center)
        for labels, of_all in zip(crop.labels, all_of_it.labels, strict=True):
            np.testing.assert_array_equal(labels, of_all)


def test_a_large_cluster_does_not_outweigh_a_small_one():
    shares = torch.zeros(1, 4, 4)
    shares[0, :3, :] = 1 / 12  # one cluster of twelve cells
    shares[0, 3, 0] = 1  # another of one
    target = torch.zeros(1, len(MEASURES), 4, 4)
    loss = []
    for wrong in (slice(0, 3), slice(3, 4)):
        measures = target.clone()
        measures[:, :, wrong] = 1.0
        outputs = Outputs(None, None, measures, torch.zeros_like(measures), [], [])
        loss.append(measures_loss(outputs, target, shares).item())
    assert np.isclose(*loss)


def test_labels_have_as_many_scales_as_the_network(tmp_path):
    tile_with((90, 90, 40, 70, 60)).save(tmp_path / "tile.npz")
    for channels in ((4, 4, 6), (4, 4, 6, 8, 8, 8)):
        settings = NetworkSettings(
            channels=channels, blocks=(0,) * len(channels), fused=8, latent=3
        )
        plan = TrainingPlan(batch_size=2, side=SIDE, network=settings)
        batch = draw_batch(plan, [tmp_path / "tile.npz"], [], 0)
        assert len(batch["labels"]) == settings.n_scales == len(channels) - 2
