# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Mock tiles hold what was asked for, and the tables tell the truth about them."""

import time
import tracemalloc
from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.nddata import NDData
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust.photometry.surveys import get_survey
from astro_vaeclust.simulation import (
    NULLS,
    SURVEYS,
    MockCluster,
    MockTile,
    mock_tile,
    simulate_tile,
)
from astro_vaeclust.simulation.artefacts import ARTEFACTS
from astro_vaeclust.simulation.demo import demo_tile
from astro_vaeclust.simulation.design import mock_star_list
from astro_vaeclust.simulation.observation import noise_deviation
from astro_vaeclust.simulation.profiles import PROFILES

SMALL = (256, 256)
EMPTY = {"density": 0.0, "artefacts": (), "extinction": 0 * u.mag}
"""Settings of a tile with nothing but sky."""


def pixels(tile):
    return tile.image.data[:, 4:-4]


def correlation(noise, lag):
    return np.mean(noise[:, lag:] * noise[:, :-lag]) / noise.var()


@pytest.mark.parametrize("survey", SURVEYS)
def test_same_seed_gives_the_same_bits(survey):
    settings = {"shape": SMALL, "clusters": 2, "nulls": tuple(NULLS), "density": 4.5}
    settings["survey"] = survey
    first, second = (simulate_tile(seed=5, **settings) for _ in range(2))
    assert first.image.data.tobytes() == second.image.data.tobytes()
    for name in ("stars", "clusters", "nulls"):
        one, two = getattr(first, name), getattr(second, name)
        assert one.colnames == two.colnames
        for column in set(one.colnames) - {"sky", "sky_center"}:
            assert_array_equal(one[column], two[column])
    third = simulate_tile(seed=6, **settings)
    assert not np.array_equal(pixels(first), pixels(third))


def test_a_generator_is_a_seed_and_moves_on():
    rng = np.random.default_rng(1)
    first, second = (simulate_tile(shape=SMALL, seed=rng) for _ in range(2))
    again = simulate_tile(shape=SMALL, seed=np.random.default_rng(1))
    assert_array_equal(pixels(first), pixels(again))
    assert not np.array_equal(pixels(first), pixels(second))


def test_the_global_random_numbers_are_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    simulate_tile(shape=SMALL, clusters=1, seed=1)
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_artefacts_and_noise_leave_the_stars_alone():
    plain = simulate_tile(shape=SMALL, seed=2, artefacts=False, noise=False)
    full = simulate_tile(shape=SMALL, seed=2, artefacts=tuple(ARTEFACTS))
    assert_array_equal(plain.stars["mag"], full.stars["mag"])


@pytest.mark.parametrize("survey", SURVEYS)
def test_image_is_a_tile_of_the_survey(survey):
    tile = simulate_tile(survey=survey, shape=(128, 160), clusters=1, seed=3)
    settings = SURVEYS[survey]
    assert isinstance(tile, MockTile)
    assert isinstance(tile.image, NDData)
    assert tile.image.unit == u.adu
    assert tile.image.data.dtype == np.float32
    assert tile.image.shape == (128, 160)
    low, high = settings.zero_point
    assert low <= tile.image.meta["MAGZP"] <= high
    left, right = settings.bad_columns
    assert tile.image.mask.sum() == 128 * (left + right)
    assert_array_equal(tile.image.mask, np.isnan(tile.image.data))
    sky = np.nanpercentile(tile.image.data, 20)
    assert 0.8 * settings.sky_level[0] < sky < 1.2 * settings.sky_level[1]
    assert survey in repr(tile)


def test_wcs_has_the_centre_and_the_scale():
    center = SkyCoord(83.8, -5.4, unit="deg")
    tile = simulate_tile(shape=SMALL, center=center, seed=1)
    found = tile.image.wcs.pixel_to_world(127.5, 127.5)
    assert found.separation(center) < 1e-6 * u.arcsec
    step = found.separation(tile.image.wcs.pixel_to_world(128.5, 127.5))
    assert_allclose(step.to_value(u.arcsec), 1.0, rtol=1e-6)
    assert tile.image.wcs.wcs.ctype[0] == "RA---SIN"


