# Licensed under a 3-clause BSD style license - see LICENSE.rst
import astropy.units as u
import numpy as np
import pytest
from astropy.wcs import WCS
from numpy.testing import assert_allclose

from astro_vaeclust.images.cutouts import cutout, resampled
from astro_vaeclust.images.image import Image

from ..example_catalog import make_wcs


def turned_image(angle=30, scale=0.5, side=200):
    """Return an image whose pixels are the offsets to the north in arcsec."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = make_wcs().wcs.crval
    wcs.wcs.crpix = [side / 2, side / 2]
    wcs.wcs.cdelt = [-scale / 3600, scale / 3600]
    turn = np.radians(angle)
    wcs.wcs.pc = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    y, x = np.indices((side, side)) - (side / 2 - 1)
    north = scale * (np.sin(turn) * x + np.cos(turn) * y)
    return Image(north.astype(np.float32), np.zeros((side, side), bool), wcs)


def test_the_place_is_the_same_on_a_finer_and_turned_image():
    pixels = resampled(turned_image(), make_wcs(), (60, 80))
    y, x = np.indices((60, 80))
    inside = np.hypot(x - 39.5, y - 29.5) < 28
    assert_allclose(pixels[inside], (y - 29.5)[inside], atol=0.02)


def test_what_is_masked_or_beyond_the_image_is_nan():
    image = turned_image(angle=0, scale=1, side=40)
    image.mask[19:21, 19:21] = True
    pixels = resampled(image, make_wcs(), (60, 80))
    assert np.isnan(pixels[29:31, 39:41]).any()
    assert np.isfinite(pixels[20:27, 30:50]).all()
    assert np.isnan(pixels[0]).all()
    assert np.isnan(pixels[:, 0]).all()
    far = make_wcs()
    far.wcs.crval = [10, 50]
    assert np.isnan(resampled(image, far, (5, 5))).all()


def test_a_cutout_beyond_the_border_is_nan_there():
    image = turned_image(angle=0, scale=1, side=40)
    center = image.wcs.pixel_to_world(0, 20)
    pixels, wcs = cutout(image, center, 10 * u.arcsec)
    assert pixels.shape == (10, 10)
    assert np.isnan(pixels[:, :4]).all()
    assert np.isfinite(pixels[:, 5:]).all()
    assert_allclose(wcs.world_to_pixel(center), (5, 5), atol=1)
    with pytest.raises(ValueError, match="positive angle"):
        cutout(image, center, 0 * u.arcsec)
    with pytest.raises(ValueError, match="not on the image"):
        cutout(image, image.wcs.pixel_to_world(100, 20), 5 * u.arcsec)
