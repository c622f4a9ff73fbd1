# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Training and calibration in several bands."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from astro_vaeclust.detector.model import TrainedModel, load_model
from astro_vaeclust.detector.network import (
    COLOR_PARTS,
    ConvolutionalVAE,
    NetworkSettings,
)
from astro_vaeclust.training import level_calibration, targets
from astro_vaeclust.training.in_colors import in_colors
from astro_vaeclust.training.level_calibration import SETS, calibrate_colors
from astro_vaeclust.training.level_skies import LevelSky
from astro_vaeclust.training.loop import TrainingPlan, train_network
from astro_vaeclust.training.stages import default_stages
from astro_vaeclust.training.targets import crop_tile
from astro_vaeclust.training.tiles import TrainingTile, draw_tile

COLORS = "2mass-j+2mass-h+2mass-ks"
SMALL = NetworkSettings(channels=(4, 4, 8, 8), blocks=(0, 0, 1, 0), fused=8, latent=5)


@pytest.fixture(scope="module")
def tiles():
    return [draw_tile(seed, surveys=[COLORS]) for seed in (90_001, 90_002, 90_004)]


def test_tiles_in_color_have_twelve_channels_and_extinctions(tiles):
    for tile in tiles:
        assert tile.channels.shape[0] == 12
        assert tile.clusters.shape[1] == 6
        assert (tile.clusters[:, 5] >= 0).all()
    assert any(len(tile.clusters) for tile in tiles)


def test_tiles_in_color_have_starless_clouds(monkeypatch):
    kinds = []

    def tile_of(tile, fine_scale):
        kinds.extend(tile.nulls["kind"])

    monkeypatch.setattr(TrainingTile, "from_mock", tile_of)
    for seed in range(90_010, 90_014):
        draw_tile(seed, surveys=[COLORS])
    assert "starless-cloud" in kinds
    kinds.clear()
    for seed in range(90_010, 90_014):
        draw_tile(seed, surveys=["2mass-ks"])
    assert "starless-cloud" not in kinds


def test_crops_lack_bands_at_random(tiles, monkeypatch):
    tile = next(tile for tile in tiles if len(tile.clusters))
    rng = np.random.default_rng(1)
    crops = [crop_tile(tile, 256, rng) for _ in range(40)]
    there = {tuple(crop.channels[5::3].any(axis=(1, 2))) for crop in crops}
    assert (True, True, True) in there
    assert any(sum(bands) == 2 for bands in there)
    assert all(any(bands) for bands in there)
    assert all(crop.usable.any() for crop in crops)
    core = next(crop for crop in crops if (crop.center == 1).any())
    of_core = core.measures[5][core.center == 1]
    assert np.isin(of_core, tile.clusters[:, 5]).all()
    monkeypatch.setattr(targets, "MISSING_PROBABILITIES", (0, 1, 0, 0, 0, 0, 0))
    assert not crop_tile(tile, 256, rng).channels[3:6].any()


def test_only_what_is_of_several_bands_is_trained(tiles, tmp_path):
    paths = [tmp_path / f"{number}.npz" for number in range(len(tiles))]
    for tile, path in zip(tiles, paths, strict=True):
        tile.save(path)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        start = ConvolutionalVAE(SMALL).eval()
    network = replace(SMALL, n_bands=3)
    plan = TrainingPlan(
        n_steps=2, batch_size=2, side=128, network=network, part="color"
    )
    trained = train_network(plan, paths, tmp_path / "stage", start=start)
    begun, after = in_colors(start, network).state_dict(), trained.state_dict()
    for name, value in begun.items():
        if not name.startswith(COLOR_PARTS):
            assert torch.equal(after[name], value), name
    assert not torch.equal(after["stages.0.0.weight"], begun["stages.0.0.weight"])
    assert not torch.equal(after["center.weight"], begun["center.weight"])


def test_each_set_of_bands_is_calibrated_on_the_same_sky(tmp_path, monkeypatch):
    skies = (
        LevelSky(name="nulls", survey=COLORS, number=2),
        LevelSky(name="clusters", survey=COLORS, number=1, n_clusters=1),
    )
    monkeypatch.setattr(level_calibration, "MIN_CANDIDATES", 1)
    model = load_model()
    settings = replace(model.network.settings, n_bands=3)
    network = in_colors(model.network, settings).eval().requires_grad_(False)
    model = replace(model, color=TrainedModel(network, None, {}))
    calibrated = calibrate_colors(model, skies, tmp_path)
    assert calibrated.calibration is model.calibration
    assert tuple(calibrated.color_calibrations) == SETS
    several, no_ks = (calibrated.color_calibrations[b] for b in ("J,H,Ks", "J,H"))
    assert several.intensities != no_ks.intensities
    area = 2 * 1024 * 512 / 3600**2
    assert several.intensities[0].area == pytest.approx(area, rel=0.02)
    assert len(several.biases[0]) == 6
    monkeypatch.setattr(LevelSky, "draw", None)
    again = calibrate_colors(model, skies, tmp_path)
    assert again.color_calibrations == calibrated.color_calibrations


def test_stages_in_color_come_last():
    in_color = [stage.in_color for stage in default_stages()]
    assert in_color == sorted(in_color)
    assert sum(in_color) == 2
