# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Stars of images in several bands, and what they say of candidates."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from astro_vaeclust.detector.candidates import Candidates
from astro_vaeclust.detector.channels import compress
from astro_vaeclust.detector.grid import NetworkGrid, NetworkImage
from astro_vaeclust.detector.star_colors import (
    EXTINCTIONS,
    N_TERMS,
    SIZES,
    BandStars,
    find_band_stars,
    star_terms,
)
from astro_vaeclust.simulation import simulate_tile
from astro_vaeclust.training.tiles import image_of

N_CLASSES = len(EXTINCTIONS) + 3
SIDE = 640


def candidates_at(x, y):
    x, y = np.atleast_1d(x).astype(float), np.atleast_1d(y).astype(float)
    cells = np.column_stack([y // 8, x // 8]).astype(int)
    return Candidates(np.zeros(len(x)), x, y, {}, {}, cells)


def stars_at(x, y, a_k=0.0, light=5.0):
    n = len(x)
    return BandStars(
        x=np.asarray(x, float),
        y=np.asarray(y, float),
        light=np.full(n, light),
        a_k=np.broadcast_to(a_k, n).astype(float),
        is_young=np.zeros(n, dtype=bool),
    )


def terms_at(stars, x=320, y=320, usable=None):
    usable = np.ones((SIDE // 8, SIDE // 8)) if usable is None else usable
    density, *terms = star_terms(candidates_at(x, y), stars, usable)[0]
    return density, np.reshape(terms, (len(SIZES), -1))


def bands_of(significance):
    """Return three bands of which one shows pixels, all usable."""
    band = np.zeros((3, *significance.shape), dtype=np.float32)
    compress(significance, band[0])
    band[2] = 1
    return [np.zeros_like(band), np.zeros_like(band), band]


@pytest.fixture(scope="module")
def field():
    tile = simulate_tile(
        survey="ukidss-j+ukidss-h+ukidss-k", shape=(700, 700), clusters=[], seed=5
    )
    image = image_of(tile)
    grid = NetworkGrid.of_image(image, 0.6)
    return tile, grid, NetworkImage.from_image(image, grid).bands


def test_stars_above_the_limit_are_found_with_their_colors(field):
    tile, grid, bands = field
    found = find_band_stars(bands)
    is_bright = tile.stars["mag"].value < tile.survey.limit - 1
    truth = tile.stars[is_bright & ~tile.stars["is_galaxy"]]
    places = grid.to_network(np.column_stack([truth["x"], truth["y"]]))
    distance, row = cKDTree(np.column_stack([found.x, found.y])).query(places)
    is_found = distance < 1.5
    assert is_found.mean() > 0.85
    known = np.isfinite(found.a_k[row]) & is_found
    assert known.sum() > 0.8 * is_found.sum()
    a_k = truth["a_k"].value[known]
    measured = found.a_k[row[known]]
    scatter = np.median(np.abs(measured - a_k - np.median(measured - a_k)))
    assert scatter < 0.15
    assert np.corrcoef(measured, a_k)[0, 1] > 0.3


def test_masked_pixels_beside_stars_do_not_change_their_colors(field):
    _, _, bands = field
    whole, masked = find_band_stars(bands), [band.copy() for band in bands]
    for band in masked[:2]:
        band[:, :, ::8] = 0
    found = find_band_stars(masked)
    np.testing.assert_array_equal([found.x, found.y], [whole.x, whole.y])
    np.testing.assert_array_equal(found.light, whole.light)
    beside = np.isin(whole.x % 8, (1, 7)) & (whole.light > 3)
    change = (found.a_k - whole.a_k)[beside & np.isfinite(found.a_k)]
    assert change.size > 50
    assert abs(np.median(change)) < 0.05


def test_stars_of_strips_are_those_of_the_whole(field, monkeypatch):
    _, _, bands = field
    whole = find_band_stars(bands)
    monkeypatch.setattr("astro_vaeclust.detector.star_colors.STRIP", 40 * 200)
    strips = find_band_stars(bands)
    for name, values in vars(whole).items():
        np.testing.assert_allclose(getattr(strips, name), values, rtol=1e-6)


def test_noise_has_hardly_any_stars_and_nebulae_have_none_of_their_own():
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(400, 400)).astype(np.float32)
    assert len(find_band_stars(bands_of(noise)).x) < 60
    y, x = np.mgrid[:400, :400]
    nebula = 300 * np.exp(-0.5 * ((x - 200) ** 2 + (y - 200) ** 2) / 40**2)
    bright = nebula + noise * np.sqrt(1 + nebula)
    found = find_band_stars(bands_of(bright.astype(np.float32)))
    inside = np.hypot(found.x - 200, found.y - 200) < 60
    assert inside.sum() < 15


def test_one_band_gives_no_colors():
    image = np.zeros((64, 64), dtype=np.float32)
    image[30:33, 20:23] = 40
    image[31, 21] = 80
    found = find_band_stars(bands_of(image))
    assert (found.x.tolist(), found.y.tolist()) == ([21], [31])
    assert np.isnan(found.a_k).all()
    assert not found.is_young.any()


def test_an_image_without_a_star_has_terms():
    found = find_band_stars(bands_of(np.zeros((64, 64), dtype=np.float32)))
    assert len(found.x) == 0
    terms = star_terms(candidates_at([20, 40], [9, 33]), found, np.ones((8, 8)))
    assert terms.shape == (2, N_TERMS)
    assert np.isfinite(terms).all()


def test_more_stars_than_around_are_significant():
    rng = np.random.default_rng(3)
    x, y = rng.uniform(0, SIDE, (2, 3000))
    more = rng.normal(320, 12, (2, 60))
    density, even = terms_at(stars_at(x, y))
    _, terms = terms_at(stars_at(np.append(x, more[0]), np.append(y, more[1])))
    assert np.all(np.abs(even[:, N_CLASSES + 1]) < 1.2)
    assert np.all(terms[1:, N_CLASSES + 1] > 1.3)
    assert density == pytest.approx(np.log(3000 / 80**2 + 0.01), abs=0.15)


def test_a_class_counts_its_own_stars():
    rng = np.random.default_rng(4)
    x, y = rng.uniform(0, SIDE, (2, 3000))
    is_near = np.hypot(x - 320, y - 320) < 25
    _, terms = terms_at(stars_at(x, y, np.where(is_near, 0.7, 0.0), light=20))
    red, usual = (1 + np.digitize(a_k, EXTINCTIONS) for a_k in (0.7, 0.0))
    assert terms[1, red] > 1.2
    assert terms[1, usual] < -0.5
    more, mean = terms[:, -2:].T / 2
    assert 0.45 < more[1] < mean[1] < 0.7


def test_stars_behind_a_cloud_are_not_missed():
    """There are as few stars as the extinction leaves, which is no deficit."""
    rng = np.random.default_rng(5)
    x, y = rng.uniform(0, SIDE, (2, 12000))
    is_near = np.hypot(x - 320, y - 320) < 30
    kept = ~is_near | (rng.uniform(size=12000) < 10 ** (-0.28 * 1.0))
    _, terms = terms_at(stars_at(x[kept], y[kept], is_near[kept] * 1.0))
    every, behind = terms[1, N_CLASSES + 1 : N_CLASSES + 3]
    assert every < -0.6
    assert abs(behind) < 0.4


def test_masked_surroundings_do_not_count():
    rng = np.random.default_rng(6)
    x, y = rng.uniform(0, SIDE, (2, 4000))
    usable = np.ones((SIDE // 8, SIDE // 8))
    usable[:, 40:] = 0
    seen = x < 320
    _, terms = terms_at(stars_at(x[seen], y[seen]), 300, 320, usable)
    assert np.all(np.abs(terms[:, N_CLASSES + 1]) < 1.2)
    _, terms = terms_at(stars_at(x[seen], y[seen]), 250, 320)
    assert terms[-1, N_CLASSES + 1] > 1.5


def test_candidates_do_not_depend_on_one_another(field):
    _, _, bands = field
    stars = find_band_stars(bands)
    ny, nx = (-(-side // 8) for side in bands[0].shape[1:])
    x, y = np.array([30.0, 100.5, 200.0]), np.array([44.0, 120.0, 10.0])
    together = star_terms(candidates_at(x, y), stars, np.ones((ny, nx)))
    for row in range(3):
        alone = star_terms(candidates_at(x[row], y[row]), stars, np.ones((ny, nx)))
        np.testing.assert_array_equal(alone[0], together[row])
