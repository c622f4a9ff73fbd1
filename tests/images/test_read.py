# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What becomes of masks, errors, units and WCS on the way to an `Image`."""

import os
import threading
import warnings
from dataclasses import replace
from pathlib import Path

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
from astropy.utils.exceptions import AstropyUserWarning
from astropy.utils.masked import Masked
from astropy.wcs import WCS
from astropy.wcs.wcsapi import HighLevelWCSWrapper, SlicedLowLevelWCS
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust.embeddings.windows import check_image_holds
from astro_vaeclust.exceptions import LossyDataWarning
from astro_vaeclust.images.hdus import quietly
from astro_vaeclust.images.image import SAMPLE, usable_sample
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


def test_array_must_not_share_memory(sky_image, celestial_wcs):
    mask, error = sky_image > 110, np.full_like(sky_image, 5)
    image = read_image(sky_image, wcs=celestial_wcs, mask=mask, error=error)
    assert not np.shares_memory(image.data, sky_image)
    assert not np.shares_memory(image.mask, mask)
    assert not np.shares_memory(image.error, error)
    assert image.wcs is not celestial_wcs


@pytest.mark.parametrize("text", ["MJy/sr", "DN", "erg/cm2/s"])
def test_unit_from_header(text, sky_image, celestial_wcs):
    hdu = fits.PrimaryHDU(sky_image, header_of(celestial_wcs, BUNIT=text))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", u.UnitsWarning)
        assert read_image(hdu).unit == u.Unit(text)


@pytest.mark.parametrize("text", ["", "nonsense unit"])
def test_no_unit_from_header(text, sky_image, celestial_wcs):
    hdu = fits.PrimaryHDU(sky_image, header_of(celestial_wcs, BUNIT=text))
    assert read_image(hdu).unit is None


def test_unit_of_quantity_and_nddata(sky_image, celestial_wcs):
    assert read_image(sky_image * u.DN, wcs=celestial_wcs).unit == u.DN
    nddata = NDData(sky_image, wcs=celestial_wcs, unit="adu")
    assert read_image(nddata).unit == u.adu


@pytest.mark.parametrize("unit", ["mag", "mag(AB)", "mag/arcsec2", "dex"])
def test_magnitudes_are_no_light(unit, sky_image, celestial_wcs):
    with pytest.raises(ValueError, match="data must be proportional to the light"):
        read_image(NDData(sky_image, unit=u.Unit(unit), wcs=celestial_wcs))


def test_name_is_that_of_the_file(sky_image, celestial_wcs, tmp_path):
    hdu = fits.PrimaryHDU(sky_image, header_of(celestial_wcs))
    path = write(tmp_path / "tile.fits", hdu)
    assert read_image(path).name == "tile.fits"
    with fits.open(path) as hdulist:
        assert read_image(hdulist).name == "tile.fits"
    assert read_image(hdu).name == ""


def test_pixel_scale_and_area(sky_image, celestial_wcs):
    celestial_wcs.wcs.cdelt = [-1 / 3600, 1 / 3600]
    image = read_image(sky_image, wcs=celestial_wcs)
    assert_allclose(image.pixel_area.to_value("arcsec2"), 1, rtol=1e-12)
    assert_allclose(image.pixel_scale.to_value("arcsec / pix"), 1, rtol=1e-12)
    celestial_wcs.wcs.cdelt = [-0.2 / 3600, 0.2 / 3600]
    image = read_image(sky_image, wcs=celestial_wcs)
    assert image.pixel_area.unit == u.arcsec**2
    assert_allclose(image.pixel_area.value, 0.04, rtol=1e-12)
    assert_allclose(image.pixel_scale.to_value("arcsec / pix"), 0.2, rtol=1e-12)


def test_image_is_frozen(sky_image, celestial_wcs):
    image = read_image(sky_image, wcs=celestial_wcs)
    with pytest.raises(AttributeError):
        image.name = "other"


def test_nan_columns_are_masked_and_filled(sky_image, celestial_wcs):
    sky_image[:, [0, 1, -1]] = np.nan
    sky_image[3, 4] = np.inf
    image = read_image(sky_image, wcs=celestial_wcs)
    assert_array_equal(image.mask, ~np.isfinite(sky_image))
    usable = sky_image[np.isfinite(sky_image)]
    assert_allclose(image.data[image.mask], np.median(usable), rtol=1e-3)
    assert_array_equal(image.data[~image.mask], usable)


def test_the_usable_pixels_of_a_large_image_are_sampled():
    values = np.random.default_rng(4).normal(7, 2, (4, SAMPLE)).astype(np.float32)
    mask = values > 8
    sample = usable_sample(values, mask)
    assert 0.2 * SAMPLE < sample.size < SAMPLE
    assert np.median(sample) == pytest.approx(np.median(values[~mask]), abs=0.02)
    mask[:] = True
    mask[2, :9] = False  # most of these lie between those of the sample
    assert_array_equal(usable_sample(values, mask), values[2, :9])


