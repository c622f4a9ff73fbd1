# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The finder from settings to catalogue, on an image of one obvious cluster."""

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import astropy.units as u
import numpy as np
import pytest
from astropy.nddata import CCDData
from photutils.segmentation import SegmentationImage
from regions import CircleSkyRegion

from astro_vaeclust import (
    ClusterCatalog,
    ClusterFlags,
    HeatmapRegions,
    NoDetectionsWarning,
    PosteriorCollapseWarning,
    VAEClusterFinder,
)
from astro_vaeclust.embeddings import EMBEDDINGS, Embedding, LatentMap
from astro_vaeclust.embeddings.dense import DenseVAE
from astro_vaeclust.embeddings.pca import PCAEmbedding
from astro_vaeclust.measure.columns import COLUMNS
from astro_vaeclust.segmentation import PeakFraction

SHAPE = (128, 160)
CENTER = (100.0, 60.0)
N_MEMBERS = 60


@pytest.fixture
def tile(celestial_wcs):
    """Sky noise, some field stars, and a cluster of stars round ``CENTER``."""
    rng = np.random.default_rng(5)
    data = rng.normal(500, 1, SHAPE)
    field = rng.uniform((0, 0), SHAPE[::-1], (25, 2))
    members = rng.normal(CENTER, 12, (N_MEMBERS, 2))
    y, x = np.indices(SHAPE)
    for x_star, y_star in np.concatenate([field, members]):
        distance = (x - x_star) ** 2 + (y - y_star) ** 2
        data += rng.uniform(15, 60) * np.exp(-distance / (2 * 1.3**2))
    data[:, :2] = np.nan
    return CCDData(data, unit="adu", wcs=celestial_wcs)


STRONGEST = HeatmapRegions(
    threshold=PeakFraction(fraction=0.7), smoothing=0.0, n_pixels=64
)
DENSE = DenseVAE(
    patch_sizes=(16,), hidden=(16, 8, 8), latent=2, n_steps=200, learning_rate=0.01
)


def make_finder(**overrides):
    settings = {
        "embedding": PCAEmbedding(patch_sizes=(16, 24, 32)),
        "mixture": "em",
        "regions": STRONGEST,
        "n_largest": 1,
    }
    return VAEClusterFinder(**(settings | overrides))


def test_finds_the_cluster(tile):
    catalog = make_finder().detect(tile)
    assert isinstance(catalog, ClusterCatalog)
    (row,) = catalog.table
    offset = np.hypot(row["x_center"] - CENTER[0], row["y_center"] - CENTER[1])
    assert offset < 6
    assert 10 * u.arcsec < row["radius"] < 35 * u.arcsec
    assert 0 < row["radius_err"] < 0.5 * row["radius"]
    assert 8 <= row["n_sources"] <= N_MEMBERS
    assert 0.5 < row["score"] <= 1
    assert np.isnan(row["false_alarm_rate"])
    assert row["flags"] == 0


def test_the_columns_agree_with_each_other(tile):
    catalog = make_finder().detect(tile)
    assert tuple(catalog.table.colnames) == tuple(column.name for column in COLUMNS)
    (row,) = catalog.table
    area = catalog.segmentation.areas[0] * u.arcsec**2
    assert u.isclose(row["area"], area, rtol=1e-6)
    assert u.isclose(row["radius"], np.sqrt(area / np.pi), rtol=1e-6)
    x, y = tile.wcs.world_to_pixel(row["sky_center"])
    assert x == pytest.approx(row["x_center"], abs=1e-6)
    assert y == pytest.approx(row["y_center"], abs=1e-6)
    (region,) = catalog.regions
    assert isinstance(region, CircleSkyRegion)
    assert region.center.separation(row["sky_center"]) < 1e-6 * u.arcsec
    assert u.isclose(region.radius, row["radius"])


def test_heatmap_and_segmentation(tile):
    catalog = make_finder().detect(tile)
    heatmap = catalog.heatmap.data
    assert heatmap.shape == SHAPE
    assert heatmap.min() >= 0
    assert heatmap.max() <= 1
    assert catalog.heatmap.wcs.wcs.compare(tile.wcs.wcs)
    assert isinstance(catalog.segmentation, SegmentationImage)
    outside = catalog.segmentation.data == 0
    level = STRONGEST.threshold.level(heatmap)
    assert (heatmap[~outside] > level * 0.999).all()


