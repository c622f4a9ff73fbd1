# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The search block by block finds what the search in one piece finds."""

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData, NDData, StdDevUncertainty

from astro_vaeclust import NoDetectionsWarning, VAEClusterFinder
from astro_vaeclust.simulation import MockCluster, simulate_tile

SHAPE = (400, 1700)
BLOCK = 384
PLACES = ((200, 200), (768, 190), (1154, 220), (1500, 380))
"""In the middle of a block, on two seams, and at the edge of the image."""


@pytest.fixture(scope="module")
def image():
    wcs = simulate_tile(shape=SHAPE, seed=11).image.wcs
    clusters = [
        MockCluster(
            n_members=150,
            half_number_radius=18 * u.arcsec,
            center=wcs.pixel_to_world(x, y),
        )
        for x, y in PLACES
    ]
    tile = simulate_tile(shape=SHAPE, clusters=clusters, seed=11)
    return tile.image


@pytest.fixture(scope="module")
def whole(image):
    return VAEClusterFinder().detect(image).table


def assert_same(table, whole):
    assert len(table) == len(whole) >= 4
    assert list(table["id"]) == list(range(1, len(table) + 1))
    separations = table["sky_center"].match_to_catalog_sky(whole["sky_center"])
    assert sorted(separations[0]) == list(range(len(whole)))
    assert (separations[1] < 2 * u.arcsec).all()
    for name in ("score", "radius", "x_center", "y_center"):
        np.testing.assert_allclose(
            table[name].value, whole[name][separations[0]].value, rtol=0.05
        )


def test_blocks_have_no_seams(image, whole):
    catalog = VAEClusterFinder().detect_blocks(image, block_size=BLOCK)
    assert_same(catalog.table, whole)
    assert catalog.table.meta["n_blocks"] == 10
    assert catalog.heatmap is None
    assert len(catalog.regions) == len(whole)
    best = VAEClusterFinder(n_largest=1).detect_blocks(image, block_size=BLOCK)
    assert best.table["score"][0] == catalog.table["score"].max()


def test_blocks_of_a_file_are_those_of_the_image(image, tmp_path):
    path = tmp_path / "mosaic.fits"
    fits.PrimaryHDU(image.data, image.wcs.to_header()).writeto(path)
    finder = VAEClusterFinder()
    of_file = finder.detect_blocks(path, block_size=BLOCK).table
    assert of_file.meta["image"] == "mosaic.fits"
    with fits.open(path) as hdulist:
        of_hdu = finder.detect_blocks(hdulist[0], block_size=BLOCK).table
    of_image = finder.detect_blocks(
        NDData(image.data, wcs=image.wcs), block_size=BLOCK
    ).table
    for table in (of_hdu, of_image):
        np.testing.assert_array_equal(table["score"], of_file["score"])
        np.testing.assert_allclose(table["x_center"], of_file["x_center"])


def test_mask_and_error_are_those_of_the_block(image, whole, tmp_path):
    """A masked cluster is not found; blocks without usable pixels are left out."""
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:, :500] = True
    masked = CCDData(
        image.data,
        wcs=image.wcs,
        unit=image.unit,
        mask=mask,
        uncertainty=StdDevUncertainty(np.ones(SHAPE)),
    )
    table = VAEClusterFinder().detect_blocks(masked, block_size=BLOCK).table
    assert len(table) == len(whole) - 1
    assert table["x_center"].min() > 500
    masked.write(tmp_path / "masked.fits")
    of_file = VAEClusterFinder().detect_blocks(
        tmp_path / "masked.fits", block_size=BLOCK
    )
    np.testing.assert_allclose(of_file.table["x_center"], table["x_center"])


def test_what_blocks_refuse(image):
    finder = VAEClusterFinder()
    empty = NDData(np.full(SHAPE, np.nan), wcs=image.wcs)
    with pytest.raises(ValueError, match="no block of shape"):
        finder.detect_blocks(empty)
    with pytest.raises(TypeError, match=r"data must be the path .* got a ndarray"):
        finder.detect_blocks(image.data)
    with pytest.raises(ValueError, match="data must have 2 axes"):
        finder.detect_blocks(NDData(np.zeros((2, 3, 4)), wcs=image.wcs))
    with pytest.raises(ValueError, match="block_size"):
        finder.detect_blocks(image, block_size=0)
    with pytest.raises(ValueError, match="embedding must be a trained one"):
        VAEClusterFinder(embedding="pca").detect_blocks(image)
    noise = np.random.default_rng(1).normal(100, 5, (200, 900))
    with pytest.warns(NoDetectionsWarning):
        catalog = finder.detect_blocks(NDData(noise, wcs=image.wcs), block_size=BLOCK)
    assert len(catalog) == 0
