# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The trained detector with point sources beside the image."""

import json
import logging
import re
from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
import torch
from astropy.table import Table

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.detector.candidates import Candidates
from astro_vaeclust.detector.embedding import ConvVAE
from astro_vaeclust.detector.model import load_model
from astro_vaeclust.detector.network import MEASURES
from astro_vaeclust.detector.source_score import SourceCalibration, source_excess
from astro_vaeclust.simulation.demo import demo_tile
from astro_vaeclust.sources.points import PointSources
from astro_vaeclust.training.recipe import Recipe
from astro_vaeclust.training.source_calibration import (
    _coefficients,
    _Part,
    calibrate_with_sources,
    find_tile_sources,
    sources_file,
)
from astro_vaeclust.training.tiles import TrainingTile
from astro_vaeclust.utils.statistics import poisson_significance

from ..detector import examples

CALIBRATION = replace(examples.CALIBRATION, real_sky=1.7)
WITH_SOURCES = SourceCalibration(
    coefficients=((-1.0, 0.5, 0.8), (-2.0, 1.0, 0.3)),
    rates=replace(
        CALIBRATION,
        intensities=(replace(examples.INTENSITY, score_range=(-12.0, 20.0)),) * 2,
    ),
    n_matched=(40, 30),
)
SIDE = 384
SCALE = 4.0
"""Arcsec per network pixel of the tiles of the calibration, for enough sky."""


def make_model(source_calibration=None):
    return examples.tiny_model(CALIBRATION, source_calibration)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def model_file(folder):
    make_model(WITH_SOURCES).save(folder / "with.pt")
    return folder / "with.pt"


@pytest.fixture(scope="module")
def demo():
    return demo_tile(seed=1)


@pytest.fixture(scope="module")
def sources(demo):
    """Uniform sources, and many on one place that the image knows nothing of."""
    rng = np.random.default_rng(6)
    spread = rng.uniform(0, 1, (300, 2)) * demo.image.shape[::-1]
    clump = rng.normal((80, 90), 8, (60, 2))
    return Table(np.concatenate([spread, clump]), names=("x", "y"))


def make_finder(path, **settings):
    settings = {"max_false_alarm_rate": None} | settings
    return VAEClusterFinder(embedding=ConvVAE(model=path), **settings)


def candidates_at(x, y, r50):
    x, y, r50 = np.broadcast_arrays(*map(np.atleast_1d, (x, y, r50)))
    measures = dict.fromkeys(MEASURES, np.zeros(len(x)))
    measures["log_r50"] = np.log10(r50)
    cells = np.column_stack([y, x]).astype(int) // 8
    return Candidates(np.zeros(len(x)), x, y, measures, measures, cells)


def test_the_excess_is_the_ratio_of_likelihoods_from_circle_and_annulus():
    rng = np.random.default_rng(2)
    points = np.concatenate(
        [rng.uniform(0, SIDE, (700, 2)), rng.normal((200, 180), 10, (30, 2))]
    )
    usable = np.ones((SIDE, SIDE), dtype=np.float32)
    found = source_excess(candidates_at(200, 180, [12.0, 50.0]), points, usable, 1.0)
    distance = np.hypot(*(points - (200, 180)).T)
    for excess, r50, outer in zip(found, (12, 50), (150, 250), strict=True):
        inner = 2.5 * r50
        k = np.sum(distance <= r50)
        around = np.sum((distance > inner) & (distance <= outer)) + 0.5
        y, x = np.indices(usable.shape)
        pixels = np.hypot(x - 200, y - 180)
        area = np.sum((pixels > inner) & (pixels <= outer))
        b = around * np.pi * r50**2 / area
        assert k > b
        exact = np.sqrt(2 * (k * np.log(k / b) - (k - b)))
        assert excess == pytest.approx(exact, rel=0.02)


