# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A tile in colour is one sky seen by several cameras."""

from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust.photometry.palette import LAWS, checked_surveys, reddened
from astro_vaeclust.simulation import (
    NULLS,
    SURVEYS,
    MockCluster,
    mock_tile,
    simulate_tile,
)

NEAR_INFRARED = ("2mass-j", "2mass-h", "2mass-ks")
SETTINGS = {"shape": (256, 240), "clusters": 1, "density": 4.6, "seed": 5}


def same(one, two):
    return np.array_equal(one.data, two.data, equal_nan=True)


@pytest.fixture(scope="module")
def tile():
    return simulate_tile(survey=NEAR_INFRARED, nulls=tuple(NULLS), **SETTINGS)


def color(stars, short, long):
    return (stars[f"mag_{short}"] - stars[f"mag_{long}"]).value


def test_the_last_image_is_that_of_a_tile_of_one_band(tile):
    alone = simulate_tile(survey="2mass-ks", nulls=tuple(NULLS), **SETTINGS)
    assert list(tile.images) == ["J", "H", "Ks"]
    assert tile.image is tile.images["Ks"]
    assert same(tile.image, alone.image)
    assert_array_equal(tile.stars["mag"], alone.stars["mag"])
    assert_array_equal(tile.stars["mag_Ks"], alone.stars["mag"])
    assert "mag_Ks" not in alone.stars.colnames
    assert [survey.band for survey in tile.surveys] == ["J", "H", "Ks"]


def test_a_band_is_the_same_whatever_others_there_are(tile):
    two = simulate_tile(survey=("2mass-ks", "2mass-j"), nulls=tuple(NULLS), **SETTINGS)
    assert list(two.images) == ["J", "Ks"]
    assert same(two.images["J"], tile.images["J"])
    assert_array_equal(two.stars["mag_J"], tile.stars["mag_J"])


@pytest.mark.parametrize("camera", ["2mass", "ukidss", "vvv"])
def test_images_show_the_same_stars_beside_one_another(camera):
    names = [name for name in SURVEYS if name.startswith(camera)]
    mock = simulate_tile(
        survey=names, shape=(200, 200), density=0.0, noise=False, artefacts=(),
        nulls=["asterism"], seed=3,
    )  # fmt: skip
    brightest = mock.stars[np.argmin(mock.stars["mag"])]
    row, column = round(brightest["y"]), round(brightest["x"])
    y, x = np.mgrid[row - 3 : row + 4, column - 3 : column + 4]
    shifts = []
    for image in mock.images.values():
        assert image.wcs.wcs.compare(mock.image.wcs.wcs)
        around = image.data[row - 3 : row + 4, column - 3 : column + 4]
        around = around - around.min()
        shifts.append([np.average(x, weights=around), np.average(y, weights=around)])
    moved = np.abs(np.diff(shifts, axis=0)).max() * mock.survey.pixel_scale
    assert 0 < moved < 0.6


def test_zero_points_and_conditions_are_those_of_each_band(tile):
    for survey, image in zip(tile.surveys, tile.images.values(), strict=True):
        low, high = survey.zero_point
        assert low <= image.meta["MAGZP"] <= high
        assert image.meta["FILTER"] == survey.band
    assert len({image.meta["SEEING"] for image in tile.images.values()}) == 3


def test_stars_are_as_bright_as_their_magnitudes_in_each_band():
    settings = {"shape": (200, 200), "noise": False, "artefacts": (), "seed": 8}
    empty, full = (
        simulate_tile(survey=NEAR_INFRARED, density=density, **settings)
        for density in (0.0, 4.5)
    )
    stars = full.stars[~full.stars["is_galaxy"]]
    inside = (stars["x"] > 24) & (stars["x"] < 176)
    stars = stars[inside & (stars["y"] > 20) & (stars["y"] < 180)]
    for band, image in full.images.items():
        light = (image.data - empty.images[band].data)[20:180, 24:176].sum()
        flux = 10 ** (0.4 * (image.meta["MAGZP"] - stars[f"mag_{band}"].value))
        assert_allclose(light, flux.sum(), rtol=0.15)


def test_reddening_lies_between_two_laws():
    surveys = checked_surveys(NEAR_INFRARED)
    rngs = map(np.random.default_rng, range(30))
    drawn = [[one.extinction_ratio for one in reddened(rng, surveys)] for rng in rngs]
    drawn = np.array(drawn)
    assert np.all((drawn >= LAWS[0]) & (drawn <= LAWS[1]))
    assert np.ptp(drawn[:, 0]) > 0.3
    assert_allclose((drawn[:, 0] - 2.5) / 0.5, (drawn[:, 1] - 1.55) / 0.15, atol=1e-9)


def test_extinction_of_stars_is_what_reddens_them():
    mock = simulate_tile(
        survey=NEAR_INFRARED, shape=(400, 400), density=5.0, artefacts=(), seed=9
    )
    stars = mock.stars[~mock.stars["is_galaxy"]]
    ratio = [survey.extinction_ratio for survey in mock.surveys]
    intrinsic = color(stars, "J", "H") - (ratio[0] - ratio[1]) * stars["a_k"].value
    assert np.all(intrinsic > -0.35)
    assert np.all(intrinsic < 1.2)
    assert np.corrcoef(color(stars, "J", "H"), stars["a_k"].value)[0, 1] > 0.9


