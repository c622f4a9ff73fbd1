# Licensed under a 3-clause BSD style license - see LICENSE.rst
import astropy.units as u
import numpy as np
import pytest
from matplotlib import pyplot

from astro_vaeclust.catalog import ClusterCatalog, cluster_table
from astro_vaeclust.images.cutouts import cutout

from ..example_catalog import make_catalog, make_columns, make_wcs


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    pyplot.close("all")


@pytest.mark.parametrize(("n_clusters", "columns"), [(1, 5), (3, 2)])
def test_one_cutout_per_cluster_four_radii_wide(n_clusters, columns):
    catalog = make_catalog(n_clusters)
    axes = catalog.plot_cutouts(columns=columns)
    assert len(axes) == n_clusters
    for ax, row in zip(axes, catalog.table, strict=True):
        ny, nx = ax.images[0].get_array().shape
        assert nx == ny == pytest.approx(4 * row["radius"].value, abs=1)
        (circle,) = [patch for patch in ax.patches if hasattr(patch, "radius")]
        assert circle.center == pytest.approx(((nx - 1) / 2, (ny - 1) / 2), abs=0.6)
        assert ax.get_title().startswith(str(row["id"]))


def test_no_clusters_and_wrong_columns():
    with pytest.raises(ValueError, match="no clusters"):
        make_catalog(0).plot_cutouts()
    with pytest.raises(ValueError, match="columns"):
        make_catalog(1).plot_cutouts(columns=0)


def test_cluster_off_the_image_is_named_by_its_position():
    columns = make_columns(1)
    columns["sky_center"] = make_wcs().pixel_to_world([500.0], [30.0])
    catalog = ClusterCatalog(cluster_table(columns), image=make_catalog(1).image)
    with pytest.raises(ValueError, match=r"274.9914 -16.1788 deg is not on"):
        catalog.plot_cutouts()


def test_cutout_at_an_edge_is_nan_outside_and_where_masked():
    image = make_catalog(1).image
    image.mask[12, 14] = True
    pixels, wcs = cutout(image, image.wcs.pixel_to_world(5, 5), 20 * u.arcsec)
    assert pixels.shape == (20, 20)
    x, y = (int(np.rint(v)) for v in wcs.world_to_pixel(image.wcs.pixel_to_world(5, 5)))
    assert pixels[y, x] == image.data[5, 5]
    assert np.isnan(pixels[y + 7, x + 9])
    assert np.isnan(pixels[: y - 5]).all()


@pytest.mark.parametrize("side", [0, -3, np.nan])
def test_cutout_needs_a_positive_side(side):
    image = make_catalog(1).image
    with pytest.raises(ValueError, match="side takes a positive angle"):
        cutout(image, image.wcs.pixel_to_world(5, 5), side * u.arcsec)