def test_radii_are_ten_arcsec_at_least_and_bounded():
    points = np.random.default_rng(3).uniform(0, SIDE, (2000, 2))
    usable = np.ones((SIDE, SIDE), dtype=np.float32)

    def excess(r50, scale):
        return source_excess(candidates_at(190, 190, r50), points, usable, scale)[0]

    assert excess(3.0, 1.0) == excess(10.0, 1.0) != excess(20.0, 1.0)
    assert excess(3.0, 0.5) == excess(20.0, 0.5)
    assert excess(500.0, 1.0) == excess(90.0, 1.0)


def test_masked_area_is_no_deficit():
    rng = np.random.default_rng(4)
    points = rng.uniform(0, SIDE, (4000, 2))
    usable = np.ones((SIDE, SIDE), dtype=np.float32)
    usable[:, 180:200] = 0
    seen = points[(points[:, 0] < 179.5) | (points[:, 0] > 199.5)]
    places = candidates_at(189.5, rng.uniform(60, 320, 25), 15.0)
    fair, unaware = (
        source_excess(places, seen, mask, 1.0)
        for mask in (usable, np.ones_like(usable))
    )
    assert abs(fair.mean()) < 0.6
    assert unaware.mean() < -2
    usable[:] = 0
    usable[170:210, 180:220] = 1
    assert source_excess(candidates_at(200, 190, 30.0), seen, usable, 1.0) == 0


def test_a_deficit_is_negative_and_no_sources_are_next_to_none():
    rng = np.random.default_rng(5)
    points = rng.uniform(0, SIDE, (3000, 2))
    away = points[np.hypot(*(points - (190, 190)).T) > 30]
    usable = np.ones((SIDE, SIDE), dtype=np.float32)
    place = candidates_at(190, 190, 25.0)
    assert source_excess(place, away, usable, 1.0) < -5
    assert -1 < source_excess(place, np.empty((0, 2)), usable, 1.0) < 0
    assert source_excess(place[[]], points, usable, 1.0).shape == (0,)
    alone = rng.normal((190, 190), 5, (10, 2))
    assert source_excess(place, alone, usable, 1.0) > 5


@pytest.fixture(scope="module")
def tiles(folder):
    """Tiles of noise whose clusters are in the sources alone; half have none."""
    rng = np.random.default_rng(8)
    paths = []
    for number in range(12):
        n_clusters = 5 if number < 7 else 0
        centers = rng.uniform(60, SIDE - 60, (n_clusters, 2))
        channels = rng.normal(0, 0.3, (3, SIDE, SIDE)).astype(np.float16)
        channels[2] = 1
        clusters = np.column_stack([centers, np.tile([20, 35, 30], (n_clusters, 1))])
        paths.append(folder / f"{number}.npz")
        TrainingTile(
            channels=channels,
            clusters=clusters.astype(np.float32),
            members=np.zeros((0, 2), dtype=np.float32),
            regions=np.zeros((0, 4), dtype=np.float32),
            scale=SCALE,
        ).save(paths[-1])
        members = [rng.normal(center, 13, (25, 2)) for center in centers]
        points = np.concatenate([rng.uniform(0, SIDE, (250, 2)), *members])
        np.save(sources_file(paths[-1]), points)
    return paths


@pytest.fixture(scope="module")
def calibrated(tiles):
    return calibrate_with_sources(make_model(), tiles)


def test_sources_decide_where_the_image_says_nothing(calibrated):
    fitted = calibrated.source_calibration
    coarse, fine = fitted.coefficients
    assert coarse == fine  # no fine tiles: those of all
    assert coarse[2] > 0.5
    assert 20 <= fitted.n_matched[0] <= 35
    assert fitted.n_matched[1] == 0
    assert fitted.rates.real_sky == CALIBRATION.real_sky
    assert calibrated.calibration == CALIBRATION


