# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""One sky for every search."""

import numpy as np
import pytest
from photutils.background import Background2D

from astro_vaeclust.images.read import read_image
from astro_vaeclust.images.sky import Meshes, Sky, positive

SHAPE = (160, 192)


def test_noise_that_vanishes_counts_as_the_smallest():
    """Or as one where it vanishes everywhere: nothing is divided by zero."""
    np.testing.assert_array_equal(positive(np.array([0, 3.0, 2.0])), [2, 3, 2])
    np.testing.assert_array_equal(positive(np.zeros(2)), [1, 1])
    noise = np.array([[0, 0, 0], [0, 3.0, 2.0]])
    assert Sky(np.zeros((2, 3)), noise, 32, (64, 96)).noise == 2


@pytest.mark.parametrize("unit", [1e-30, 1e-24, 1e18, 1e30])
def test_the_unit_does_not_matter(unit):
    pixels = np.random.default_rng(0).normal(600, 5, SHAPE).astype(np.float32)
    mask = np.zeros(SHAPE, bool)
    ordinary = Sky.from_pixels(pixels, mask, box_size=32)
    sky = Sky.from_pixels(pixels * np.float32(unit), mask, box_size=32)
    np.testing.assert_allclose(sky.noise_mesh / unit, ordinary.noise_mesh, rtol=1e-3)
    np.testing.assert_allclose(sky.level_mesh / unit, ordinary.level_mesh, rtol=1e-5)


def test_local_noise_follows_the_meshes(celestial_wcs):
    rng = np.random.default_rng(0)
    data = rng.normal(0, 1, SHAPE)
    data[:, 96:] *= 3
    image = read_image(data, wcs=celestial_wcs)
    sky = Sky.from_pixels(image.data, image.mask, box_size=32)
    for local, ratio in ((True, 1), (False, 3)):
        significance = sky.significance(image, local=local)
        spread = significance[:, 144:].std() / significance[:, :48].std()
        assert spread == pytest.approx(ratio, rel=0.1)


@pytest.mark.parametrize(("n_usable", "is_few"), [(20, True), (100, False)])
def test_a_mesh_of_few_usable_pixels_has_no_sky_of_its_own(n_usable, is_few):
    """At most 2 % of them are few."""
    pixels = np.random.default_rng(0).normal(100, 1, SHAPE)
    mask = np.zeros(SHAPE, bool)
    mask[32:64, 32:64] = np.arange(1024).reshape(32, 32) >= n_usable
    level = Meshes.from_pixels(pixels, mask, side=32).level
    assert np.isnan(level[1, 1]) == is_few
    assert np.isnan(level).sum() == int(is_few)
    sky = Sky.from_pixels(pixels, mask, box_size=32)
    np.testing.assert_allclose(sky.level_mesh, 100, atol=1)


@pytest.mark.parametrize("shape", [(160, 192), (200, 170), (97, 64)])
@pytest.mark.parametrize("step", [1, 2])
def test_meshes_of_strips_are_those_of_photutils(shape, step):
    rng = np.random.default_rng(0)
    pixels = rng.normal(100, 3, shape).astype(np.float32)
    mask = rng.uniform(size=shape) < 0.3
    mask[:32, :] = mask[:96, :40] = True
    strips = Meshes.stacked(
        Meshes.from_pixels(pixels[rows], mask[rows], side=32, step=step)
        for rows in (slice(0, 32), slice(32, 64), slice(64, None))
    )
    sky = Sky.from_meshes(strips, 32, shape)
    chosen = np.s_[::step, ::step]
    theirs = Background2D(
        pixels[chosen], 32 // step, mask=mask[chosen], exclude_percentile=98
    )
    np.testing.assert_array_equal(sky.level_mesh, theirs.background_mesh)
    np.testing.assert_array_equal(sky.noise_mesh, theirs.background_rms_mesh)
    part = sky.part((50, 20)).level(slice(0, 40), slice(0, 30))
    np.testing.assert_allclose(part, sky.level()[50:90, 20:50], rtol=1e-12)


def test_an_image_without_sky_is_refused():
    with pytest.raises(ValueError, match="data has too few usable pixels"):
        Sky.from_pixels(np.ones(SHAPE), np.ones(SHAPE, bool), box_size=32)


def test_every_other_row_may_be_missing():
    pixels = np.random.default_rng(0).normal(600, 5, SHAPE)
    mask = np.zeros(SHAPE, bool)
    mask[::2] = True
    sky = Sky.from_pixels(pixels, mask, box_size=64, step=2)
    np.testing.assert_allclose(sky.noise, 5, rtol=0.05)


@pytest.mark.parametrize("shape", [(5, 5), (12, 12), (3, 80), (3, 160), (160, 2)])
@pytest.mark.parametrize("is_part", [False, True])
def test_few_usable_pixels_are_refused(shape, is_part):
    pixels = np.random.default_rng(0).normal(600, 5, SHAPE)
    usable = np.zeros(SHAPE, bool)
    usable[: shape[0], : shape[1]] = True
    if not is_part:
        pixels, usable = pixels[: shape[0], : shape[1]], usable[: shape[0], : shape[1]]
    message = "data has too few usable pixels to measure its sky: [0-9]+ in the fullest"
    with pytest.raises(ValueError, match=message):
        Sky.from_pixels(pixels, ~usable, box_size=128)