def test_values_beyond_single_precision_are_masked(sky_image, celestial_wcs):
    pixels = sky_image.astype(np.float64)
    pixels[2, 3], pixels[4, 5] = 1e300, -1e39
    image = read_image(pixels, wcs=celestial_wcs)
    assert_array_equal(np.argwhere(image.mask), [[2, 3], [4, 5]])


def test_blank_pixels_of_integer_files(whole_image, celestial_wcs, tmp_path):
    pixels = whole_image.astype(np.int16)
    pixels[5, 6] = -99
    hdu = fits.PrimaryHDU(pixels, header_of(celestial_wcs, BLANK=-99))
    path = write(tmp_path / "a.fits", hdu)
    assert_array_equal(np.argwhere(read_image(path).mask), [[5, 6]])


def test_an_image_is_read_again_as_it_is(sky_image, celestial_wcs):
    mask, error = sky_image > 110, np.full_like(sky_image, 5)
    data = NDData(sky_image, wcs=celestial_wcs, unit="adu", meta={"FILTER": "J"})
    image = replace(read_image(data, mask=mask, error=error), name="j.fits", lossy=True)
    with pytest.warns(LossyDataWarning, match=r"j\.fits went through"):
        again = read_image(image)
    for name in ("data", "mask", "error"):
        np.testing.assert_array_equal(getattr(again, name), getattr(image, name))
        assert not np.shares_memory(getattr(again, name), getattr(image, name))
    assert (again.unit, again.name, again.lossy) == (u.adu, "j.fits", True)
    assert again.band == "J"


def test_masks_are_joined(sky_image, celestial_wcs):
    own, given = sky_image > 110, sky_image < 90
    sky_image[0, 0] = np.nan
    expected = own | given | np.isnan(sky_image)
    for data in (
        np.ma.MaskedArray(sky_image, own),
        Masked(sky_image, own),
        NDData(sky_image, mask=own),
    ):
        image = read_image(data, wcs=celestial_wcs, mask=given)
        assert_array_equal(image.mask, expected)


@pytest.mark.parametrize(
    ("cls", "power"),
    [(StdDevUncertainty, 1), (VarianceUncertainty, 2), (InverseVariance, -2)],
)
def test_uncertainty_becomes_standard_deviation(cls, power, sky_image, celestial_wcs):
    deviation = sky_image.astype(np.float64) / 10
    nddata = NDData(
        sky_image, wcs=celestial_wcs, unit="DN", uncertainty=cls(deviation**power)
    )
    assert_allclose(read_image(nddata).error, deviation, rtol=1e-6)
    given = read_image(
        sky_image, wcs=celestial_wcs, error=cls(deviation**power, unit=u.one)
    )
    assert_allclose(given.error, deviation, rtol=1e-6)


def test_error_in_another_unit_is_converted(sky_image, celestial_wcs):
    error = np.full(sky_image.shape, 5.0) * u.mJy
    image = read_image(sky_image * u.Jy, wcs=celestial_wcs, error=error)
    assert_allclose(image.error, 0.005, rtol=1e-6)


def test_pixels_without_information_are_masked(sky_image, celestial_wcs):
    weight = np.ones(sky_image.shape)
    weight[7, 8] = 0
    nddata = NDData(sky_image, wcs=celestial_wcs, uncertainty=InverseVariance(weight))
    image = read_image(nddata)
    assert_array_equal(np.argwhere(image.mask), [[7, 8]])
    assert_array_equal(image.error, 1)


def test_masked_errors_are_masked(sky_image, celestial_wcs):
    unknown = sky_image > 110
    for error in (
        np.ma.MaskedArray(np.ones(sky_image.shape, int), unknown),
        Masked(np.ones(sky_image.shape), unknown) * u.one,
    ):
        image = read_image(sky_image, wcs=celestial_wcs, error=error)
        assert_array_equal(image.mask, unknown)


def test_negative_error_of_masked_pixel_does_not_matter(sky_image, celestial_wcs):
    error = np.ones(sky_image.shape)
    error[0, 0] = -999
    mask = error < 0
    image = read_image(sky_image, wcs=celestial_wcs, mask=mask, error=error)
    assert_array_equal(image.error, 1)


def test_nddata_keeps_its_own_wcs_and_error(sky_image, celestial_wcs):
    other = celestial_wcs.deepcopy()
    other.wcs.crval = [10, 20]
    uncertainty = StdDevUncertainty(np.ones(sky_image.shape))
    nddata = NDData(sky_image, wcs=celestial_wcs, uncertainty=uncertainty)
    with pytest.warns(AstropyUserWarning, match="'wcs' argument is ignored"):
        image = read_image(nddata, wcs=other)
    assert_allclose(image.wcs.wcs.crval, celestial_wcs.wcs.crval)
    with pytest.warns(AstropyUserWarning, match="'error' argument is ignored") as seen:
        image = read_image(nddata, error=2 * np.ones(sky_image.shape))
    assert_array_equal(image.error, 1)
    assert seen[0].filename == __file__


