# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What holds for every image that is read, and that nothing but an error is left."""

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import CCDData, NDData
from astropy.wcs import WCS
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from astro_vaeclust.images.read import read_image

pytestmark = pytest.mark.filterwarnings("ignore:data.*of the image are constant")

PROFILE = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
UNITS = st.sampled_from(["DN", "adu", "MJy / sr", "electron / s", ""])
REAL_DTYPES = st.one_of(
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
)
SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=5)


def make_wcs():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [275.12, -16.18]
    wcs.wcs.cdelt = [-1 / 3600, 1 / 3600]
    return wcs


TAN = make_wcs()


@st.composite
def views(draw):
    """An array of real numbers, perhaps transposed, strided, flipped or read-only."""
    pixels = draw(hnp.arrays(draw(REAL_DTYPES), draw(SHAPES)))
    if draw(st.booleans()):
        pixels = pixels.T
    pixels = pixels[
        :: draw(st.sampled_from([1, -1, 2])), :: draw(st.sampled_from([1, -1]))
    ]
    pixels.flags.writeable = draw(st.booleans())
    return pixels


@st.composite
def masked_views(draw):
    pixels = draw(views())
    return pixels, draw(hnp.arrays(bool, pixels.shape))


def in_single_precision(pixels):
    with np.errstate(over="ignore", invalid="ignore"):
        return pixels.astype(np.float32)


def assume_usable(pixels, mask):
    """Two values at least, none of them so large that it may be a sentinel."""
    usable = pixels[~mask]
    assume(usable.size > 1 and usable.min() < usable.max())
    assume(np.abs(usable.astype(float)).max() < 1e19)


def assert_reliable(image):
    arrays = [image.data] if image.error is None else [image.data, image.error]
    for array in arrays:
        assert array.dtype == np.float32
        assert array.dtype.isnative
        assert array.flags.c_contiguous
        assert np.isfinite(array).all()
        assert array.shape == image.mask.shape
    assert image.mask.dtype == bool
    assert image.wcs.naxis == 2


def read_or_refuse(data, mask):
    try:
        return read_image(data, wcs=TAN, mask=mask)
    except (TypeError, ValueError) as refusal:
        return str(refusal)


@PROFILE
@given(masked_views())
def test_array(pixels_and_mask):
    pixels, given_mask = pixels_and_mask
    expected = in_single_precision(pixels)
    unusable = given_mask | ~np.isfinite(expected)
    assume_usable(expected, unusable)
    before = pixels.copy()
    image = read_image(pixels, wcs=TAN, mask=given_mask)
    assert_reliable(image)
    assert_array_equal(image.mask, unusable)
    assert_array_equal(image.data[~unusable], expected[~unusable])
    assert pixels.tobytes() == before.tobytes()
    assert not np.shares_memory(image.data, pixels)
    assert not np.shares_memory(image.mask, given_mask)
    if unusable.any():
        fill = np.unique(image.data[unusable])
        assert fill.size == 1
        usable = np.sort(expected[~unusable])
        assert fill[0] == usable[(usable.size - 1) // 2]


@PROFILE
@given(masked_views(), UNITS, st.sampled_from(["nddata", "ccd", "quantity", "masked"]))
def test_containers_agree_with_arrays(pixels_and_mask, unit, kind):
    pixels, mask = pixels_and_mask
    expected = in_single_precision(pixels)
    assume_usable(expected, mask | ~np.isfinite(expected))
    data, arguments = {
        "nddata": (NDData(pixels, mask=mask, unit=unit, wcs=TAN), {}),
        "ccd": (CCDData(pixels, mask=mask, unit=unit, wcs=TAN), {}),
        "quantity": (u.Quantity(pixels, unit, dtype=pixels.dtype), {"mask": mask}),
        "masked": (np.ma.MaskedArray(pixels, mask), {}),
    }[kind]
    arguments["wcs"] = None if kind in {"nddata", "ccd"} else TAN
    image = read_image(data, **arguments)
    plain = read_image(pixels, wcs=TAN, mask=mask)
    assert_reliable(image)
    assert_array_equal(image.data, plain.data)
    assert_array_equal(image.mask, plain.mask)
    assert image.unit == (None if kind == "masked" else u.Unit(unit))


@PROFILE
@given(masked_views(), st.data())
def test_error(pixels_and_mask, data):
    pixels, mask = pixels_and_mask
    values = st.floats(min_value=0) | st.just(np.nan)
    error = data.draw(hnp.arrays(float, pixels.shape, elements=values))
    expected, expected_error = in_single_precision(pixels), in_single_precision(error)
    unusable = mask | ~np.isfinite(expected) | ~np.isfinite(expected_error)
    assume_usable(expected, unusable)
    before = error.copy()
    image = read_image(pixels, wcs=TAN, mask=mask, error=error)
    assert_reliable(image)
    assert (image.error >= 0).all()
    assert_array_equal(image.mask, unusable)
    assert_array_equal(image.error[~unusable], expected_error[~unusable])
    assert error.tobytes() == before.tobytes()


@PROFILE
@given(
    hnp.arrays(
        st.one_of(hnp.scalar_dtypes(), hnp.unicode_string_dtypes()),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    ),
    st.none() | hnp.arrays(hnp.boolean_dtypes(), hnp.array_shapes(max_dims=3)),
)
def test_whatever_array_is_read_or_refused_by_name(data, mask):
    outcome = read_or_refuse(data, mask)
    if isinstance(outcome, str):
        assert outcome.startswith(("data", "mask"))
    else:
        assert_reliable(outcome)
