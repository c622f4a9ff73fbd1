# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Wrong arguments are refused by name."""

from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from astro_vaeclust.photometry.surveys import get_survey
from astro_vaeclust.simulation import MockCluster, MockTile, members, simulate_tile
from astro_vaeclust.simulation.clusters import draw_clusters
from astro_vaeclust.simulation.rendering import PointSpread, render_stars


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"survey": "3mass"}, "survey must be .* '2mass-ks'.* got '3mass'"),
        ({"shape": (10, 10)}, "shape"),
        ({"shape": (0, 512)}, r"shape must be \(ny, nx\), .* got \(0, 512\)"),
        ({"shape": 512}, "shape"),
        ({"shape": (100.0, 100.0)}, "shape"),
        ({"density": 9.0}, "density"),
        ({"density": float("nan")}, "density"),
        ({"extinction": -1 * u.mag}, "extinction"),
        ({"gradient": 5}, "gradient"),
        ({"clusters": -1}, "clusters"),
        ({"nulls": ["planet"]}, "nulls has 'planet'.* nebula"),
        ({"nulls": [["nebula"]]}, "nulls has .'nebula'.* bright-star"),
        ({"artefacts": ["ghost"]}, "artefacts has 'ghost'.* spikes"),
    ],
)
def test_wrong_values(settings, match):
    with pytest.raises(ValueError, match=match):
        simulate_tile(**settings)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"survey": 2}, "survey"),
        ({"extinction": 0.3}, "extinction"),
        ({"extinction": 1 * u.arcsec}, "extinction"),
        ({"density": "4.2"}, "density"),
        ({"clusters": 1.5}, "clusters"),
        ({"clusters": ["one"]}, "clusters"),
        ({"center": (1, 2)}, "center"),
        ({"nulls": "nebula"}, "nulls"),
        ({"artefacts": 3}, "artefacts"),
        ({"seed": "a"}, "seed"),
        ({"seed": -1}, "seed"),
    ],
)
def test_wrong_kinds(settings, match):
    with pytest.raises(TypeError, match=match):
        simulate_tile(**settings)


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        ({"n_members": 0}, ValueError, "n_members"),
        ({"n_members": -3}, ValueError, "n_members must be .* at least 1, got -3"),
        ({"n_members": 10.5}, TypeError, "n_members must be an integer.* 10.5"),
        ({"n_members": "80"}, TypeError, "n_members must be an integer.* '80'"),
        ({"half_number_radius": 30}, TypeError, "half_number_radius"),
        ({"half_number_radius": np.inf * u.deg}, ValueError, "half_number_radius"),
        ({"half_number_radius": [1, 2] * u.deg}, ValueError, "half_number_radius"),
        ({"half_number_radius": 0 * u.arcsec}, ValueError, "half_number_radius"),
        ({"half_number_radius": 3 * u.mag}, TypeError, "half_number_radius"),
        ({"profile": "disk"}, ValueError, "profile must be .* 'king', .* got 'disk'"),
        ({"profile": ["eff"]}, ValueError, "profile must be .* 'king', .* got .'eff'"),
        ({"nebulosity": "much"}, ValueError, "nebulosity must be .* 'much'"),
        ({"slope": 0}, ValueError, "slope"),
        ({"slope": "steep"}, TypeError, "slope must be a number .* 'steep'"),
        ({"extinction": np.nan * u.mag}, ValueError, "extinction must be .* finite"),
        ({"brightest": np.nan * u.mag}, ValueError, "brightest must be .* finite"),
        ({"extinction": -1 * u.mag}, ValueError, "extinction"),
        ({"brightest": 9}, TypeError, "brightest"),
        ({"nebula_brightness": 17 * u.mag}, TypeError, "nebula_brightness"),
        ({"nebula_radius": 17}, TypeError, "nebula_radius"),
        ({"nebula_radius": 0 * u.arcsec}, ValueError, "nebula_radius must be above 0"),
        ({"center": "M17"}, TypeError, "center"),
        ({"center": SkyCoord([1, 2], [3, 4], unit="deg")}, TypeError, "center"),
    ],
)
def test_wrong_clusters(settings, error, match):
    with pytest.raises(error, match=match):
        MockCluster(**settings)


def test_cluster_below_the_limit():
    with pytest.raises(ValueError, match="brightest"):
        simulate_tile(shape=(64, 64), clusters=MockCluster(brightest=15 * u.mag))


def test_cluster_hidden_by_dust(monkeypatch):
    monkeypatch.setattr(members, "LARGEST", 5000)
    hidden = MockCluster(profile="king", brightest=14 * u.mag, extinction=90 * u.mag)
    with pytest.raises(ValueError, match="n_members=80 cannot be reached"):
        simulate_tile(shape=(64, 64), clusters=hidden, seed=1)


@pytest.mark.parametrize("longitude", [40.5, 220.0])
def test_cluster_outside_the_tile(longitude):
    center = SkyCoord(longitude * u.deg, 0.3 * u.deg, frame="galactic")
    with pytest.raises(ValueError, match="center must lie on the image of 80 x 64 pix"):
        simulate_tile(shape=(64, 80), clusters=MockCluster(center=center), seed=1)


@pytest.mark.parametrize("size", [0.0, -1.0, np.nan])
def test_pixels_without_area(size):
    with pytest.raises(ValueError, match="pixel_scale must be a number in"):
        replace(get_survey("2mass-ks"), pixel_scale=size)


@pytest.mark.parametrize("name", ["clusters", "stars", "nulls"])
def test_truth_tables_with_wrong_columns(name):
    tile = simulate_tile(shape=(64, 64), clusters=1, seed=1)
    table = getattr(tile, name).copy()
    table.rename_column("id", "number")
    with pytest.raises(ValueError, match=f"{name} must have .*; id missing, got numb"):
        replace(tile, **{name: table})
    with pytest.raises(TypeError, match=f"{name} must be a Table, got list"):
        replace(tile, **{name: []})
    assert isinstance(replace(tile), MockTile)


def test_stars_of_different_numbers():
    with pytest.raises(ValueError, match=r"x, y and flux .* got \(1,\), \(2,\) and"):
        render_stars((16, 16), [1], [1, 2], [1], PointSpread(3.0))


def test_a_survey_is_passed_through():
    survey = get_survey("vvv-ks")
    assert get_survey(survey) is survey


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"limit": 14}, TypeError),
        ({"limit": np.nan * u.mag}, ValueError),
        ({"field_of_view": 1 * u.mag}, TypeError),
        ({"field_of_view": 0 * u.arcsec}, ValueError),
        ({"number": -1}, ValueError),
        ({"number": 2.5}, TypeError),
        ({"rng": "a"}, TypeError),
        ({"rng": -1}, TypeError),
    ],
)
def test_drawing_refuses_by_name(settings, error):
    name = next(iter(settings))
    with pytest.raises(error, match=f"^{name} must be"):
        draw_clusters(**({"rng": 1, "number": 2} | settings))


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"sizes": "large"}, "sizes must be one of 'small', 'all'; got 'large'"),
        ({"sizes": "all", "uniform_radii": True}, "uniform_radii=True needs sizes="),
    ],
)
def test_sizes_that_are_none(settings, match):
    with pytest.raises(ValueError, match=match):
        draw_clusters(1, 1, **settings)
