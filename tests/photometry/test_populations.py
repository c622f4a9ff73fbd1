# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Stars have the colours of what is seen along a line of sight."""

import astropy.units as u
import numpy as np
import pytest
from numpy.testing import assert_allclose

from astro_vaeclust.photometry.populations import (
    DWARFS,
    EXCESS,
    GIANTS,
    LOCUS,
    Sightline,
    cluster_distance,
    colors,
    draw_member_colors,
)
from astro_vaeclust.simulation import MockCluster


def stars(line, magnitude, number=4000, nearest=0.0, farthest=1.0):
    rng = np.random.default_rng(1)
    rank = rng.uniform(nearest, farthest, number)
    return line.draw_stars(rng, np.full(number, magnitude), rank)


@pytest.mark.parametrize(
    ("density", "growth", "dust"),
    [(3.0, (-2.0, -1.0), (0.005, 0.04)), (4.9, (0.0, 0.4), (0.1, 0.6))],
)
def test_a_density_gives_a_line_of_sight(density, growth, dust):
    lines = [Sightline.draw(np.random.default_rng(seed), density) for seed in range(20)]
    assert all(growth[0] < line.growth < growth[1] for line in lines)
    assert all(dust[0] < line.dust < dust[1] for line in lines)


def test_bright_stars_of_the_plane_are_giants_and_those_of_high_latitudes_dwarfs():
    plane, *_ = stars(Sightline(0.2, 0.2), 11.0)
    away, *_ = stars(Sightline(-1.5, 0.0), 13.0)
    assert np.percentile(plane, 16) > 0.5
    assert_allclose(np.median(plane), 0.64, atol=0.05)
    assert np.median(away) < 0.45
    assert np.mean(away < 0.4) > 0.3


def test_the_nearest_stars_are_dwarfs_and_the_farthest_are_reddened():
    line = Sightline(0.0, 0.2)
    near = stars(line, 13.0, farthest=0.05)
    far = stars(line, 13.0, nearest=0.5)
    assert np.median(near[2]) < 0.25
    assert np.median(far[2]) > 4 * np.median(near[2])


def test_faint_stars_are_dwarfs_of_late_types():
    j_h, h_k, _ = stars(Sightline(-0.5, 0.0), 19.0)
    assert_allclose(np.median(j_h), 0.58, atol=0.06)
    assert_allclose(np.median(h_k), 0.23, atol=0.06)


def test_colors_are_those_of_the_sequences():
    assert_allclose(colors(DWARFS, 3.35), [0.310, 0.076])
    assert_allclose(colors(GIANTS, np.array([-1.6, -2.3])).T[0], [0.53, 0.12])


def members(number=5000, **settings):
    cluster = MockCluster(**settings)
    absolute = np.linspace(-5, 7, number)
    return absolute, [
        draw_member_colors(np.random.default_rng(seed), cluster, absolute)
        for seed in range(8)
    ]


def test_young_members_have_the_excess_of_discs_on_its_locus():
    absolute, drawn = members()
    fractions = []
    for j_h, h_k in drawn:
        late = absolute > 1.5
        disc = late & (j_h - 1.75 * h_k < -0.25)
        fractions.append(disc.sum() / late.sum())
        slope, zero = LOCUS
        expected = slope * h_k + zero
        assert abs(np.median((j_h - expected)[disc])) < 0.08
    assert min(fractions) > 0.02
    assert max(fractions) < EXCESS[1]
    assert max(fractions) > 2 * min(fractions)


def test_early_members_have_no_discs_and_the_colors_of_dwarfs():
    absolute, drawn = members()
    early = absolute < -2
    for j_h, h_k in drawn:
        assert_allclose(np.median(j_h[early]), -0.14, atol=0.03)
        assert h_k[early].max() < 0.1


def test_old_members_are_giants_above_the_turn_off_and_dwarfs_below():
    absolute, drawn = members(population="old")
    bright, faint = absolute < -2, absolute > 3
    for color in drawn:
        giants = colors(GIANTS, absolute[bright])
        dwarfs = colors(DWARFS, absolute[faint])
        assert_allclose(color[:, bright].mean(1), giants.mean(1), atol=0.01)
        assert_allclose(color[:, faint].mean(1), dwarfs.mean(1), atol=0.01)


def test_giants_of_globular_clusters_are_bluer():
    _, (other, *_) = members(population="old")
    _, (globular, *_) = members(population="old", profile="globular")
    assert_allclose(np.mean((other - globular)[0, :2000]), 0.1, atol=0.02)


def test_clusters_that_look_small_are_far():
    rng = np.random.default_rng(0)
    for radius, low, high in ((10, 6, 10), (60, 1, 3.6), (600, 0.4, 0.41)):
        cluster = MockCluster(half_number_radius=radius * u.arcsec)
        distance = cluster_distance(rng, cluster)
        assert low <= distance <= high
