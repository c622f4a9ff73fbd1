# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Apertures at the positions of sources in several bands."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from astro_vaeclust.images.bands import read_bands
from astro_vaeclust.simulation import simulate_tile
from astro_vaeclust.sources.photometry import with_magnitudes
from astro_vaeclust.sources.points import PointSources


@pytest.fixture(scope="module")
def tile():
    return simulate_tile(
        survey=("2mass-j", "2mass-ks"),
        shape=(300, 300),
        density=3.6,
        artefacts=(),
        seed=7,
    )


def test_colours_are_the_true_ones_but_for_one_constant(tile):
    stars = tile.stars
    isolated = np.array([
        np.sort(np.hypot(*(stars[axis] - star[axis] for axis in "xy")))[1] > 8
        for star in stars
    ])  # fmt: skip
    stars = stars[isolated & (stars["mag"].value < 13.3) & (stars["mag"].value > 9)]
    points = PointSources(np.asarray(stars["x"]), np.asarray(stars["y"]))
    found = with_magnitudes(points, read_bands(tile.images)).magnitudes
    assert np.isnan(found[1]).all()
    difference = found[0] - found[2] - (stars["mag_J"] - stars["mag_Ks"]).value
    seen = np.isfinite(difference)
    assert seen.mean() > 0.8
    assert_allclose(difference[seen], np.median(difference[seen]), atol=0.3)
    assert np.std(difference[seen]) < 0.1


def test_what_is_masked_or_not_seen_has_no_magnitude(tile):
    images = read_bands(tile.images)
    brightest = tile.stars[np.argsort(tile.stars["mag"])[3]]
    x, y = float(brightest["x"]), float(brightest["y"])
    sky = images["J"].data
    dark = np.argwhere(sky == np.sort(sky[20:-20, 20:-20], axis=None)[100])[0]
    points = PointSources(np.array([x, dark[1]]), np.array([y, dark[0]]))
    found = with_magnitudes(points, images).magnitudes
    assert np.isfinite(found[[0, 2], 0]).all()
    assert np.isnan(found[0, 1])
    images["J"].mask[round(y), round(x)] = True
    found = with_magnitudes(points, images).magnitudes
    assert np.isnan(found[0, 0])
    assert np.isfinite(found[2, 0])
