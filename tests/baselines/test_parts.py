# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tests of what the catalogue methods are made of."""

import astropy.units as u
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist
from scipy.stats import norm, poisson

from astro_vaeclust.baselines.candidates import map_candidates
from astro_vaeclust.baselines.density_maps import _usable_part
from astro_vaeclust.baselines.field import SourceField
from astro_vaeclust.baselines.graphs import SourceGraph
from astro_vaeclust.baselines.matched_filter import _Convolution
from astro_vaeclust.images.image import Image
from astro_vaeclust.images.read import read_image
from astro_vaeclust.sources.find import find_sources
from astro_vaeclust.sources.points import PointSources
from astro_vaeclust.utils.statistics import poisson_significance

from .conftest import SIDE, uniform_stars


def make_field(points, wcs, mask=None, cell_size=4.0):
    mask = np.zeros((SIDE, SIDE), dtype=bool) if mask is None else mask
    image = Image(data=np.zeros(mask.shape, np.float32), mask=mask, wcs=wcs)
    sources = PointSources(*points.T)
    return SourceField(image, sources, cell_size=cell_size, background_scale=150.0)


@pytest.fixture
def masked():
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    mask[:, 150:250] = True
    return mask


@pytest.mark.parametrize(("counts", "expected"), [(30, 15), (12, 4), (60, 45)])
def test_poisson_significance_is_near_that_of_the_tail(counts, expected):
    middle = poisson.sf(counts, expected) + 0.5 * poisson.pmf(counts, expected)
    assert_allclose(poisson_significance(counts, expected), norm.isf(middle), atol=0.1)


def test_poisson_significance_of_deficits_and_of_nothing():
    assert poisson_significance(2, 10) < -2
    assert_allclose(poisson_significance([3, 0], [3, 0]), 0)
    assert poisson_significance(3, 0) == 0


def test_counts_and_coverage_add_up(wcs, masked):
    points = uniform_stars(1)
    field = make_field(points, wcs, masked, cell_size=7.0)
    assert_allclose(field.coverage.sum() * field.cell**2, (~masked).sum())
    column = np.rint(points[:, 0]).astype(int)
    row = np.rint(points[:, 1]).astype(int)
    assert field.counts.sum() == len(field) == (~masked[row, column]).sum()


def test_background_is_corrected_for_mask_and_edges(wcs, masked):
    field = make_field(uniform_stars(2, number=8000), wcs, masked)
    expected = 8000 / SIDE**2 * field.cell**2
    assert_allclose(field.background[field.coverage > 0], expected, rtol=0.08)


def test_background_leaves_clusters_out(wcs):
    members = np.random.default_rng(4).normal(200, 15, (200, 2))
    field = make_field(np.concatenate([uniform_stars(3, 2000), members]), wcs)
    expected = 2000 / SIDE**2 * field.cell**2
    assert_allclose(field.background[50, 50], expected, rtol=0.12)


def test_uniform_field_has_no_excess_scatter(wcs):
    assert make_field(uniform_stars(5), wcs).scatter(40.0) < 1.2


def test_usable_part_of_circles(wcs, masked):
    field = make_field(uniform_stars(6), wcs, masked)
    part = _usable_part(field, np.full(field.shape, 20.0))
    assert part[50, 15] == 1
    assert_allclose(part[50, 0], 0.5, atol=0.1)
    assert_allclose(part[0, 0], 0.25, atol=0.1)
    assert_allclose(part[50, 37], 0.5, atol=0.12)


def test_voronoi_areas_fill_the_usable_image(wcs, masked):
    points = uniform_stars(7)
    assert_allclose(SourceGraph(make_field(points, wcs)).areas().sum(), SIDE**2)
    total = SourceGraph(make_field(points, wcs, masked)).areas().sum()
    assert_allclose(total, (~masked).sum(), rtol=0.03)


def test_delaunay_edges_hold_the_minimum_spanning_tree(wcs):
    graph = SourceGraph(make_field(uniform_stars(8, number=80), wcs))
    lengths = graph.adjacency().tolil()
    start, end = graph.edges.T
    lengths[start, end] = graph.lengths
    lengths[end, start] = graph.lengths
    ours = minimum_spanning_tree(lengths.tocsr()).sum()
    assert_allclose(ours, minimum_spanning_tree(cdist(*[graph.points] * 2)).sum())


def test_sources_in_one_place_count(wcs):
    points = np.repeat(uniform_stars(9, number=50), 3, axis=0)
    graph = SourceGraph(make_field(points, wcs))
    assert (graph.weights == 3).all()


def test_convolution_is_centred():
    grid = np.zeros((12, 17))
    grid[3, 5] = 2.0
    kernel = np.zeros((5, 5))
    kernel[2, 2], kernel[2, 3] = 1.0, 0.5
    transform = _Convolution(grid.shape, kernel.shape)
    result = transform.convolve(transform.forward(grid), kernel)
    assert_allclose([result[3, 5], result[3, 6], result.sum()], [2, 1, 3], atol=1e-12)


def test_higher_peak_takes_its_slope(wcs):
    field = make_field(uniform_stars(10), wcs)
    rows, columns = np.indices(field.shape)
    hill = 10 * np.exp(-0.5 * ((rows - 30) ** 2 + (columns - 40) ** 2) / 36)
    bump = 6 * np.exp(-0.5 * ((rows - 70) ** 2 + (columns - 80) ** 2) / 36)
    (first, second) = map_candidates(field, hill + bump, threshold=3, separation=20)
    assert_allclose([first.score, second.score], [10, 6], rtol=1e-3)
    assert_allclose([first.x, first.y], [40 * 4 + 1.5, 30 * 4 + 1.5], atol=0.5)
    assert not (first.cells & second.cells).any()


def test_finds_most_of_the_bright_stars(tile):
    image = read_image(tile.image)
    found = find_sources(image, significance=4.0, fwhm=None)
    x, y = found.x, found.y
    stars = tile.stars[(tile.stars["mag"] < 13 * u.mag) & ~tile.stars["is_member"]]
    nearest = np.min(
        np.hypot(*(stars[n].value[:, None] - v for n, v in (("x", x), ("y", y)))),
        axis=1,
    )
    assert np.mean(nearest < 1.5) > 0.9