def test_unusable_pixels_never_become_a_cluster(tile):
    y_center, x_center = round(CENTER[1]), round(CENTER[0])
    tile.mask = np.zeros(SHAPE, bool)
    tile.mask[y_center - 4 : y_center + 5, x_center - 4 : x_center + 5] = True
    catalog = make_finder().detect(tile)
    assert not catalog.segmentation.data[tile.mask].any()
    assert (catalog.heatmap.data[tile.mask] == 0).all()
    assert (catalog.heatmap.data[:, :2] == 0).all()


def test_masked_values_do_not_matter(tile):
    mask = np.zeros(SHAPE, bool)
    mask[5:30, 10:40] = True
    spoiled = tile.copy()
    spoiled.data[mask] = 1e7
    one = make_finder().detect(tile, mask=mask)
    other = make_finder().detect(spoiled, mask=mask)
    np.testing.assert_array_equal(one.heatmap.data, other.heatmap.data)


def test_call_gives_the_table(tile):
    finder = make_finder()
    table = finder(tile)
    assert table["x_center"][0] == finder.detect(tile).table["x_center"][0]


def test_metadata(tile):
    finder = make_finder(seed=7)
    meta = finder.detect(tile).table.meta
    assert meta["seed"] == 7
    assert meta["versions"]["astro_vaeclust"]
    assert meta["date"].startswith("20")
    assert meta["settings"]["regions"]["threshold"]["fraction"] == 0.7
    assert meta["settings"]["embedding"]["patch_sizes"] == [16, 24, 32]
    assert meta["settings"]["mixture"] == "em"
    assert "max_false_alarm_rate" not in meta["settings"]
    assert [model["patch_size"] for model in meta["model"]] == [16, 24, 32]


def test_nothing_found(celestial_wcs):
    noise = np.random.default_rng(0).normal(100, 1, SHAPE)
    finder = make_finder(regions=HeatmapRegions(threshold=0.999, n_pixels=10**4))
    with pytest.warns(NoDetectionsWarning):
        catalog = finder.detect(noise, wcs=celestial_wcs)
    assert len(catalog.table) == 0
    assert tuple(catalog.table.colnames) == tuple(column.name for column in COLUMNS)
    assert catalog.table["radius"].unit == u.arcsec
    assert len(catalog.regions) == 0
    assert catalog.segmentation is None
    assert catalog.heatmap.data.shape == SHAPE


def test_same_seed_same_result(tile):
    finder = make_finder(embedding=replace(DENSE, n_seeds=2))
    one, other = finder.detect(tile), finder.detect(tile)
    np.testing.assert_array_equal(one.heatmap.data, other.heatmap.data)
    for name in ("x_center", "radius", "radius_err", "score"):
        assert one.table[name][0] == other.table[name][0]
    changed = replace(finder, seed=1).detect(tile)
    assert not np.array_equal(changed.heatmap.data, one.heatmap.data)


def test_threads_do_not_disturb_each_other(tile):
    finder = make_finder(embedding=DENSE)
    alone = finder.detect(tile).heatmap.data
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(finder.detect, [tile] * 4))
    for catalog in together:
        np.testing.assert_allclose(catalog.heatmap.data, alone, atol=1e-3)


def test_finder_is_not_changed_and_pickles(tile):
    finder = make_finder()
    before = pickle.dumps(finder)
    finder.detect(tile)
    assert pickle.dumps(finder) == before
    assert pickle.loads(before) == finder


def test_third_party_embedding(tile):
    @EMBEDDINGS.register("test-mean-and-scatter")
    @dataclass(frozen=True, kw_only=True)
    class MeanAndScatter(Embedding):
        def embed(self, prepared, *, seed, device, progress_bar=None):
            windows = PCAEmbedding(patch_sizes=(16,), latent=1)
            (latent_map,) = windows.embed(prepared, seed=seed, device=device)
            mean = latent_map.cell_means(prepared.pixels, prepared.mask)
            square = latent_map.cell_means(prepared.pixels**2, prepared.mask)
            return [
                LatentMap(
                    mean=mean[..., np.newaxis],
                    variance=(square - mean**2)[..., np.newaxis],
                    valid=latent_map.valid,
                    patch_size=latent_map.patch_size,
                    stride=latent_map.stride,
                    image_shape=latent_map.image_shape,
                )
            ]

    catalog = make_finder(embedding="test-mean-and-scatter").detect(tile)
    assert len(catalog) == 1
    assert catalog.table["flags"][0] & ClusterFlags.ONE_SCALE
    assert np.isnan(catalog.table["radius_err"][0])


