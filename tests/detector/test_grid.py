# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The image as the network sees it."""

import numpy as np
import pytest
from astropy.nddata import CCDData
from astropy.wcs import WCS
from photutils.background import Background2D

from astro_vaeclust.detector.grid import SKY_BOX, SKY_STEP, NetworkGrid, NetworkImage
from astro_vaeclust.images.read import read_image
from astro_vaeclust.images.sky import Sky
from astro_vaeclust.simulation.demo import demo_tile


@pytest.fixture(scope="module")
def demo():
    return demo_tile(seed=1)


def network_image(image, fine_scale):
    """Return the image of the finest level."""
    return NetworkImage.from_image(image, NetworkGrid.of_image(image, fine_scale))


@pytest.mark.parametrize("binning", [1, 2, 16])
@pytest.mark.parametrize("fine_scale", [0.6, 1.0])
@pytest.mark.parametrize("pixel_scale", [0.2, 0.34, 0.4, 0.8, 1.0, 1.7, 2.75, 5.0])
def test_the_grid_is_near_its_aim_and_goes_there_and_back(
    pixel_scale, fine_scale, binning
):
    grid = NetworkGrid.from_pixel_scale(pixel_scale, fine_scale)
    aim = fine_scale if grid.is_fine else max(pixel_scale, 1.0)
    assert aim / 1.42 < grid.scale < 1.42 * aim
    assert grid.is_fine == (pixel_scale < 0.7)
    places = np.array([0.0, 17.3, 400.0])
    grid = grid.coarser(binning)
    assert grid.scale == pytest.approx(pixel_scale * grid.pixels)
    np.testing.assert_allclose(
        grid.to_image(grid.to_network(places)), places, atol=1e-9
    )


@pytest.mark.parametrize(
    ("shape", "scale", "expected"),
    [
        ((1024, 512), 1.0, [1, 2, 4]),
        ((511, 3000), 1.0, [1, 2]),
        ((100, 90), 1.0, [1]),
        ((9000, 9000), 1.0, [1, 2, 4, 8, 16, 32]),
        ((1800, 1800), 0.2, [1, 2, 4]),
        ((600, 700), 5.0, [1, 2, 4]),
    ],
)
def test_levels_keep_128_network_pixels(shape, scale, expected):
    grid = NetworkGrid.from_pixel_scale(scale, 0.6)
    assert [level.binning for level in grid.levels(shape, 6)] == expected
    assert len(grid.levels(shape, 2)) <= 2


def test_level_and_unit_do_not_matter(demo):
    image = demo.image
    other = CCDData(3 * image.data + 70, unit="Jy", wcs=image.wcs, mask=image.mask)
    one, two = (network_image(read_image(data), 1.0) for data in (image, other))
    np.testing.assert_allclose(one.channels, two.channels, atol=1e-3)


@pytest.mark.parametrize("shape", [(300, 520), (129, 257), (90, 128), (64, 64)])
def test_the_sky_is_that_of_photutils(shape):
    rng = np.random.default_rng(8)
    level = 500 + np.hypot(*np.indices(shape)) / 100
    pixels = rng.normal(level, 2.0)
    mask = rng.uniform(size=shape) < 0.1
    box = min(SKY_BOX, *shape)
    background = Background2D(pixels, box, mask=mask, exclude_percentile=98)
    sky = Sky.from_pixels(pixels, mask, box_size=SKY_BOX, step=SKY_STEP)
    # large meshes are told by one pixel in four
    exact = {"rtol": 1e-10} if box < SKY_BOX else {"rtol": 0, "atol": 0.2}
    np.testing.assert_allclose(sky.level(), background.background, **exact)
    np.testing.assert_allclose(
        sky.level(slice(20, 60)), background.background[20:60], **exact
    )
    assert sky.noise == pytest.approx(2.0, rel=0.15)


@pytest.mark.parametrize("scale", [1.0, 0.2])
def test_strips_of_an_image_make_the_whole(scale, monkeypatch):
    shape = (300, 280)
    image = CCDData(
        np.random.default_rng(3).normal(50, 2, shape).astype(np.float32), unit="adu"
    )
    image.wcs = WCS(naxis=2)
    image.wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
    image.wcs.wcs.cdelt = -scale / 3600, scale / 3600
    pixels = read_image(image)
    whole = network_image(pixels, 0.6)
    monkeypatch.setattr("astro_vaeclust.detector.grid.CHUNK_PIXELS", 3600)
    strips = network_image(pixels, 0.6)
    np.testing.assert_allclose(strips.channels, whole.channels, atol=1e-6)
    np.testing.assert_allclose(strips.significance, whole.significance, atol=1e-5)


def test_masked_pixels_do_not_matter(demo):
    mask = np.zeros(demo.image.shape, dtype=bool)
    mask[100:140, 50:90] = True
    spoiled = demo.image.copy()
    spoiled.data[mask] = 1e6
    one, two = (
        network_image(read_image(data, mask=mask), 1.0)
        for data in (demo.image, spoiled)
    )
    np.testing.assert_array_equal(one.channels, two.channels)
    assert not one.channels[:, mask].any()
