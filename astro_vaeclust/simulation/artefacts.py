# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Artefacts of the instruments.

Strengths are shares of the light of the star that causes them. They were set by eye and
by profiles along the spikes of Atlas images (2MASS) or follow Dye et al. 2006, MNRAS
372, 1227 (cross-talk); they are plausible rather than calibrated.
"""

from __future__ import annotations

import numpy as np

from .fields import add_stamp

__all__ = ["ARTEFACTS", "paint_artefacts"]

FRAME_STEP = 82.0
"""Distance in arcsec of successive 2MASS frames along the scan."""

CROSSTALK_STEP = 51.2
"""Distance in arcsec of cross-talk images: 128 native WFCAM pixels."""


def paint_artefacts(rng, image, kinds, stars, *, survey, noise):
    """
    Paint artefacts.

    Parameters
    ----------
    rng : `~numpy.random.Generator`
        The random numbers.
    image : `~numpy.ndarray`
        The image, changed in place, (ny, nx), in adu.
    kinds : sequence of str
        Keys of `ARTEFACTS`.
    stars : dict of `~numpy.ndarray`
        The bright stars: ``x``, ``y`` in pixels and ``flux`` in adu.
    survey : Survey
        The survey.
    noise : float
        Noise of a pixel in adu.

    Returns
    -------
    records : list of tuple
        ``(kind, x, y, radius)`` in pixels for each artefact on the image that stands
        apart from its star.
    """
    records = []
    for kind in kinds:
        records += ARTEFACTS[kind](rng, image, stars, survey, noise)
    height, width = image.shape
    return [
        (kind, x, y, radius)
        for kind, x, y, radius in records
        if 0 <= x < width and 0 <= y < height
    ]


def _spikes(rng, image, stars, survey, noise):
    """Diffraction spikes along rows and columns."""
    for x, y, flux in _each(stars):
        reach = int(np.ceil(min(220, 45 * (flux * 1e-6) ** 0.4) / survey.pixel_scale))
        width = int(np.ceil(5 / survey.pixel_scale))
        along = np.arange(-reach, reach + 1)
        across = np.arange(-width, width + 1)
        column, row = round(x), round(y)
        for horizontal in (True, False):
            shift = (x - column, y - row) if horizontal else (y - row, x - column)
            distance = np.abs(along - shift[0]) * survey.pixel_scale
            strength = 6e-5 if horizontal else 9e-5
            profile = strength * flux * (distance**2 / 100 + 0.3) ** -0.8
            profile *= np.clip(1 - np.abs(along) / reach, 0, 1)
            cut = np.exp(-0.5 * ((across - shift[1]) * survey.pixel_scale / 1.1) ** 2)
            stamp = np.outer(cut, profile) if horizontal else np.outer(profile, cut)
            half_y, half_x = stamp.shape[0] // 2, stamp.shape[1] // 2
            add_stamp(image, stamp, column - half_x, row - half_y)
    return []


def _halos(rng, image, stars, survey, noise):
    """Scattered light far out, beyond the reach of the painted profile."""
    for x, y, flux in _each(stars):
        scale = 35.0 / survey.pixel_scale
        level = 6e-7 * flux * survey.pixel_scale**2
        if level < 0.2 * noise:
            continue
        reach = int(np.ceil(scale * min(5.0, np.log(level / (0.05 * noise)))))
        axis = np.arange(-reach, reach + 1)
        radius = np.hypot(axis, axis[:, np.newaxis])
        stamp = level * np.exp(-radius / scale) * np.clip(2 - 2 * radius / reach, 0, 1)
        add_stamp(image, stamp, round(x) - reach, round(y) - reach)
    return []


def _persistence(rng, image, stars, survey, noise):
    """Trains of fading images along the scan."""
    direction = rng.choice([-1, 1])
    records = []
    for x, y, flux in _each(stars):
        share = 1.2e-4 * rng.uniform(0.5, 1.5)
        for number in range(1, 7):
            light = flux * share * 0.6**number
            if light < 25 * noise:
                break
            place = y + direction * number * FRAME_STEP / survey.pixel_scale
            _add_blob(image, x, place, light, width=1.6 / survey.pixel_scale)
            records.append(("persistence", x, place, 5 / survey.pixel_scale))
    return records


def _crosstalk(rng, image, stars, survey, noise):
    """Ring-shaped images of saturated stars along the read-out."""
    step = CROSSTALK_STEP / survey.pixel_scale
    records = []
    for x, y, _flux in _each(stars):
        for number in (-3, -2, -1, 1, 2, 3):
            level = 0.01 * survey.saturation / number**2
            width = 0.9 / survey.pixel_scale
            light = level * 2 * np.pi * width**2
            place = x + number * step
            _add_blob(image, place, y, 2 * light, width=1.4 * width)
            _add_blob(image, place, y, -light, width=0.8 * width)
            records.append(("crosstalk", place, y, 5 / survey.pixel_scale))
    return records


def _stripes(rng, image, stars, survey, noise):
    """Rows that differ a little, and rows raised by a very bright star."""
    image += (0.05 * noise * rng.standard_normal((image.shape[0], 1))).astype(
        image.dtype
    )
    rows = np.arange(image.shape[0])[:, np.newaxis]
    for _x, y, flux in _each(stars):
        level = min(3e-7 * flux, 3 * noise)
        if level > 0.1 * noise:
            width = 4 / survey.pixel_scale
            image += (level * np.exp(-0.5 * ((rows - y) / width) ** 2)).astype(
                image.dtype
            )
    return []


def _trail(rng, image, stars, survey, noise):
    """Draw the trail of a satellite, an aeroplane or a meteor."""
    x, y = rng.uniform(0.2, 0.8, 2) * image.shape[::-1]
    angle = rng.uniform(0, np.pi)
    rows, columns = np.ogrid[: image.shape[0], : image.shape[1]]
    distance = (columns - x) * np.sin(angle) - (rows - y) * np.cos(angle)
    width = rng.uniform(1.2, 3.0) / survey.pixel_scale
    level = noise * np.exp(rng.uniform(np.log(2), np.log(20)))
    image += (level * np.exp(-0.5 * (distance / width) ** 2)).astype(image.dtype)
    return [("trail", x, y, 0.5 * max(image.shape))]


def _each(stars):
    return zip(stars["x"], stars["y"], stars["flux"], strict=True)


def _add_blob(image, x, y, light, *, width):
    reach = int(np.ceil(5 * width))
    column, row = round(x), round(y)
    axis = np.arange(-reach, reach + 1)
    along_x = np.exp(-0.5 * ((axis - (x - column)) / width) ** 2)
    along_y = np.exp(-0.5 * ((axis - (y - row)) / width) ** 2)
    stamp = np.outer(along_y, along_x)
    add_stamp(image, stamp * (light / stamp.sum()), column - reach, row - reach)


ARTEFACTS = {
    "spikes": _spikes,
    "halos": _halos,
    "persistence": _persistence,
    "crosstalk": _crosstalk,
    "stripes": _stripes,
    "trail": _trail,
}
"""The artefacts by their tags (dict of str to callable)."""