def test_region_at_the_edge_is_flagged(tile):
    part = tile[:, 92:]
    catalog = make_finder(embedding=PCAEmbedding(patch_sizes=(16, 24))).detect(part)
    assert catalog.table["flags"][0] & ClusterFlags.TOUCHES_EDGE


def test_bright_star_is_flagged(tile):
    tile.data[round(CENTER[1]) + 5, round(CENTER[0])] = 1e6
    catalog = make_finder().detect(tile)
    assert catalog.table["flags"][0] & ClusterFlags.NEAR_BRIGHT_STAR


def with_collapsed(*sizes):
    """Return an embedding whose networks of some sizes have learned nothing."""

    class Collapsed(PCAEmbedding):
        def embed(self, prepared, **options):
            return [
                replace(
                    latent_map,
                    mean=np.zeros_like(latent_map.mean),
                    diagnostics={"active_units": 0},
                )
                if latent_map.patch_size in sizes
                else latent_map
                for latent_map in super().embed(prepared, **options)
            ]

    return Collapsed(patch_sizes=(16, 24, 32))


def test_a_collapsed_patch_size_is_left_out_and_named(tile):
    with pytest.warns(PosteriorCollapseWarning, match=r"of 24 pixels; .* left out"):
        catalog = make_finder(embedding=with_collapsed(24)).detect(tile)
    without = make_finder(embedding=PCAEmbedding(patch_sizes=(16, 32))).detect(tile)
    np.testing.assert_array_equal(catalog.heatmap.data, without.heatmap.data)
    assert (catalog.table["flags"] & ClusterFlags.POSTERIOR_COLLAPSE).all()
    assert not (without.table["flags"] & ClusterFlags.POSTERIOR_COLLAPSE).any()


def test_where_all_have_collapsed_nothing_is_found(tile):
    finder = make_finder(embedding=with_collapsed(16, 24, 32))
    with (
        pytest.warns(PosteriorCollapseWarning, match="of 16, 24, 32 pixels; there are"),
        pytest.warns(NoDetectionsWarning),
    ):
        catalog = finder.detect(tile)
    assert len(catalog) == 0


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("embedding", "umap", ValueError),
        ("embedding", PCAEmbedding, TypeError),
        ("mixture", "k-means", ValueError),
        ("regions", 0.5, TypeError),
        ("n_largest", 1.5, TypeError),
        ("fwhm", 0, ValueError),
        ("seed", -1, ValueError),
        ("seed", 0.5, TypeError),
        ("device", 0, TypeError),
        ("progress_bar", "tqdm", TypeError),
    ],
)
def test_bad_setting_names_the_argument(name, value, error):
    with pytest.raises(error, match=name):
        VAEClusterFinder(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("cluster_rule", "darkest", ValueError),
        ("threshold", "otsu", ValueError),
        ("threshold", 1.0, ValueError),
        ("n_pixels", 0, ValueError),
        ("smoothing", -1.0, ValueError),
    ],
)
def test_bad_setting_of_regions_names_the_argument(name, value, error):
    with pytest.raises(error, match=name):
        HeatmapRegions(**{name: value})


def test_settings_are_keyword_only():
    with pytest.raises(TypeError):
        VAEClusterFinder("pca")


def test_image_smaller_than_the_largest_patch(tile):
    with pytest.raises(ValueError, match="patch_sizes"):
        make_finder(embedding=PCAEmbedding(patch_sizes=(16, 256))).detect(tile)


def test_unknown_device(tile):
    with pytest.raises(ValueError, match="device"):
        make_finder(embedding="dense-vae", device="warp").detect(tile)


def test_import_is_light():
    code = (
        "import sys, astro_vaeclust; "
        "print([m for m in ('torch', 'sklearn', 'matplotlib') if m in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"


@pytest.mark.slow
def test_default_finds_the_cluster_of_the_demo_with_any_number_of_threads():
    import torch

    from astro_vaeclust.simulation.demo import demo_tile

    tile = demo_tile()
    n_threads = torch.get_num_threads()
    catalogs = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            catalogs.append(VAEClusterFinder().detect(tile.image))
    finally:
        torch.set_num_threads(n_threads)
    one, other = (catalog.table for catalog in catalogs)
    assert len(one) == len(other) == 1
    truth = tile.clusters[0]
    assert one["sky_center"][0].separation(truth["sky_center"]) < truth["r50"]
    assert one["sky_center"][0].separation(other["sky_center"][0]) < 3 * u.arcsec
    assert u.isclose(one["radius"][0], other["radius"][0], rtol=0.1)