def test_clusters_have_the_mean_extinction_of_their_members(tile):
    (row,) = tile.clusters
    stars = tile.stars[tile.stars["cluster"] == row["id"]]
    counted = stars["mag"] < tile.survey.limit * u.mag
    assert_allclose(row["a_k"].value, stars["a_k"][counted].value.mean(), rtol=0.1)
    alone = simulate_tile(survey="2mass-ks", nulls=tuple(NULLS), **SETTINGS)
    assert row["a_k"] > alone.clusters["a_k"][0]


def test_starless_clouds_redden_the_field_and_hide_no_cluster():
    cloud = {"shape": (500, 500), "density": 5.2, "extinction": 0 * u.mag, "seed": 2}
    clear, dark = (
        simulate_tile(survey=NEAR_INFRARED, artefacts=(), nulls=nulls, **cloud)
        for nulls in ((), ("starless-cloud",))
    )
    (row,) = dark.nulls
    assert row["kind"] == "starless-cloud"
    assert len(dark.clusters) == 0
    reach = row["radius"].to_value(u.arcsec)

    def inside(mock):
        x, y = mock.stars["x"] - row["x_center"], mock.stars["y"] - row["y_center"]
        near = (np.hypot(x, y) < 0.5 * reach) & (mock.stars["mag"] < 14.3 * u.mag)
        return mock.stars[near]

    assert len(inside(dark)) < len(inside(clear))
    faint = inside(dark)["a_k"].value, inside(clear)["a_k"].value
    assert np.percentile(faint[0], 75) > np.percentile(faint[1], 75) + 0.1


def test_lanes_before_a_nebula_are_deeper_at_short_wavelengths():
    mock = simulate_tile(
        survey=NEAR_INFRARED, shape=(300, 300), density=0.0, noise=False,
        artefacts=(), nulls=["nebula"], seed=4,
    )  # fmt: skip
    x, y = (int(mock.nulls[f"{axis}_center"][0]) for axis in "xy")
    light = {}
    for band, image in mock.images.items():
        part = image.data[max(y - 15, 0) : y + 16, max(x - 15, 4) : x + 16]
        light[band] = part - np.nanmedian(image.data[:20])
    colors = np.log(light["J"] / light["Ks"])
    assert np.nanstd(colors) > 0.01
    assert np.corrcoef(colors.ravel(), np.log(light["Ks"]).ravel())[0, 1] > 0


def test_defects_lie_elsewhere_in_each_band():
    mock = simulate_tile(
        survey=NEAR_INFRARED, shape=(200, 200), density=0.0, noise=False,
        artefacts=(), nulls=["missing-corner"], seed=1,
    )  # fmt: skip
    masks = [image.mask for image in mock.images.values()]
    assert list(mock.nulls["kind"]) == ["missing-corner"] * 3
    assert not np.array_equal(masks[0], masks[1])
    assert not np.array_equal(masks[1], masks[2])


@pytest.mark.parametrize(
    ("survey", "error", "match"),
    [
        (3, TypeError, "survey must be a string, a Survey or a sequence"),
        ((), ValueError, "bands among J, H and K"),
        (("2mass-j", "2mass-j"), ValueError, "each band once, got J, J"),
        (("2mass-ks", "ukidss-k"), ValueError, "each band once, got Ks, K"),
        (("2mass-j", "ukidss-k"), ValueError, "one pixel_scale and projection"),
        (("2mass-j", "2mass-x"), ValueError, "2mass-x"),
    ],
)
def test_surveys_of_a_tile_are_checked(survey, error, match):
    with pytest.raises(error, match=match):
        simulate_tile(survey=survey, shape=(64, 64))


def test_a_tile_in_colour_needs_known_bands_and_one_of_one_band_does_not():
    odd = replace(SURVEYS["2mass-ks"], band="F187N", name="odd")
    with pytest.raises(ValueError, match="among J, H and K or Ks, got J, F187N"):
        simulate_tile(survey=("2mass-j", odd), shape=(64, 64))
    assert list(simulate_tile(survey=[odd], shape=(64, 64), seed=1).images) == ["F187N"]


def test_tiles_for_comparison_come_in_colour_and_with_further_nulls():
    plain = mock_tile(1_000_001, shape=(128, 128))
    mock = mock_tile(
        1_000_001, survey=NEAR_INFRARED, shape=(128, 128), nulls=["starless-cloud"]
    )
    assert list(mock.images) == ["J", "H", "Ks"]
    assert "starless-cloud" in mock.nulls["kind"]
    assert set(plain.nulls["kind"]) <= set(mock.nulls["kind"])


def test_members_of_a_globular_cluster_are_red_without_its_dust():
    cluster = MockCluster(
        n_members=300, profile="globular", population="old", extinction=0 * u.mag
    )
    mock = simulate_tile(
        survey=NEAR_INFRARED, shape=(256, 256), clusters=cluster, density=3.0, seed=7
    )
    members = mock.stars[mock.stars["is_member"]]
    assert np.ptp(members["a_k"].value) == 0
    assert np.std(color(members, "J", "Ks")) < 0.2
