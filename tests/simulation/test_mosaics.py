# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Mosaics hold what is large: clouds, gradients, nebulae, galaxies and clusters."""

import astropy.units as u
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust.simulation import simulate_tile
from astro_vaeclust.simulation.fields import paint_galaxies
from astro_vaeclust.simulation.mosaics import PER_DEGREE, draw_kinds, draw_mosaic
from astro_vaeclust.simulation.nulls import LARGE_NULLS, NULLS

SIDE = 1000


def mosaic(*nulls, seed=21, density=5.0):
    return simulate_tile(
        shape=(SIDE, SIDE),
        density=density,
        extinction=0 * u.mag,
        gradient=0.0,
        artefacts=(),
        noise=False,
        nulls=nulls,
        seed=seed,
    )


def dimming(kind):
    """The extinction of each field star, its distance from the null, its radius."""
    mock = mosaic(kind)
    (null,) = mock.nulls
    stars = mock.stars[~mock.stars["is_galaxy"]]
    distance = np.hypot(stars["x"] - null["x_center"], stars["y"] - null["y_center"])
    return stars["a_k"].value, distance, null["radius"].value


def test_sharp_cloud_is_dark_and_ends_at_once():
    extinction, distance, radius = dimming("sharp-cloud")
    assert radius > 150
    assert np.median(extinction[distance < 0.3 * radius]) > 0.8
    # Stars are behind it or not; hardly any is behind its edge.
    behind = extinction[extinction > 0.02]
    assert np.mean(behind < 0.25 * np.median(behind)) < 0.3
    assert np.median(extinction[distance > 1.5 * radius]) < 0.01


def test_large_window_has_more_stars_than_the_cloud_around():
    extinction, distance, radius = dimming("large-window")
    assert radius >= 0.12 * SIDE
    around = (distance > 1.5 * radius) & (distance < 2.5 * radius)
    assert np.median(extinction[distance < 0.7 * radius]) < 0.1
    assert np.median(extinction[around]) > 1


def test_dark_lane_is_long_and_narrow():
    mock = mosaic("dark-lane")
    dark = mock.stars["a_k"].value > 0.5
    x, y = mock.stars["x"][dark], mock.stars["y"][dark]
    across, along = np.sqrt(np.linalg.eigvalsh(np.cov(x, y)))
    assert along > 3 * across
    assert along > 60


def test_density_gradient_thins_the_field_out():
    bright = [
        mock.stars[mock.stars["mag"] < 15 * u.mag]
        for mock in (mosaic(), mosaic("density-gradient"))
    ]
    flat, steep = (
        np.histogram2d(stars["x"], stars["y"], bins=3)[0] for stars in bright
    )
    assert flat.max() < 1.2 * flat.min()
    assert steep.max() > 2 * steep.min()


@pytest.mark.parametrize("kind", ["hii-region", "large-galaxy"])
def test_large_light_is_at_its_place(kind):
    mock, empty = mosaic(kind, density=0.0), mosaic(density=0.0)
    light = np.nan_to_num(mock.image.data - empty.image.data)
    (null,) = mock.nulls
    rows, columns = np.mgrid[:SIDE, :SIDE]
    distance = np.hypot(columns - null["x_center"], rows - null["y_center"])
    inner = distance < null["radius"].value
    assert null["radius"] > 0.5 * u.arcmin
    assert light.max() > 5
    assert light[inner].sum() > 0.5 * light.sum()


def test_hii_region_lies_against_a_dark_cloud():
    extinction, distance, radius = dimming("hii-region")
    assert np.quantile(extinction[distance < 2 * radius], 0.98) > 1


@pytest.mark.parametrize("radius", [150.0, 400.0])
def test_large_galaxies_have_their_light_and_their_profile(radius):
    image = np.zeros((1501, 1501), dtype=np.float32)
    galaxy = {
        "x": [750.0],
        "y": [750.0],
        "radius": [radius],
        "index": [1.0],
        "ellipticity": [0.0],
        "angle": [0.0],
    }
    paint_galaxies(image, galaxy, [1e6], 1.0)
    rows, columns = np.mgrid[:1501, :1501] - 750
    inner = np.hypot(rows, columns) < radius
    # Half of the light, by definition of the radius; 0.5 per cent are beyond 6 radii.
    assert_allclose(image[inner].sum(dtype=float), 5e5, rtol=0.02)


@pytest.mark.parametrize("kind", LARGE_NULLS)
@pytest.mark.parametrize("survey", ["2mass-j", "ukidss-k"])
def test_large_nulls_fit_on_tiles(kind, survey):
    mock = simulate_tile(survey=survey, shape=(256, 300), nulls=[kind], seed=3)
    side = 256 * mock.survey.pixel_scale * u.arcsec
    assert list(mock.nulls["kind"][:1]) == [kind]
    assert 0 * u.arcsec < mock.nulls["radius"][0] <= side


def test_mosaics_are_determined_by_their_seed():
    settings = {"side": 0.1 * u.deg, "clusters": 2}
    first, again, other = (draw_mosaic(seed, **settings) for seed in (5, 5, 6))
    assert first.image.shape == (360, 360)
    assert first.image.data.tobytes() == again.image.data.tobytes()
    assert_array_equal(first.nulls["kind"], again.nulls["kind"])
    assert first.image.data.tobytes() != other.image.data.tobytes()
    assert len(first.clusters) == 2
    assert first.clusters["r50"].max() < 120 * u.arcsec


def test_mosaics_differ_in_what_they_hold():
    densities = [len(draw_mosaic(seed, side=0.1 * u.deg).stars) for seed in range(6)]
    assert max(densities) > 3 * min(densities)


def test_nulls_of_each_kind_are_poisson():
    rng = np.random.default_rng(2)
    drawn = [draw_kinds(rng, 1.5) for _ in range(2000)]
    assert set(PER_DEGREE) == set(NULLS) - {"starless-cloud"}
    for kind, mean in PER_DEGREE.items():
        counts = [kinds.count(kind) for kinds in drawn]
        assert_allclose(np.mean(counts), 1.5 * mean, atol=0.3)
        assert_allclose(np.var(counts), 1.5 * mean, rtol=0.35)


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        ({"side": 1}, TypeError, "side must be a Quantity in deg"),
        ({"side": 0 * u.deg}, ValueError, "side must be above 0"),
        ({"clusters": -1}, ValueError, "clusters must be"),
        ({"seed": "a"}, TypeError, "seed must be"),
        ({"survey": "sdss"}, ValueError, "survey must be one of"),
    ],
)
def test_mosaics_refuse_by_name(settings, error, match):
    with pytest.raises(error, match=match):
        draw_mosaic(**({"seed": 1} | settings))


def test_a_mosaic_comes_in_colour():
    settings = {"side": 0.1 * u.deg, "clusters": 1}
    mosaic = draw_mosaic(3, survey=("2mass-j", "2mass-ks"), **settings)
    assert list(mosaic.images) == ["J", "Ks"]
    assert_array_equal(mosaic.image.data, draw_mosaic(3, **settings).image.data)
