# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Clusters that are drawn have the sizes and numbers of real ones."""

from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust.simulation import SURVEYS, MockCluster, simulate_tile
from astro_vaeclust.simulation.clusters import SMALL_PROFILES, draw_clusters


@pytest.mark.parametrize("uniform", [False, True])
def test_draw_clusters_stays_in_its_ranges(uniform):
    clusters = draw_clusters(1, 800, uniform_radii=uniform)
    members = np.array([cluster.n_members for cluster in clusters])
    radii = np.array([cluster.half_number_radius.value for cluster in clusters])
    brightest = [cluster.brightest.value for cluster in clusters]
    assert 10 <= members.min() < 12 < 270 < members.max() <= 300
    assert 8 <= radii.min() < 10 < 120 < radii.max() <= 180
    assert_allclose(np.median(radii), 38 if uniform else 27, rtol=0.15)
    assert min(brightest) >= 7.0
    assert max(brightest) <= 11.0
    nebulae = [cluster.nebulosity for cluster in clusters]
    assert set(nebulae) == {"none", "embedded", "offset"}
    assert 0.7 < np.mean([kind != "none" for kind in nebulae]) < 0.8
    assert {cluster.profile for cluster in clusters} == set(SMALL_PROFILES)


def test_clusters_of_all_sizes():
    clusters = draw_clusters(1, 1500, sizes="all")
    old = np.array([cluster.profile == "globular" for cluster in clusters])
    members = np.array([cluster.n_members for cluster in clusters])
    radii = np.array([cluster.half_number_radius.value for cluster in clusters])
    assert 6 <= radii.min() < 10 < 600 < radii.max() <= 900
    assert 10 <= members.min() < 12 < 15_000 < members.max() <= 20_000
    assert_allclose(np.median(radii), 55, rtol=0.15)
    assert 0.09 < old.mean() < 0.16
    assert members[old].min() >= 800
    wide = radii > 200
    assert np.median(members[wide & ~old]) > 4 * np.median(members[~wide & ~old])
    clouded = np.array([cluster.extinction > 0 * u.mag for cluster in clusters])
    assert not clouded[old].any()
    assert clouded[wide].mean() < 0.5 < 0.7 < clouded[~wide & ~old].mean()
    assert "sub-clustered" in {cluster.profile for cluster in clusters}


def test_clusters_of_all_sizes_fit_on_their_tile():
    clusters = draw_clusters(1, 200, sizes="all", field_of_view=10 * u.arcmin)
    assert max(cluster.radius for cluster in clusters) <= 180


@pytest.mark.parametrize("radius", [6, 60])
def test_rich_clusters_have_as_many_members_as_asked(radius):
    cluster = MockCluster(
        n_members=20_000,
        half_number_radius=radius * u.arcsec,
        profile="globular",
        extinction=0 * u.mag,
    )
    tile = simulate_tile(shape=(400, 400), clusters=cluster, noise=False, seed=3)
    truth = tile.clusters[0]
    assert truth["n_members"] == 20_000
    assert_allclose(truth["r50"].to_value(u.arcsec), radius, rtol=0.03)
    x, y = round(truth["x_center"]), round(truth["y_center"])
    core = tile.image.data[y - 4 : y + 5, x - 4 : x + 5] - tile.image.meta["SKYVAL"]
    near = np.hypot(tile.stars["x"] - x, tile.stars["y"] - y) < 4.5
    # No star of the core stands alone, and what is brighter than all stars saturates.
    assert near.sum() > core.size
    assert core.max() < SURVEYS["2mass-ks"].saturation
    if radius == 60:
        assert core.min() > 1000
    else:
        assert core.sum() < 0.1 * tile.stars["flux"][near].sum().value


def test_clusters_without_clouds_are_the_same_but_for_dust():
    clouded, bare = (draw_clusters(5, 40, clouds=clouds) for clouds in (True, False))
    assert all(cluster.extinction > 0 * u.mag for cluster in clouded)
    assert bare == [replace(cluster, extinction=0 * u.mag) for cluster in clouded]


def test_the_field_is_not_dimmed_without_a_cloud():
    clouded, bare = (
        simulate_tile(shape=(256, 256), clusters=1, clouds=clouds, seed=3)
        for clouds in (True, False)
    )
    for name in ("x_center", "y_center", "n_members", "brightest"):
        assert clouded.clusters[name] == bare.clusters[name]
    fields = [
        tile.stars[~tile.stars["is_member"] & ~tile.stars["is_galaxy"]]
        for tile in (clouded, bare)
    ]
    assert_array_equal(fields[0]["x"], fields[1]["x"])
    dimmed = (fields[0]["mag"] - fields[1]["mag"]).to_value(u.mag)
    truth = bare.clusters[0]
    distance = np.hypot(
        fields[1]["x"] - truth["x_center"], fields[1]["y"] - truth["y_center"]
    )
    behind = distance * SURVEYS["2mass-ks"].pixel_scale < truth["r50"].value
    assert np.all(dimmed >= 0)
    assert np.median(dimmed[behind]) > 0.1
    assert bare.clusters["a_k"][0] == 0 * u.mag
