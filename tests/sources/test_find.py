# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Sources of an image, in ordinary and in crowded fields."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from astro_vaeclust.images.image import Image
from astro_vaeclust.simulation.rendering import PointSpread, render_stars
from astro_vaeclust.sources.find import find_sources

SHAPE = (192, 192)
FWHM = 2.8


def make_image(wcs, x, y, flux=2000.0):
    """Return an image of these stars, of 45 times the noise, on a sky of 500."""
    light = render_stars(SHAPE, x, y, np.full(len(x), flux), PointSpread(fwhm=FWHM))
    data = np.random.default_rng(4).normal(500, 5, SHAPE) + light
    return Image(data.astype(np.float32), np.zeros(SHAPE, bool), wcs)


def fraction_found(image, x, y, **options):
    found = find_sources(image, fwhm=FWHM, **options)
    tree = cKDTree(np.column_stack([found.x, found.y]))
    return np.mean(tree.query(np.column_stack([x, y]))[0] < 1), len(found)


def test_a_crowded_field_parts_close_stars(celestial_wcs):
    x = np.repeat(np.arange(20.0, 180, 20), 2) + np.tile([0, 1.3 * FWHM], 8)
    x, y = np.tile(x, 8), np.repeat(np.arange(20.0, 180, 20), 16)
    image = make_image(celestial_wcs, x, y)
    ordinary, _ = fraction_found(image, x, y, significance=7)
    crowded, number = fraction_found(image, x, y, significance=7, crowded=True)
    assert crowded > 0.95 > ordinary + 0.1
    assert number <= len(x)


def test_unresolved_stars_do_not_hide_those_among_them(celestial_wcs):
    axis = np.arange(66.0, 130, 12)
    x, y = (points.ravel() for points in np.meshgrid(axis, axis))
    image = make_image(celestial_wcs, x, y)
    faint = np.random.default_rng(2).uniform(50, 142, (2, 1500))
    haze = render_stars(SHAPE, *faint, np.full(1500, 300.0), PointSpread(fwhm=FWHM))
    image = replace(image, data=image.data + haze)
    ordinary, _ = fraction_found(image, x, y, significance=7)
    crowded, _ = fraction_found(image, x, y, significance=7, crowded=True)
    assert crowded > 0.9 > ordinary + 0.1


@pytest.mark.parametrize("significance", [5, 7])
def test_noise_is_no_crowd(celestial_wcs, significance):
    image = make_image(celestial_wcs, np.array([90.0]), np.array([90.0]))
    options = {"significance": significance, "crowded": True}
    assert len(find_sources(image, fwhm=FWHM, **options)) == 1
