# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Every image that cannot be used is refused with the name of the argument."""

import gzip

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import (
    NDData,
    UnknownUncertainty,
)
from astropy.wcs import WCS
from numpy.testing import assert_array_equal

from astro_vaeclust.images.read import read_image


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


@pytest.mark.parametrize(
    "dtype", [bool, complex, np.complex64, object, "U5", "S5", "M8[s]", "m8[s]"]
)
def test_bad_dtype(dtype, celestial_wcs):
    pixels = np.zeros((8, 8), int).astype(dtype)
    with pytest.raises(TypeError, match=r"^data must be an array of real numbers, got"):
        read_image(pixels, wcs=celestial_wcs)


@pytest.mark.parametrize("shape", [(), (1,), (9,), (2, 8, 8), (1, 1, 9), (2, 1, 8, 8)])
def test_bad_number_of_axes(shape, celestial_wcs):
    pixels = np.arange(np.prod(shape, dtype=int), dtype=float).reshape(shape)
    with pytest.raises(ValueError, match=r"^data must have two axes.*got shape \("):
        read_image(pixels, wcs=celestial_wcs)


@pytest.mark.parametrize("shape", [(0,), (0, 8), (8, 0)])
def test_empty(shape, celestial_wcs):
    with pytest.raises(ValueError, match=r"^data must not be empty"):
        read_image(np.zeros(shape), wcs=celestial_wcs)


@pytest.mark.parametrize("value", [0, -3.5, 1e-60])
def test_constant(value, celestial_wcs):
    with pytest.raises(ValueError, match=r"^data is constant.* -?[0-9.]+$"):
        read_image(np.full((8, 8), value), wcs=celestial_wcs)


def test_constant_but_for_masked_pixels(celestial_wcs):
    pixels = np.ones((8, 8))
    pixels[0, 0], pixels[1, 1] = 7, np.nan
    with pytest.raises(ValueError, match=r"^data is constant"):
        read_image(pixels, wcs=celestial_wcs, mask=pixels == 7)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_nothing_finite(value, celestial_wcs):
    with pytest.raises(ValueError, match=r"^data: all pixels are NaN or infinite"):
        read_image(np.full((8, 8), value), wcs=celestial_wcs)


def test_all_masked(sky_image, celestial_wcs):
    mask = np.ones(sky_image.shape, bool)
    for data, given in (
        (sky_image, mask),
        (np.ma.MaskedArray(sky_image, mask), None),
        (NDData(sky_image, mask=mask), None),
    ):
        with pytest.raises(ValueError, match=r"^mask: it leaves no usable pixel"):
            read_image(data, wcs=celestial_wcs, mask=given)


@pytest.mark.parametrize("data", [None, 5, [[1, 2], [3, 4]], (1, 2), b"a.fits"])
def test_kinds_that_are_not_accepted(data, celestial_wcs):
    match = rf"^data must be an NDData.*got a {type(data).__name__}$"
    with pytest.raises(TypeError, match=match):
        read_image(data, wcs=celestial_wcs)


def test_table_and_empty_hdu(celestial_wcs):
    with pytest.raises(TypeError, match=r"^data must be.*got a BinTableHDU"):
        read_image(fits.BinTableHDU(), wcs=celestial_wcs)
    with pytest.raises(ValueError, match=r"^data: this PrimaryHDU holds no image"):
        read_image(fits.PrimaryHDU(), wcs=celestial_wcs)


# Bad masks and errors


@pytest.mark.parametrize("dtype", [int, float, object])
def test_bad_mask_dtype(dtype, sky_image, celestial_wcs):
    mask = np.zeros(sky_image.shape, dtype)
    with pytest.raises(TypeError, match=r"^mask must be an array of bool.*got dtype"):
        read_image(sky_image, wcs=celestial_wcs, mask=mask)
    with pytest.raises(TypeError, match=r"^mask must be an array of bool"):
        read_image(NDData(sky_image, mask=mask, wcs=celestial_wcs))


@pytest.mark.parametrize("shape", [(), (48,), (48, 32), (32, 47), (1, 1, 32, 48)])
def test_bad_mask_shape(shape, sky_image, celestial_wcs):
    match = r"^mask must have the shape of data, \(32, 48\), got"
    with pytest.raises(ValueError, match=match):
        read_image(sky_image, wcs=celestial_wcs, mask=np.zeros(shape, bool))


def test_bad_error_shape(sky_image, celestial_wcs):
    with pytest.raises(ValueError, match=r"^error must have the shape of data"):
        read_image(sky_image, wcs=celestial_wcs, error=np.ones((48, 32)))


