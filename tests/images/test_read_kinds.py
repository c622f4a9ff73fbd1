# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Every accepted kind of input gives the same `Image`."""

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import (
    CCDData,
    InverseVariance,
    NDData,
    StdDevUncertainty,
    VarianceUncertainty,
)
from astropy.utils.masked import Masked
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal

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


def as_nddata(pixels, wcs, folder):
    return {"data": NDData(pixels, wcs=wcs, unit="DN")}


def as_ccddata(pixels, wcs, folder):
    return {"data": CCDData(pixels, wcs=wcs, unit="DN")}


def as_array(pixels, wcs, folder):
    return {"data": pixels, "wcs": wcs}


def as_masked_array(pixels, wcs, folder):
    return {"data": np.ma.MaskedArray(pixels), "wcs": wcs}


def as_quantity(pixels, wcs, folder):
    return {"data": pixels * u.DN, "wcs": wcs}


def as_masked_quantity(pixels, wcs, folder):
    return {"data": Masked(pixels * u.DN), "wcs": wcs}


def as_read_only(pixels, wcs, folder):
    pixels = pixels.copy()
    pixels.flags.writeable = False
    return {"data": pixels, "wcs": wcs}


def as_flipped_view(pixels, wcs, folder):
    return {"data": pixels[::-1, ::-1].copy()[::-1, ::-1], "wcs": wcs}


def as_cube(pixels, wcs, folder):
    return {"data": pixels[np.newaxis], "wcs": wcs}


def as_primary_hdu(pixels, wcs, folder):
    return {"data": fits.PrimaryHDU(pixels, header_of(wcs, BUNIT="DN"))}


def as_image_hdu(pixels, wcs, folder):
    return {"data": fits.ImageHDU(pixels, header_of(wcs))}


def as_compressed_hdu(pixels, wcs, folder):
    return {"data": fits.CompImageHDU(pixels, header_of(wcs))}


def as_hdulist(pixels, wcs, folder):
    image = fits.ImageHDU(pixels, header_of(wcs))
    table = fits.BinTableHDU.from_columns([fits.Column("x", "E", array=[1.0])])
    return {"data": fits.HDUList([fits.PrimaryHDU(), table, image])}


def as_one_of_many(pixels, wcs, folder):
    images = [
        fits.ImageHDU(value * pixels, header_of(wcs), name="SCI", ver=value)
        for value in (1, 2)
    ]
    return {
        "data": fits.HDUList([fits.PrimaryHDU(), *images]),
        "hdu": ("SCI", 1),
    }


def as_path(pixels, wcs, folder):
    return {"data": write(folder / "a.fits", fits.PrimaryHDU(pixels, header_of(wcs)))}


def as_text_path(pixels, wcs, folder):
    return {"data": str(as_path(pixels, wcs, folder)["data"])}


def as_gzip(pixels, wcs, folder):
    image = fits.PrimaryHDU(pixels, header_of(wcs))
    return {"data": write(folder / "a.fits.gz", image)}


def as_named_hdu(pixels, wcs, folder):
    images = [
        fits.PrimaryHDU(2 * pixels, header_of(wcs)),
        fits.ImageHDU(pixels, header_of(wcs), name="SCI"),
    ]
    return {"data": write(folder / "a.fits", *images), "hdu": "sci"}


def as_unsigned_file(pixels, wcs, folder):
    image = fits.PrimaryHDU(pixels.astype(np.uint16), header_of(wcs))
    assert image.header["BZERO"] == 32768
    return {"data": write(folder / "a.fits", image)}


def as_scaled_file(pixels, wcs, folder):
    image = fits.PrimaryHDU(pixels.astype(np.float64), header_of(wcs))
    image.scale("int32", bscale=0.5, bzero=100)
    return {"data": write(folder / "a.fits", image)}


def as_tile_compressed_file(pixels, wcs, folder):
    image = fits.CompImageHDU(pixels.astype(np.int16), header_of(wcs))
    return {"data": write(folder / "a.fits.fz", fits.PrimaryHDU(), image)}


