# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Clusters of images that are unlike those of the calibration are flagged."""

from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
from astropy.nddata import CCDData
from astropy.utils.exceptions import AstropyUserWarning
from numpy.testing import assert_allclose
from scipy.ndimage import gaussian_filter

from astro_vaeclust import ClusterFlags, NoDetectionsWarning, VAEClusterFinder
from astro_vaeclust.detector.conditions import (
    RANGES,
    conditions_of,
    outside_of_calibration,
)
from astro_vaeclust.detector.model import load_model
from astro_vaeclust.detector.search import DetectorSearch
from astro_vaeclust.images.bands import read_in_bands
from astro_vaeclust.images.read import read_image
from astro_vaeclust.simulation import simulate_tile

OUT = int(ClusterFlags.OUT_OF_CALIBRATION)


@pytest.fixture(scope="module")
def tile():
    return simulate_tile(shape=(512, 512), density=3.9, seed=3).image


def with_scale(tile, factor):
    """Return a tile that says its pixels are so many times as large."""
    wcs = tile.wcs.deepcopy()
    wcs.wcs.cdelt = wcs.wcs.cdelt * factor
    return CCDData(tile.data, unit="adu", wcs=wcs)


def search_of(tile, model=None):
    return DetectorSearch(
        read_image(tile), model or load_model(), max_false_alarm_rate=None, n_largest=2
    )


def test_tiles_of_the_calibration_are_inside(tile):
    search = search_of(tile)
    found = conditions_of(search)
    assert_allclose(found["pixel scale in arcsec"], 1, rtol=0.01)
    width = found["width of the stars in network pixels"]
    assert_allclose(width, tile.meta["SEEING"], rtol=0.1)
    assert outside_of_calibration(search) == []


def test_white_noise_is_not_correlated_and_has_no_stars(tile):
    noise = CCDData(
        np.random.default_rng(1).normal(100, 5, (256, 256)), unit="adu", wcs=tile.wcs
    )
    found = conditions_of(search_of(noise))
    assert abs(found["correlation of neighbouring network pixels"]) < 0.05
    assert np.isnan(found["width of the stars in network pixels"])


def test_each_of_several_bands_is_compared():
    surveys = ("2mass-j", "2mass-h", "2mass-ks")
    images = simulate_tile(survey=surveys, shape=(300, 300), seed=3).images

    def outside(images, **options):
        image = read_in_bands(images, **options)
        search = DetectorSearch(image, load_model(), max_false_alarm_rate=None)
        return outside_of_calibration(search)

    assert outside(images) == []
    j = images["J"]
    for shift, said in ((1, []), (3, ["J: offset of the stars"]), (12, ["J: offset"])):
        moved = CCDData(np.roll(j.data, shift, 1), unit="adu", wcs=j.wcs)
        found = outside(images | {"J": moved})
        assert [text.startswith(*said) for text in found] == [True] * len(said)
    negative = CCDData(-j.data, mask=j.mask, unit="adu", wcs=j.wcs)
    assert outside(images | {"J": negative})[-1].startswith("J: offset of the stars")
    usable = np.where(j.mask, np.median(j.data[~j.mask]), j.data)
    images["J"] = CCDData(gaussian_filter(usable, 3), unit="adu", wcs=j.wcs)
    width, correlation = outside(images)
    assert width.startswith("J: width of the stars")
    assert correlation.startswith("J: correlation of neighbouring")
    assert outside(images, reference="J")[0].startswith("width of the stars")


@pytest.mark.parametrize("factor", [1.3, 2.0])
def test_pixels_outside_are_said(tile, factor):
    said = outside_of_calibration(search_of(with_scale(tile, factor)))
    assert said[0] == f"pixel scale in arcsec {factor:.3g}, calibrated from 0.9 to 1.1"


def test_blurred_images_are_outside(tile):
    blurred = CCDData(gaussian_filter(tile.data, 3), unit="adu", wcs=tile.wcs)
    width, correlation = outside_of_calibration(search_of(blurred))
    assert width.startswith("width of the stars")
    assert correlation.startswith("correlation")


def test_a_crowded_field_is_outside(tile):
    model = load_model()
    intensities = [
        replace(one, crowding=(0.9, 1.0, 0.1, 1.1))
        for one in model.calibration.intensities
    ]
    calibration = replace(model.calibration, intensities=tuple(intensities))
    search = search_of(tile, replace(model, calibration=calibration))
    (text,) = outside_of_calibration(search)
    assert text.startswith("crowding 0.")
    assert text.endswith("calibrated from 0.9 to 1.1")


@pytest.mark.parametrize("block_size", [None, 256])
def test_clusters_are_flagged_with_a_warning(tile, block_size):
    finder = VAEClusterFinder(max_false_alarm_rate=None, n_largest=2)
    inside = finder.detect(tile, block_size=block_size)
    assert not (inside["flags"] & OUT).any()
    assert "outside_of_calibration" not in inside.meta
    with pytest.warns(AstropyUserWarning, match=r"unlike those .*pixel scale .* 1\.4"):
        outside = finder.detect(with_scale(tile, 1.4), block_size=block_size)
    assert len(outside)
    assert (outside["flags"] & OUT).all()
    assert outside.meta["outside_of_calibration"][0].startswith("pixel scale")
    assert "flag 256: its image is unlike those" in str(outside)


@pytest.mark.parametrize("block_size", [None, 256])
def test_an_image_without_clusters_says_what_it_is_unlike(tile, block_size):
    finder = VAEClusterFinder(max_false_alarm_rate=1e-9 / u.deg**2)
    with pytest.warns(NoDetectionsWarning) as caught:
        inside, outside = (
            finder.detect(one, block_size=block_size)
            for one in (tile, with_scale(tile, 1.4))
        )
    assert str(inside) == "No clusters found."
    assert [str(one.message) for one in caught] == [str(inside), str(outside)]
    assert "unlike those that calibrated the search" in str(outside)
    assert str(outside).endswith(
        "pixel scale in arcsec 1.4, calibrated from 0.9 to 1.1"
    )


def test_models_without_a_calibration_state_nothing(tile):
    model = replace(load_model(), calibration=None)
    assert outside_of_calibration(search_of(with_scale(tile, 1.4), model)) == []


def test_ranges_hold_what_the_surveys_of_the_calibration_have():
    from astro_vaeclust.simulation import SURVEYS

    scales = RANGES["pixel scale in arcsec"]
    for survey in SURVEYS.values():
        assert any(low <= survey.pixel_scale <= high for low, high in scales)
