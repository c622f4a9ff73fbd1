# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Extinction by colour against closed forms."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust.photometry.extinction import (
    COUNT_SLOPE,
    LAW,
    count_weights,
    reddening_free,
    star_extinction,
)
from astro_vaeclust.photometry.palette import LAWS

COLORS, SCATTER = (0.65, 0.18), ((0.02, 0.004), (0.004, 0.005))
NUMBER = 4000


def stars(seed, a_k=0.0, law=LAW, number=NUMBER):
    """Return J, H and Ks of stars of one kind behind an extinction, (3, n)."""
    rng = np.random.default_rng(seed)
    j_h, h_k = rng.multivariate_normal(COLORS, SCATTER, number).T
    k = rng.uniform(12, 17, number)
    dimming = np.multiply.outer(law, np.broadcast_to(a_k, number))
    return np.array([k + h_k + j_h, k + h_k, k]) + dimming


@pytest.mark.parametrize("law", [LAW, *LAWS])
def test_extinction_is_found_within_the_difference_of_the_laws(law):
    true = np.random.default_rng(0).uniform(0, 2, NUMBER)
    found = star_extinction(stars(1, true, law), control=stars(2))
    slope, zero = np.polyfit(true, found, 1)
    reddening = -np.diff(law), -np.diff(LAW)
    shares = reddening[0] / reddening[1]
    assert shares.min() - 0.01 <= slope <= shares.max() + 0.01
    assert 0.84 < slope < 1.16
    assert abs(zero) < 0.02
    if law is LAW:
        assert_allclose(slope, 1, atol=0.01)


def test_scatter_is_the_least_that_colours_allow():
    found = star_extinction(stars(3), control=stars(4))
    reddening = -np.diff(LAW)
    least = (reddening @ np.linalg.solve(SCATTER, reddening)) ** -0.5
    assert_allclose(found.std(), least, rtol=0.05)
    alone = [(SCATTER[n][n] ** 0.5) / reddening[n] for n in (0, 1)]
    assert found.std() < 0.95 * min(alone)


def test_a_dusty_field_is_its_own_control():
    true = np.random.default_rng(5).exponential(0.5, NUMBER)
    magnitudes = stars(6, true)
    own = star_extinction(magnitudes)
    given = star_extinction(magnitudes, control=stars(7))
    assert abs(np.median(own)) < 0.02
    assert np.std(own - given) < 0.02


def test_outliers_do_not_matter():
    magnitudes = stars(8)
    odd = magnitudes.copy()
    odd[0, ::50] += 4
    usual = np.arange(NUMBER) % 50 > 0
    difference = (star_extinction(odd) - star_extinction(magnitudes))[usual]
    assert np.abs(difference).max() < 0.03


@pytest.mark.parametrize("band", [0, 1, 2])
def test_a_star_needs_two_bands(band):
    magnitudes = stars(9, 1.0)
    magnitudes[band] = np.nan
    found = star_extinction(magnitudes, control=stars(10))
    assert_allclose(np.mean(found), 1, atol=0.02)
    magnitudes[(band + 1) % 3, :7] = np.nan
    found = star_extinction(magnitudes, control=stars(10))
    assert_array_equal(np.isnan(found), np.arange(NUMBER) < 7)


def test_a_field_in_two_bands_will_do_and_few_stars_will_not():
    magnitudes = stars(11)
    magnitudes[1] = np.nan
    found = star_extinction(magnitudes)
    color = magnitudes[0] - magnitudes[2]
    assert_allclose(found, (color - np.median(color)) / (LAW[0] - LAW[2]))
    assert np.isnan(star_extinction(magnitudes[:, :9])).all()
    assert star_extinction(np.empty((3, 0))).shape == (0,)


def test_weighted_counts_behind_a_cloud_are_those_without():
    rng = np.random.default_rng(12)
    depth = rng.choice([0.0, 0.5, 1.0, 2.0], 200_000)
    intrinsic = 20 + np.log10(rng.random(depth.size)) / COUNT_SLOPE
    magnitudes = stars(13, depth, number=depth.size)
    seen = intrinsic + depth < 17
    found = star_extinction(magnitudes[:, seen], control=stars(14))
    weights, depth = count_weights(found), depth[seen]
    corrected = [weights[depth == one].sum() for one in np.unique(depth)]
    noise = [np.sqrt((weights[depth == one] ** 2).sum()) for one in np.unique(depth)]
    # The mean weight of the scatter of the extinction, the same behind any depth.
    assert np.ptp(corrected) < 4 * max(noise)
    plain = [np.sum(depth == one) for one in np.unique(depth)]
    assert plain[-1] < 0.4 * plain[0]


def test_what_is_unknown_counts_once():
    assert_allclose(count_weights([np.nan, 0, 1]), [1, 1, 10**0.28])


def test_extinction_leaves_one_colour_alone():
    magnitudes = stars(15)
    dimmed = magnitudes + np.multiply.outer(LAW, np.full(NUMBER, 1.7))
    assert_allclose(reddening_free(dimmed), reddening_free(magnitudes), atol=1e-9)
    magnitudes[1, 0] = np.nan
    assert np.isnan(reddening_free(magnitudes)[0])
