# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A part of an image is what the whole image has there, whatever the kind of input."""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData, NDData, StdDevUncertainty, VarianceUncertainty
from astropy.utils.masked import Masked
from astropy.wcs import Sip
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust.exceptions import LossyDataWarning
from astro_vaeclust.images import source as source_module
from astro_vaeclust.images.read import open_image, read_image

from .test_read_kinds import KINDS, QUICKLOOK_CARDS, header_of

PLACE = np.s_[5:20, 7:41]


@pytest.fixture
def whole_image(sky_image):
    return np.rint(sky_image)


@pytest.fixture(autouse=True)
def small_strips(monkeypatch):
    """Several strips, of which the last is shorter than the others."""
    monkeypatch.setattr(source_module, "STRIP", 48 * 5)


def assert_is_part(part, whole, place=PLACE):
    assert_array_equal(part.data, whole.data[place])
    assert_array_equal(part.mask, whole.mask[place])
    assert part.data.dtype == np.float32
    assert part.data.flags.c_contiguous
    assert (part.error is None) == (whole.error is None)
    if whole.error is not None:
        assert_array_equal(part.error, whole.error[place])
    assert (part.unit, part.name, part.lossy) == (whole.unit, whole.name, whole.lossy)
    assert part.band == whole.band
    rows, columns = place
    corner = part.wcs.pixel_to_world_values(3, 2)
    same = whole.wcs.pixel_to_world_values(columns.start + 3, rows.start + 2)
    assert_allclose(corner, same, rtol=1e-12)
    assert part.wcs.array_shape == part.shape
    assert part.n_usable == whole.n_usable
    assert_array_equal(part.sample, whole.sample)


def assert_parts_agree(place=PLACE, **arguments):
    whole = read_image(**arguments)
    with open_image(**arguments) as source:
        assert source.shape == whole.shape
        assert_is_part(source.part(place), whole, place)
    return whole


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__[3:])
def arguments(request, whole_image, celestial_wcs, tmp_path):
    return request.param(whole_image, celestial_wcs, tmp_path)


def test_parts_of_every_kind(arguments, whole_image):
    whole = assert_parts_agree(**arguments)
    assert_array_equal(whole.data, whole_image)
    error = np.sqrt(whole_image)
    error[6, 9] = np.inf
    assert_parts_agree(**arguments, mask=whole_image > 106, error=error)


MASKS = {
    "none": lambda pixels: pixels,
    "nan": lambda pixels: np.where(pixels > 106, np.nan, pixels),
    "nomask": lambda pixels: np.ma.MaskedArray(pixels, mask=np.ma.nomask),
    "masked array": lambda pixels: np.ma.MaskedArray(pixels, mask=pixels > 106),
    "Masked": lambda pixels: Masked(pixels, mask=pixels > 106),
    "cube": lambda pixels: np.ma.MaskedArray(pixels, mask=pixels > 106)[:, np.newaxis],
}


@pytest.mark.parametrize("kind", MASKS)
def test_parts_of_masked_arrays(kind, whole_image, celestial_wcs):
    assert_parts_agree(data=MASKS[kind](whole_image), wcs=celestial_wcs)


@pytest.mark.parametrize("mask", [None, np.ma.nomask, "array"])
@pytest.mark.parametrize("kind", [StdDevUncertainty, VarianceUncertainty])
@pytest.mark.parametrize("form", ["object", "hdus", "path"])
def test_parts_of_ccddata(form, kind, mask, whole_image, celestial_wcs, tmp_path):
    mask = whole_image > 106 if isinstance(mask, str) else mask
    ccd = CCDData(
        whole_image,
        wcs=celestial_wcs,
        unit="DN",
        mask=mask,
        uncertainty=kind(whole_image / 10),
    )
    data = ccd
    if form == "hdus":
        data = ccd.to_hdu()
    elif form == "path":
        data = tmp_path / "ccd.fits"
        ccd.write(data)
    whole = assert_parts_agree(data=data)
    assert whole.error is not None
    assert_parts_agree(data=data, mask=whole_image < 93)


def test_parts_of_files_with_axes_of_length_1(whole_image, celestial_wcs, tmp_path):
    path = tmp_path / "radio.fits"
    header = header_of(celestial_wcs)
    fits.PrimaryHDU(whole_image[np.newaxis, np.newaxis], header).writeto(path)
    error = np.ones((1, 1, *whole_image.shape))
    assert_parts_agree(data=path, mask=whole_image > 106, error=error)


def test_a_part_of_a_file_is_read_alone(whole_image, celestial_wcs, tmp_path):
    path = tmp_path / "a.fits"
    fits.PrimaryHDU(whole_image, header_of(celestial_wcs)).writeto(path)
    with fits.open(path) as hdulist, open_image(hdulist) as source:
        source.part(PLACE)
        assert "data" not in vars(hdulist[0])


def test_pixels_that_were_changed_in_memory_are_used(celestial_wcs, tmp_path):
    path = tmp_path / "a.fits"
    pixels = np.arange(1536.0).reshape(32, 48)
    fits.PrimaryHDU(pixels, header_of(celestial_wcs)).writeto(path)
    with fits.open(path) as hdulist:
        hdulist[0].data = 2 * hdulist[0].data
        whole = assert_parts_agree(data=hdulist)
    assert_array_equal(whole.data, 2 * pixels)


def test_parts_keep_distortions(whole_image, celestial_wcs):
    celestial_wcs.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
    a = np.zeros((3, 3))
    a[2, 0] = 1e-3
    celestial_wcs.sip = Sip(a, a.T, None, None, celestial_wcs.wcs.crpix)
    part = assert_parts_agree(data=whole_image, wcs=celestial_wcs)
    assert part.wcs.sip is not None