@pytest.mark.parametrize("error", [5, 5.0, [[1, 2]], "5"])
def test_bad_error_kind(error, sky_image, celestial_wcs):
    with pytest.raises(TypeError, match=r"^error must be an array"):
        read_image(sky_image, wcs=celestial_wcs, error=error)


@pytest.mark.parametrize("dtype", [bool, complex, object])
def test_bad_error_dtype(dtype, sky_image, celestial_wcs):
    error = np.ones(sky_image.shape, dtype)
    with pytest.raises(TypeError, match=r"^error must be an array of real numbers"):
        read_image(sky_image, wcs=celestial_wcs, error=error)


def test_negative_error(sky_image, celestial_wcs):
    error = np.ones(sky_image.shape)
    error[3, 4] = -2
    with pytest.raises(ValueError, match=r"^error must not be negative, got -2"):
        read_image(sky_image, wcs=celestial_wcs, error=error)


def test_error_nowhere_finite(sky_image, celestial_wcs):
    error = np.full(sky_image.shape, np.nan)
    with pytest.raises(ValueError, match=r"^error: not finite at any usable pixel"):
        read_image(sky_image, wcs=celestial_wcs, error=error)


@pytest.mark.parametrize("unit", [None, u.DN])
def test_error_unit_does_not_convert(unit, sky_image, celestial_wcs):
    data = sky_image if unit is None else sky_image * unit
    with pytest.raises(ValueError, match=r"^error: its unit 'Jy' does not convert"):
        read_image(data, wcs=celestial_wcs, error=np.ones(data.shape) * u.Jy)


def test_unknown_uncertainty(sky_image, celestial_wcs):
    uncertainty = UnknownUncertainty(np.ones(sky_image.shape))
    with pytest.raises(TypeError, match=r"^error: UnknownUncertainty cannot be"):
        read_image(NDData(sky_image, wcs=celestial_wcs, uncertainty=uncertainty))


# Bad WCS


def test_no_wcs(sky_image, tmp_path):
    path = write(tmp_path / "a.fits", fits.PrimaryHDU(sky_image))
    for data in (sky_image, NDData(sky_image), fits.PrimaryHDU(sky_image), path):
        with pytest.raises(ValueError, match=r"^wcs: data brings none; give the"):
            read_image(data)


@pytest.mark.parametrize(
    "ctype", [("LINEAR", "LINEAR"), ("WAVE", "DEC--TAN"), ("WAVE", ""), ("", "")]
)
def test_wcs_not_celestial(ctype, sky_image):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ctype
    with pytest.raises(ValueError, match=r"^wcs cannot be used: .*with celestial axes"):
        read_image(sky_image, wcs=wcs)


def test_wcs_of_the_sun(sky_image):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["HPLN-TAN", "HPLT-TAN"]
    wcs.wcs.cdelt = [1e-3, 1e-3]
    with pytest.raises(ValueError, match=r"^wcs cannot be used"):
        read_image(sky_image, wcs=wcs)


def test_wcs_singular(sky_image, celestial_wcs):
    celestial_wcs.wcs.cdelt = [0, 0]
    with pytest.raises(ValueError, match=r"^wcs cannot be used: .*singular"):
        read_image(sky_image, wcs=celestial_wcs)


def test_wcs_singular_in_header(sky_image, celestial_wcs):
    header = header_of(celestial_wcs)
    for card in ("CDELT1", "CDELT2"):
        header.remove(card, ignore_missing=True)
    header.update(CD1_1=1e-4, CD1_2=1e-4, CD2_1=1e-4, CD2_2=1e-4)
    with pytest.raises(ValueError, match=r"^wcs cannot be used"):
        read_image(fits.PrimaryHDU(sky_image, header))
    image = read_image(fits.PrimaryHDU(sky_image, header), wcs=celestial_wcs)
    assert image.wcs.has_celestial


def test_wcs_beyond_the_sky(sky_image):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---SIN", "DEC--SIN"]
    wcs.wcs.crpix = [5000, 5000]
    wcs.wcs.cdelt = [-1, 1]
    with pytest.raises(ValueError, match=r"^wcs cannot be used: .*no sky position"):
        read_image(sky_image, wcs=wcs)


@pytest.mark.parametrize("step", [1e-30, 1e-9, 2.7e-4 / 3600])
def test_pixels_without_size(step, sky_image, celestial_wcs):
    celestial_wcs.wcs.cdelt = -step, step
    celestial_wcs.wcs.pc = np.eye(2)
    message = "^wcs cannot be used: it(s pixels are| gives no)"
    with pytest.raises(ValueError, match=message):
        read_image(sky_image, wcs=celestial_wcs)


