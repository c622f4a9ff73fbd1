# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The search block by block finds what the search in one piece finds."""

import warnings

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData, NDData, StdDevUncertainty
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust import LossyDataWarning, NoDetectionsWarning, VAEClusterFinder
from astro_vaeclust.blocks import (
    Block,
    cut_into_blocks,
    search_in_blocks,
)
from astro_vaeclust.detector import grid as grid_module
from astro_vaeclust.detector.grid import NetworkGrid, NetworkImage, Scaling
from astro_vaeclust.detector.model import load_model
from astro_vaeclust.images import source as source_module
from astro_vaeclust.images.read import open_image, read_image
from astro_vaeclust.images.source import ImageSource
from astro_vaeclust.measure.flags import ClusterFlags
from astro_vaeclust.simulation import MockCluster, simulate_tile

SHAPE = (400, 1700)
BLOCK = 384
PLACES = ((200, 200), (768, 190), (1154, 220), (1500, 380))
"""In the middle of a block, on two seams, and at the edge of the image."""

LOW = 30 / u.deg**2


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
    return VAEClusterFinder(max_false_alarm_rate=LOW).detect(image).table


def assert_same(table, whole):
    assert table.colnames == whole.colnames
    assert len(table) == len(whole) > 0
    assert (table["sky_center"].separation(whole["sky_center"]) < 0.01 * u.arcsec).all()
    for name in set(whole.colnames) - {"sky_center", "nebulosity"}:
        ours, theirs = (np.asarray(each[name].value) for each in (table, whole))
        assert_allclose(ours, theirs, rtol=1e-3, err_msg=name)


def detect_both(data, **arguments):
    """Return the tables of the blocks and of the whole image."""
    finder = VAEClusterFinder(max_false_alarm_rate=LOW)
    whole = finder.detect(data, **arguments)
    blocks = finder.detect(data, block_size=BLOCK, **arguments)
    assert blocks.table.meta["n_blocks"] > 1
    assert "n_blocks" not in whole.table.meta
    for name in ("image", "seed", "settings", "model"):
        assert blocks.table.meta[name] == whole.table.meta[name]
    assert blocks.heatmap is blocks.segmentation is blocks.image is None
    return blocks.table, whole.table


def test_blocks_have_no_seams(image, whole):
    finder = VAEClusterFinder(max_false_alarm_rate=LOW)
    catalog = finder.detect(image, block_size=BLOCK)
    assert_same(catalog.table, whole)
    assert len(whole) >= 4
    assert catalog.table.meta["n_blocks"] == 10
    assert len(catalog.regions) == len(whole)
    best = VAEClusterFinder(n_largest=1).detect(image, block_size=BLOCK)
    assert_same(best.table, whole[:1])


def test_flags_are_those_of_the_whole_image(image, whole):
    """A cluster at a seam touches no edge; one at the edge of the image does."""
    table = VAEClusterFinder(max_false_alarm_rate=LOW).detect(image, block_size=BLOCK)
    assert_array_equal(table.table["flags"], whole["flags"])
    edge = (whole["flags"] & ClusterFlags.TOUCHES_EDGE) > 0
    assert edge.any()
    assert not edge.all()
    part = image[:, :300]  # of which a cluster covers more than of the whole image
    with open_image(image) as source:
        read = source.part(np.s_[0:400, 0:300])
    assert read.n_usable == read_image(image).n_usable > read_image(part).n_usable
    assert read.distance_to_border(290, 200) == 199.5
    assert read_image(part).distance_to_border(290, 200) == 9.5


def test_large_images_are_searched_in_blocks(image, whole, monkeypatch):
    monkeypatch.setattr("astro_vaeclust.blocks.MAX_WHOLE_PIXELS", 1000 * 600)
    monkeypatch.setattr("astro_vaeclust.blocks.BLOCK_SIZE", BLOCK)
    catalog = VAEClusterFinder(max_false_alarm_rate=LOW).detect(image)
    assert catalog.table.meta["n_blocks"] == 10
    assert_same(catalog.table, whole)
    monkeypatch.setattr("astro_vaeclust.blocks.MAX_WHOLE_PIXELS", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        learned = VAEClusterFinder(embedding="pca").detect(image[:99, :99])
    assert "n_blocks" not in learned.table.meta  # as it learns on the image


@pytest.mark.parametrize("scale", [0.2, 1, 2, 5, 8])
def test_blocks_overlap_by_network_pixels(scale, image, monkeypatch):
    """512 of these, up to the period of the meshes of the sky."""
    wcs = image.wcs.deepcopy()
    wcs.wcs.cdelt = -scale / 3600, scale / 3600
    reads = []
    part_of = ImageSource.part

    def part(source, place, **options):
        if "scaling" in options:
            reads.append(place[1].stop - place[1].start)
        return part_of(source, place, **options)

    monkeypatch.setattr(ImageSource, "part", part)
    pixels = np.tile(image.data, (1, 4))
    model = load_model()
    with open_image(pixels, wcs=wcs) as source:
        search_in_blocks(source, model, block_size=128, max_false_alarm_rate=1.0)
    grid = NetworkGrid.from_pixel_scale(scale, model.fine_scale)
    side = max(128, grid.period)
    assert max(reads) <= side + 2 * (512 * grid.pixels + grid.period)


def test_masks_and_errors(image, tmp_path):
    """A masked cluster is not found; blocks without usable pixels are left out."""
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:, :500] = mask[:120, 900:1300] = mask[300] = True
    error = np.ones(SHAPE)
    error[:, 1400] = np.inf
    masked = CCDData(
        image.data,
        wcs=image.wcs,
        unit=image.unit,
        mask=mask,
        uncertainty=StdDevUncertainty(error),
    )
    table, whole = detect_both(masked)
    assert_same(table, whole)
    assert table["x_center"].min() > 500
    masked.write(tmp_path / "masked.fits")
    given = {"wcs": image.wcs, "mask": mask, "error": error}
    for data, arguments in (
        (tmp_path / "masked.fits", {}),
        (masked.to_hdu(), {}),
        (np.where(mask, np.nan, image.data), given),
        (np.ma.MaskedArray(image.data, mask), given),
        (image.data[np.newaxis], given),
    ):
        again, _ = detect_both(data, **arguments)
        assert_same(again, whole)