def test_lossy_files_warn_once(whole_image, celestial_wcs):
    header = header_of(celestial_wcs, **QUICKLOOK_CARDS, FILTER="k ")
    hdu = fits.PrimaryHDU(whole_image.astype(np.int16), header)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with open_image(hdu) as source:
            parts = [source.part(PLACE) for _ in range(3)]
    assert [remark.category for remark in caught] == [LossyDataWarning]
    assert all(part.lossy for part in parts)
    with pytest.warns(LossyDataWarning) as caught:
        read_image(hdu)
    assert caught[0].filename == __file__
    assert parts[0].band == "Ks"


def test_a_part_may_be_unusable(whole_image, celestial_wcs):
    pixels = whole_image.copy()
    pixels[:16] = np.nan
    with open_image(pixels, wcs=celestial_wcs) as source:
        part = source.part(np.s_[0:16, 0:48])
    assert part.mask.all()
    assert part.data[0, 0] in pixels[16:]
    assert part.n_usable == 16 * 48


@pytest.mark.parametrize(
    ("pixels", "arguments", "message"),
    [
        (np.full((32, 48), np.nan), {}, "all pixels are NaN"),
        (np.full((32, 48), 7.0), {}, "data is constant"),
        (np.eye(32, 48), {"mask": np.ones((32, 48), bool)}, "mask: it leaves"),
        (np.eye(32, 48), {"error": np.full((32, 48), np.inf)}, "error: not finite"),
        (np.eye(32, 48), {"error": np.full((32, 48), -1.0)}, "error must not be neg"),
        (np.eye(32, 48), {"mask": np.ones((2, 2), bool)}, "mask must have the shape"),
        (np.eye(32, 48), {"error": np.ones((2, 2))}, "error must have the shape"),
        (np.ones((2, 3, 4)), {}, "data must have two axes"),
    ],
)
def test_parts_refuse_what_the_whole_refuses(pixels, arguments, message, celestial_wcs):
    def read_part():
        with open_image(pixels, wcs=celestial_wcs, **arguments) as source:
            source.part(PLACE)

    with pytest.raises(ValueError, match=message):
        read_part()
    with pytest.raises(ValueError, match=message):
        read_image(pixels, wcs=celestial_wcs, **arguments)


def test_an_uncertainty_of_one_number_is_refused_alike(whole_image, celestial_wcs):
    nddata = NDData(whole_image, wcs=celestial_wcs, uncertainty=StdDevUncertainty(2.0))
    with pytest.raises(ValueError, match="error must have the shape of data"):
        read_image(nddata)


@pytest.mark.parametrize("n_usable", [700, 3])
def test_the_sample_is_that_of_the_whole(n_usable, celestial_wcs, monkeypatch):
    """Also where it takes every so many pixels, or all as these are too few."""
    monkeypatch.setattr("astro_vaeclust.images.image.SAMPLE", 200)
    monkeypatch.setattr("astro_vaeclust.images.image.MIN_SAMPLE", 50)
    monkeypatch.setattr(source_module, "MIN_SAMPLE", 50)
    rng = np.random.default_rng(1)
    pixels = rng.normal(size=(32, 48))
    pixels.flat[rng.permutation(pixels.size)[n_usable:]] = np.nan
    assert_parts_agree(data=pixels, wcs=celestial_wcs, error=pixels**2)


@pytest.mark.parametrize("multiple", [1, 5, 12, 16, 40])
def test_strips_make_the_image(multiple, whole_image, celestial_wcs):
    with open_image(whole_image, wcs=celestial_wcs) as source:
        strips = list(source.strips(multiple))
    heights = [rows.stop - rows.start for rows, _ in strips]
    assert [rows.start for rows, _ in strips] == [0, *np.cumsum(heights)[:-1]]
    assert sum(heights) == 32
    assert all(height % multiple == 0 for height in heights[:-1])
    assert heights[-1] >= min(multiple, 32)


@pytest.mark.parametrize("cards", [{"FILTER": " Ks"}, {"BAND": "Ks"}])
@pytest.mark.parametrize("as_nddata", [False, True])
def test_header_and_band_are_kept(cards, as_nddata, whole_image, celestial_wcs):
    header = header_of(celestial_wcs, MAGZP=19.8, **cards)
    data = fits.PrimaryHDU(whole_image, header)
    if as_nddata:
        data = CCDData(whole_image, wcs=celestial_wcs, unit="DN", meta=header)
    image = read_image(data)
    assert image.header["MAGZP"] == 19.8
    assert image.band == "Ks"
    image.header["MAGZP"] = 0
    assert header["MAGZP"] == 19.8


def test_metadata_that_are_no_cards_are_left_out(whole_image, celestial_wcs):
    meta = {
        "MAGZP": 19.8,
        "BAD": np.nan,
        "a longer name": 1,
        "LIST": [1],
        "N": np.int64(3),
    }
    image = read_image(NDData(whole_image, wcs=celestial_wcs, meta=meta))
    assert dict(image.header) == {"MAGZP": 19.8, "N": 3}
    assert image.band == ""
    assert read_image(whole_image, wcs=celestial_wcs).header is None


@pytest.mark.parametrize("first", ["", "HIERARCH "])
def test_the_band_in_a_dict_is_kept(first, whole_image, celestial_wcs):
    meta = {f"{first}ESO INS FILT1 NAME": "OPEN", f"{first}ESO INS FILT2 NAME": "J"}
    assert read_image(NDData(whole_image, wcs=celestial_wcs, meta=meta)).band == "J"
