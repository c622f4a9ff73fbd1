# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Images in several bands come on one grid, each pixel where it is in the sky."""

import sys
import warnings

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData, NDData, StdDevUncertainty
from astropy.utils.exceptions import AstropyUserWarning
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust.images.bands import holds_bands, read_bands, read_in_bands
from astro_vaeclust.images.read import read_image
from astro_vaeclust.simulation import simulate_tile

from .test_read_kinds import KINDS, header_of


@pytest.fixture(scope="module")
def tile():
    return simulate_tile(
        survey=("2mass-j", "2mass-h", "2mass-ks"), shape=(120, 100), seed=1
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__[3:])
def test_every_kind_of_image_is_a_band(kind, sky_image, celestial_wcs, tmp_path):
    pixels = np.rint(sky_image)
    given = kind(pixels, celestial_wcs, tmp_path)
    other = NDData(pixels[::-1], wcs=celestial_wcs)
    options = {name: {"K": given[name]} for name in ("wcs", "hdu") if name in given}
    bands = read_bands({"J": other, "K": given["data"]}, **options)
    assert list(bands) == ["J", "Ks"]
    assert_array_equal(bands["Ks"].data, pixels)
    assert_array_equal(bands["J"].data, pixels[::-1])
    assert bands["J"].wcs is bands["Ks"].wcs


def test_bands_come_from_headers_or_a_dict_in_order_of_wavelength(tile):
    images = list(tile.images.values())
    for given in (images[::-1], dict(reversed(tile.images.items()))):
        bands = read_bands(given)
        assert list(bands) == ["J", "H", "Ks"]
        for band, image in bands.items():
            assert_array_equal(image.mask, tile.images[band].mask)
            usable = ~image.mask
            assert_array_equal(image.data[usable], tile.images[band].data[usable])


def test_the_dict_takes_precedence_over_the_header_with_a_warning(tile):
    match = "image H: the header of data names the band 'J'; it is taken as H"
    with pytest.warns(AstropyUserWarning, match=match):
        assert list(read_bands({"H": tile.images["J"]})) == ["H"]
    other = NDData(tile.image.data, wcs=tile.image.wcs, meta={"FILTER": "Y"})
    with pytest.warns(AstropyUserWarning, match="names the band 'Y'; it is taken as J"):
        assert list(read_bands({"J": other})) == ["J"]


@pytest.mark.parametrize("band", ["k", "K_s", "Ks.WC8302", 3, None])
def test_other_names_of_a_band_and_what_names_none_are_no_contradiction(tile, band):
    hdu = fits.PrimaryHDU(tile.image.data, tile.image.wcs.to_header())
    hdu.header["FILTER"] = band
    assert list(read_bands({"Ks": hdu})) == ["Ks"]


def test_an_image_given_for_two_bands_is_refused(tile):
    mask = np.zeros(tile.image.shape, bool)
    mask[:50] = True
    hdu = fits.PrimaryHDU(tile.image.data, tile.image.wcs.to_header())
    with pytest.raises(ValueError, match="the same pixels for H and Ks, or mult"):
        read_bands({"J": tile.images["J"], "H": hdu, "Ks": hdu}, mask={"H": mask})


@pytest.mark.parametrize("factor", [1.0, 3.7, -1.0])
def test_a_multiple_of_an_image_is_no_other_band(tile, factor):
    image = tile.images["Ks"]
    other = NDData(factor * image.data + 50, mask=image.mask, wcs=image.wcs)
    with pytest.raises(ValueError, match="the same pixels for J and Ks, or multiples"):
        read_bands({"J": other, "Ks": image})


def test_bands_on_one_gradient_differ(tile):
    y, _ = np.indices(tile.image.shape)
    images = {
        band: NDData(image.data + 1e3 * y, mask=image.mask, wcs=image.wcs)
        for band, image in tile.images.items()
    }
    assert list(read_bands(images)) == ["J", "H", "Ks"]