def test_given_wcs_replaces_that_of_a_header(sky_image, celestial_wcs):
    other = celestial_wcs.deepcopy()
    other.wcs.crval = [10, 20]
    hdu = fits.PrimaryHDU(sky_image, header_of(celestial_wcs))
    assert_allclose(read_image(hdu, wcs=other).wcs.wcs.crval, [10, 20])


@pytest.mark.parametrize("wrapped", [False, True])
def test_sliced_wcs(wrapped, sky_image, celestial_wcs):
    part = np.s_[4:20, 6:40]
    wcs = SlicedLowLevelWCS(celestial_wcs, part)
    image = read_image(
        sky_image[part], wcs=HighLevelWCSWrapper(wcs) if wrapped else wcs
    )
    assert_allclose(
        image.wcs.pixel_to_world_values(1, 2),
        celestial_wcs.pixel_to_world_values(7, 6),
        rtol=1e-12,
    )


def test_slices_of_ccddata(sky_image, celestial_wcs):
    ccd = CCDData(sky_image, wcs=celestial_wcs, unit="DN")[4:20, 6:40][2:]
    assert_allclose(
        read_image(ccd).wcs.pixel_to_world_values(0, 0),
        celestial_wcs.pixel_to_world_values(6, 6),
        rtol=1e-12,
    )


@pytest.fixture
def cube_wcs(celestial_wcs):
    header = celestial_wcs.to_header()
    header.update(NAXIS=3, WCSAXES=3, CTYPE3="FREQ", CUNIT3="Hz", CDELT3=1, CRVAL3=1e14)
    return WCS(header)


def test_degenerate_axes_are_dropped(sky_image, cube_wcs, celestial_wcs):
    mask = sky_image[np.newaxis] > 110
    hdu = fits.PrimaryHDU(sky_image[np.newaxis], cube_wcs.to_header())
    for image in (
        read_image(hdu, mask=mask, error=np.ones(mask.shape)),
        read_image(sky_image[np.newaxis], wcs=cube_wcs, mask=mask[0], error=mask + 1.0),
    ):
        assert image.shape == image.mask.shape == image.error.shape == sky_image.shape
        assert image.wcs.naxis == 2
        assert_allclose(image.wcs.wcs.crval, celestial_wcs.wcs.crval)


def test_plane_of_a_cube(sky_image, cube_wcs, celestial_wcs):
    plane = SlicedLowLevelWCS(cube_wcs, np.s_[0, 4:20, 6:40])
    image = read_image(sky_image[4:20, 6:40], wcs=plane)
    assert_allclose(
        image.wcs.pixel_to_world_values(0, 0),
        celestial_wcs.pixel_to_world_values(6, 4),
        rtol=1e-12,
    )


def test_swapped_axes_stay_swapped(sky_image):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["DEC--TAN", "RA---TAN"]
    wcs.wcs.crval = [-16.18, 275.12]
    wcs.wcs.cdelt = [1 / 3600, 1 / 3600]
    image = read_image(sky_image, wcs=wcs)
    assert_allclose(
        image.wcs.pixel_to_world_values(3, 4), wcs.pixel_to_world_values(3, 4)
    )


def test_user_data_of_hdu_stay_as_they_are(sky_image, celestial_wcs):
    sky_image[0, 0] = np.nan
    header = header_of(celestial_wcs, **{"DATE-OBS": "29/11/51", "EQUINOX": "2000.0"})
    hdu = fits.PrimaryHDU(sky_image, header)
    before = hdu.header.copy()
    image = read_image(hdu)
    assert np.isnan(hdu.data[0, 0])
    assert hdu.header.tostring() == before.tostring()
    assert not np.shares_memory(image.data, hdu.data)


def test_file_is_closed_and_no_other_opened(sky_image, celestial_wcs, tmp_path):
    hdu = fits.PrimaryHDU(sky_image, header_of(celestial_wcs))
    path = write(tmp_path / "a.fits", hdu)
    read_image(path)
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("needs /proc")
    names = [os.readlink(link) for link in descriptors.iterdir() if link.exists()]
    assert str(path) not in names


def test_warnings_are_silenced_by_one_thread_at_a_time():
    entered = threading.Event()

    def enter():
        with quietly():
            entered.set()

    thread = threading.Thread(target=enter)
    with quietly():
        thread.start()
        assert not entered.wait(0.05)
    thread.join()
    assert entered.is_set()


def test_threads_leave_the_warning_filters_alone(sky_image, celestial_wcs):
    header = header_of(celestial_wcs, **{"DATE-OBS": "29/11/51"})
    before = list(warnings.filters)
    threads = [
        threading.Thread(target=read_image, args=(fits.PrimaryHDU(sky_image, header),))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before


def test_check_image_holds(sky_image, celestial_wcs):
    image = read_image(sky_image, wcs=celestial_wcs)
    check_image_holds(image, (8, 16, 32))
    match = (
        r"^patch_sizes: the largest, 33 pixels, does not fit.*\(32, 48\).*at most 32"
    )
    with pytest.raises(ValueError, match=match):
        check_image_holds(image, (8, 33, 16))
