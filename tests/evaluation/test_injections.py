# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Clusters are painted on a tile, and what is there without them does not count."""

import types
import warnings

import astropy.units as u
import numpy as np
import pytest
from astropy.nddata import CCDData
from astropy.utils.exceptions import AstropyUserWarning
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit

from astro_vaeclust.evaluation import injections, selection_function
from astro_vaeclust.evaluation.injections import LocalDensity, _without
from astro_vaeclust.images.read import read_image
from astro_vaeclust.simulation import MockCluster, simulate_tile

from .examples import (
    BlindFinder,
    PeakFinder,
    catalog_of,
    detections,
    truth,
)

TRUE = np.array([-6.0, 5.0, -2.0])


@pytest.fixture(scope="module")
def tile():
    return simulate_tile(shape=(200, 200), density=4.0, seed=4)


class ChanceFinder(BlindFinder):
    """Finds the painted cluster with a known probability, and nothing else."""

    def detect(self, data, **choice):
        painted = data.meta.get("painted")
        if painted is None:
            return super().detect(data)
        logs = [1, np.log10(painted["n"]), np.log10(painted["r50"])]
        if painted["chance"] > expit(TRUE @ logs):
            return super().detect(data)
        return catalog_of([painted["ra"]], [painted["dec"]], [1])


def paint_nothing(nddata, cluster=None, *, seed, **painting):
    """Put the truth into the metadata instead of light into the image."""
    rng = np.random.default_rng(seed)
    cluster = cluster or MockCluster()
    x, y = rng.uniform(20, 180, 2)
    center = nddata.wcs.pixel_to_world(x, y).icrs
    image = CCDData(nddata.data, unit="adu", wcs=nddata.wcs)
    image.meta["painted"] = {
        "n": cluster.n_members,
        "r50": cluster.radius,
        "chance": rng.uniform(),
        "ra": center.ra.deg,
        "dec": center.dec.deg,
    }
    table = truth([0], cluster.radius)
    table["sky_center"] = center[np.newaxis]
    table["x_center"], table["y_center"] = [x], [y]
    return types.SimpleNamespace(image=image, clusters=table)


def test_known_probability_is_recovered(tile, monkeypatch):
    monkeypatch.setattr(injections, "inject_cluster", paint_nothing)
    fit = selection_function(
        ChanceFinder(), tile.image, n_injections=250, r50=[5, 50] * u.arcsec
    )
    table = fit.injections
    assert 10 <= table["n_members"].min() < 12
    assert 290 < table["n_members"].max() <= 300
    assert table["r50"].min() >= 5 * u.arcsec
    assert table["r50"].max() <= 50 * u.arcsec
    pull = (fit.coefficients[1:3] - TRUE[1:]) / fit.errors[1:3]
    assert np.abs(pull).max() < 2.5
    assert abs(fit.coefficients[3] / fit.errors[3]) < 2.5  # it does not matter
    assert_allclose(
        fit.completeness([30, 100], 15 * u.arcsec),
        expit(TRUE @ [[1, 1], np.log10([30, 100]), np.full(2, np.log10(15))]),
        atol=0.12,
    )


def test_real_injections_and_resume_after_an_interrupt(tile, tmp_path):
    folder = tmp_path / "outcomes"
    settings = {"n_injections": 12, "seed": 2, "r50": [8, 20] * u.arcsec}
    whole, resumed = PeakFinder(), PeakFinder()
    with pytest.raises(KeyboardInterrupt):
        selection_function(
            PeakFinder(calls_left=6), tile.image, folder=folder, **settings
        )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*injections were found")
        whole = selection_function(whole, tile.image, **settings)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*injections were found")
        fit = selection_function(resumed, tile.image, folder=folder, **settings)
    assert resumed.n_calls == 1 + 12 - 5  # one without an injection; five were kept
    for name in ("n_members", "r50", "local_density", "is_found", "score", "offset"):
        assert_array_equal(whole.injections[name], fit.injections[name])
    assert_array_equal(whole.coefficients, fit.coefficients)
    with pytest.raises(ValueError, match="seed is 2 there and 3 here"):
        selection_function(
            PeakFinder(), tile.image, folder=folder, **settings | {"seed": 3}
        )
    with pytest.raises(ValueError, match=r"finder.settings.smoothing is 10.0 there"):
        selection_function(PeakFinder(3.0), tile.image, folder=folder, **settings)