def test_star_positions_agree_on_sky_and_pixels():
    tile = simulate_tile(shape=SMALL, clusters=1, seed=4)
    x, y = tile.image.wcs.world_to_pixel(tile.stars["sky"])
    assert_allclose(x, tile.stars["x"], atol=1e-4)
    assert_allclose(y, tile.stars["y"], atol=1e-4)
    x, y = tile.image.wcs.world_to_pixel(tile.clusters["sky_center"])
    assert_allclose(x, tile.clusters["x_center"], atol=1e-4)
    assert_allclose(y, tile.clusters["y_center"], atol=1e-4)


def test_light_of_an_isolated_star_follows_the_zero_point():
    tile = simulate_tile(
        shape=(201, 201), nulls=["bright-star"], noise=False, seed=9, **EMPTY
    )
    star = tile.stars[np.argmin(tile.stars["mag"])]
    expected = 10 ** (0.4 * (tile.image.meta["MAGZP"] - star["mag"].value))
    assert_allclose(star["flux"].value, expected, rtol=1e-5)


def test_image_sums_to_the_light_of_its_stars():
    tile = simulate_tile(
        shape=(220, 220),
        clusters=MockCluster(
            n_members=20,
            half_number_radius=12 * u.arcsec,
            profile="king",
            brightest=11 * u.mag,
        ),
        noise=False,
        seed=12,
        **EMPTY,
    )
    empty = simulate_tile(shape=(220, 220), noise=False, seed=12, **EMPTY)
    light = (pixels(tile) - pixels(empty)).sum(dtype=float)
    faint = tile.stars["flux"].sum().value - empty.stars["flux"].sum().value
    assert_allclose(light, faint, rtol=0.02)


def test_noise_has_its_level_and_its_correlation():
    tile = simulate_tile(shape=(512, 512), seed=8, uncertainty=True, **EMPTY)
    silent = simulate_tile(shape=(512, 512), seed=8, noise=False, **EMPTY)
    noise = (pixels(tile) - pixels(silent)).astype(float)
    assert 0.95 < noise.std() < 1.3
    assert_allclose(noise.std(), tile.image.meta["SKYSIG"], rtol=0.02)
    stated = np.median(tile.image.uncertainty.array[:, 4:-4])
    assert_allclose(stated, noise.std(), rtol=0.02)
    # Smoothing with a Gaussian s leaves correlation exp(-lag**2 / 4 s**2).
    assert 0.74 < correlation(noise, 1) < 0.81
    assert 0.30 < correlation(noise, 2) < 0.42
    assert abs(correlation(noise, 6)) < 0.02


def test_noise_grows_with_light():
    conditions = {"noise": 1.1, "sky_level": 500.0}
    deviation = noise_deviation(np.array([-5.0, 0.0, 1500.0]), np.ones(3), conditions)
    assert_allclose(deviation, [1.1, 1.1, 2.2])


@pytest.mark.parametrize("density", [3.2, 4.0, 4.7])
@pytest.mark.parametrize("extinction", [0.0, 0.6])
def test_counts_follow_the_density(density, extinction):
    shape = (1024, 1024)
    area = 1024**2 / 3600**2
    counts = [
        np.sum(
            simulate_tile(
                shape=shape,
                density=density,
                extinction=extinction * u.mag,
                artefacts=(),
                noise=False,
                seed=seed,
            ).stars["mag"]
            < 14 * u.mag
        )
        for seed in range(2)
    ]
    expected = 2 * 10**density * area
    assert_allclose(sum(counts), expected, atol=4 * np.sqrt(expected) + 0.04 * expected)


def clumping(extinction):
    """Variance over mean of the counts of stars in cells of 1 arcmin."""
    tile = simulate_tile(
        shape=(600, 600),
        density=4.7,
        extinction=extinction,
        gradient=0.0,
        artefacts=(),
        noise=False,
        seed=3,
    )
    bright = tile.stars[tile.stars["mag"] < 15 * u.mag]
    cells = np.histogram2d(bright["y"], bright["x"], bins=10)[0]
    return cells.var() / cells.mean()


def test_dust_makes_the_field_clumpy():
    assert clumping(0 * u.mag) < 1.5
    assert clumping(1 * u.mag) > 2


