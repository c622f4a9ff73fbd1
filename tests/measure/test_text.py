# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tables of clusters as text."""

import astropy.units as u
import numpy as np
import pytest

from astro_vaeclust.catalog import cluster_table
from astro_vaeclust.measure.text import cluster_lines

from ..example_catalog import make_columns


def header(**columns):
    """Return the names of the columns that are shown of two clusters."""
    table = cluster_table(make_columns(2) | columns)
    return cluster_lines(table)[0].split()


@pytest.mark.parametrize(
    ("name", "nothing", "something"),
    [
        ("part_of", [0, 0], [0, 1]),
        ("level", [np.nan, np.nan] * u.arcsec, [np.nan, 2] * u.arcsec),
    ],
)
def test_some_columns_are_shown_where_a_cluster_has_a_value(name, nothing, something):
    assert name not in header()
    assert name not in header(**{name: nothing})
    assert name in header(**{name: something})


@pytest.mark.parametrize(
    ("paths", "shown"),
    [
        (["/a/b/n1.fits", "/a/c/n2.fits"], ["n1.fits", "n2.fits"]),
        (["/a/b/n1.fits", "/a/b/n1.fits"], ["n1.fits", "n1.fits"]),
        (["/a/b/n.fits", "/a/c/n.fits"], ["/a/b/n.fits", "/a/c/n.fits"]),
    ],
)
def test_images_have_their_folders_only_where_these_tell_them_apart(paths, shown):
    table = cluster_table(make_columns(2))
    table.add_column(paths, name="image", index=1)
    assert [line.split()[1] for line in cluster_lines(table)[3:5]] == shown


@pytest.mark.parametrize(
    ("outside", "is_said"), [(["scale 5"], True), ([["scale 5"], None], False)]
)
def test_no_clusters_of_an_image_unlike_the_calibration(outside, is_said):
    table = cluster_table(meta={"outside_of_calibration": outside})
    first, *more = cluster_lines(table)
    assert first == "No clusters found."
    assert bool(more) == is_said
    assert not is_said or more[0].endswith("clusters: scale 5")
