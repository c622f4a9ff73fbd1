# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Several bands are shown as a picture in colour."""

import re

import numpy as np
import pytest
from astropy.nddata import NDData
from matplotlib import pyplot
from numpy.testing import assert_array_equal

from astro_vaeclust import ClusterCatalog
from astro_vaeclust.catalog import cluster_table
from astro_vaeclust.images.bands import read_in_bands
from astro_vaeclust.visualization.catalog_plot import write_plot
from astro_vaeclust.visualization.pictures import (
    MASKED_GREY,
    in_colour,
    shown_pixels,
    unmasked_pixels,
)

from ..example_catalog import (
    SHAPE,
    make_band_columns,
    make_catalog,
    make_columns,
    make_wcs,
)
from .test_notebook import decoded

RED, BLUE = (15, 20), (40, 60)
"""Row and column of a star of long, and of one of short wavelengths."""

WHITE = [(row, column) for row in (10, 30, 50) for column in (12, 32, 52)]
"""The same of stars that are equally far above the noise in all bands."""


def make_bands(bands="J,H,Ks"):
    """Return images of noise with a red, a blue and white stars, without a corner."""
    y, x = np.indices(SHAPE)
    images = {}
    for number, band in enumerate(bands.split(",")):
        pixels = np.random.default_rng(number).normal(100, 1, SHAPE)
        is_last = number == bands.count(",")
        stars = dict.fromkeys(WHITE, 60)
        stars |= {RED: 60 if is_last else 3, BLUE: 3 if number else 60}
        for (row, column), peak in stars.items():
            pixels += peak * np.exp(-((x - column) ** 2 + (y - row) ** 2) / 8)
        pixels *= 10.0**number
        pixels[:5, :5] = np.nan
        images[band] = pixels
    images["J"][:, 70:] = np.nan
    return images


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    pyplot.close("all")


@pytest.fixture
def image():
    return read_in_bands(make_bands(), wcs=make_wcs())


def test_long_wavelengths_are_red_and_stars_of_all_bands_are_white(image):
    picture = shown_pixels(image)
    assert picture.shape == (*SHAPE, 3)
    assert picture.dtype == np.uint8
    red, _, blue = picture[RED].astype(int)
    assert red > 3 * blue
    red, _, blue = picture[BLUE].astype(int)
    assert blue > 3 * red
    for star in WHITE:
        white = picture[star].astype(float)
        assert white.min() > 0.8 * white.max() > 80


def test_grey_is_where_no_band_shows_anything(image):
    picture = shown_pixels(image)
    assert (picture[:5, :5] == MASKED_GREY).all()
    assert (picture[20, 70:] != MASKED_GREY).any()
    assert not np.array_equal(picture[20, 70:, 0], picture[20, 70:, 2])


def test_of_two_bands_green_is_their_mean():
    red, blue = np.full((2, 3), 8.0), np.zeros((2, 3))
    assert_array_equal(in_colour(red, blue), in_colour(red, (red + blue) / 2, blue))
    image = read_in_bands(make_bands("J,Ks"), wcs=make_wcs())
    assert shown_pixels(image).shape == (*SHAPE, 3)


def test_one_band_stays_grey(image):
    alone = image.bands["Ks"]
    assert_array_equal(shown_pixels(alone), unmasked_pixels(alone))


@pytest.fixture
def catalog(image):
    columns = make_columns(2) | make_band_columns(2)
    heatmap = make_catalog(1).heatmap
    return ClusterCatalog(cluster_table(columns), image=image, heatmap=heatmap)


def test_plots_are_in_colour_and_say_which(catalog, tmp_path):
    ax = catalog.plot()
    (shown,) = ax.get_images()
    assert_array_equal(shown.get_array(), shown_pixels(catalog.image))
    assert ax.get_title() == "Ks, H, J as red to blue"
    write_plot(catalog, tmp_path / "plot.png")


def test_a_catalogue_that_was_read_takes_images_by_band(catalog):
    images = catalog.image.bands
    given = {
        band: NDData(one.data, mask=one.mask, wcs=one.wcs)
        for band, one in images.items()
    }
    read = ClusterCatalog(catalog.table)
    (shown,) = read.plot(image=given).get_images()
    assert_array_equal(shown.get_array(), shown_pixels(catalog.image))
    profile = read.profile(1, image=given)
    assert_array_equal(profile.counts, catalog.profile(1).counts)


def test_cutouts_are_in_colour(catalog):
    axes = catalog.plot_cutouts()
    for ax in axes:
        (shown,) = ax.get_images()
        assert shown.get_array().shape[2:] == (3,)


def test_the_thumbnail_of_a_notebook_is_in_colour(catalog):
    html = catalog._repr_html_()
    url = re.search(r"href='([^']+)'", html)[1]
    assert_array_equal(decoded(url), shown_pixels(catalog.image)[::-1])
    assert "<th scope='col'>a_k (mag)</th>" in html
    assert "<td>J,H,Ks</td>" in html


def test_profiles_count_what_is_on_the_reference(catalog):
    alone = ClusterCatalog(catalog.table, image=catalog.image.bands["Ks"])
    assert_array_equal(catalog.profile(1).counts, alone.profile(1).counts)


def test_clusters_that_are_chosen_keep_bands_and_image(catalog):
    some = catalog[1:]
    assert some["bands"].tolist() == ["Ks"]
    assert some.image is catalog.image
