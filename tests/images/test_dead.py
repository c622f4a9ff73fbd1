# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Areas without noise are no data: margins, zero-filled sky, sentinels."""

import itertools

import numpy as np
import pytest
from astropy.utils.exceptions import AstropyUserWarning
from numpy.testing import assert_array_equal
from scipy.ndimage import gaussian_filter

from astro_vaeclust.images import source as source_module
from astro_vaeclust.images.dead import blank_values
from astro_vaeclust.images.read import open_image, read_image

SHAPE = (190, 251)
ROWS, COLUMNS = np.indices(SHAPE)
AREAS = {
    "half": COLUMNS < 131,
    "most": COLUMNS < 210,
    "margin": (ROWS < 20) | (COLUMNS > 230),
    "corner": ROWS + COLUMNS < 120,
}
DEAD = "constant, or have next to none of its noise"


@pytest.fixture
def sky():
    return np.random.default_rng(3).normal(600, 5, SHAPE).astype(np.float32)


@pytest.mark.parametrize(
    ("area", "fill"),
    [
        *itertools.product(AREAS, [0, -99, 600]),
        ("margin", "tiny noise"),  # less than half: else it is that of the image
        ("corner", "tiny noise"),
    ],
)
def test_an_area_without_noise_is_masked(area, fill, sky, celestial_wcs, monkeypatch):
    if isinstance(fill, str):
        fill = np.random.default_rng(4).normal(0, 0.4, SHAPE)
    pixels = np.where(AREAS[area], fill, sky)
    pixels[60:70, 190:200] = np.nan
    with pytest.warns(AstropyUserWarning, match=DEAD) as caught:
        image = read_image(pixels, wcs=celestial_wcs)
    percent = float(str(caught[0].message).split()[1])
    assert percent == pytest.approx(100 * AREAS[area].mean(), abs=7)
    expected = AREAS[area] | np.isnan(pixels)
    too_many = np.count_nonzero(image.mask & ~expected)
    assert too_many <= (
        150 if np.mean(fill) == 600 else 0
    )  # on the rim, of that value by chance
    assert np.count_nonzero(expected & ~image.mask) <= 8  # in corners of windows
    monkeypatch.setattr(source_module, "STRIP", 251 * 20)
    with (
        pytest.warns(AstropyUserWarning, match=DEAD) as caught,
        open_image(pixels, wcs=celestial_wcs) as source,
    ):
        parts = [source.part(np.s_[100:150, left : left + 30]) for left in (0, 90, 120)]
    assert len(caught) == 1
    for left, part in zip((0, 90, 120), parts, strict=True):
        assert_array_equal(part.mask, image.mask[100:150, left : left + 30])
        assert part.n_usable == image.n_usable


def dark_corner(rng):
    """Counts whose sky is 30 times the noise lower in a tenth of the image."""
    return np.rint(rng.normal(np.where(ROWS + COLUMNS < 97, 450, 600), 5))


NO_BLANKS = {
    "counts of a dark cloud": dark_corner,
    "clipped at zero": lambda rng: np.maximum(rng.normal(0, 5, SHAPE), 0),
    "saturated": lambda rng: np.where(COLUMNS > 240, 6e4, rng.normal(0, 5, SHAPE)),
    "few dark pixels": lambda rng: np.where(
        (ROWS == 7) & (COLUMNS < 9), -500, rng.normal(0, 5, SHAPE)
    ),
    "constant": lambda rng: np.full(SHAPE, 7),
    "two values": lambda rng: np.where(COLUMNS > 9, 7, 0),
}


@pytest.mark.parametrize("make", NO_BLANKS.values(), ids=NO_BLANKS)
def test_what_is_no_blank_value(make):
    assert blank_values(make(np.random.default_rng(5)).ravel()).size == 0


def test_several_blank_values(sky):
    sky[::7], sky[:, ::9] = 0, -99
    assert_array_equal(blank_values(sky.ravel()), [-99, 0])
    assert blank_values(sky[:0].ravel()).size == 0


SKIES = {
    "counts of a third": lambda rng: np.rint(rng.normal(100, 0.33, SHAPE)),
    "few photons": lambda rng: rng.poisson(0.1, SHAPE),
    "oversampled": lambda rng: gaussian_filter(rng.normal(0, 5, SHAPE), 3),
    "saturated star": lambda rng: np.where(
        np.hypot(ROWS - 90, COLUMNS - 90) < 8, 6e4, rng.normal(0, 1, SHAPE)
    ),
}


@pytest.mark.parametrize("kind", SKIES)
def test_noise_of_other_kinds_is_noise(kind, celestial_wcs):
    pixels = SKIES[kind](np.random.default_rng(5))
    assert not read_image(pixels, wcs=celestial_wcs).mask.any()


SENTINELS = [-1e30, 1.6e38, -1.6e38, float(np.finfo(np.float32).max), 1e300]


@pytest.mark.parametrize("dtype", [">f4", "f8"])
@pytest.mark.parametrize("unit", [1e-30, 1e-24, 1, 1e14])
@pytest.mark.parametrize("sentinel", SENTINELS)
def test_sentinels_are_no_data(sentinel, unit, dtype, sky, celestial_wcs):
    with np.errstate(over="ignore"):
        pixels = (sky * unit).astype(dtype)
        pixels[20:40, 30:200] = pixels[:, 7] = sentinel
    image = read_image(pixels, wcs=celestial_wcs)
    with np.errstate(over="ignore"):
        assert_array_equal(image.mask, pixels == np.array(sentinel, dtype))


@pytest.mark.parametrize("unit", [1e18, 1e24, 1e30])
@pytest.mark.parametrize("level", [0, 600])
def test_large_units_are_no_sentinels(unit, level, sky, celestial_wcs):
    pixels = (sky.astype(float) - 600 + level) * unit
    pixels[0, :5] = 0
    assert not read_image(pixels, wcs=celestial_wcs).mask.any()


def test_huge_values_that_many_pixels_share(sky):
    bright = 1e16 * sky
    bright[:4] = 1e20
    assert_array_equal(blank_values(bright[20:].ravel()), [])
    assert_array_equal(blank_values(bright.ravel()), [np.float32(1e20)])
