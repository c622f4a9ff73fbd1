# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Catalogue methods that use colours."""

import warnings

import astropy.units as u
import numpy as np
import pytest
from astropy.table import Table, vstack
from numpy.testing import assert_allclose

from astro_vaeclust.baselines import BASELINES, MixtureWithNoise, StarCounts
from astro_vaeclust.exceptions import NoDetectionsWarning
from astro_vaeclust.photometry.extinction import COUNT_SLOPE, LAW
from astro_vaeclust.simulation import MockCluster, simulate_tile
from astro_vaeclust.sources.points import PointSources

from .conftest import CLUSTER, SIDE

LIMIT = 17.0
METHODS = (StarCounts, MixtureWithNoise)


def field_stars(seed, depth, number=6000):
    """Return field stars to a limit in Ks behind a depth in mag of positions."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-0.5, SIDE - 0.5, (2, number))
    k = LIMIT + 0.5 + np.log10(rng.random(number)) / COUNT_SLOPE
    return seen(rng, x, y, k, depth(x, y))


def seen(rng, x, y, k, a_k, excess=0.0):
    """Return a table of what is brighter than the limit."""
    h_k, j_h = rng.normal(0.18, 0.04, x.size), rng.normal(0.65, 0.08, x.size)
    j, h, k = np.array([k + h_k + excess + j_h, k + h_k + excess, k])
    dimmed = np.array([j, h, k]) + np.multiply.outer(LAW, a_k)
    table = Table([x, y, *dimmed], names=("x", "y", "j_mag", "h_mag", "k_mag"))
    return table[table["k_mag"] < LIMIT]


def members(seed, number, a_k, excess=0.0):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(CLUSTER, 14, (number, 2)).T
    return seen(rng, x, y, rng.uniform(12, 15, number), np.full(number, a_k), excess)


def near(x, y, radius):
    return np.hypot(x - CLUSTER[0], y - CLUSTER[1]) < radius


def score_at(method, sources, wcs, **settings):
    """Return the best score within 30 pixels of the cluster's place, 0 without any."""
    finder = method(threshold=0.5, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        table = finder.detect(None, wcs=wcs, sources=sources).table
    here = near(table["x_center"], table["y_center"], 30)
    return max(table["score"][here], default=0.0)


@pytest.mark.parametrize("method", METHODS)
def test_a_window_in_the_dust_is_no_cluster(method, wcs):
    stars = field_stars(1, lambda x, y: np.where(near(x, y, 40), 0.0, 1.2))
    plain = score_at(method, stars, wcs)
    assert plain > 4
    assert score_at(method, stars, wcs, colors=True) < 0.5 * plain


@pytest.mark.parametrize("method", METHODS)
def test_a_cluster_behind_whose_dust_the_field_is_missing_is_found(method, wcs):
    stars = field_stars(2, lambda x, y: np.where(near(x, y, 60), 1.5, 0.0))
    cloud = score_at(method, stars, wcs, colors=True)
    stars = vstack([stars, members(3, 40, 1.0)])
    found = score_at(method, stars, wcs, colors=True)
    assert found > max(method().threshold, cloud + 2)
    assert found > score_at(method, stars, wcs) + 1


def test_corrected_density_behind_a_cloud_is_that_beside_it(wcs):
    stars = field_stars(4, lambda x, y: np.where(x > 200, 1.0, 0.0), number=60_000)
    half = np.asarray(stars["x"]) > 200
    finder = StarCounts(colors=True)
    field = finder.make_field(empty(wcs), points_of(stars)).corrected()
    behind, beside = (
        field.counts[:, columns].sum() for columns in (slice(51, None), slice(0, 49))
    )
    assert half.sum() < 0.6 * (~half).sum()
    ratio = behind / beside * 49 / (field.shape[1] - 51)
    noise = np.hypot(*(1 / np.sqrt(np.sum(part)) for part in (half, ~half)))
    assert_allclose(ratio, 1, atol=3 * noise)


def test_significance_of_weighted_counts_is_that_of_noise(wcs):
    stars = field_stars(5, lambda x, y: np.where(x > 200, 1.5, 0.0), number=20_000)
    field = StarCounts(colors=True).make_field(empty(wcs), points_of(stars))
    significance = field.corrected().smoothed_significance(16.0)
    behind = significance[5:-5, 60:-5]
    assert 0.7 < behind.std() < 1.3
    assert abs(behind.mean()) < 0.5


def test_stars_with_discs_stand_out_in_a_mixture(wcs):
    with_discs = members(7, 25, 0.0, excess=0.5)
    stars = vstack([field_stars(6, lambda x, y: 0 * x), with_discs])
    plain = score_at(MixtureWithNoise, stars, wcs)
    assert score_at(MixtureWithNoise, stars, wcs, colors=True) > plain + 2


@pytest.mark.parametrize("method", METHODS)
def test_stars_without_colours_count_by_position(method, wcs):
    stars = vstack([field_stars(8, lambda x, y: 0 * x), members(9, 100, 0.0)])
    for name in ("j_mag", "h_mag"):
        stars[name][:] = np.nan
    plain = score_at(method, stars, wcs)
    colored = score_at(method, stars, wcs, colors=True)
    assert plain > 4
    if method is StarCounts:
        assert_allclose(colored, plain)
    assert 0.8 * plain < colored <= plain * (1 + 1e-9)


def empty(wcs):
    from astro_vaeclust.images.image import Image

    mask = np.zeros((SIDE, SIDE), dtype=bool)
    return Image(data=np.zeros(mask.shape, np.float32), mask=mask, wcs=wcs)


def points_of(stars):
    names = ("j_mag", "h_mag", "k_mag")
    magnitudes = np.array([np.asarray(stars[name]) for name in names])
    return PointSources(np.asarray(stars["x"]), np.asarray(stars["y"]), magnitudes)


def test_colours_need_magnitudes(wcs):
    stars = field_stars(10, lambda x, y: 0 * x, number=100)
    for sources in (stars["x", "y"], stars["x", "y", "k_mag"]):
        with pytest.raises(ValueError, match="magnitudes in two bands of J, H and K"):
            StarCounts(colors=True).detect(None, wcs=wcs, sources=sources)
    pixels = np.random.default_rng(0).normal(100, 5, (64, 64))
    with pytest.raises(ValueError, match="colors=True needs sources="):
        StarCounts(colors=True).detect(pixels, wcs=wcs)


@pytest.mark.parametrize("tag", BASELINES.tags)
def test_colours_are_a_setting_of_those_that_use_them(tag):
    method = BASELINES.get(tag)
    if method in METHODS:
        with pytest.raises(TypeError, match="colors must be True or False, got 1"):
            method(colors=1)
    else:
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            method(colors=True)


def test_sources_are_measured_in_images_of_several_bands():
    cluster = MockCluster(
        n_members=80, half_number_radius=25 * u.arcsec, extinction=0.3 * u.mag
    )
    tile = simulate_tile(
        survey=("2mass-j", "2mass-h", "2mass-ks"),
        shape=(300, 300),
        clusters=cluster,
        density=4.0,
        extinction=0.3 * u.mag,
        artefacts=(),
        seed=4,
    )
    catalog = StarCounts(colors=True).detect(tile.images)
    separation = catalog.table["sky_center"][0].separation(tile.clusters["sky_center"])
    assert separation < 20 * u.arcsec
    with pytest.raises(ValueError, match="colours need two bands at least, got J"):
        StarCounts(colors=True).detect({"J": tile.images["J"]})
    with pytest.raises(TypeError, match="data"):
        StarCounts().detect(tile.images)