def only(pixels, rows):
    """Return pixels of which all but some rows are NaN."""
    result = np.full_like(pixels, np.nan)
    result[:rows] = pixels[:rows]
    return result


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda pixels: only(pixels, 0), "all pixels are NaN"),
        (np.zeros_like, "data is constant"),
        (lambda pixels: only(pixels, 3), "too few usable pixels"),
    ],
)
@pytest.mark.parametrize("band", ["J", "Ks"])
def test_a_band_without_usable_pixels_is_left_out_with_a_warning(
    tile, spoil, reason, band
):
    pixels = {name: image.data for name, image in tile.images.items()}
    pixels[band] = spoil(pixels[band])
    match = f"image {band}: .*{reason}.*; it is left out"
    with pytest.warns(AstropyUserWarning, match=match):
        image = read_in_bands(pixels, wcs=tile.image.wcs)
    del pixels[band]
    expected = read_in_bands(pixels, wcs=tile.image.wcs)
    assert list(image.bands) == list(expected.bands) == list(pixels)
    assert_array_equal(image.data, expected.data)


def test_a_single_band_with_usable_pixels_is_that_image_alone(tile):
    mask = {"J": np.ones(tile.image.shape, bool)}
    images = {band: tile.images[band] for band in ("J", "Ks")}
    with pytest.warns(AstropyUserWarning, match="image J: mask: it leaves no usable"):
        image = read_in_bands(images, mask=mask)
    assert not image.bands
    assert_array_equal(image.data, read_image(tile.image).data)
    with (
        pytest.warns(AstropyUserWarning, match="image J"),
        pytest.raises(ValueError, match="reference must be one of 'Ks'"),
    ):
        read_in_bands(images, mask=mask, reference="J")


def test_without_usable_pixels_in_any_band_all_are_named(tile):
    blank = np.full(tile.image.shape, np.nan)
    with pytest.raises(ValueError, match=r"image J: data: all .*; image Ks: data: all"):
        read_bands({"J": blank, "Ks": blank.copy()}, wcs=tile.image.wcs)


def test_a_band_that_shows_next_to_nothing_of_the_grid_is_left_out(tile):
    wcs = tile.image.wcs.deepcopy()
    wcs.wcs.crpix += [0, 117]
    other = NDData(tile.images["J"].data, wcs=wcs)
    with pytest.warns(AstropyUserWarning, match="image J: data has too few usable"):
        assert list(read_bands({"J": other, "Ks": tile.image})) == ["Ks"]


def test_warnings_name_the_image(tile):
    pixels = tile.images["J"].data.copy()
    pixels[:40] = 7
    with pytest.warns(AstropyUserWarning, match="image J: data: .* are constant"):
        read_bands({"J": pixels, "Ks": tile.image}, wcs={"J": tile.image.wcs})


def test_the_band_of_a_file_may_be_in_its_primary_header(tile, tmp_path):
    primary = fits.PrimaryHDU()
    primary.header["FILTER"] = "K"
    hdu = fits.ImageHDU(tile.image.data, tile.image.wcs.to_header())
    fits.HDUList([primary, hdu]).writeto(tmp_path / "ukidss.fits")
    assert list(read_bands([tmp_path / "ukidss.fits"])) == ["Ks"]


@pytest.mark.parametrize(
    ("primary", "extension"),
    [
        ({"FILTER": "J"}, {"FILTER": ""}),
        ({"FILTER": "J"}, {"BAND": 1, "FILTER1": "open"}),
        ({"FILTER": "open", "BAND": "N/A"}, {"FILTER1": "Clear", "FILTER2": "J"}),
        ({"HIERARCH ESO INS FILT1 NAME": "J"}, {}),
        ({}, {"HIERARCH ESO INS FILT1 NAME": "OPEN", "ESO INS FILT2 NAME": "J"}),
        ({"BAND": "J"}, {"FILTER": "unknown"}),
    ],
)
def test_the_first_card_that_names_a_filter_counts(tile, primary, extension):
    first = fits.PrimaryHDU()
    hdu = fits.ImageHDU(tile.image.data, tile.image.wcs.to_header())
    with warnings.catch_warnings(action="ignore"):  # of long names
        first.header.update(primary)
        hdu.header.update(extension)
    before = first.header.copy()
    (image,) = read_bands([fits.HDUList([first, hdu])]).values()
    assert image.band == "J"
    image.header["FILTER"] = "H"
    assert first.header == before


