# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The calibration of the levels from mock sky."""

import numpy as np
import pytest

from astro_vaeclust.detector.model import load_model
from astro_vaeclust.training.level_calibration import (
    LevelSample,
    LevelSky,
    calibrate_levels,
    level_skies,
    search_skies,
)


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
    samples, pairs = search_skies(load_model(), skies, tmp_path)
    assert sorted((one.fine, one.level) for one in samples) == [
        *[(False, 0)] * 2,
        *[(False, 1)] * 2,
        *[(False, 2)] * 2,
    ]
    area = sum(one.exposure[:, 1].sum() for one in samples if one.level == 0)
    assert area == pytest.approx(2 * 1024 * 512 / 3600**2, rel=0.02)
    assert set(pairs[0]) == {(False, 1), (False, 2)}
    monkeypatch.setattr(LevelSky, "draw", None)
    again, _ = search_skies(load_model(), skies, tmp_path)
    for one, other in zip(samples, again, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)


def test_rates_of_all_levels_are_those_of_the_sample():
    rng = np.random.default_rng(1)
    area, samples = 20.0, []
    for level, number in enumerate((4000, 2000, 1000)):
        scores = rng.exponential(1.0, number) - 4
        exposure = np.column_stack([np.linspace(0, 0.2, 50), np.full(50, area / 50)])
        crowding = rng.uniform(0, 0.2, number)
        samples.append(LevelSample(False, level, scores, crowding, exposure))
    before = load_model()
    calibration = calibrate_levels(before, samples).calibration
    assert [len(levels) for levels in calibration.levels] == [2, 0]
    assert calibration.intensities[1] == before.calibration.intensities[1]
    for level, number in enumerate((4000, 2000, 1000)):
        stated = calibration.false_alarm_rate(
            np.array([-2.0]), np.array([0.1]), False, level
        )
        expected = calibration.real_sky * number * np.exp(-2) / area
        assert stated == pytest.approx(expected, rel=0.25)
