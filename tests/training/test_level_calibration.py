# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The calibration of the levels from mock sky."""

from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest

from astro_vaeclust.detector.model import load_model
from astro_vaeclust.images.read import read_image
from astro_vaeclust.simulation.mosaics import draw_mosaic
from astro_vaeclust.training import level_calibration
from astro_vaeclust.training.level_calibration import (
    calibrate_level_errors,
    calibrate_level_rates,
    calibrate_on_skies,
)
from astro_vaeclust.training.level_samples import LevelSample, level_pairs
from astro_vaeclust.training.level_skies import LevelSky, level_skies


def test_fine_surveys_have_no_mosaics():
    names = [sky.name for sky in level_skies(["2mass-ks", "vvv-ks"])]
    assert names == [
        *("2mass-ks-tiles", "2mass-ks-mosaics", "2mass-ks-clusters"),
        *("vvv-ks-tiles", "vvv-ks-clusters"),
    ]
    assert all(not sky.side for sky in level_skies(["vvv-ks"]))
    assert level_skies(["2mass-ks"], 0.0) == ()


def test_what_was_searched_is_kept(tmp_path, monkeypatch):
    skies = (
        LevelSky(name="nulls", survey="2mass-ks", number=2),
        LevelSky(name="clusters", survey="2mass-ks", number=1, n_clusters=1),
    )
    monkeypatch.setattr(level_calibration, "MIN_CANDIDATES", 1)
    before = load_model()
    first = calibrate_on_skies(before, skies, tmp_path)
    area = 2 * 1024 * 512 / 3600**2
    assert first.calibration.intensities[0].area == pytest.approx(area, rel=0.02)
    assert first.calibration.intensities[1] == before.calibration.intensities[1]
    monkeypatch.setattr(LevelSky, "draw", None)
    again = calibrate_on_skies(before, skies, tmp_path)
    assert again.calibration == first.calibration


def test_errors_are_those_of_the_clusters_that_a_search_reports():
    tile = draw_mosaic(90_011, side=0.5 * u.deg, clusters=6)
    pairs = level_pairs(load_model(), tile, read_image(tile.image))
    assert pairs
    for (fine, level), values in pairs.items():
        assert not fine
        assert level >= 0
        assert values.shape[1:] == (2, 5)
        assert (values[:, 1] > 0).all()
        assert (np.abs(values[:, 0, 2]) < 1).all()
    rng = np.random.default_rng(1)
    errors = np.full((200, 5), 0.1)
    deviations = rng.normal([0, 0, 0.3, 0.3, 0.3], 0.2, (200, 5))
    pairs = [{(False, 1): np.stack([deviations, errors], axis=1)}]
    one, two, *_ = calibrate_level_errors(load_model(), pairs).calibration.levels[0]
    assert one.biases[2:] == pytest.approx([0.3] * 3, abs=0.05)
    scale = np.hypot(0.1 * np.array(one.error_factors), one.error_floors)
    assert scale[0] == pytest.approx(0.2, rel=0.2)
    assert two.biases == one.biases


def test_rates_of_all_levels_are_those_of_the_sample():
    rng = np.random.default_rng(1)
    area, samples = 20.0, []
    for level, number in enumerate((4000, 2000, 1000)):
        scores = rng.exponential(1.0, number) - 4
        exposure = np.column_stack([np.linspace(0, 0.2, 50), np.full(50, area / 50)])
        crowding = rng.uniform(0, 0.2, number)
        samples.append(LevelSample(False, level, scores, crowding, exposure))
    before = load_model()
    calibration = calibrate_level_rates(before, samples).calibration
    assert [len(levels) for levels in calibration.levels] == [2, 0]
    assert calibration.intensities[1] == before.calibration.intensities[1]
    for level, number in enumerate((4000, 2000, 1000)):
        stated = calibration.false_alarm_rate(
            np.array([-2.0]), np.array([0.1]), False, level
        )
        expected = calibration.real_sky * number * np.exp(-2) / area
        assert stated == pytest.approx(expected, rel=0.25)


def test_sky_without_enough_candidates_is_refused():
    model = replace(load_model(), calibration=None)
    with pytest.raises(ValueError, match=r"must have 40 false candidates"):
        calibrate_level_rates(model, [])
