# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Training and calibration in several bands."""

from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
import torch

from astro_vaeclust.detector.color_score import N_INPUTS, ColorScore
from astro_vaeclust.detector.model import load_model
from astro_vaeclust.detector.search import DetectorSearch
from astro_vaeclust.simulation import MockCluster, simulate_tile
from astro_vaeclust.training import colors, level_calibration
from astro_vaeclust.training.calibrate import ERRORS
from astro_vaeclust.training.colors import fit_color_score
from astro_vaeclust.training.level_calibration import (
    SETS,
    calibrate_colors,
    calibrate_level_errors,
)
from astro_vaeclust.training.level_samples import level_pairs
from astro_vaeclust.training.level_skies import LevelSky, level_skies
from astro_vaeclust.training.stages import COLOR_SURVEYS, default_stages
from astro_vaeclust.training.tiles import TrainingTile, draw_tile, image_of

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


def test_tiles_without_candidates_are_refused(tiles, tmp_path):
    empty = replace(TrainingTile.load(tiles[0]), channels=np.zeros((9, 64, 64)))
    empty.save(tmp_path / "1.npz")
    with pytest.raises(ValueError, match="must show candidates, got none on 1"):
        fit_color_score(load_model(), [tmp_path / "1.npz"])


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
    for before, after in zip(model.calibration.levels, several.levels, strict=True):
        for one, other in zip(before, after, strict=True):
            assert other.intensity == one.intensity
            for name in ERRORS:
                assert getattr(other, name)[:5] == getattr(one, name)
            assert np.isnan(other.biases[5])  # of one cluster
    assert several.score_coefficients == model.calibration.score_coefficients
    assert several.real_sky == model.calibration.real_sky
    monkeypatch.setattr(LevelSky, "draw", None)
    again = calibrate_colors(model, skies, tmp_path)
    assert again.color_calibrations == calibrated.color_calibrations


def test_pairs_have_measured_less_true_extinctions(monkeypatch):
    tile = simulate_tile(
        survey=COLORS,
        shape=(400, 400),
        clusters=MockCluster(n_members=300, half_number_radius=30 * u.arcsec),
        seed=3,
    )
    model, image = load_model(), image_of(tile)
    rows = DetectorSearch(image, model, max_false_alarm_rate=10).rows
    ((level, pairs),) = level_pairs(model, tile, image).items()
    assert not level[0]
    assert pairs.shape == (1, 2, 6)
    deviations = np.asarray(rows["a_k"]) - tile.clusters["a_k"][0].value
    row = np.abs(deviations - pairs[0, 0, 5]).argmin()
    assert pairs[0, 0, 5] == pytest.approx(deviations[row])
    assert pairs[0, 1, 5] == pytest.approx(rows["a_k_err"][row])
    unknown = rows.copy()
    unknown["a_k"] = np.nan
    monkeypatch.setattr(DetectorSearch, "rows", unknown)
    assert level_pairs(model, tile, image) == {}


def test_levels_without_enough_clusters_state_no_extinction():
    rng = np.random.default_rng(1)
    errors = np.full((200, 6), 0.1)
    pairs = np.stack([rng.normal(0.3, 0.2, (200, 6)), errors], axis=1)
    model = load_model()
    found = calibrate_level_errors(
        model, [{(False, 0): pairs, (False, 2): pairs + 0.1}], finest=True
    )
    first, second, third, *_ = found.calibration.levels[0]
    assert np.isnan([first.biases[5], first.error_factors[5]]).all()
    assert second.biases[5] == pytest.approx(0.4, abs=0.05)
    assert third.biases == second.biases
    for level in found.calibration.levels[1]:
        assert np.isnan(level.error_floors[5])
    assert found.calibration.biases[0][5] == pytest.approx(0.3, abs=0.05)


def test_sky_in_colour_without_clusters_has_tiles_alone():
    skies = level_skies(COLOR_SURVEYS)
    kinds = {(sky.survey, bool(sky.side), bool(sky.n_clusters)) for sky in skies}
    coarse, fine = COLOR_SURVEYS
    assert kinds == {
        *((coarse, False, False), (coarse, False, True), (coarse, True, True)),
        *((fine, False, False), (fine, False, True)),
    }


def test_stages_in_color_come_last():
    in_color = [stage.in_color for stage in default_stages()]
    assert in_color == sorted(in_color)
    assert sum(in_color) == 1
