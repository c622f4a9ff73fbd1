# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Clusters painted on given tiles."""

from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData, NDData
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust.simulation import MockCluster, inject_cluster, simulate_tile
from astro_vaeclust.sources.seeing import estimate_fwhm

CLUSTER = MockCluster(
    n_members=30,
    half_number_radius=20 * u.arcsec,
    profile="king",
    brightest=11 * u.mag,
    extinction=0.1 * u.mag,
)


@pytest.fixture(scope="module")
def mock():
    return simulate_tile(shape=(400, 400), density=4.3, artefacts=(), seed=31)


def test_light_follows_the_zero_point(mock):
    tile = inject_cluster(mock.image, CLUSTER, seed=1)
    added = np.nansum(tile.image.data.astype(float) - mock.image.data)
    assert_allclose(added, tile.stars["flux"].sum().value, rtol=0.02)
    brighter = inject_cluster(mock.image, CLUSTER, zero_point=21 * u.mag, seed=1)
    factor = 10 ** (0.4 * (21 - mock.image.meta["MAGZP"]))
    more = np.nansum(brighter.image.data.astype(float) - mock.image.data)
    assert_allclose(more / added, factor, rtol=0.03)


def test_given_image_is_left_alone(mock):
    before = mock.image.data.copy()
    tile = inject_cluster(mock.image, CLUSTER, seed=1)
    assert_array_equal(mock.image.data, before)
    assert tile.image is not mock.image
    assert type(tile.image) is type(mock.image)
    assert tile.image.unit == u.adu
    assert tile.image.meta["MAGZP"] == mock.image.meta["MAGZP"]
    assert_array_equal(tile.image.mask, mock.image.mask)
    assert_array_equal(np.isnan(tile.image.data), np.isnan(before))


def test_truth_has_the_columns_of_a_mock_tile(mock):
    tile = inject_cluster(mock.image, CLUSTER, seed=1)
    assert tile.clusters.colnames == mock.clusters.colnames
    assert tile.stars.colnames == mock.stars.colnames
    assert tile.stars["is_member"].all()
    assert tile.clusters["n_members"][0] == 30
    assert len(tile.nulls) == 0


def test_same_seed_gives_the_same_bits(mock):
    one, two = (inject_cluster(mock.image, CLUSTER, seed=4) for _ in range(2))
    assert one.image.data.tobytes() == two.image.data.tobytes()


def test_centre_is_on_pixels_with_data(mock):
    mask = mock.image.mask.copy()
    mask[:, :250] = True
    half = NDData(mock.image.data, wcs=mock.image.wcs, mask=mask, meta=mock.image.meta)
    for seed in range(5):
        tile = inject_cluster(half, CLUSTER, fwhm=2.8 * u.arcsec, seed=seed)
        assert tile.clusters["x_center"][0] > 249


def test_centre_is_found_on_the_last_pixels_with_data(mock):
    mask = np.ones(mock.image.shape, dtype=bool)
    mask[17, 380:383] = False
    rest = NDData(mock.image.data, wcs=mock.image.wcs, mask=mask, meta=mock.image.meta)
    tile = inject_cluster(rest, CLUSTER, fwhm=2.8 * u.arcsec, seed=1)
    assert_allclose(tile.clusters["y_center"], 17)
    assert 380 <= tile.clusters["x_center"][0] <= 382


def test_width_is_measured_or_given(mock):
    def added(**settings):
        tile = inject_cluster(mock.image, CLUSTER, seed=1, **settings)
        return np.nan_to_num(tile.image.data - mock.image.data)

    measured = estimate_fwhm(mock.image)
    assert_array_equal(added(), added(fwhm=measured))
    wide = added(fwhm=2 * measured)
    assert 0.2 * added().max() < wide.max() < 0.4 * added().max()


def test_integer_images_become_floating_point(mock):
    counts = np.nan_to_num(mock.image.data, nan=600).astype(np.int16)
    image = NDData(counts, wcs=mock.image.wcs, meta={"MAGZP": 20.0})
    tile = inject_cluster(image, CLUSTER, fwhm=2.8 * u.arcsec, seed=1)
    assert tile.image.data.dtype.kind == "f"


def test_fwhm_is_recovered(mock):
    found = estimate_fwhm(mock.image).to_value(u.arcsec)
    assert_allclose(found, mock.image.meta["SEEING"], rtol=0.06)