def test_an_excess_never_speaks_against_a_cluster():
    rng = np.random.default_rng(4)
    is_cluster = rng.random(400) < 0.3
    score = rng.normal(2 * is_cluster, 1)
    for sign in (1, -1):
        excess = rng.normal(sign * is_cluster, 1)
        part = _Part(score, excess, is_cluster, fine=False, null=None)
        _, of_score, of_excess = _coefficients([part])
        assert of_score > 1
        assert (of_excess > 0.5) if sign > 0 else (of_excess == 0)


def test_the_rates_are_those_of_the_combined_scores(calibrated, tiles):
    fitted, area, stated = calibrated.source_calibration, 0.0, []
    for path in tiles[7:]:
        tile = TrainingTile.load(path)
        found, conditions = tile.candidates(calibrated.quick_network_for(tile.fine))
        found = calibrated.calibration.scored(found, tile.fine)
        usable = tile.channels[2].astype(np.float32)
        excess = source_excess(found, np.load(sources_file(path)), usable, SCALE)
        scores = fitted.combine(found.score, excess, False)
        crowding = conditions[0][tuple(found.cells.T)]
        rates = fitted.false_alarm_rate(scores, crowding, fine=False)
        rates /= CALIBRATION.real_sky
        stated.append(rates)
        area += (SCALE * SIDE / 3600) ** 2
    stated = np.concatenate(stated)
    for rate in (30.0, 60.0, 100.0):  # per deg2, in the fitted range
        expected = rate * area
        assert abs(np.sum(stated <= rate) - expected) < 3 * np.sqrt(expected) + 1
    highest = fitted.rates.intensities[0].score_range[1]
    beyond = np.array([highest, highest + 50])
    ends = fitted.false_alarm_rate(beyond, [0.4] * 2, fine=False)
    assert ends[0] == ends[1] > 0


def test_a_calibration_with_sources_reads_back(calibrated, tmp_path):
    calibrated.save(tmp_path / "model.pt")
    again = load_model(tmp_path / "model.pt")
    assert again.source_calibration == calibrated.source_calibration
    assert again.calibration == calibrated.calibration
    contents = torch.load(tmp_path / "model.pt", weights_only=True)
    header = json.loads(contents["header"])
    del header["source_calibration"]  # as in files from before
    older = tmp_path / "older.pt"
    torch.save(contents | {"header": json.dumps(header)}, older)
    assert load_model(older).source_calibration is None


def test_too_few_clusters_or_no_empty_sky_leave_the_model_as_it_was(tiles, caplog):
    model = make_model()
    with caplog.at_level(logging.WARNING):
        assert calibrate_with_sources(model, tiles[5:]) is model
        assert calibrate_with_sources(model, tiles[:7]) is model
    few, no_sky = caplog.messages
    assert 0 < int(re.search(r"(\d+) clusters", few)[1]) <= 10
    assert "0 tiles without clusters" in no_sky


def test_tiles_without_sources_are_refused(tiles, tmp_path):
    lonely = tmp_path / "60001.npz"
    TrainingTile.load(tiles[0]).save(lonely)
    with pytest.raises(FileNotFoundError, match=r"60001.npz' has no sources beside"):
        calibrate_with_sources(make_model(), [*tiles, lonely])
    with pytest.raises(ValueError, match="tiles must be named by their seeds"):
        find_tile_sources([tmp_path / "a.npz"], survey="2mass-ks")


def test_detections_follow_the_sources(demo, sources, model_file):
    finder = make_finder(model_file)
    alone, together = (
        finder.detect(demo.image, sources=s).table for s in (None, sources)
    )
    assert together.meta["sources_used_as"] == "combined score"
    assert together.meta["n_sources_in_image"] >= 355
    assert len(together) == len(alone)
    assert (np.diff(together["score"]) <= 0).all()
    assert (np.diff(together["false_alarm_rate"]) >= 0).all()
    x, y = together["x_center"], together["y_center"]
    assert np.hypot(x[0] - 80, y[0] - 90) < 40
    order = [np.argsort(table["x_center"]) for table in (alone, together)]
    alone, together = (t[o] for t, o in zip((alone, together), order, strict=True))
    for name in ("x_center", "y_center", "r50", "n_members", "p_cluster"):
        np.testing.assert_array_equal(alone[name], together[name])
    logits = [np.log(t["score"] / (1 - t["score"])) for t in (alone, together)]
    excess = (logits[1] + 1.0 - 0.5 * logits[0]) / 0.8
    assert excess.max() > 6
    assert abs(np.median(excess)) < 2


