# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Artefacts of the instruments.

Strengths are fractions of the light of the star that causes them. They were set by eye
and by profiles along the spikes of Atlas images (2MASS) or follow Dye et al. 2006,
MNRAS 372, 1227 (cross-talk); they are plausible rather than calibrated.
"""

from __future__ import annotations

import numpy as np

from .fields import add_blob, add_stamp
from .rendering import HALO_POWER, PointSpread, taper
from .textures import paint_map

__all__ = ["ARTEFACTS", "paint_artefacts"]

FRAME_STEP = 82.0
"""Distance in arcsec of successive 2MASS frames along the scan."""

HALO_REACH = 500.0
"""Distance in arcsec to which scattered light is painted."""

CROSSTALK_STEP = 51.2
"""Distance in arcsec of cross-talk images: 128 native WFCAM pixels."""


def paint_artefacts(rng, image, kinds, stars, *, survey, noise):
    """
    Paint artefacts, keys of `ARTEFACTS`, on an image in adu in place.

    ``stars`` has ``x``, ``y`` and ``flux`` of the bright stars, ``noise`` is that of a
    pixel in adu. Returns ``(kind, x, y, radius)`` in pixels of each artefact on the
    image that stands apart from its star.
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
        light = 1.1 * flux * survey.pixel_scale**2 / noise
        reach = int(np.ceil(min(300, 45 * (light * 1e-6) ** 0.4) / survey.pixel_scale))
        thickness = 0.4 * np.mean(survey.fwhm)
        width = int(np.ceil(4.5 * thickness / survey.pixel_scale))
        along = np.arange(-reach, reach + 1)
        across = np.arange(-width, width + 1)
        column, row = round(x), round(y)
        for horizontal in (True, False):
            shift = (x - column, y - row) if horizontal else (y - row, x - column)
            distance = np.abs(along - shift[0]) * survey.pixel_scale
            strength = 6e-5 if horizontal else 9e-5
            strength *= 1.1 / thickness * survey.pixel_scale**2
            profile = strength * flux * (distance**2 / 100 + 0.3) ** -0.8
            profile *= np.clip(1 - np.abs(along) / reach, 0, 1)
            offset = (across - shift[1]) * survey.pixel_scale / thickness
            cut = np.exp(-0.5 * offset**2)
            stamp = np.outer(cut, profile) if horizontal else np.outer(profile, cut)
            half_y, half_x = stamp.shape[0] // 2, stamp.shape[1] // 2
            add_stamp(image, stamp, column - half_x, row - half_y)
    return []


def _halos(rng, image, stars, survey, noise):
    """Scattered light, beyond the reach of the painted profile and uneven."""
    scale = survey.pixel_scale
    radii = np.geomspace(2.0, HALO_REACH, 60)
    for x, y, flux in _each(stars):
        factor = rng.lognormal(0, 0.4)
        seen = _halo(radii, flux, survey, factor) > 0.06 * noise
        if not seen.any():
            continue
        reach = 1.3 * radii[seen].max()
        step = max(scale, reach / 90)
        samples = int(np.ceil(reach / step))
        axis = np.arange(-samples, samples + 1) * step
        radius = np.hypot(axis, axis[:, np.newaxis])
        light = _halo(radius, flux, survey, factor) * _unevenness(rng, axis, radius)
        light *= np.clip(2 - 2 * radius / reach, 0, 1)
        first = samples * step / scale
        paint_map(image, light, x - first, y - first, step / scale)
    return []


def _halo(radius, flux, survey, factor):
    """Return the scattered light per pixel at radii in arcsec."""
    wing = survey.halo_fraction / (2 * np.pi * survey.halo_radius**2)
    wing = wing * (1 + (radius / survey.halo_radius) ** 2) ** -HALO_POWER
    wing = wing * (1 - taper(radius / (PointSpread.radius * survey.pixel_scale)))
    far = 6e-7 * factor * np.exp(-radius / 35.0)
    return flux * survey.pixel_scale**2 * (wing + far)