def test_more_injections_continue_fewer(tile, monkeypatch):
    monkeypatch.setattr(injections, "inject_cluster", paint_nothing)
    few, many = (
        selection_function(ChanceFinder(), tile.image, n_injections=n).injections
        for n in (30, 60)
    )
    assert_array_equal(few["n_members"], many["n_members"][:30])
    assert_array_equal(few["is_found"], many["is_found"][:30])


def test_scores_below_the_least_one_do_not_count(tile, monkeypatch):
    monkeypatch.setattr(injections, "inject_cluster", paint_nothing)
    with pytest.warns(match="0 of 20 injections"):
        fit = selection_function(
            ChanceFinder(), tile.image, n_injections=20, min_score=1.5
        )
    assert not fit.injections["is_found"].any()


def test_what_was_there_before_is_taken_away_one_to_one():
    before = detections([0, 500], [1, 1])
    new = _without(detections([10, 25, 500, 900], [9, 9, 9, 9]), before)
    offsets = (new["sky_center"].ra.deg - 10) * 3600
    assert_allclose(offsets, [25, 900], atol=1e-3)
    assert len(_without(detections([0], [1]), detections([], []))) == 1
    assert len(_without(detections([], []), before)) == 0


def test_a_detection_without_injection_does_not_count(tile, monkeypatch):
    class Always(BlindFinder):
        def detect(self, data, **choice):
            sky = tile.image.wcs.pixel_to_world(
                [40, 100, 160] * 3, [40] * 3 + [100] * 3 + [160] * 3
            )
            return catalog_of(sky.icrs.ra.deg, sky.icrs.dec.deg, np.ones(9))

    monkeypatch.setattr(injections, "inject_cluster", paint_nothing)
    with pytest.warns(match="0 of 30 injections"):
        fit = selection_function(Always(), tile.image, n_injections=30)
    assert not fit.injections["is_found"].any()


def test_local_density_is_that_of_the_sources(tile):
    image = read_image(tile.image)
    density = LocalDensity(image, 2.8 * u.arcsec)
    x, y = density._sources.x, density._sources.y
    inside = np.hypot(x - 100, y - 100) <= 90
    area = np.pi * 1.5**2
    assert_allclose(density(100, 100), inside.sum() / area, rtol=0.01)
    corner = density(4, 0)  # a quarter of the disc is on the tile
    inside = np.hypot(x - 4, y) <= 90
    assert_allclose(corner, inside.sum() / (area / 4), rtol=0.05)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"n_injections": 0}, ValueError, "n_injections"),
        ({"n_members": (300, 10)}, ValueError, "n_members takes two rising"),
        ({"n_members": 10}, TypeError, "n_members takes two numbers"),
        ({"r50": [8, 20]}, TypeError, "r50 must be a Quantity"),
        ({"r50": [0, 20] * u.arcsec}, ValueError, "r50 takes two rising"),
        ({"survey": "dss"}, ValueError, "survey must be one of .*'dss'"),
        ({"cluster": 3}, TypeError, "cluster must be a MockCluster"),
        ({"seed": -1}, ValueError, "seed"),
        ({"workers": 0}, ValueError, "workers"),
        ({"folder": __file__}, OSError, "test_injections"),
        ({"zero_point": 20}, TypeError, "zero_point"),
    ],
)
def test_bad_input_is_refused(tile, changes, error, message):
    with pytest.raises(error, match=message):
        selection_function(BlindFinder(), tile.image, **changes)


def test_tiles_that_cannot_be_used_are_refused(tile):
    with pytest.raises(TypeError, match="nddata must be NDData"):
        selection_function(BlindFinder(), tile.image.data)
    image = CCDData(tile.image.data, unit="adu", wcs=tile.image.wcs)
    with pytest.raises(ValueError, match="MAGZP"):
        selection_function(BlindFinder(), image)
    image = CCDData(tile.image.data, unit="adu")
    with pytest.raises(ValueError, match=r"wcs|WCS"):
        selection_function(BlindFinder(), image)


class SurprisedFinder(ChanceFinder):
    """Says of every image that it is unlike those of its calibration."""

    def detect(self, data, **choice):
        text = "it is unlike those on which the model was calibrated"
        warnings.warn(text, AstropyUserWarning, stacklevel=2)
        return super().detect(data, **choice)


def test_only_the_tile_as_it_is_can_be_unlike_the_calibration(tile, monkeypatch):
    monkeypatch.setattr(injections, "inject_cluster", paint_nothing)
    with pytest.warns(AstropyUserWarning) as caught:
        selection_function(SurprisedFinder(), tile.image, n_injections=20)
    unlike = [one for one in caught if "is unlike those" in str(one.message)]
    assert len(unlike) == 1