def test_without_weight_sources_change_nothing(demo, sources, folder):
    neutral = SourceCalibration(((0.0, 1.0, 0.0),) * 2, CALIBRATION, (20, 20))
    make_model(neutral).save(folder / "neutral.pt")
    finder = make_finder(folder / "neutral.pt")
    one, two = (finder.detect(demo.image, sources=s) for s in (None, sources))
    for name in one.table.colnames:
        if name not in ("sky_center", "n_sources"):  # the given ones are counted
            np.testing.assert_array_equal(one.table[name], two.table[name])
    np.testing.assert_array_equal(one.heatmap.data, two.heatmap.data)


def test_no_rows_are_no_sources(demo, sources, model_file):
    table = make_finder(model_file).detect(demo.image, sources=sources[:0]).table
    assert table.meta["n_sources_in_image"] == 0
    assert len(table) > 3


def test_the_combined_rate_decides(demo, sources, model_file):
    everything = make_finder(model_file).detect(demo.image, sources=sources).table
    rate = everything["false_alarm_rate"][2]
    finder = make_finder(model_file, max_false_alarm_rate=rate)
    some = finder.detect(demo.image, sources=sources).table
    assert 3 <= len(some) < len(everything)
    np.testing.assert_array_equal(some["score"], everything["score"][: len(some)])


def test_a_model_that_was_calibrated_without_sources_refuses_them(
    demo, sources, folder
):
    make_model().save(folder / "without.pt")
    with pytest.raises(ValueError, match=r"calibrated without sources.*vaeclust train"):
        make_finder(folder / "without.pt").detect(demo.image, sources=sources)


def test_sources_of_another_field_are_refused(demo, sources, model_file):
    sources = sources.copy()
    sources["x"] += 5000
    finder = make_finder(model_file)
    with pytest.raises(ValueError, match=r"sources must have 3 or more.*got 0 of 360"):
        finder.detect(demo.image, sources=sources)
    with pytest.raises(ValueError, match=r"sources must have 3 or more.*got 0 of 360"):
        finder.detect(demo.image, sources=sources, block_size=256)


def test_blocks_find_the_same(demo, sources, model_file):
    finder = make_finder(model_file, max_false_alarm_rate=40 / u.deg**2)
    whole = finder.detect(demo.image, sources=sources).table
    points = PointSources(*(np.asarray(sources[name]) for name in ("x", "y")))
    for given in (sources, points):
        parts = finder.detect(demo.image, sources=given, block_size=256).table
        assert parts.meta["n_blocks"] > 1
        for name in ("n_sources_in_image", "sources_used_as", "image"):
            assert parts.meta[name] == whole.meta[name]
        assert len(parts) == len(whole) > 0
        for name in ("x_center", "y_center", "score"):
            np.testing.assert_allclose(parts[name], whole[name], rtol=1e-3)


def test_significance_is_that_of_the_catalogue_methods():
    points = np.concatenate([np.full((9, 2), 190.0), [[190.0, 290.0]] * 4])
    usable = np.ones((SIDE, SIDE), dtype=np.float32)
    place = candidates_at(190, 190, 16.0)
    (found,) = source_excess(place, points, usable, 1.0)
    expected = 4.5 * np.pi * 16**2 / (np.pi * (150**2 - 40**2))
    assert found == pytest.approx(poisson_significance(9, expected), rel=0.01)


@pytest.mark.parametrize("name", ["n_source_nulls", "n_source_clusters"])
def test_wrong_numbers_of_tiles_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be an integer of at least 0"):
        Recipe(**{name: -1})