def _unevenness(rng, axis, radius):
    """Return rays and rings, about 1."""
    angle = np.arctan2(axis[:, np.newaxis], axis)
    uneven = np.ones(radius.shape)
    for number in (1, 2, 3, 5, 8):
        strength = rng.normal(0, 0.12)
        uneven += strength * np.cos(number * angle + rng.uniform(0, 2 * np.pi))
    period, phase = rng.uniform(12, 50), rng.uniform(0, 2 * np.pi)
    uneven += rng.uniform(0, 0.25) * np.cos(2 * np.pi * radius / period + phase)
    return np.clip(uneven, 0, None)


def _glints(rng, image, stars, survey, noise):
    """Round ghosts of very bright stars beside them, filled or hollow."""
    records = []
    for x, y, flux in _each(stars):
        level = flux * 10 ** rng.uniform(-7.3, -6.0) * survey.pixel_scale**2
        if level < 0.3 * noise or rng.random() < 0.5:
            continue
        radius, angle = rng.uniform(6, 16), rng.uniform(0, 2 * np.pi)
        away = rng.uniform(15, 90) / survey.pixel_scale
        position = x + away * np.cos(angle), y + away * np.sin(angle)
        axis = np.arange(-24, 25) / 16
        distance = np.hypot(axis, axis[:, np.newaxis])
        disc = 1 / (1 + np.exp((distance - 1) / 0.05))
        disc *= 1 - rng.uniform(0, 0.9) / (1 + np.exp((distance - 0.4) / 0.05))
        step = radius / 16 / survey.pixel_scale
        light = min(level, 40 * noise) * disc
        paint_map(image, light, position[0] - 24 * step, position[1] - 24 * step, step)
        records.append(("glint", *position, radius / survey.pixel_scale))
    return records


def _persistence(rng, image, stars, survey, noise):
    """Trains of fading images along the scan."""
    direction = rng.choice([-1, 1])
    records = []
    for x, y, flux in _each(stars):
        fraction = 1.2e-4 * rng.uniform(0.5, 1.5)
        for number in range(1, 7):
            light = flux * fraction * 0.6**number
            if light < 25 * noise:
                break
            position = y + direction * number * FRAME_STEP / survey.pixel_scale
            add_blob(image, x, position, light, width=1.6 / survey.pixel_scale)
            records.append(("persistence", x, position, 5 / survey.pixel_scale))
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
            position = x + number * step
            add_blob(image, position, y, 2 * light, width=1.4 * width)
            add_blob(image, position, y, -light, width=0.8 * width)
            records.append(("crosstalk", position, y, 5 / survey.pixel_scale))
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


def _microsteps(rng, image, stars, survey, noise):
    """Interleaved frames whose skies differ a little."""
    for row in range(2):
        for column in range(2):
            image[row::2, column::2] += rng.normal(0, rng.uniform(0.02, 0.3)) * noise
    return []


def _trail(rng, image, stars, survey, noise):
    """Draw the trail of a satellite, an aeroplane or a meteor; some are dashed."""
    x, y = rng.uniform(0.2, 0.8, 2) * image.shape[::-1]
    angle = rng.uniform(0, np.pi)
    rows = np.arange(image.shape[0], dtype=np.float32)[:, np.newaxis]
    columns = np.arange(image.shape[1], dtype=np.float32)
    distance = (columns - x) * np.sin(angle) - (rows - y) * np.cos(angle)
    width = rng.uniform(0.5, 3.0) / survey.pixel_scale
    level = noise * np.exp(rng.uniform(np.log(1.5), np.log(30)))
    near = np.abs(distance) < 5 * width
    along = ((columns - x) * np.cos(angle) + (rows - y) * np.sin(angle))[near]
    light = level * np.exp(-0.5 * (distance[near] / width) ** 2)
    if rng.random() < 0.3:
        period = rng.uniform(20, 120) / survey.pixel_scale
        light *= np.cos(np.pi * along / period) > rng.uniform(-0.5, 0.5)
    image[near] += light.astype(image.dtype)
    return [("trail", x, y, 0.5 * max(image.shape))]


def _each(stars):
    return zip(stars["x"], stars["y"], stars["flux"], strict=True)


ARTEFACTS = {
    "spikes": _spikes,
    "halos": _halos,
    "glints": _glints,
    "persistence": _persistence,
    "crosstalk": _crosstalk,
    "stripes": _stripes,
    "microsteps": _microsteps,
    "trail": _trail,
}
"""The artefacts by their tags (dict of str to callable)."""
