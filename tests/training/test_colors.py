# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Training and calibration in several bands."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from astro_vaeclust.detector.color_score import N_INPUTS, ColorScore
from astro_vaeclust.detector.model import load_model
from astro_vaeclust.training import colors, level_calibration
from astro_vaeclust.training.colors import fit_color_score
from astro_vaeclust.training.level_calibration import SETS, calibrate_colors
from astro_vaeclust.training.level_skies import LevelSky, level_skies
from astro_vaeclust.training.stages import COLOR_SURVEYS, default_stages
from astro_vaeclust.training.tiles import TrainingTile, draw_tile

COLORS = "2mass-j+2mass-h+2mass-ks"


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiles")
    paths = []
    for seed in (90_001, 90_002, 90_004):
        paths.append(folder / f"{seed}.npz")
        draw_tile(seed, surveys=[COLORS]).save(paths[-1])
    return paths


def test_tiles_in_color_have_the_channels_of_three_bands_and_extinctions(tiles):
    loaded = [TrainingTile.load(path) for path in tiles]
    for tile in loaded:
        assert tile.channels.shape[0] == 9
        assert tile.clusters.shape[1] == 6
        assert (tile.clusters[:, 5] >= 0).all()
    assert any(len(tile.clusters) for tile in loaded)


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


def test_the_score_is_fitted_with_one_seed_alike(tiles):
    model = load_model()
    state = torch.random.get_rng_state()
    first, second, other = (
        fit_color_score(model, tiles, seed=seed).color.state_dict()
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["slope"], other["slope"])


def test_colors_that_tell_clusters_are_learned():
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(4000, N_INPUTS)).astype(np.float32)
    is_cluster = inputs[:, 0] + 2 * inputs[:, 20] > 0
    a_k = np.where(is_cluster, 1 + 0.5 * inputs[:, 30], np.nan)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        color = colors._fitted(inputs, is_cluster, a_k)
    assert not any(one.requires_grad for one in color.parameters())
    score, extinction, log_variance = (
        one.numpy() for one in color(torch.from_numpy(inputs))
    )
    assert np.mean((score > 0) == is_cluster) > 0.9
    assert np.mean((inputs[:, 0] > 0) == is_cluster) < 0.75
    offset = (extinction - a_k)[is_cluster]
    assert np.abs(offset).mean() < 0.25
    assert np.exp(0.5 * log_variance[is_cluster]).mean() < 0.6


def test_each_set_of_bands_is_calibrated_on_the_same_sky(tmp_path, monkeypatch):
    skies = (
        LevelSky(name="nulls", survey=COLORS, number=2),
        LevelSky(name="clusters", survey=COLORS, number=1, n_clusters=1),
    )
    monkeypatch.setattr(level_calibration, "MIN_CANDIDATES", 1)
    model = replace(load_model(), color=ColorScore().eval().requires_grad_(False))
    calibrated = calibrate_colors(model, skies, tmp_path)
    assert calibrated.calibration is model.calibration
    assert tuple(calibrated.color_calibrations) == SETS
    several, no_ks = (calibrated.color_calibrations[b] for b in ("J,H,Ks", "J,H"))
    assert several.intensities != no_ks.intensities
    area = 2 * 1024 * 512 / 3600**2
    assert several.intensities[0].area == pytest.approx(area, rel=0.02)
    assert len(several.biases[0]) == 6
    assert several.levels == model.calibration.levels
    assert several.real_sky == model.calibration.real_sky
    monkeypatch.setattr(LevelSky, "draw", None)
    again = calibrate_colors(model, skies, tmp_path)
    assert again.color_calibrations == calibrated.color_calibrations


def test_sky_in_colour_has_tiles_alone():
    skies = level_skies(COLOR_SURVEYS)
    assert {sky.side for sky in skies} == {None}
    assert {bool(sky.n_clusters) for sky in skies} == {False, True}


def test_stages_in_color_come_last():
    in_color = [stage.in_color for stage in default_stages()]
    assert in_color == sorted(in_color)
    assert sum(in_color) == 2
