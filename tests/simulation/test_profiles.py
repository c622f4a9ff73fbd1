# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Members stand as the profile has it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial import cKDTree

from astro_vaeclust.simulation.profiles import (
    DENSITIES,
    PROFILES,
    draw_positions,
    mean_density,
)


def positions(profile, number=4000, radius=30.0, seed=7):
    return draw_positions(np.random.default_rng(seed), profile, number, radius)


def clumpiness(offsets):
    """Median distance to the nearest neighbour in half-number radii."""
    return np.median(cKDTree(offsets).query(offsets, 2)[0][:, 1]) / 30.0


@pytest.mark.parametrize("profile", PROFILES)
def test_half_of_the_members_are_within_the_radius(profile):
    radius = np.hypot(*positions(profile).T)
    assert_allclose(np.median(radius), 30.0, rtol=0.05)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("number", [1, 2, 10])
def test_few_members_are_possible(profile, number):
    offsets = positions(profile, number)
    assert offsets.shape == (number, 2)
    assert np.isfinite(offsets).all()


def test_plummer_follows_its_formula():
    radius = np.hypot(*positions("plummer", 20000).T) / 30.0
    for limit in (0.5, 1.0, 2.0):
        expected = limit**2 / (1 + limit**2)
        assert_allclose(np.mean(radius < limit), expected, atol=0.02)


@pytest.mark.parametrize("profile", [*DENSITIES, "elongated", "two-core"])
def test_many_clusters_have_the_mean_density(profile):
    axis = np.linspace(-16, 16, 641)
    x, y = np.meshgrid(axis, axis)
    weight = mean_density(profile, x, y)
    radius = np.hypot(x, y).ravel()
    order = np.argsort(radius)
    inside = np.cumsum(weight.ravel()[order])
    inside /= inside[-1]
    radius = radius[order] / np.interp(0.5, inside, radius[order])
    many = [positions(profile, 1000, 1.0, seed) for seed in range(30)]
    drawn = np.hypot(*np.concatenate(many).T)
    for limit in (0.4, 0.7, 1.5, 3.0):
        expected = np.interp(limit, radius, inside)
        assert_allclose(np.mean(drawn < limit), expected, atol=0.02)


def test_no_density_for_fractals():
    with pytest.raises(
        ValueError, match=r"profile must have a density .* got 'fractal'"
    ):
        mean_density("fractal", 0.0, 0.0)


def test_king_ends_and_eff_has_wings():
    king = np.hypot(*positions("king").T).max() / 30.0
    eff = np.hypot(*positions("eff").T).max() / 30.0
    assert king < 5 < eff


def test_elongated_is_longer_than_wide():
    long, wide = {}, {}
    for profile in ("elongated", "plummer"):
        values = np.linalg.eigvalsh(np.cov(positions(profile).T))
        wide[profile], long[profile] = np.sqrt(values)
    assert wide["elongated"] / long["elongated"] < 0.65
    assert wide["plummer"] / long["plummer"] > 0.85


def test_fractal_is_clumpier_than_smooth():
    assert clumpiness(positions("fractal")) < 0.75 * clumpiness(positions("plummer"))


def second_peak(profile, seed):
    """Highest density 1.2 half-number radii and more from the peak, over the peak."""
    edges = np.arange(-3, 3.2, 0.2)
    counts = np.histogram2d(*positions(profile, 20_000, 1.0, seed).T, bins=edges)[0]
    peak = np.unravel_index(counts.argmax(), counts.shape)
    rows, columns = np.indices(counts.shape)
    far = np.hypot(rows - peak[0], columns - peak[1]) > 6
    return counts[far].max() / counts.max()


def test_sub_clustered_has_several_peaks():
    many, one = (
        [second_peak(profile, seed) for seed in range(20)]
        for profile in ("sub-clustered", "plummer")
    )
    assert max(one) < 0.3
    assert np.median(many) > 0.4


def test_globular_clusters_have_dense_cores_and_far_members():
    def inside(profile, radius):
        many = np.concatenate([positions(profile, 1000, 1.0, n) for n in range(20)])
        return np.mean(np.hypot(*many.T) < radius)

    assert inside("globular", 0.2) > 1.4 * inside("king", 0.2)
    assert inside("globular", 3.0) < inside("king", 3.0) - 0.02


def test_two_cores_leave_a_gap():
    offsets = positions("two-core")
    axis = np.linalg.eigh(np.cov(offsets.T))[1][:, 1]
    counts = np.histogram(offsets @ axis, bins=np.linspace(-60, 60, 25))[0]
    middle = counts[10:14].min()
    assert middle < 0.6 * counts[:12].max()
    assert middle < 0.6 * counts[12:].max()


def test_unknown_profile_lists_those_there_are():
    with pytest.raises(ValueError, match=r"profile must be one of .*'king'"):
        positions("disk")
