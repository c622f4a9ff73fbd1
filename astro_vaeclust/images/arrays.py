# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks and conversions of the arrays of an image: pixels, masks, errors."""

from __future__ import annotations

import numpy as np
from astropy import units as u
from astropy.nddata import NDUncertainty, StdDevUncertainty
from astropy.utils.masked import Masked


def checked_pixels(values):
    """Return pixels, or HDUs to be read, without axes of length 1, not yet copied."""
    check_image_shape(values.shape)
    _check_real(values, "data")
    return values.reshape(plane(values.shape))


def check_image_shape(shape):
    """Raise if a shape is not that of an image."""
    if 0 in shape:
        raise ValueError(f"data must not be empty, got shape {shape}")
    if len(plane(shape)) != 2:
        raise ValueError(
            f"data must have two axes, or further ones of length 1 only, got shape "
            f"{shape}"
        )


def _check_real(values, argument):
    if values.dtype.kind not in "iuf":
        raise TypeError(
            f"{argument} must be an array of real numbers, got {describe(values)}"
        )


def single_precision(values):
    """Copy real numbers to float32; what is too large becomes infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.array(values, dtype=np.float32, order="C", subok=False)


def plane(shape):
    """Drop axes of length 1 from a shape of more than two axes."""
    return shape if len(shape) <= 2 else tuple(side for side in shape if side > 1)


def checked_mask(mask, shape):
    """Return a mask of bool without axes of length 1."""
    mask = np.asarray(mask)
    if mask.dtype.kind != "b":
        raise TypeError(
            "mask must be an array of bool, True where pixels are unusable, got dtype "
            f"{mask.dtype}; for flags, give mask=flags != 0"
        )
    return _in_plane(mask, "mask", shape)


def _in_plane(array, argument, shape):
    if array.shape not in (shape, plane(shape)):
        raise ValueError(
            f"{argument} must have the shape of data, {shape}, got {array.shape}"
        )
    return array.reshape(plane(shape))


def checked_error(error, shape):
    """Return what stands for errors without axes of length 1, not yet converted."""
    if isinstance(error, NDUncertainty):
        if error.array is None:
            return None
        array = _in_plane(np.asanyarray(error.array), "error", shape)
        return type(error)(array, unit=error.unit, copy=False)
    if error is None:
        return None
    if not isinstance(error, np.ndarray):
        raise TypeError(
            "error must be an array, Quantity or NDUncertainty of standard deviations, "
            f"got {describe(error)}"
        )
    return _in_plane(error, "error", shape)


def standard_deviation(error, unit):
    """Turn what stands for errors into float32 standard deviations of the image."""
    if isinstance(error, NDUncertainty):
        error = _as_deviation(error)
    if isinstance(error, (np.ma.MaskedArray, Masked)):
        error = error.astype(np.result_type(error, np.float32)).filled(np.nan)
    if isinstance(error, u.Quantity):
        error = _in_unit(error, unit)
    _check_real(error, "error")
    return single_precision(error)


def _as_deviation(uncertainty):
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            deviation = uncertainty.represent_as(StdDevUncertainty)
    except TypeError as cause:
        raise TypeError(
            f"error: {type(uncertainty).__name__} cannot be turned into standard "
            "deviations; give a StdDevUncertainty, VarianceUncertainty or "
            "InverseVariance"
        ) from cause
    if deviation.unit is None:
        return deviation.array
    return u.Quantity(deviation.array, deviation.unit)


def _in_unit(error, unit):
    try:
        return error.to_value(u.dimensionless_unscaled if unit is None else unit)
    except u.UnitConversionError as cause:
        raise ValueError(
            f"error: its unit {str(error.unit)!r} does not convert to that of data, "
            f"{'none' if unit is None else repr(str(unit))}"
        ) from cause


def check_not_negative(error, mask):
    """Refuse negative standard deviations of usable pixels."""
    lowest = np.min(error, initial=np.inf, where=~mask)
    if lowest < 0:
        raise ValueError(
            f"error must not be negative, got {lowest:g} (these are standard "
            "deviations)"
        )


def describe(value):
    """Say what an argument is, for a message."""
    if isinstance(value, np.ndarray):
        return f"an array of dtype {value.dtype}"
    return f"a {type(value).__name__}"