def as_hcompressed_file(pixels, wcs, folder):
    image = fits.CompImageHDU(
        pixels.astype(np.int16), header_of(wcs), compression_type="HCOMPRESS_1"
    )
    return {"data": write(folder / "a.fits", fits.PrimaryHDU(), image)}


KINDS = [value for name, value in sorted(globals().items()) if name.startswith("as_")]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__[3:])
def arguments(request, whole_image, celestial_wcs, tmp_path):
    return request.param(whole_image, celestial_wcs, tmp_path)


def test_every_kind_gives_the_same_image(arguments, whole_image, celestial_wcs):
    image = read_image(**arguments)
    assert_array_equal(image.data, whole_image)
    assert image.data.dtype == np.float32
    assert image.data.dtype.isnative
    assert image.data.flags.c_contiguous
    assert image.data.flags.writeable
    assert image.shape == whole_image.shape
    assert image.mask.dtype == bool
    assert not image.mask.any()
    assert image.error is None
    assert not image.lossy
    assert type(image.wcs) is WCS
    assert image.wcs.array_shape == whole_image.shape
    corner = image.wcs.pixel_to_world_values(0, 0)
    assert_allclose(corner, celestial_wcs.pixel_to_world_values(0, 0), rtol=1e-12)


def test_mask_is_joined_whatever_the_kind(arguments, whole_image):
    mask = whole_image > 110
    assert_array_equal(read_image(**arguments, mask=mask).mask, mask)


def test_error_is_taken_whatever_the_kind(arguments, whole_image):
    error = np.sqrt(whole_image.astype(np.float64))
    image = read_image(**arguments, error=error)
    assert image.error.dtype == np.float32
    assert_allclose(image.error, error, rtol=1e-6)


class TestFilesOfCCDData:
    """What CCDData writes opens without hdu=."""

    @pytest.fixture(params=[StdDevUncertainty, VarianceUncertainty, InverseVariance])
    def ccd(self, request, whole_image, celestial_wcs):
        mask = np.zeros(whole_image.shape, bool)
        mask[3, 4:9] = True
        deviation = np.full(whole_image.shape, 2.0)
        deviation[5] = 4.0
        return CCDData(
            whole_image,
            wcs=celestial_wcs,
            unit="DN",
            mask=mask,
            uncertainty=StdDevUncertainty(deviation).represent_as(request.param),
        )

    @pytest.mark.parametrize("as_file", [True, False])
    def test_like_the_object(self, ccd, tmp_path, as_file):
        ccd.write(tmp_path / "ccd.fits")
        source = tmp_path / "ccd.fits" if as_file else ccd.to_hdu()
        image, expected = read_image(source), read_image(ccd)
        assert_array_equal(image.data, expected.data)
        assert_array_equal(image.mask, expected.mask)
        assert_allclose(image.error, expected.error)
        assert image.error[5, 0] == pytest.approx(4)
        assert image.unit == u.DN
        assert image.mask[3, 4:9].all()

    def test_given_arguments(self, ccd):
        hdulist = ccd.to_hdu()
        other = np.full(ccd.shape, 7.0)
        more = np.zeros(ccd.shape, bool)
        more[0, 0] = True
        image = read_image(hdulist, error=other, mask=more)
        assert image.error[1, 1] == 7
        assert image.mask[0, 0]
        assert image.mask[3, 4]
        alone = read_image(hdulist, hdu=0)
        assert alone.error is None
        assert not alone.mask.any()

    def test_another_image_needs_a_choice(self, ccd):
        hdulist = ccd.to_hdu()
        hdulist.append(fits.ImageHDU(ccd.data, name="MODEL"))
        with pytest.raises(ValueError, match="hdu: choose one of the 4 images"):
            read_image(hdulist)

    def test_unknown_kind_of_uncertainty(self, ccd):
        hdulist = ccd.to_hdu()
        hdulist["UNCERT"].header["UTYPE"] = "UnknownUncertainty"
        with pytest.raises(ValueError, match="error: UTYPE='UnknownUncertainty'"):
            read_image(hdulist)
