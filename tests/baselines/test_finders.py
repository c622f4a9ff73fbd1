# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What all catalogue methods must do."""

import pickle
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace

import astropy.units as u
import numpy as np
import pytest
from astropy.table import QTable, Table
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust import ClusterCatalog
from astro_vaeclust.baselines import BASELINES, MatchedFilter, StarCounts
from astro_vaeclust.baselines.tuned import tuned_settings
from astro_vaeclust.exceptions import NoDetectionsWarning
from astro_vaeclust.measure.columns import COLUMNS
from astro_vaeclust.measure.flags import ClusterFlags
from astro_vaeclust.sources.points import PointSources

from .conftest import CLUSTER, SIDE, as_table, uniform_stars

FIELDS = 10
ALLOWED = 1
"""Uniform fields, of 0.012 deg2 each, on which a method may find a cluster."""


def quietly(finder, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        return finder.detect(*arguments, **options)


def test_all_methods_are_registered():
    assert BASELINES.tags == [
        "hdbscan",
        "matched-filter",
        "minimum-spanning-tree",
        "mixture-with-noise",
        "nearest-neighbour",
        "star-counts",
        "voronoi",
    ]


@pytest.mark.parametrize("survey", ["2mass-ks", "ukidss-k", "vvv-ks"])
@pytest.mark.parametrize("tag", BASELINES.tags)
def test_settings_for_surveys_are_those_of_the_methods(tag, survey):
    settings = tuned_settings(tag, survey)
    assert replace(BASELINES.get(tag)(), **settings) == BASELINES.get(tag)(**settings)
    assert not settings or survey == "ukidss-k"


def test_finds_cluster_in_table(finder, clustered, wcs):
    catalog = finder.detect(None, wcs=wcs, sources=as_table(clustered))
    best = catalog.table[0]
    distance = np.hypot(best["x_center"] - CLUSTER[0], best["y_center"] - CLUSTER[1])
    assert distance < 10
    assert 8 < best["radius"].to_value(u.arcsec) < 60
    assert best["n_sources"] >= 25
    assert best["score"] >= finder.threshold
    assert best["flags"] == 0
    assert len(catalog) <= 2


def test_finds_cluster_in_image(finder, tile):
    catalog = finder.detect(tile.image)
    best, truth = catalog.table[0], tile.clusters[0]
    separation = best["sky_center"].separation(truth["sky_center"])
    assert separation < 30 * u.arcsec
    assert len(catalog) <= 2


def test_catalogue_is_complete(finder, clustered, wcs):
    catalog = finder.detect(None, wcs=wcs, sources=as_table(clustered))
    assert isinstance(catalog, ClusterCatalog)
    assert catalog.table.colnames[: len(COLUMNS)] == [column.name for column in COLUMNS]
    assert len(catalog.regions) == len(catalog)
    assert catalog.segmentation.n_labels == len(catalog)
    assert_allclose(
        catalog.segmentation.areas, catalog.table["area"].to_value(u.arcsec**2)
    )
    heat = catalog.heatmap.data
    assert heat.shape == (SIDE, SIDE)
    assert heat.min() >= 0
    assert heat.max() <= 1
    assert heat[round(CLUSTER[1]), round(CLUSTER[0])] > 0.99
    assert (np.diff(catalog.table["score"]) <= 0).all()
    assert "threshold" not in catalog.table.meta["settings"]  # it is the default
    other = replace(finder, threshold=finder.threshold - 0.1)
    meta = other.detect(None, wcs=wcs, sources=as_table(clustered)).table.meta
    assert meta["settings"]["threshold"] == other.threshold


def test_call_gives_table(finder, clustered, wcs):
    table = finder(None, wcs=wcs, sources=as_table(clustered))
    assert isinstance(table, QTable)
    assert len(table) >= 1


def test_abstains_on_uniform_stars(finder, wcs):
    found = [
        len(quietly(finder, None, wcs=wcs, sources=as_table(uniform_stars(seed))))
        for seed in range(100, 100 + FIELDS)
    ]
    assert np.count_nonzero(found) <= ALLOWED


def test_masks_and_edges_make_no_cluster(finder, wcs):
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    mask[:, 180:230] = True
    mask[:90, 300:] = True
    rows, columns = np.indices(mask.shape)
    mask |= np.hypot(rows - 300, columns - 90) < 50
    for seed in (200, 201):
        sources = as_table(uniform_stars(seed))
        with pytest.warns(NoDetectionsWarning):
            assert len(finder.detect(None, wcs=wcs, mask=mask, sources=sources)) == 0


def test_sources_on_masked_pixels_do_not_count(finder, clustered, wcs):
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    mask[80:220, 190:330] = True
    with pytest.warns(NoDetectionsWarning):
        finder.detect(None, wcs=wcs, mask=mask, sources=as_table(clustered))


def test_order_of_sources_does_not_matter(finder, clustered, wcs):
    first = finder.detect(None, wcs=wcs, sources=as_table(clustered))
    shuffled = np.random.default_rng(3).permutation(clustered)
    second = finder.detect(None, wcs=wcs, sources=as_table(shuffled))
    for name in ("x_center", "y_center", "radius", "score", "n_sources", "flags"):
        assert_allclose(first.table[name], second.table[name], rtol=1e-9)


def test_is_deterministic_and_thread_safe(finder, clustered, wcs):
    sources = as_table(clustered)

    def scores(_):
        return finder.detect(None, wcs=wcs, sources=sources).table["score"]

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(scores, range(2))
    assert_array_equal(first, second)


def test_leaves_global_random_numbers_alone(finder, clustered, wcs):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    finder.detect(None, wcs=wcs, sources=as_table(clustered))
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_pickles(finder):
    again = pickle.loads(pickle.dumps(finder))
    assert again == finder
    assert again.settings == finder.settings


def test_is_frozen(finder):
    with pytest.raises(FrozenInstanceError):
        finder.threshold = 1.0


@pytest.mark.parametrize("number", [0, 1, 2, 4, 12])
def test_few_sources_give_no_rows(finder, number, wcs):
    sources = as_table(uniform_stars(1)[:number])
    with pytest.warns(NoDetectionsWarning):
        catalog = finder.detect(None, wcs=wcs, sources=sources)
    assert len(catalog) == 0
    assert catalog.segmentation is None


@pytest.mark.parametrize("kind", ["one place", "line"])
def test_sources_in_one_place_or_on_a_line_make_no_other_cluster(finder, kind, wcs):
    along = np.linspace(20, 380, 60) if kind == "line" else np.full(60, 200.0)
    sources = as_table(np.column_stack([along, along]))
    catalog = quietly(finder, None, wcs=wcs, sources=sources)
    assert catalog.table.meta["n_sources_in_image"] == 60
    assert np.isfinite(catalog.heatmap.data).all()
    assert len(catalog) <= (kind == "one place")
    for row in catalog.table:
        assert np.hypot(row["x_center"] - 200, row["y_center"] - 200) < 5
        assert row["n_sources"] == 60


def test_no_sources_in_image(wcs):
    noise = np.random.default_rng(5).normal(100, 5, (SIDE, SIDE))
    with pytest.warns(NoDetectionsWarning):
        catalog = StarCounts(source_significance=30.0).detect(noise, wcs=wcs)
    assert len(catalog) == 0


def test_edge_is_flagged(wcs):
    members = np.abs(np.random.default_rng(8).normal(0, 15, (60, 2)))
    stars = np.concatenate([uniform_stars(9), members])
    table = StarCounts().detect(None, wcs=wcs, sources=as_table(stars)).table
    assert ClusterFlags.TOUCHES_EDGE & table["flags"][0]


def test_higher_threshold_finds_less(clustered, wcs):
    sources = as_table(clustered)
    many = MatchedFilter(threshold=1.0).detect(None, wcs=wcs, sources=sources)
    with pytest.warns(NoDetectionsWarning):
        none = MatchedFilter(threshold=100.0).detect(None, wcs=wcs, sources=sources)
    assert len(many) > 1
    assert len(none) == 0


@pytest.mark.parametrize(
    ("tag", "settings", "error", "message"),
    [
        ("star-counts", {"threshold": 0}, ValueError, "threshold "),
        ("star-counts", {"threshold": "high"}, TypeError, "threshold "),
        ("star-counts", {"threshold": np.nan}, ValueError, "threshold "),
        ("star-counts", {"min_members": 0}, ValueError, "min_members "),
        ("star-counts", {"fwhm": -1.0}, ValueError, "fwhm "),
        ("star-counts", {"cell_size": 4}, TypeError, "cell_size "),
        ("star-counts", {"bandwidth": 4 * u.mag}, TypeError, "bandwidth "),
        ("star-counts", {"bandwidth": -4 * u.deg}, ValueError, "bandwidth "),
        ("nearest-neighbour", {"neighbours": 1}, ValueError, "neighbours "),
        ("voronoi", {"rings": 1.5}, TypeError, "rings "),
        ("minimum-spanning-tree", {"separation": 0}, ValueError, "separation "),
        ("mixture-with-noise", {"widths": 10 * u.arcsec}, TypeError, "widths "),
        ("mixture-with-noise", {"elongation": 1}, ValueError, "elongation "),
        (
            "mixture-with-noise",
            {"smallest": 9 * u.deg},
            ValueError,
            "largest must be above",
        ),
        ("hdbscan", {"selection": "root"}, ValueError, "selection must be"),
        ("hdbscan", {"min_cluster_size": 1}, ValueError, "min_cluster_size "),
        ("matched-filter", {"radii": []}, ValueError, "radii "),
        ("matched-filter", {"outer_slope": 2}, ValueError, "outer_slope "),
    ],
)
def test_bad_settings_are_refused(tag, settings, error, message):
    with pytest.raises(error, match=message):
        BASELINES.get(tag)(**settings)


def test_settings_are_keyword_only():
    with pytest.raises(TypeError):
        StarCounts(5.0)


def test_replace_checks_again():
    with pytest.raises(ValueError, match="threshold "):
        replace(StarCounts(), threshold=-1)


def test_neither_image_nor_sources(wcs):
    with pytest.raises(ValueError, match="data may be None"):
        StarCounts().detect(None, wcs=wcs)


def test_a_limit_of_magnitudes_needs_a_table(wcs):
    pixels = np.random.default_rng(0).normal(100, 5, (64, 64))
    for sources in (None, PointSources(np.arange(5.0), np.arange(5.0))):
        with pytest.raises(ValueError, match="magnitude_limit is for a table of sour"):
            StarCounts(magnitude_limit=14.0).detect(pixels, wcs=wcs, sources=sources)


def test_shape_of_field_must_be_known(wcs):
    shapeless = wcs.deepcopy()
    shapeless.array_shape = None
    with pytest.raises(ValueError, match="array_shape"):
        StarCounts().detect(None, wcs=shapeless, sources=Table({"x": [], "y": []}))


def test_import_does_not_import_sklearn_nor_torch():
    code = (
        "import sys, astro_vaeclust.baselines; "
        "sys.exit(any(name in sys.modules for name in ('sklearn', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