def test_shifts_by_whole_pixels_are_cuts(tile):
    j = tile.images["J"]
    cut = CCDData(
        j.data[5:, :80].copy(), mask=j.mask[5:, :80], wcs=j.wcs[5:, :80], unit="adu",
        uncertainty=StdDevUncertainty(np.full((115, 80), 2.5)),
    )  # fmt: skip
    bands = read_bands({"J": cut, "Ks": tile.image})
    image = bands["J"]
    assert image.shape == tile.image.shape
    assert image.mask[:5].all()
    assert image.mask[:, 80:].all()
    usable = ~image.mask
    assert_array_equal(usable[5:, :80], ~j.mask[5:, :80])
    assert_array_equal(image.data[usable], j.data[usable])
    assert_array_equal(image.error[usable], 2.5)
    assert not bands["Ks"].mask[:, 80:90].any()
    assert image.unit == u.adu


def test_the_grid_is_that_of_the_longest_wavelength_or_of_the_reference(tile):
    j = tile.images["J"]
    cut = CCDData(j.data[10:90, 10:80], mask=j.mask[10:90, 10:80], unit="adu",
                  wcs=j.wcs[10:90, 10:80])  # fmt: skip
    images = {"J": cut, "Ks": tile.image}
    assert read_bands(images)["J"].shape == (120, 100)
    bands = read_bands(images, reference="J")
    assert bands["Ks"].shape == (80, 70)
    usable = ~bands["Ks"].mask
    assert_array_equal(bands["Ks"].data[usable], tile.image.data[10:90, 10:80][usable])


