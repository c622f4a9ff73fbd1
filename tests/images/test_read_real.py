# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Lossy images are known by their headers; real images of many kinds can be read."""

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import (
    CCDData,
)
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust.exceptions import LossyDataWarning
from astro_vaeclust.images.read import read_image

QUICKLOOK_CARDS = {"ORIGIN": "2MASS", "ORDATE": "990502", "SCANNO": 142}


@pytest.fixture
def whole_image(sky_image):
    """Whole numbers, which every kind of file holds exactly; no pixel is missing."""
    return np.rint(sky_image)


def header_of(wcs, **cards):
    header = wcs.to_header()
    header.update(cards)
    return header


def write(path, *hdus):
    fits.HDUList(list(hdus)).writeto(path)
    return path


# Lossy images


def test_quicklook_image_warns(whole_image, celestial_wcs, tmp_path):
    header = header_of(celestial_wcs, **QUICKLOOK_CARDS)
    hdu = fits.PrimaryHDU(whole_image.astype(np.int16), header)
    path = write(tmp_path / "quick.fits", hdu)
    ccd = CCDData.read(path, unit="adu")
    for data in (path, hdu, ccd):
        with pytest.warns(LossyDataWarning, match="lossy compression") as seen:
            image = read_image(data)
        assert image.lossy
        assert seen[0].filename == __file__
        assert_array_equal(image.data, whole_image)


def test_atlas_image_does_not_warn(sky_image, celestial_wcs, tmp_path):
    header = header_of(celestial_wcs, **QUICKLOOK_CARDS)
    path = write(tmp_path / "atlas.fits", fits.PrimaryHDU(sky_image, header))
    assert not read_image(path).lossy
    assert not read_image(CCDData.read(path, unit="adu")).lossy


def test_integers_of_other_surveys_do_not_warn(whole_image, celestial_wcs):
    header = header_of(celestial_wcs, ORIGIN="2MASS")
    assert not read_image(fits.PrimaryHDU(whole_image.astype("i2"), header)).lossy


@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        ("int16", {"compression_type": "HCOMPRESS_1", "hcomp_scale": 4}),
        ("float32", {"compression_type": "HCOMPRESS_1", "hcomp_scale": 0}),
        ("float32", {"compression_type": "RICE_1"}),
        ("float32", {"compression_type": "RICE_1", "quantize_method": 1}),
        ("float64", {"compression_type": "GZIP_2", "quantize_method": 2}),
    ],
)
def test_lossy_compression_warns(dtype, options, sky_image, celestial_wcs, tmp_path):
    hdu = fits.CompImageHDU(
        sky_image.astype(dtype), header_of(celestial_wcs), **options
    )
    path = write(tmp_path / "a.fits", fits.PrimaryHDU(), hdu)
    with pytest.warns(LossyDataWarning, match=r"^a\.fits went through"):
        image = read_image(path)
    assert image.lossy
    assert_allclose(image.data, sky_image, atol=12)


@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        ("int16", {"compression_type": "HCOMPRESS_1", "hcomp_scale": 0}),
        ("int32", {"compression_type": "RICE_1"}),
        ("uint8", {"compression_type": "PLIO_1"}),
        ("float32", {"compression_type": "GZIP_2", "quantize_level": 0}),
    ],
)
def test_lossless_compression_does_not_warn(
    dtype, options, sky_image, celestial_wcs, tmp_path
):
    pixels = sky_image.astype(dtype)
    hdu = fits.CompImageHDU(pixels, header_of(celestial_wcs), **options)
    path = write(tmp_path / "a.fits", fits.PrimaryHDU(), hdu)
    image = read_image(path)
    assert not image.lossy
    assert_array_equal(image.data, pixels)


# Real images


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "shape", "scale", "unit", "centre"),
    [
        ("m17_2mass_k/aK_asky_990502s1420198.fits.gz", (1024, 512), 1, None,
         (275.1230, -16.3045)),
        ("m17_2mass_k/m17_2mass_k_cutout1024.fits.gz", (1024, 1024), 1, "DN",
         (275.1221, -16.1787)),
        ("ngc2264_irac/i1.fits", (419, 419), 0.8627, "MJy/sr", (100.2655, 9.5859)),
        ("m67_dss1/M6707HH.fits.gz", (1059, 1059), 1.7006, None, (132.8340, 11.8118)),
        ("gc_2mass_jhk/gc_2mass_k.fits.gz", (720, 721), 5, None, (266.4, -28.9333)),
        ("negatives_dss2/horsehead.fits.gz", (893, 891), 1.0083, None,
         (85.2749, -2.4583)),
        ("ukidss_crab/image.fits", (300, 300), 0.2006, None, (83.6331, 22.0145)),
        ("vista_viking/mystery_VIKING_Z.fits", (356, 356), 0.339, None,
         (352.2914, -31.8223)),
    ],
)  # fmt: skip
def test_real_images(name, shape, scale, unit, centre, shared_data):
    image = read_image(shared_data / name)
    assert image.shape == shape
    assert_allclose(image.pixel_scale.to_value("arcsec / pix"), scale, rtol=3e-4)
    assert image.unit == (unit and u.Unit(unit))
    assert image.name == Path(name).name
    assert not image.lossy
    assert np.isfinite(image.data).all()
    y_centre, x_centre = ((side - 1) / 2 for side in shape)
    sky = image.wcs.pixel_to_world_values(x_centre, y_centre)
    assert_allclose(sky, centre, atol=3e-4)


@pytest.mark.shared_data
def test_real_tile_has_masked_columns(shared_data):
    image = read_image(shared_data / "m17_2mass_k/aK_asky_990502s1420198.fits.gz")
    columns = np.flatnonzero(image.mask.all(axis=0))
    assert_array_equal(columns, [0, 1, 2, 3, 508, 509, 510, 511])
    assert 640 < image.data[0, 0] < 660


@pytest.mark.shared_data
def test_real_plate_solution_places_its_object(shared_data):
    """The header gives the place of M67 in pixels of the plate and in the sky."""
    image = read_image(shared_data / "m67_dss1/M6707HH.fits.gz")
    sky = image.wcs.pixel_to_world(9263.92 - 8734 - 0.5, 7747.76 - 7218 - 0.5)
    assert_allclose([sky.ra.hour, sky.dec.deg], [8.855583, 11.811944], atol=2e-4)


@pytest.mark.shared_data
def test_real_flipped_parity_survives(shared_data):
    image = read_image(shared_data / "ukidss_crab/image.fits")
    assert np.linalg.det(image.wcs.pixel_scale_matrix) > 0


@pytest.mark.shared_data
def test_real_image_without_wcs(shared_data, celestial_wcs):
    path = shared_data / "vista_viking/Ks_no_wcs.fits"
    with pytest.raises(ValueError, match=r"^wcs: data brings none"):
        read_image(path)
    with pytest.warns(LossyDataWarning, match=r"^Ks_no_wcs\.fits went"):
        image = read_image(path, wcs=celestial_wcs)
    assert image.shape == (2600, 2600)


@pytest.mark.shared_data
def test_real_table(shared_data):
    path = shared_data / "g23_ukidss_gps/G23.01-0.41_UKIDSS_cat_trim.fits.gz"
    with pytest.raises(ValueError, match=r"^data: .* holds no image \(PrimaryHDU, Bin"):
        read_image(path)
