# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Cards as they come: each is read, or refused by name, and never replaced silently."""

import zipfile

import numpy as np
import pytest
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from numpy.testing import assert_allclose

from astro_vaeclust.images.hdus import header_with_wcs
from astro_vaeclust.images.read import read_image

CD = {f"CD{i}_{j}": 0.0 for i in (1, 2) for j in (1, 2)}


@pytest.fixture
def file_with(sky_image, celestial_wcs, tmp_path):
    """Write a file of integers with cards as they stand, and return its path."""

    def write(*cards, without=(), **values):
        header = celestial_wcs.to_header()
        header.update(values)
        for keyword in without:
            header.remove(keyword, ignore_missing=True)
        for number in range(len(cards)):
            header[f"CARD{number}"] = 1
        path = tmp_path / "a.fits"
        fits.PrimaryHDU(np.rint(sky_image).astype("i2"), header).writeto(path)
        content = path.read_bytes()
        for number, card in enumerate(cards):
            start = content.index(f"CARD{number}".encode())
            new = card.ljust(80).encode()
            content = content[:start] + new + content[start + 80 :]
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("keyword", ["CRVAL1", "CRPIX2", "CDELT1", "CD1_1", "PC1_2"])
@pytest.mark.parametrize("text", ["92,13", "'92.13'", "'92,13'", "T", ""])
def test_cards_of_the_wcs_without_a_number_are_refused(keyword, text, file_with):
    path = file_with(f"{keyword:8}= {text} / deg", without=[keyword])
    with pytest.raises(ValueError, match=rf"^wcs: .*a\.fits.*\({keyword} = .*number"):
        read_image(path)


def test_a_given_wcs_replaces_broken_cards(file_with, celestial_wcs):
    path = file_with("CRVAL1  = 92,13", without=["CRVAL1"])
    image = read_image(path, wcs=celestial_wcs)
    header = header_with_wcs(image.header, image.wcs)
    assert_allclose(header["CRVAL1"], 275.12)


def test_a_matrix_of_zeros_is_refused(file_with):
    path = file_with(**CD, without=["CDELT1", "CDELT2"])
    with pytest.raises(ValueError, match="CD1_1, CD1_2, CD2_1, CD2_2 are all zero"):
        read_image(path)


@pytest.mark.parametrize("text", ["'J2000.0'", "'2000'"])
def test_the_usual_equinox_may_be_a_text(text, file_with):
    assert read_image(file_with(f"EQUINOX = {text}", without=["EQUINOX"]))
    with pytest.raises(ValueError, match="EQUINOX = 'B1950'"):
        read_image(fits.PrimaryHDU(np.eye(9), fits.Header({"EQUINOX": "B1950"})))


@pytest.mark.parametrize("axes", [("RA---TAN", "DEC--TAN"), ("GLON-TAN", "GLAT-TAN")])
@pytest.mark.parametrize("form", ["CD", "CDELT"])
@pytest.mark.parametrize("degree", [1, 3])
def test_pv_on_tan_is_that_of_scamp(degree, form, axes, file_with, sky_image):
    values = {f"PV{i}_{m}": float(m == 1) for i in (1, 2) for m in (0, 1, 2)}
    if degree == 3:
        values |= {"PV1_7": 1000.0, "PV2_7": -1000.0}
    without = []
    if form == "CD":
        values |= CD | {"CD1_1": -1 / 3600, "CD2_2": 1 / 3600}
        without = ["CDELT1", "CDELT2"]
    path = file_with(CTYPE1=axes[0], CTYPE2=axes[1], without=without, **values)
    image = read_image(path)
    assert_allclose(image.wcs.pixel_to_world_values(23.5, 15.5), (275.12, -16.18))
    y = (31 - 15.5) / 3600
    y -= 1000 * (degree == 3) * y**3
    assert_allclose(image.wcs.pixel_to_world_values(23.5, 31)[1], -16.18 + y, atol=1e-7)
    header = header_with_wcs(image.header, image.wcs)
    again = read_image(fits.PrimaryHDU(sky_image, header))
    corner, same = (each.wcs.pixel_to_world_values(0, 0) for each in (again, image))
    assert_allclose(corner, same, rtol=1e-12)


def test_left_over_sip_warns(file_with, capsys):
    terms = {"A_ORDER": 2, "A_2_0": 1e-4, "B_ORDER": 2, "B_0_2": 1e-4}
    with pytest.warns(AstropyUserWarning, match="SIP coefficients, which are applied"):
        read_image(file_with(**terms))
    assert capsys.readouterr() == ("", "")


def test_sip_that_is_said_does_not_warn(file_with):
    terms = {"A_ORDER": 2, "A_2_0": 1e-4, "B_ORDER": 2, "B_0_2": 1e-4}
    path = file_with(CTYPE1="RA---TAN-SIP", CTYPE2="DEC--TAN-SIP", **terms)
    assert read_image(path).wcs.sip is not None


@pytest.mark.parametrize("keyword", ["BUNIT", "ORIGIN", "FILTER", "ORDATE", "EXTNAME"])
@pytest.mark.parametrize("text", ["DN", "2MASS ATLAS", "(", "12,5"])
def test_optional_cards_may_be_broken(keyword, text, file_with):
    image = read_image(file_with(f"{keyword:8}= {text}"))
    assert isinstance(image.band, str)
    assert image.header[keyword] is not None


@pytest.mark.parametrize("keyword", ["BZERO", "BSCALE", "BLANK"])
@pytest.mark.parametrize("text", ["32768,0", "'1,0'"])
def test_cards_that_scale_pixels_are_named(keyword, text, file_with):
    with pytest.raises(ValueError, match=rf"^data: .*{keyword}"):
        read_image(file_with(f"{keyword:8}= {text}"))


def test_a_zip_of_two_files_is_called_so(file_with, tmp_path):
    path = file_with()
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as two:
        two.write(path, "a.fits")
        two.write(path, "b.fits")
    with pytest.raises(ValueError, match="zip of several files"):
        read_image(tmp_path / "two.zip")


@pytest.mark.filterwarnings("ignore:wcs. on the sky, pixels")
@pytest.mark.parametrize("keyword", ["CRVAL1", "CRPIX2", "CDELT1"])
def test_missing_cards_are_named(keyword, celestial_wcs, sky_image):
    header = celestial_wcs.to_header()
    del header[keyword]
    with pytest.warns(AstropyUserWarning, match=f"no {keyword}"):
        read_image(fits.PrimaryHDU(sky_image, header))


def test_cards_that_contradict_each_other_are_named(celestial_wcs, sky_image):
    header = celestial_wcs.to_header()
    header.append(("CRVAL2", 10.0), end=True)
    with pytest.warns(AstropyUserWarning, match="CRVAL2 with several values"):
        read_image(fits.PrimaryHDU(sky_image, header))