def test_nebula_is_painted_too(mock):
    nebulous = MockCluster(
        n_members=30,
        half_number_radius=20 * u.arcsec,
        nebulosity="embedded",
        nebula_brightness=15 * u.mag / u.arcsec**2,
    )
    tile = inject_cluster(mock.image, nebulous, seed=1)
    added = np.nansum(tile.image.data.astype(float) - mock.image.data)
    assert added > 3 * tile.stars["flux"].sum().value


def test_without_zero_point_it_says_so(mock):
    image = NDData(mock.image.data, wcs=mock.image.wcs)
    with pytest.raises(ValueError, match="zero_point"):
        inject_cluster(image, CLUSTER)


def test_zero_point_of_the_header_must_be_a_number(mock):
    image = NDData(mock.image.data, wcs=mock.image.wcs, meta={"MAGZP": "none"})
    with pytest.raises(ValueError, match=r"zero_point must be given.* 'none'"):
        inject_cluster(image, CLUSTER)


@pytest.mark.parametrize(
    ("wcs", "got"), [(None, "none"), (WCS(naxis=2), "WCS Keywords")]
)
def test_without_celestial_wcs_it_says_so(mock, wcs, got):
    image = NDData(mock.image.data, wcs=wcs)
    with pytest.raises(ValueError, match=f"image must have a celestial WCS, got {got}"):
        inject_cluster(image, CLUSTER)


@pytest.mark.parametrize("shape", [(64, 64), (0, 64)])
def test_image_without_pixels_is_refused(mock, shape):
    image = NDData(np.full(shape, np.nan), wcs=mock.image.wcs, meta={"MAGZP": 20.0})
    with pytest.raises(ValueError, match="image must have pixels with data, got none"):
        inject_cluster(image, CLUSTER)


def test_cluster_outside_the_tile_is_refused(mock):
    center = mock.image.wcs.pixel_to_world(400.2, 10)
    outside = replace(CLUSTER, center=center)
    with pytest.raises(ValueError, match="center must lie on the image of 400 x 400"):
        inject_cluster(mock.image, outside, fwhm=2.8 * u.arcsec)


@pytest.mark.parametrize(
    "settings",
    [
        {"fwhm": 0 * u.arcsec},
        {"fwhm": np.nan * u.arcsec},
        {"zero_point": np.nan * u.mag},
    ],
)
def test_wrong_values_are_refused(mock, settings):
    with pytest.raises(ValueError, match=f"^{next(iter(settings))} must be"):
        inject_cluster(mock.image, CLUSTER, **settings)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"cluster": 3}, "cluster"),
        ({"fwhm": 3.0}, "fwhm"),
        ({"zero_point": 20.0}, "zero_point"),
        ({"survey": 7}, "survey"),
        ({"seed": "a"}, "seed"),
        ({"seed": -1}, "seed"),
    ],
)
def test_wrong_kinds_are_refused(mock, settings, match):
    with pytest.raises(TypeError, match=match):
        inject_cluster(mock.image, **settings)


def test_plain_array_is_refused(mock):
    with pytest.raises(TypeError, match="NDData"):
        inject_cluster(mock.image.data)


def test_no_stars_to_measure_is_an_error():
    empty = simulate_tile(
        shape=(64, 64), density=0.0, extinction=0 * u.mag, artefacts=(), seed=2
    )
    with pytest.raises(ValueError, match="fwhm"):
        estimate_fwhm(empty.image)
    blank = NDData(np.full((64, 64), np.nan), wcs=empty.image.wcs)
    with pytest.raises(ValueError, match="usable pixels to estimate fwhm"):
        estimate_fwhm(blank)


def test_peaks_of_one_pixel_are_no_stars_to_measure(mock):
    data = np.random.default_rng(3).normal(size=(200, 200))
    data[20:180:20, 20:180:20] = 1e4
    data[10, 10] = 1e5
    with pytest.raises(ValueError, match=r"64 peaks has flanks.*fwhm="):
        estimate_fwhm(NDData(data, wcs=mock.image.wcs))


@pytest.mark.shared_data
def test_cluster_on_a_real_tile(shared_data):
    path = shared_data / "m17_2mass_k" / "aK_asky_990502s1350092.fits.gz"
    with fits.open(path) as files:
        image = CCDData(
            files[0].data.astype(np.float32),
            unit="adu",
            wcs=WCS(files[0].header),
            meta=dict(files[0].header.items()),
        )
    assert 2.6 < estimate_fwhm(image).to_value(u.arcsec) < 3.3
    tile = inject_cluster(image, CLUSTER, seed=2)
    added = np.nansum(tile.image.data.astype(float) - image.data)
    assert_allclose(added, tile.stars["flux"].sum().value, rtol=0.03)
    assert_array_equal(np.isnan(tile.image.data), np.isnan(image.data))
