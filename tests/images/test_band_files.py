# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Which file of a folder is of which band."""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from astro_vaeclust.images.band_files import bands_of_folder


@pytest.fixture
def write(sky_image, celestial_wcs, tmp_path):
    """Write an image to the folder, with cards in its header."""

    def write(name, **cards):
        header = celestial_wcs.to_header()
        header.update(cards)
        fits.PrimaryHDU(sky_image, header).writeto(tmp_path / name)

    return write


def names(folder, **options):
    files, others = bands_of_folder(folder, **options)
    return (
        {band: path.name for band, path in files.items()},
        {path.name: reason for path, reason in others.items()},
    )


def test_headers_come_before_names(write, tmp_path):
    write("one_j.fits", FILTER="Ks")
    write("two.fits", BAND="J")
    write("three_h.fits.gz")
    expected = {"J": "two.fits", "H": "three_h.fits.gz", "Ks": "one_j.fits"}
    files, others = names(tmp_path)
    assert files == expected
    assert list(files) == ["J", "H", "Ks"]
    assert others == {}


@pytest.mark.parametrize("value", [None, 2, True, " "])
def test_what_is_no_text_names_no_band(write, tmp_path, value):
    write("w3_j.fits", FILTER=value)
    write("image.fits", FILTER=value, BAND="H")
    assert names(tmp_path) == ({"J": "w3_j.fits", "H": "image.fits"}, {})


@pytest.mark.parametrize(
    "name",
    ["ks.fits", "K.FITS", "w3-ks.fit", "2mass.w3_K.fits.gz", "w3 k.fts"],
)
def test_a_name_ends_in_the_band(write, tmp_path, name):
    write(name)
    assert names(tmp_path) == ({"Ks": name}, {})


def test_what_is_no_image_of_a_band_is_left_out_with_the_reason(write, tmp_path):
    write("k.fits")
    write("heat.fits")
    write("j-narrow.fits")
    write("y.fits")
    write("j.fits", FILTER="Halpha")
    Table({"a": [1]}).write(tmp_path / "h.fits")
    (tmp_path / "j.txt").write_text("no image")
    (tmp_path / "more.fits").mkdir()
    (tmp_path / "._k.fits").write_bytes(b"what a Mac adds")
    (tmp_path / "lost_h.fits").symlink_to("moved.fits")
    files, others = names(tmp_path)
    assert files == {"Ks": "k.fits"}
    assert others == {
        "h.fits": "it holds no image",
        "heat.fits": "neither its header nor its name states a band",
        "j-narrow.fits": "neither its header nor its name states a band",
        "j.fits": "its header names the band 'Halpha'",
        "lost_h.fits": "a link to nothing",
        "y.fits": "neither its header nor its name states a band",
    }


def test_two_files_of_a_band_are_named(write, tmp_path):
    write("image.fits", FILTER="k")
    write("ks.fits")
    with pytest.raises(ValueError, match=r"got image.fits and ks.fits of Ks"):
        bands_of_folder(tmp_path)


def test_a_folder_without_bands_is_refused(write, tmp_path):
    with pytest.raises(ValueError, match="has no FITS image whose header, as FILTER"):
        bands_of_folder(tmp_path)
    write("j.fits", FILTER="F125W")
    match = "states one of J, H, Ks; j.fits: its header names the band 'F125W'"
    with pytest.raises(ValueError, match=match):
        bands_of_folder(tmp_path)


def test_a_broken_file_is_named(write, tmp_path):
    write("j.fits")
    (tmp_path / "h.fits").write_bytes(b"SIMPLE")
    with pytest.raises(ValueError, match=r"h.fits"):
        bands_of_folder(tmp_path)


def test_the_hdu_is_that_of_all_files(sky_image, celestial_wcs, tmp_path):
    for band in "JH":
        primary = fits.PrimaryHDU()
        primary.header["FILTER"] = band
        hdus = [fits.ImageHDU(sky_image, celestial_wcs.to_header()) for _ in range(2)]
        fits.HDUList([primary, *hdus]).writeto(tmp_path / f"{band}.fits")
    with pytest.raises(ValueError, match=r"H.fits: hdu: choose one of the 2 images"):
        bands_of_folder(tmp_path)
    assert names(tmp_path, hdu=2) == ({"J": "J.fits", "H": "H.fits"}, {})


def test_warnings_are_for_those_who_read_the_pixels(write, tmp_path):
    cards = {"ORIGIN": "2MASS", "ORDATE": "980402", "SCANNO": 3}
    header = fits.Header(cards)
    wcs = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CDELT1": -1e-3, "CDELT2": 1e-3}
    header.update(wcs)
    pixels = np.arange(64 * 64, dtype=np.int16).reshape(64, 64)
    fits.PrimaryHDU(pixels, header).writeto(tmp_path / "j.fits")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert names(tmp_path)[0] == {"J": "j.fits"}
