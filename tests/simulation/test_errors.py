# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Wrong arguments are refused by name."""

import astropy.units as u
import pytest

from astro_vaeclust.simulation import (
    MockCluster,
    clusters,
    draw_clusters,
    get_survey,
    simulate_tile,
)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"survey": "3mass"}, "survey='3mass' .* 2mass-ks"),
        ({"shape": (10, 10)}, "shape"),
        ({"shape": 512}, "shape"),
        ({"shape": (100.0, 100.0)}, "shape"),
        ({"density": 9.0}, "density"),
        ({"density": float("nan")}, "density"),
        ({"extinction": -1 * u.mag}, "extinction"),
        ({"gradient": 5}, "gradient"),
        ({"clusters": -1}, "clusters"),
        ({"nulls": ["planet"]}, "nulls has 'planet'.* nebula"),
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
        ({"half_number_radius": 30}, TypeError, "half_number_radius"),
        ({"half_number_radius": 0 * u.arcsec}, ValueError, "half_number_radius"),
        ({"half_number_radius": 3 * u.mag}, TypeError, "half_number_radius"),
        ({"profile": "disk"}, ValueError, "profile='disk'"),
        ({"nebulosity": "much"}, ValueError, "nebulosity='much'"),
        ({"slope": 0}, ValueError, "slope"),
        ({"extinction": -1 * u.mag}, ValueError, "extinction"),
        ({"brightest": 9}, TypeError, "brightest"),
        ({"nebula_brightness": 17 * u.mag}, TypeError, "nebula_brightness"),
        ({"nebula_radius": 17}, TypeError, "nebula_radius"),
        ({"center": "M17"}, TypeError, "center"),
    ],
)
def test_wrong_clusters(settings, error, match):
    with pytest.raises(error, match=match):
        MockCluster(**settings)


def test_cluster_below_the_limit():
    with pytest.raises(ValueError, match="brightest"):
        simulate_tile(shape=(64, 64), clusters=MockCluster(brightest=15 * u.mag))


def test_cluster_hidden_by_dust(monkeypatch):
    monkeypatch.setattr(clusters, "LARGEST", 5000)
    hidden = MockCluster(profile="king", brightest=14 * u.mag, extinction=90 * u.mag)
    with pytest.raises(ValueError, match="n_members=80 cannot be reached"):
        simulate_tile(shape=(64, 64), clusters=hidden, seed=1)


def test_a_survey_is_passed_through():
    survey = get_survey("vvv-ks")
    assert get_survey(survey) is survey


@pytest.mark.parametrize("settings", [{"limit": 14}, {"field_of_view": 1 * u.mag}])
def test_drawing_needs_units(settings):
    with pytest.raises(TypeError, match=next(iter(settings))):
        draw_clusters(1, 2, **settings)
