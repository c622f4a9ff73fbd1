# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Point sources beside an image, for searches that learn on it; and what is refused."""

import re
import warnings

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.nddata import CCDData
from astropy.table import QTable, Table

from astro_vaeclust import HeatmapRegions, NoDetectionsWarning, VAEClusterFinder
from astro_vaeclust.baselines import StarCounts
from astro_vaeclust.embeddings import LatentMap
from astro_vaeclust.embeddings.dense import DenseVAE
from astro_vaeclust.embeddings.pca import PCAEmbedding
from astro_vaeclust.images.read import read_image
from astro_vaeclust.latent_search import with_root_source_count
from astro_vaeclust.mixtures import SklearnGaussianMixture
from astro_vaeclust.sources.points import PointSources

SHAPE = (128, 160)
CENTER = (100.0, 60.0)


@pytest.fixture
def field(celestial_wcs):
    """An image that is noise but for one star, and a table with a cluster."""
    rng = np.random.default_rng(5)
    data = rng.normal(500, 1, SHAPE)
    data[20, 30] += 100
    spread = rng.uniform((0, 0), SHAPE[::-1], (60, 2))
    x, y = np.concatenate([spread, rng.normal(CENTER, 9, (80, 2))]).T
    return CCDData(data, unit="adu", wcs=celestial_wcs), Table({"x": x, "y": y})


def make_finder(**settings):
    return VAEClusterFinder(
        **{
            "embedding": PCAEmbedding(patch_sizes=(16, 24)),
            "mixture": SklearnGaussianMixture(n_components=2),
            "regions": HeatmapRegions(
                threshold=0.5, smoothing=0.0, cluster_rule="rarest"
            ),
            "n_largest": 1,
        }
        | settings
    )


def detect(image, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        return make_finder().detect(image, **options)


def test_a_cluster_that_only_the_sources_have_is_found_with_them(field):
    image, sources = field
    heats = [detect(image, sources=s).heatmap.data for s in (None, sources)]
    y, x = np.indices(SHAPE)
    inside = np.hypot(x - CENTER[0], y - CENTER[1]) < 12
    far = np.hypot(x - CENTER[0], y - CENTER[1]) > 40
    contrast = [abs(heat[inside].mean() - heat[far].mean()) for heat in heats]
    assert contrast[1] > 0.6 > 0.3 > contrast[0]


def test_positions_on_the_sky_are_those_in_pixels(field, celestial_wcs):
    image, sources = field
    sky = celestial_wcs.pixel_to_world(sources["x"], sources["y"]).icrs
    tables = [
        sources,
        QTable({"sky": sky}),
        QTable({"ra": sky.ra, "dec": sky.dec}),
        sources[::-1],
        PointSources(np.asarray(sources["x"]), np.asarray(sources["y"])),
        StarCounts().find_sources(read_image(image)),
    ]
    first, *others, found = [detect(image, sources=t) for t in tables]
    n_sources = first.table.meta["n_sources_in_image"]
    assert 130 < n_sources < 140
    for other in others:
        np.testing.assert_array_equal(other.heatmap.data, first.heatmap.data)
        assert other.table.meta["n_sources_in_image"] == n_sources
    assert first.table.meta["sources_used_as"] == "root-source-count feature"
    assert not np.array_equal(found.heatmap.data, first.heatmap.data)


def test_without_sources_there_is_no_trace_of_them(field):
    image, _ = field
    meta = detect(image).table.meta
    assert not [name for name in meta if "sources" in name]


def test_a_call_takes_sources_too(field):
    image, sources = field
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        table = make_finder()(image, sources=sources)
    assert table.meta["sources_used_as"] == "root-source-count feature"


def test_sources_on_masked_pixels_do_not_count(field):
    image, sources = field
    mask = np.zeros(SHAPE, dtype=bool)
    mask[40:80, 80:120] = True
    x, y = np.asarray(sources["x"]), np.asarray(sources["y"])
    usable = ~((abs(y - 59.5) < 20) & (abs(x - 99.5) < 20))
    usable &= (x > -0.5) & (y > -0.5) & (x < SHAPE[1] - 0.5) & (y < SHAPE[0] - 0.5)
    one, two = (
        detect(image, mask=mask, sources=table) for table in (sources, sources[usable])
    )
    assert one.table.meta["n_sources_in_image"] == usable.sum() < len(sources) - 20
    np.testing.assert_array_equal(one.heatmap.data, two.heatmap.data)


def test_counts_of_windows_are_those_of_each_window():
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-0.49, 39.49, (2, 200))
    latent_map = LatentMap(
        mean=np.zeros((5, 6, 1)),
        variance=np.zeros((5, 6, 1)),
        valid=np.ones((5, 6), dtype=bool),
        patch_size=12,
        stride=8,
        image_shape=(40, 40),
    )
    counts = latent_map.cell_counts(PointSources(x, y))
    for row in range(5):
        for column in range(6):
            inside = (np.rint(y) >= 8 * row) & (np.rint(y) < 8 * row + 12)
            inside &= (np.rint(x) >= 8 * column) & (np.rint(x) < 8 * column + 12)
            assert counts[row, column] == inside.sum()
    assert counts.max() > 15


def test_the_feature_is_standardised_and_nothing_where_counts_are_alike():
    features = np.arange(8.0).reshape(4, 2)
    added = with_root_source_count(features, np.array([0, 1, 4, 9]))
    np.testing.assert_array_equal(added[:, :2], features)
    np.testing.assert_allclose(added[:, 2] * np.sqrt(1.25) + 1.5, [0, 1, 2, 3])
    assert with_root_source_count(features, np.full(4, 7)) is features


def test_no_rows_change_nothing_per_image(field):
    image, sources = field
    one, two = (detect(image, sources=s) for s in (None, sources[:0]))
    np.testing.assert_array_equal(one.heatmap.data, two.heatmap.data)
    assert two.table.meta["n_sources_in_image"] == 0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda t: [[1, 2], [3, 4]], TypeError, "sources must be an astropy Table"),
        (lambda t: Table({"l": [1.0]}), ValueError, "sources must have positions"),
        (lambda t: t[:2], ValueError, "sources must have 3 or more.*got 2 of 2"),
        (
            lambda t: QTable({"sky": SkyCoord([10, 11, 12] * u.deg, 41 * u.deg)}),
            ValueError,
            "sources must have 3 or more.*got 0 of 3.*of this field",
        ),
    ],
)
def test_bad_sources_are_refused(field, change, error, message):
    image, sources = field
    with pytest.raises(error, match=message):
        make_finder().detect(image, sources=change(sources))


def test_a_mixture_that_was_trained_without_sources_is_refused(field):
    image, sources = field
    finder = make_finder(embedding=DenseVAE(divergence="vade"), mixture="prior")
    message = re.escape("sources cannot be used with mixture='prior'")
    with pytest.raises(ValueError, match=message):
        finder.detect(image, sources=sources)


def test_blocks_are_refused_by_searches_that_learn(field):
    image, sources = field
    with pytest.raises(ValueError, match="block_size is for the search with a trained"):
        make_finder().detect(image, sources=sources, block_size=64)
