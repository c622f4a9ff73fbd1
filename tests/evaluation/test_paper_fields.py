# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The stand-ins for Table I are what the table says of each row."""

import astropy.units as u
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from astro_vaeclust.evaluation import TABLE_I, paper_fields


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
