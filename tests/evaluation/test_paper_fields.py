# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Stand-ins for Table I are what it says, and the method of the paper outlines them."""

import astropy.units as u
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from regions import CircleSkyRegion

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.embeddings.pca import PCAEmbedding
from astro_vaeclust.evaluation import paper_fields
from astro_vaeclust.evaluation.paper_table import TABLE_I
from astro_vaeclust.simulation import MockCluster, simulate_tile


@pytest.fixture(scope="module")
def fields():
    return list(paper_fields(8, seed=80))


def test_each_field_has_the_members_of_its_row(fields):
    members = [int(field.clusters["n_members"][0]) for field in fields]
    assert members == [row.reference_members for row in TABLE_I]


def test_half_of_the_members_are_well_within_the_printed_radius(fields):
    half = [field.clusters["r50"][0].to_value(u.arcsec) for field in fields]
    ratio = np.array(half) / [row.reference_radius for row in TABLE_I]
    assert ((ratio > 0.25) & (ratio < 0.85)).all()


def test_clusters_lie_in_the_box_of_the_name(fields):
    for field, row in zip(fields, TABLE_I, strict=True):
        dx, dy = row.center.spherical_offsets_to(field.clusters["sky_center"][0])
        assert abs(dx) < 42.1 * u.arcsec
        assert abs(dy) < 30.1 * u.arcsec


def test_fields_are_ten_arcmin_in_the_middle_of_the_box(fields):
    for field, row in zip(fields, TABLE_I, strict=True):
        assert field.image.shape == (600, 600)
        middle = field.image.wcs.pixel_to_world(299.5, 299.5)
        assert middle.separation(row.center) < 0.01 * u.arcsec


def test_double_regions_have_two_cores(fields):
    double = [field.clusters["profile"][0] == "two-core" for field in fields]
    assert_array_equal(np.flatnonzero(double), [3, 6])


def test_a_field_depends_on_its_seed_alone(fields):
    (alone,) = paper_fields(1, seed=82)
    assert_array_equal(alone.image.data, fields[2].image.data)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n": 0}, ValueError, "n must be"),
        ({"n": 1.5}, TypeError, "n must be"),
        ({"n": 1, "seed": -1}, ValueError, "seed must be"),
    ],
)
def test_what_is_no_count_is_refused_at_once(arguments, error, message):
    with pytest.raises(error, match=message):
        paper_fields(**arguments)


def overlaps(catalog, tile):
    """Return the overlap of each true 80 per cent circle with the best region."""
    sources = tile.stars[tile.stars["mag"] < tile.survey.limit * u.mag]
    match = catalog.match(sources, cut=None)
    return [
        match.iou(CircleSkyRegion(row["sky_center"], row["r80"]))
        for row in tile.clusters
    ]


def test_paper_outlines_the_cluster(fields):
    field = fields[0]
    catalog = VAEClusterFinder.paper().detect(field.image)
    (overlap,) = overlaps(catalog, field)
    assert len(catalog) == 1
    assert overlap.iou > 0.7
    assert 0.7 < overlap.radius_ratio < 1.4


def test_paper_reports_all_regions_when_asked():
    around = TABLE_I[0].center
    clusters = [
        MockCluster(center=around.spherical_offsets_by(dx, 0 * u.deg), profile="king")
        for dx in (-2.5, 2.5) * u.arcmin
    ]
    tile = simulate_tile(
        shape=(300, 600), center=around, clusters=clusters, density=3.6, seed=4
    )
    embedding = PCAEmbedding(patch_sizes=(16, 32, 48, 64))
    one = VAEClusterFinder.paper(embedding=embedding).detect(tile.image)
    finder = VAEClusterFinder.paper(embedding=embedding, n_largest=None)
    both = overlaps(finder.detect(tile.image), tile)
    assert len(one) == 1
    assert len({overlap.id for overlap in both}) == 2
    assert min(overlap.iou for overlap in both) > 0.6