@pytest.mark.parametrize("wcs", ["TAN", 5, fits.Header()])
def test_wcs_of_another_kind(wcs, sky_image):
    with pytest.raises(TypeError, match=r"^wcs must be an astropy\.wcs\.WCS"):
        read_image(sky_image, wcs=wcs)


# Bad files


@pytest.mark.parametrize("name", ["missing.fits", "https://example.org/a.fits"])
def test_missing_file(name):
    with pytest.raises(FileNotFoundError, match=rf"data: no such file: '{name}'"):
        read_image(name)


def test_folder(tmp_path):
    with pytest.raises(IsADirectoryError, match="data: a folder, not a FITS file"):
        read_image(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello" * 1000, b"\x1f\x8b broken gzip"])
def test_not_fits(content, tmp_path):
    path = tmp_path / "a.fits"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"^data: .*a\.fits' is truncated") as caught:
        read_image(path)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("kind", ["plain", "gzip", "tiles"])
def test_truncated(kind, fraction, celestial_wcs, tmp_path):
    noise = np.random.default_rng(5).normal(100, 20, (300, 300))
    header = header_of(celestial_wcs)
    path = tmp_path / "a.fits"
    if kind == "tiles":
        image = fits.CompImageHDU(noise.astype(np.int16), header)
        write(path, fits.PrimaryHDU(), image)
    else:
        write(path, fits.PrimaryHDU(noise, header))
    content = path.read_bytes()
    if kind == "gzip":
        content = gzip.compress(content)
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(ValueError, match=r"^data: .*a\.fits' .*truncated"):
        read_image(path)


def test_missing_padding_is_no_truncation(whole_image, celestial_wcs, tmp_path):
    hdu = fits.PrimaryHDU(whole_image, header_of(celestial_wcs))
    path = write(tmp_path / "a.fits", hdu)
    end = 2880 * (path.stat().st_size // 2880 - 3) + whole_image.nbytes
    path.write_bytes(path.read_bytes()[:end])
    assert_array_equal(read_image(path).data, whole_image)


@pytest.fixture
def many_images(sky_image, celestial_wcs):
    header = header_of(celestial_wcs)
    table = fits.BinTableHDU.from_columns([fits.Column("x", "E", array=[1.0])])
    return fits.HDUList(
        [
            fits.PrimaryHDU(),
            fits.ImageHDU(sky_image, header, name="SCI"),
            fits.ImageHDU(2 * sky_image, header, name="WHT"),
            table,
        ]
    )


def test_open_choice_lists_the_images(many_images, tmp_path):
    many_images.writeto(tmp_path / "many.fits")
    match = (
        r"^hdu: choose one of the 2 images of 'many\.fits'; images are\n"
        r"  1: \('SCI', 1\), shape \(32, 48\)\n"
        r"  2: \('WHT', 1\), shape \(32, 48\)$"
    )
    with pytest.raises(ValueError, match=match):
        read_image(tmp_path / "many.fits")
    with pytest.raises(ValueError, match=r"^hdu: choose one of the 2 .* the HDUList"):
        read_image(many_images)


@pytest.mark.parametrize("hdu", [2, -2, np.int64(2), "WHT", "wht", ("WHT", 1)])
def test_choice(hdu, many_images, sky_image):
    assert_array_equal(read_image(many_images, hdu=hdu).data, 2 * sky_image)


@pytest.mark.parametrize("hdu", [4, -5, "ERR", ("SCI", 2)])
def test_choice_out_of_range(hdu, many_images):
    with pytest.raises(ValueError, match=r"^hdu=.* is not in the HDUList; images are"):
        read_image(many_images, hdu=hdu)


@pytest.mark.parametrize("hdu", [0, 3])
def test_choice_without_image(hdu, many_images):
    with pytest.raises(ValueError, match=rf"^hdu={hdu} of the HDUList holds no image"):
        read_image(many_images, hdu=hdu)


@pytest.mark.parametrize("hdu", [1.0, True, ("SCI", "1"), ("SCI", 1, 2), b"SCI"])
def test_choice_of_wrong_kind(hdu, many_images):
    with pytest.raises(TypeError, match=r"^hdu must be an index, a name"):
        read_image(many_images, hdu=hdu)


def test_choice_where_there_is_none(many_images, sky_image, celestial_wcs):
    for data in (many_images[1], sky_image, NDData(sky_image)):
        with pytest.raises(ValueError, match=r"^hdu=1 is for an HDUList or a file"):
            read_image(data, wcs=celestial_wcs, hdu=1)


def test_no_image_at_all(many_images):
    with pytest.raises(ValueError, match=r"^data: the HDUList holds no image"):
        read_image(many_images[3:])
    with pytest.raises(ValueError, match=r"^data: the HDUList holds no image"):
        read_image(fits.HDUList())