def gaussian(wcs, shape, scale):
    """Return a source of 3 arcsec at a place in the sky, in counts per pixel."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    sky = wcs.pixel_to_world(x, y)
    center = WCS(header()).pixel_to_world(31.3, 28.6)
    distance = center.separation(sky).arcsec
    return scale**2 * 50 * np.exp(-0.5 * (distance / 3) ** 2)


def header(scale=1.0, size=64, angle=0.0, shift=0.0):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
    wcs.wcs.crval = 80.0, 10.0
    wcs.wcs.crpix = size / 2 + shift, size / 2 + shift
    step = scale / 3600
    cosine, sine = np.cos(angle), np.sin(angle)
    wcs.wcs.cd = step * np.array([[-cosine, sine], [sine, cosine]])
    return wcs.to_header()


@pytest.mark.parametrize(
    ("scale", "size", "angle", "shift"),
    [(1.0, 64, 0.0, 0.4), (1.0, 80, 0.3, 0.0), (0.25, 256, 0.1, 0.2), (2.0, 40, 0, 0)],
)
def test_other_grids_are_resampled_and_keep_place_and_flux(scale, size, angle, shift):
    pytest.importorskip("reproject")
    wcs = WCS(header(scale, size, angle, shift))
    target = WCS(header())
    noise = np.random.default_rng(0).normal(0, 0.02, (size, size))
    data = gaussian(wcs, (size, size), scale) + noise
    expected = gaussian(target, (64, 64), 1.0)
    other = np.random.default_rng(1).normal(0, 0.02, (64, 64))
    error = np.full(data.shape, 2.0)
    bands = read_bands(
        {"J": data, "Ks": other}, wcs={"J": wcs, "Ks": target},
        error={"J": error},
    )  # fmt: skip
    image = bands["J"]
    light = np.where(image.mask, 0, image.data)
    tolerance = 0.02 if scale <= 1 else 0.1
    assert_allclose(light.sum(), expected.sum(), rtol=tolerance)
    y, x = np.mgrid[:64, :64]
    assert_allclose(np.average(x, weights=light), 31.3, atol=0.1)
    assert_allclose(np.average(y, weights=light), 28.6, atol=0.1)
    middle = image.error[28:36, 28:36]
    assert_allclose(middle, 2.0 / scale if scale < 1 else 2.0 / scale**2, rtol=0.02)


def test_surface_brightness_is_not_multiplied_by_the_area():
    pytest.importorskip("reproject")
    rng = np.random.default_rng(0)
    fine = 7 + 0.01 * rng.standard_normal((160, 160))
    bands = read_bands(
        {"J": fine * u.MJy / u.sr, "Ks": rng.standard_normal((64, 64))},
        wcs={"J": WCS(header(0.5, 160)), "Ks": WCS(header())},
    )
    assert_allclose(np.median(bands["J"].data), 7, rtol=0.01)


def test_unusable_pixels_stay_so_when_they_are_resampled():
    pytest.importorskip("reproject")
    rng = np.random.default_rng(0)
    data = rng.standard_normal((64, 64))
    data[30:34, 30:34] = np.nan
    bands = read_bands(
        {"J": data, "Ks": rng.standard_normal((64, 64))},
        wcs={"J": WCS(header(shift=0.5)), "Ks": WCS(header())},
    )
    assert bands["J"].mask[30:33, 30:33].all()
    assert np.sum(bands["J"].mask[20:44, 20:44]) == 25
    assert not bands["Ks"].mask.any()


@pytest.mark.parametrize("fraction", [0.002, 0.02, 0.2])
def test_lone_bad_pixels_of_a_finer_image_cost_what_they_cover(fraction):
    pytest.importorskip("reproject")
    rng = np.random.default_rng(0)
    fine = rng.standard_normal((400, 400)) + 5
    fine[rng.random(fine.shape) < fraction] = np.nan
    fine[150:200, 150:200] = np.nan
    bands = read_bands(
        {"J": fine, "Ks": rng.standard_normal((80, 80))},
        wcs={"J": WCS(header(0.2, 400)), "Ks": WCS(header(1.0, 80))},
    )
    mask = bands["J"].mask[4:-4, 4:-4]
    assert 81 <= mask.sum() <= 121
    assert mask[26:34, 26:34].all()
    assert_allclose(np.median(bands["J"].data[~bands["J"].mask]), 125, rtol=0.01)


def test_a_distorted_image_of_another_sky_is_refused_without_other_words():
    pytest.importorskip("reproject")
    rng = np.random.default_rng(0)
    far = header()
    far["CTYPE1"], far["CTYPE2"], far["CRVAL1"] = "RA---TAN-SIP", "DEC--TAN-SIP", 100.0
    far.update({"A_ORDER": 2, "B_ORDER": 2, "A_2_0": 2e-5, "B_0_2": 1e-5})
    data = rng.standard_normal((2, 64, 64))
    with pytest.raises(ValueError, match=r"image J: .*shows nothing of the grid"):
        read_bands(
            {"J": data[0], "Ks": data[1]}, wcs={"J": WCS(far), "Ks": WCS(header())}
        )


def test_resampling_without_reproject_says_what_to_install(tile, monkeypatch):
    monkeypatch.setitem(sys.modules, "reproject", None)
    image = NDData(np.random.default_rng(0).normal(size=(64, 64)), wcs=WCS(header()))
    other = NDData(image.data, wcs=WCS(header(shift=0.5)))
    with pytest.raises(ImportError, match="astro_vaeclust\\[archives\\]"):
        read_bands({"J": other, "Ks": image})
    read_bands(tile.images)


def test_images_that_share_no_sky_are_refused(tile):
    pytest.importorskip("reproject")
    away = tile.images["J"].wcs.deepcopy()
    away.wcs.crpix += 500
    far = tile.images["J"].wcs.deepcopy()
    far.wcs.crval = 200, -40
    for wcs in (away, far):
        other = NDData(tile.images["J"].data, wcs=wcs)
        with pytest.raises(ValueError, match="image J: data shows nothing of the grid"):
            read_bands({"J": other, "Ks": tile.image})


@pytest.mark.parametrize(
    ("images", "error", "match"),
    [
        ("a.fits", TypeError, "dict from bands to images, or a list"),
        ({}, ValueError, "at least one image"),
        ({"Z": 1}, ValueError, "a band of images must be one of J, H, Ks, got 'Z'"),
        ({"J": "nowhere.fits"}, FileNotFoundError, "nowhere"),
        ({"J": 3}, TypeError, "image J: data must be an NDData"),
    ],
)
def test_images_are_checked(images, error, match):
    with pytest.raises(error, match=match):
        read_bands(images)


def test_bands_are_given_once_and_known(tile):
    ks = tile.image
    with pytest.raises(ValueError, match="each band once, got Ks twice"):
        read_bands({"K": ks, "Ks": ks})
    with pytest.raises(ValueError, match="each band once, got Ks twice"):
        read_bands([ks, ks])
    nameless = NDData(ks.data, wcs=ks.wcs)
    with pytest.raises(ValueError, match="header of image number 1 names no band"):
        read_bands([ks, nameless])
    odd = NDData(ks.data, wcs=ks.wcs, meta={"FILTER": "F187N"})
    with pytest.raises(ValueError, match="number 0 must be one of J, H, Ks"):
        read_bands([odd])


def test_options_are_for_all_or_by_the_bands_of_images(tile):
    with pytest.raises(ValueError, match="wcs must have bands of images, Ks, got 'J'"):
        read_bands({"Ks": tile.image.data}, wcs={"J": tile.image.wcs})
    with pytest.raises(ValueError, match="reference"):
        read_bands({"Ks": tile.image}, reference="J")
    with pytest.raises(ValueError, match="reference must be one of J, H, Ks"):
        read_bands({"Ks": tile.image}, reference="I")
    mask = np.zeros(tile.image.shape, bool)
    mask[50] = True
    bands = read_bands(tile.images, mask=mask)
    assert all(image.mask[50].all() for image in bands.values())


@pytest.mark.parametrize("argument", ["wcs", "mask"])
def test_options_by_band_take_other_names_of_it(tile, argument):
    values = {"wcs": tile.image.wcs, "mask": np.arange(120 * 100).reshape(120, 100) < 9}
    images = {"K": tile.image.data}
    options = {"wcs": tile.image.wcs} | {argument: {"Ks": values[argument]}}
    image = read_bands(images, **options)["Ks"]
    assert image.mask[0, :9].all() == (argument == "mask")
    with pytest.raises(ValueError, match=f"{argument} must have each band once"):
        read_bands(images, **{argument: dict.fromkeys(["K", "Ks"], values[argument])})


def test_bands_become_one_image_with_those_of_its_grid(tile):
    image = read_in_bands(tile.images, reference="H")
    assert list(image.bands) == ["J", "H", "Ks"]
    assert image.data is image.bands["H"].data
    assert not image.bands["H"].bands
    assert_array_equal(image.mask, tile.images["H"].mask)
    assert_array_equal(
        image.unseen, np.logical_and.reduce([one.mask for one in tile.images.values()])
    )
    alone = read_in_bands({"H": tile.images["H"]})
    assert not alone.bands
    assert alone.unseen is alone.mask


def test_an_hdulist_is_one_image_and_lists_are_several():
    assert not holds_bands(fits.HDUList([fits.PrimaryHDU()]))
    assert not holds_bands("j.fits")
    for several in ({}, [], (), ["j.fits"]):
        assert holds_bands(several)


def test_one_band_is_the_image(tile):
    (image,) = read_bands([tile.image]).values()
    assert_array_equal(image.data, read_image(tile.image).data)
    assert header_of(image.wcs)["CTYPE1"] == "RA---SIN"


def test_options_by_band_are_for_a_dict_of_images():
    with pytest.raises(ValueError, match="hdu by bands is for a dict of images"):
        read_bands(["j.fits", "k.fits"], hdu={"J": 1, "Ks": 2})
