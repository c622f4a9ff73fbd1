# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Members of real clusters give the shape of mock ones."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from numpy.testing import assert_allclose

from astro_vaeclust.simulation import MockCluster, simulate_tile
from astro_vaeclust.simulation.profiles import PROFILES, draw_positions
from astro_vaeclust.simulation.real_profiles import register_profile


@pytest.fixture(autouse=True)
def _profiles_are_as_before():
    before = dict(PROFILES)
    yield
    PROFILES.clear()
    PROFILES.update(before)


def three_clumps(center=(359.99, 60.0), number=90):
    """Positions in three clumps of 10 arcsec at 100 arcsec from each other."""
    rng = np.random.default_rng(3)
    clump = np.array([[0, 0], [100, 0], [50, 87]])[np.arange(number) % 3]
    x, y = (clump + rng.normal(0, 10, (number, 2))).T
    return SkyCoord(*center, unit="deg").spherical_offsets_by(
        x * u.arcsec, y * u.arcsec
    )


def drawn(profile, number, seed=1):
    return draw_positions(np.random.default_rng(seed), profile, number, 1.0)


@pytest.mark.parametrize("center", [(10.0, -5.0), (0.005, 60.0), (200.0, 89.9)])
@pytest.mark.parametrize("number", [1, 40, 3000])
def test_any_number_has_the_shape(center, number):
    profile = register_profile("three", three_clumps(center))
    assert profile == "real:three"
    offsets = drawn(profile, number)
    assert offsets.shape == (number, 2)
    assert_allclose(np.median(np.hypot(*offsets.T)), 1.0)
    if number == 3000:
        # Equilateral: the parts are as far from each other as from side to side.
        distance = np.hypot(*(offsets[:, np.newaxis] - offsets).T).ravel()
        gap = np.mean((distance > 0.55) & (distance < 0.95))
        assert gap < 0.5 * np.mean(distance < 0.4)
        assert gap < 0.5 * np.mean((distance > 1.35) & (distance < 1.75))
        assert len(np.unique(offsets, axis=0)) == 3000


def test_shapes_are_turned_and_mirrored():
    angle = np.linspace(0.3, 1.5 * np.pi, 60)
    spiral = SkyCoord(30, 20, unit="deg").directional_offset_by(
        angle * u.rad, 100 * angle * u.arcsec
    )
    profile = register_profile("spiral", spiral)
    ends, senses = [], []
    for seed in range(12):
        offsets = drawn(profile, 600, seed)
        # The end of the spiral is its farthest point; its light is to one side of it.
        end = offsets[np.argmax(np.hypot(*offsets.T))]
        ends.append(np.arctan2(end[1], end[0]))
        senses.append(
            np.sign(np.median(end[0] * offsets[:, 1] - end[1] * offsets[:, 0]))
        )
    assert np.std(ends) > 0.5
    assert set(senses) == {-1, 1}


def test_a_mock_cluster_has_a_real_shape():
    profile = register_profile("three", three_clumps())
    cluster = MockCluster(
        n_members=300, half_number_radius=60 * u.arcsec, profile=profile
    )
    tile = simulate_tile(shape=(400, 400), clusters=cluster, seed=1)
    assert list(tile.clusters["profile"]) == ["real:three"]
    assert_allclose(tile.clusters["r50"][0].value, 60, rtol=0.2)
    assert tile.clusters["n_members"][0] == 300


def test_unregistered_shapes_are_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"'real:m17' must be .* registered: none"):
        MockCluster(profile="real:m17")
    register_profile("three", three_clumps())
    with pytest.raises(ValueError, match=r"'real:m17' .* registered: 'real:three'"):
        MockCluster(profile="real:m17")
    with pytest.raises(ValueError, match=r"profile must be one of 'eff', .*real:three"):
        MockCluster(profile="m17")


@pytest.mark.parametrize(
    ("name", "members", "error", "match"),
    [
        (3, three_clumps(), TypeError, "name must be a string, got 3"),
        ("a", [1, 2], TypeError, r"members must be a SkyCoord of shape \(n,\)"),
        ("a", three_clumps()[0], TypeError, "members must be a SkyCoord"),
        ("a", three_clumps(number=9), ValueError, "at least 10 finite .* got 9"),
        (
            "a",
            SkyCoord([np.nan] * 12, [1] * 12, unit="deg"),
            ValueError,
            "12, of which 0 are finite",
        ),
        (
            "a",
            SkyCoord([5.0] * 12, [1] * 12, unit="deg"),
            ValueError,
            "members must lie at different places",
        ),
    ],
)
def test_shapes_that_are_none(name, members, error, match):
    with pytest.raises(error, match=match):
        register_profile(name, members)
    assert not any(tag.startswith("real:") for tag in PROFILES)


@pytest.mark.shared_data
def test_the_members_of_a_young_region(shared_data):
    table = Table.read(
        shared_data / "members" / "mystix_members.csv.gz", format="ascii.csv"
    )
    region = table[table["region"] == "ngc6357"]
    profile = register_profile(
        "ngc6357", SkyCoord(region["ra"], region["dec"], unit="deg")
    )
    offsets = drawn(profile, 2000)
    # Three clusters about an empty middle, as anyone sees on a picture.
    assert np.mean(np.hypot(*offsets.T) < 0.3) < 0.06
    assert np.mean(np.hypot(*drawn("plummer", 2000).T) < 0.3) > 0.07
