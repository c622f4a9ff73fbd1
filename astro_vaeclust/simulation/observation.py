# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What the telescope, the sky and the detector make of the light."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.nddata import CCDData, StdDevUncertainty
from astropy.wcs import WCS
from scipy.ndimage import gaussian_filter

from ..utils.warning import WARNINGS_LOCK

__all__ = []

STRIP = 64
"""Rows of which the sky is computed at once, which keeps large images in memory."""


def draw_conditions(rng, survey):
    """
    Draw the conditions under which a tile was taken.

    Returns a dict of float: ``zero_point`` (mag), ``fwhm`` (arcsec), ``sky_level``,
    ``sky_gradient``, ``white_noise``, ``noise`` (adu), ``noise_smoothing`` (pixels),
    ``halo`` (factor of the light in the halo), ``ellipticity`` and ``angle`` of the
    profile.
    """
    names = (
        "zero_point",
        "fwhm",
        "sky_level",
        "sky_gradient",
        "white_noise",
        "noise_smoothing",
    )
    conditions = {name: float(rng.uniform(*getattr(survey, name))) for name in names}
    smoothing = conditions["noise_smoothing"]
    conditions["noise"] = conditions["white_noise"] * _remaining(smoothing)
    conditions["halo"] = float(rng.lognormal(0, 0.35))
    conditions["ellipticity"] = float(min(rng.gamma(2, 0.03), 0.25))
    conditions["angle"] = float(rng.uniform(0, np.pi))
    return conditions


def _remaining(smoothing):
    """Return the fraction of white noise that the discrete Gaussian filter leaves."""
    pulse = np.zeros((33, 33))
    pulse[16, 16] = 1
    return float(np.sqrt(np.sum(gaussian_filter(pulse, smoothing) ** 2)))


def make_wcs(survey, shape, center):
    """Return the coordinates of a tile, north up and east to the left."""
    with WARNINGS_LOCK:
        wcs = WCS(naxis=2)
    wcs.wcs.ctype = f"RA---{survey.projection}", f"DEC--{survey.projection}"
    wcs.wcs.crval = center.ra.deg, center.dec.deg
    wcs.wcs.crpix = (shape[1] + 1) / 2, (shape[0] + 1) / 2
    wcs.wcs.cdelt = -survey.pixel_scale / 3600, survey.pixel_scale / 3600
    wcs.wcs.cunit = "deg", "deg"
    wcs.wcs.radesys = "ICRS"
    wcs.array_shape = shape
    return wcs


def make_sky(rng, shape, conditions):
    """Return the sky in adu: a level, a slope and a bend, and slow waves."""
    angle = rng.uniform(0, 2 * np.pi)
    rows = np.linspace(-0.5, 0.5, shape[0])[:, np.newaxis]
    x = np.linspace(-0.5, 0.5, shape[1])
    bend, waves, phase = rng.normal(0, 0.5), rng.uniform(1, 3), rng.uniform()
    sky = np.empty(shape, dtype=np.float32)
    for low in range(0, shape[0], STRIP):
        y = rows[low : low + STRIP]
        along = x * np.cos(angle) + y * np.sin(angle)
        wave = 0.15 * np.sin(2 * np.pi * (waves * y + phase))
        slow = conditions["sky_gradient"] * (along + bend * (along**2 - 1 / 12) + wave)
        sky[low : low + STRIP] = conditions["sky_level"] + slow
    return sky


def noise_deviation(light, scale, conditions):
    r"""
    Return the standard deviation of the noise of each pixel in adu, (ny, nx).

    .. math:: \sigma = \sigma_0 \sqrt{1 + L / S}

    with the light *L* above the sky and the level *S* of the sky: the sky gives all the
    noise of a dark pixel. ``scale`` is a factor of the noise, (ny, nx).
    """
    deviation = np.maximum(light, 0)
    deviation /= conditions["sky_level"]
    deviation += 1
    np.sqrt(deviation, out=deviation)
    deviation *= conditions["noise"] * scale
    return deviation


def draw_noise(rng, deviation, conditions):
    """Return correlated noise: white noise smoothed by a Gaussian, (ny, nx)."""
    white = rng.standard_normal(deviation.shape, dtype=np.float32)
    smoothing = conditions["noise_smoothing"]
    white *= deviation / _remaining(smoothing)
    return gaussian_filter(white, smoothing, output=white)


def saturate(image, survey):
    """
    Saturate an image above the sky in adu in place as the detectors of a survey do.

    The light approaches ``survey.saturation`` and, where it is far beyond
    ``survey.core_collapse``, sinks again.
    """
    bright = image > 0.05 * survey.saturation
    light = image[bright]
    saturated = light / np.sqrt(1 + (light / survey.saturation) ** 2)
    image[bright] = saturated / (1 + (light / survey.core_collapse) ** 4)


def make_image(data, deviation, wcs, survey, conditions, seed, missing=False):
    """Return the image of a mock tile; pixels without data are masked NaN."""
    mask = np.zeros(data.shape, dtype=bool) | missing
    left, right = survey.bad_columns
    mask[:, :left] = True
    mask[:, data.shape[1] - right :] = True
    data = data.astype(np.float32, copy=False)
    data[mask] = np.nan
    return CCDData(
        data,
        unit=u.adu,
        wcs=wcs,
        mask=mask,
        uncertainty=None if deviation is None else StdDevUncertainty(deviation),
        meta={
            "SURVEY": survey.name,
            "FILTER": survey.band,
            "MAGZP": round(conditions["zero_point"], 6),
            "SKYVAL": round(conditions["sky_level"], 4),
            "SKYSIG": round(conditions["noise"], 4),
            "SEEING": round(conditions["fwhm"], 4),
            "SEED": seed if isinstance(seed, (int, np.integer)) else "",
        },
    )