def test_gradient_is_a_gradient():
    tile = simulate_tile(
        shape=(600, 600), density=4.7, gradient=1.0, extinction=0 * u.mag, seed=3
    )
    x, y = tile.stars["x"] / 600 - 0.5, tile.stars["y"] / 600 - 0.5
    # Of a density 10**t, t from -0.5 to 0.5, the centre of mass is 0.18 off.
    assert_allclose(np.hypot(x.mean(), y.mean()), 0.18, atol=0.03)


@pytest.mark.parametrize("profile", PROFILES)
def test_truth_matches_the_members(profile):
    cluster = MockCluster(
        n_members=120,
        half_number_radius=30 * u.arcsec,
        profile=profile,
        brightest=9 * u.mag,
    )
    tile = simulate_tile(shape=(512, 512), clusters=cluster, seed=6, artefacts=())
    truth = tile.clusters[0]
    limit = get_survey("2mass-ks").limit * u.mag
    members = tile.stars[tile.stars["is_member"] & (tile.stars["mag"] < limit)]
    assert truth["n_members"] == 120
    assert truth["profile"] == profile
    assert truth["nebulosity"] == "none"
    assert len(members) == truth["n_inside"]
    radius = members["sky"].separation(truth["sky_center"]).to_value(u.arcsec)
    assert_allclose(np.median(radius), truth["r50"].to_value(u.arcsec), rtol=0.06)
    assert_allclose(truth["r50"].to_value(u.arcsec), 30, rtol=0.3)
    assert truth["r80"] > truth["r50"]
    assert_allclose(members["mag"].min().value, 9.0)
    assert_allclose(truth["a_k"].value, 0.5, rtol=0.5)
    assert members["a_k"].value.std() > 0.1


def test_dust_of_a_cluster_dims_the_stars_behind():
    def count(extinction):
        cluster = MockCluster(
            center=SkyCoord(40 * u.deg, 0.3 * u.deg, frame="galactic"),
            half_number_radius=50 * u.arcsec,
            extinction=extinction,
        )
        tile = simulate_tile(
            shape=SMALL, clusters=cluster, density=4.7, extinction=0 * u.mag, seed=3
        )
        stars = tile.stars[~tile.stars["is_member"]]
        near = np.hypot(stars["x"] - 127.5, stars["y"] - 127.5) < 50
        return np.sum(near & (stars["mag"] < 15 * u.mag))

    assert count(2 * u.mag) < 0.6 * count(0 * u.mag)


def test_clusters_are_where_they_are_put():
    center = SkyCoord(40.01 * u.deg, 0.32 * u.deg, frame="galactic")
    tile = simulate_tile(clusters=MockCluster(center=center), seed=1)
    assert tile.clusters["sky_center"][0].separation(center) < 0.01 * u.arcsec


def test_drawn_clusters_are_apart_and_inside():
    tile = simulate_tile(clusters=4, seed=10)
    x, y = tile.clusters["x_center"], tile.clusters["y_center"]
    assert np.all((x > 8) & (x < 503) & (y > 8) & (y < 1015))
    assert_array_equal(tile.clusters["id"], range(4))
    assert set(tile.stars["cluster"]) == {-1, 0, 1, 2, 3}
    assert len(set(tile.clusters["r50"].value)) == 4


def test_nebulosity_brightens_the_cluster():
    def light(nebulosity):
        cluster = MockCluster(
            center=SkyCoord(40 * u.deg, 0.3 * u.deg, frame="galactic"),
            nebulosity=nebulosity,
            nebula_brightness=16 * u.mag / u.arcsec**2,
            nebula_radius=40 * u.arcsec,
        )
        tile = simulate_tile(
            shape=SMALL, clusters=cluster, noise=False, seed=1, **EMPTY
        )
        return np.nan_to_num(tile.image.data)

    zero_point = simulate_tile(shape=SMALL, seed=1).image.meta["MAGZP"]
    level = 10 ** (0.4 * (zero_point - 16))
    added = light("embedded") - light("none")
    # The brightest third within the radius has this level in the mean.
    brightest = np.sort(added[added > 0.01])[-int(np.pi * 40**2 / 3) :]
    assert 0.7 * level < brightest.mean() < 1.5 * level