def test_files(image, whole, tmp_path):
    path = tmp_path / "mosaic.fits"
    header = image.wcs.to_header()
    fits.PrimaryHDU(image.data[np.newaxis], header).writeto(path)
    table, _ = detect_both(path)
    assert table.meta["image"] == "mosaic.fits"
    assert_same(table, whole)
    tiles = fits.CompImageHDU(
        image.data.astype("f4"), header, quantize_level=-0.01, quantize_method=-1
    )
    fits.HDUList([fits.PrimaryHDU(), tiles]).writeto(tmp_path / "tiles.fits")
    with pytest.warns(LossyDataWarning) as caught:
        table = VAEClusterFinder().detect(tmp_path / "tiles.fits", block_size=BLOCK)
    assert len(caught) == 1
    assert len(table) >= 4
    assert (table.table["flags"] & ClusterFlags.LOSSY_INPUT).all()


@pytest.mark.parametrize("binning", [1, 2])
@pytest.mark.parametrize("scale", [0.34, 0.9, 2.1])
def test_the_network_sees_the_same_in_blocks(scale, binning, image, monkeypatch):
    """Binned, and as it is; also where strips end within the image."""
    monkeypatch.setattr(source_module, "STRIP", 100_000)
    wcs = image.wcs.deepcopy()
    wcs.wcs.cdelt *= scale / (abs(wcs.wcs.cdelt[0]) * 3600)
    pixels = np.tile(image.data, (4, 1)) + 1e-2 * np.arange(1700)
    mask = np.zeros(pixels.shape, dtype=bool)
    mask[250:420, 300:700] = mask[::7, ::3] = True
    grid = NetworkGrid.from_pixel_scale(scale, 0.6).coarser(binning)
    whole = NetworkImage.from_image(read_image(pixels, wcs=wcs, mask=mask), grid)
    period = grid.period
    place = tuple(slice(period, side - side % period) for side in pixels.shape)
    with open_image(pixels, wcs=wcs, mask=mask) as source:
        scaling = Scaling.from_source(source, grid)
        part = NetworkImage.from_image(source.part(place, scaling=scaling), grid)
        strips = NetworkImage.from_source(source, grid)
    same = tuple(
        slice(side.start // grid.pixels, side.stop // grid.pixels) for side in place
    )
    for name in ("channels", "significance"):
        ours, theirs = getattr(part, name), getattr(whole, name)
        assert_allclose(ours, theirs[..., *same], rtol=1e-4, atol=1e-4)
        assert_allclose(getattr(strips, name), theirs, rtol=1e-4, atol=1e-4)


def test_a_part_of_the_maxima_is_enough(image, monkeypatch):
    wcs = image.wcs.deepcopy()
    wcs.wcs.cdelt /= 3
    grid = NetworkGrid.from_pixel_scale(0.3333, 0.6)
    with open_image(image.data, wcs=wcs) as source:
        exact = Scaling.from_source(source, grid)
        monkeypatch.setattr(grid_module, "PEAKS", 10_000)
        sampled = Scaling.from_source(source, grid)
    assert sampled.peak_level != exact.peak_level
    assert_allclose(sampled.peak_level, exact.peak_level, atol=0.05 * exact.peak_spread)
    assert_allclose(sampled.peak_spread, exact.peak_spread, rtol=0.05)


def test_cutting_into_blocks():
    blocks = cut_into_blocks((400, 1000), side=300, overlap=70, period=64)
    owners = np.zeros((400, 1000), dtype=int)
    for block in blocks:
        owners[block.own] += 1
        for own, read, size in zip(block.own, block.read, owners.shape, strict=True):
            assert own.start % 64 == read.start % 64 == 0
            assert read.start == max(own.start - 128, 0)
            assert read.stop == min(own.start + 256 + 128, size)
    assert (owners == 1).all()
    assert len(blocks) == 2 * 4
    assert cut_into_blocks((9, 9), side=100, overlap=5) == [
        Block(own=np.s_[0:9, 0:9], read=np.s_[0:9, 0:9])
    ]


def test_what_blocks_refuse(image):
    finder = VAEClusterFinder()
    empty = NDData(np.full(SHAPE, np.nan), wcs=image.wcs)
    with pytest.raises(ValueError, match="data: all pixels are NaN"):
        finder.detect(empty, block_size=BLOCK)
    for side in (0, 63):
        with pytest.raises(ValueError, match=r"block_size must be .* at least 64, got"):
            finder.detect(image, block_size=side)
    for learning in ({"embedding": "pca"}, {"mixture": "gmm"}):
        with pytest.raises(ValueError, match="block_size is for the search with a"):
            VAEClusterFinder(**learning).detect(image, block_size=BLOCK)


def test_no_clusters(image):
    noise = np.random.default_rng(1).normal(100, 5, (200, 900))
    with pytest.warns(NoDetectionsWarning):
        catalog = VAEClusterFinder().detect(
            NDData(noise, wcs=image.wcs), block_size=BLOCK
        )
    assert len(catalog) == 0
    assert catalog.table.meta["n_blocks"] == 3
