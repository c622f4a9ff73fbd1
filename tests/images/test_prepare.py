# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Preparation of images."""

import numpy as np
import pytest
from astropy.stats import mad_std

from astro_vaeclust.images.prepare import PREPARATIONS, prepare
from astro_vaeclust.images.read import read_image

SHAPE = (160, 192)


@pytest.fixture
def sky(celestial_wcs):
    """Image of a sloping sky with a noise of 2, a star, and unusable pixels."""
    rng = np.random.default_rng(0)
    slope = 0.02 * np.arange(SHAPE[1])
    data = 500 + slope + rng.normal(0, 2, SHAPE)
    data[80, 100] += 400
    data[:, :4] = np.nan
    data[100:120, 30:50] = 1e6
    mask = np.zeros(SHAPE, bool)
    mask[100:120, 30:50] = True
    return read_image(data, wcs=celestial_wcs, mask=mask)


@pytest.mark.parametrize("preparation", PREPARATIONS)
def test_pixels_lie_in_the_unit_interval(sky, preparation):
    prepared = prepare(sky, preparation=preparation)
    assert prepared.pixels.dtype == np.float32
    assert prepared.pixels.min() >= 0
    assert prepared.pixels.max() <= 1
    np.testing.assert_array_equal(prepared.mask, sky.mask)


@pytest.mark.parametrize("preparation", PREPARATIONS)
def test_masked_pixels_do_not_matter(sky, celestial_wcs, preparation):
    other = np.where(sky.mask, -1e5, sky.data)
    again = read_image(other, wcs=celestial_wcs, mask=sky.mask)
    one = prepare(sky, preparation=preparation)
    two = prepare(again, preparation=preparation)
    np.testing.assert_array_equal(one.pixels, two.pixels)
    assert len(np.unique(one.pixels[sky.mask])) == 1


def test_significance(sky):
    significance = prepare(sky).significance
    good = ~sky.mask
    assert np.median(significance[good]) == pytest.approx(0, abs=0.1)
    assert mad_std(significance[good]) == pytest.approx(1, rel=0.1)
    assert significance[80, 100] == pytest.approx(200, rel=0.1)
    assert (significance[sky.mask] == 0).all()


def test_above_the_sky_pixels_rise_from_zero(sky):
    prepared = prepare(sky, preparation="above-sky")
    below = prepared.significance <= 0
    assert (prepared.pixels[below & ~sky.mask] == 0).all()
    assert (prepared.pixels[~below] > 0).all()
    assert prepared.pixels[80, 100] == 1


def test_given_errors_are_used(sky, celestial_wcs):
    error = np.full(SHAPE, 4.0)
    image = read_image(sky.data, wcs=celestial_wcs, mask=sky.mask, error=error)
    half = prepare(image).significance
    np.testing.assert_allclose(half[80, 100], 400 / 4, rtol=0.05)


def test_errors_of_zero_do_not_divide(sky, celestial_wcs):
    error = np.full(SHAPE, 2.0)
    error[10, 20] = 0
    image = read_image(sky.data, wcs=celestial_wcs, mask=sky.mask, error=error)
    assert np.isfinite(prepare(image).significance).all()


def test_intensity_is_linear(sky):
    prepared = prepare(sky, preparation="intensity")
    good = ~sky.mask
    expected = sky.data[good] - sky.data[good].min()
    np.testing.assert_allclose(
        prepared.pixels[good], expected / expected.max(), atol=1e-6
    )


def test_image_smaller_than_a_mesh(celestial_wcs):
    data = np.random.default_rng(0).normal(100, 1, (25, 16))
    prepared = prepare(read_image(data, wcs=celestial_wcs))
    assert prepared.significance.std() == pytest.approx(1, rel=0.3)


def test_mostly_masked_image(celestial_wcs):
    data = np.random.default_rng(0).normal(100, 1, SHAPE)
    mask = np.ones(SHAPE, bool)
    mask[:20, :20] = False
    prepared = prepare(read_image(data, wcs=celestial_wcs, mask=mask))
    assert np.isfinite(prepared.pixels).all()


def test_unknown_preparation(sky):
    with pytest.raises(ValueError, match="preparation"):
        prepare(sky, preparation="logarithm")


def test_too_few_usable_pixels(celestial_wcs):
    data = np.random.default_rng(0).normal(100, 1, SHAPE)
    mask = np.ones(SHAPE, bool)
    mask[::40, ::40] = False
    with pytest.raises(ValueError, match="data has too few usable pixels"):
        prepare(read_image(data, wcs=celestial_wcs, mask=mask))


def test_a_sloping_sky_is_flattened(celestial_wcs):
    rng = np.random.default_rng(0)
    slope = 0.1 * np.arange(SHAPE[1])
    image = read_image(slope + rng.normal(0, 2, SHAPE), wcs=celestial_wcs)
    significance = prepare(image, box_size=32).significance
    columns = np.median(significance, axis=0)[16:-16]
    assert np.ptp(slope[16:-16]) / 2 > 7
    assert np.ptp(columns) < 2