def test_offset_nebula_lies_beside_the_cluster():
    def distance(nebulosity, seed):
        cluster = MockCluster(
            center=SkyCoord(40 * u.deg, 0.3 * u.deg, frame="galactic"),
            half_number_radius=20 * u.arcsec,
            nebulosity=nebulosity,
            nebula_brightness=14 * u.mag / u.arcsec**2,
        )
        settings = {"shape": SMALL, "noise": False, "seed": seed, **EMPTY}
        images = [
            simulate_tile(clusters=replace(cluster, nebulosity=kind), **settings)
            for kind in (nebulosity, "none")
        ]
        light = np.nan_to_num(images[0].image.data - images[1].image.data)
        rows, columns = np.mgrid[:256, :256] - 127.5
        return np.hypot(
            *(np.sum(light * axis) / light.sum() for axis in (rows, columns))
        )

    embedded, offset = (
        np.median([distance(kind, seed) for seed in range(9)])
        for kind in ("embedded", "offset")
    )
    # A half-number radius is 20 pixels.
    assert embedded < 18 < 22 < offset


def test_field_has_galaxies_that_are_no_members():
    tile = simulate_tile(shape=(1024, 1024), clusters=1, seed=1, extinction=0 * u.mag)
    galaxies = tile.stars[tile.stars["is_galaxy"]]
    # About a hundred per square degree are brighter than Ks = 15.
    assert 1 <= len(galaxies) <= 25
    assert not galaxies["is_member"].any()


def test_tile_takes_less_than_a_second():
    times = []
    for seed in range(3):
        start = time.process_time()
        simulate_tile(shape=(1024, 512), clusters=1, density=4.2, seed=seed)
        times.append(time.process_time() - start)
    assert min(times) < 1


def test_tables_without_rows_have_their_columns():
    tile = simulate_tile(shape=SMALL, seed=1, **EMPTY)
    full = simulate_tile(shape=SMALL, seed=1, clusters=1, nulls=["nebula"])
    assert len(tile.clusters) == len(tile.nulls) == 0
    assert tile.clusters.colnames == full.clusters.colnames
    assert tile.nulls.colnames == full.nulls.colnames
    assert len(tile.clusters["sky_center"]) == 0


def test_a_mosaic_costs_little():
    shape = (2400, 2400)
    tracemalloc.start()
    start = time.process_time()
    simulate_tile(shape=shape, clusters=3, density=4.2, seed=1)
    seconds = time.process_time() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds * 3600**2 / np.prod(shape) < 12
    assert peak / np.prod(shape) < 38


@pytest.mark.parametrize("survey", ["2mass-ks", "ukidss-k"])
def test_members_are_counted_to_the_limit_of_the_survey(survey):
    tile = simulate_tile(survey=survey, shape=(700, 700), clusters=2, seed=8)
    limit = get_survey(survey).limit * u.mag
    for truth in tile.clusters:
        members = tile.stars[tile.stars["cluster"] == truth["id"]]
        assert np.sum(members["mag"] < limit) == truth["n_inside"] <= truth["n_members"]


def test_demo_has_one_clear_cluster():
    tile = demo_tile()
    assert tile.image.shape == (1024, 512)
    (truth,) = tile.clusters
    assert truth["n_members"] == 90
    assert 85 <= truth["n_inside"] <= 90
    assert 30 * u.arcsec < truth["r50"] < 50 * u.arcsec
    bright = tile.stars[tile.stars["mag"] < 14.3 * u.mag]
    near = bright["sky"].separation(truth["sky_center"]) < truth["r50"]
    area = np.pi * truth["r50"].to_value(u.arcsec) ** 2
    field = len(bright) * area / (1024 * 512)
    assert near.sum() > field + 8 * np.sqrt(field)


def test_stars_without_images_are_those_of_the_tile():
    survey = [
        replace(one, pixel_scale=3.0)
        for name, one in SURVEYS.items()
        if name.startswith("ukidss")
    ]
    options = {"survey": survey, "nulls": ("starless-cloud", "galaxy")}
    tile = mock_tile(8, **options)
    stars, clusters = mock_star_list(8, **options)
    for table, other in ((stars, tile.stars), (clusters, tile.clusters)):
        assert table.colnames == other.colnames
        for name in set(table.colnames) - {"sky", "sky_center"}:
            assert_array_equal(table[name], other[name])
    assert len(clusters) == 1
    assert "mag_J" in stars.colnames
