# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The field: stars of the Galaxy behind turbulent dust, and galaxies."""

from __future__ import annotations

import numpy as np
from astropy.modeling.models import Sersic2D

from ..photometry.palette import BEHIND
from .textures import paint_map

__all__ = ["draw_field", "draw_galaxies", "draw_magnitudes", "paint_galaxies"]

BRIGHT, REFERENCE = 3.0, 14.0
SLOPES = (0.45, 0.36, 0.32, 0.28)
BREAKS = (9.0, 12.0, 14.5)
"""Slopes dlogN/dm of the counts in Ks, and where one follows on the other."""

GALAXY_REACH = 1024
"""Pixels from its centre to which each one of a galaxy is computed; every second or
third one, and so on, of larger galaxies."""

DEPTH = 3.0
"""How many magnitudes below the limit of the survey the field reaches."""


def draw_magnitudes(rng, number, *, slope, bright, faint):
    """Draw magnitudes from a power law, dN/dm proportional to ``10**(slope * m)``."""
    low, high = 10 ** (slope * bright), 10 ** (slope * faint)
    return np.log10(rng.uniform(low, high, number)) / slope


def field_counts(faint):
    """Return magnitudes in Ks and the number of field stars brighter, 1 at Ks = 14."""
    magnitude = np.linspace(BRIGHT, faint, 600)
    slope = np.select([magnitude < edge for edge in BREAKS], SLOPES[:-1], SLOPES[-1])
    rate = np.exp(np.log(10) * np.cumsum(slope) * (magnitude[1] - magnitude[0]))
    number = np.concatenate([[0], np.cumsum((rate[1:] + rate[:-1]) / 2)])
    return magnitude, number / np.interp(REFERENCE, magnitude, number)


def draw_field(rng, survey, shape, *, density, screen, gradient, margin, extra=None):
    """
    Draw the field stars of a tile and ``margin`` pixels around it.

    ``density`` is the decimal logarithm of the expected stars with Ks < 14 per square
    degree after the extinction of ``screen``; it changes by ``gradient`` from one side
    of the tile to the other, in a random direction. ``extra`` gives further extinction
    at positions ``(x, y)``, which takes stars away. Returns a dict of arrays ``x``,
    ``y`` (pixels), ``mag`` and ``extinction``, and a mask of the stars that are before
    the dust.
    """
    faint = survey.limit + DEPTH - survey.color
    magnitude, number = field_counts(faint)
    sides = np.array(shape) + 2 * margin
    area = sides.prod() * (survey.pixel_scale / 3600) ** 2
    expected = 10**density * area * number[-1] / _thinning(screen, survey)
    total = rng.poisson(expected)
    x, y = _draw_positions(rng, total, shape, margin, gradient)
    behind = np.where(rng.random(total) < BEHIND, 1.0, 0.2)
    extinction = behind * screen(x, y)
    if extra is not None:
        extinction = extinction + behind * extra(x, y)
    intrinsic = np.interp(rng.random(total) * number[-1], number, magnitude)
    observed = intrinsic + survey.color + survey.extinction_ratio * extinction
    field = {"x": x, "y": y, "mag": observed, "extinction": extinction}
    return field, behind < 1


def _thinning(screen, survey):
    """Return the factor by which a screen lowers the counts to a given magnitude."""
    dimming = np.log(10) * SLOPES[2] * survey.extinction_ratio * screen.values
    return np.mean(BEHIND * np.exp(-dimming) + (1 - BEHIND) * np.exp(-0.2 * dimming))


def _draw_positions(rng, total, shape, margin, gradient):
    angle = rng.uniform(0, 2 * np.pi)
    kept = []
    missing = total
    peak = 10 ** (abs(gradient) / 2 * 1.5)
    while missing > 0:
        position = rng.uniform(-0.5, 0.5, (2, 2 * missing + 16))
        along = position[0] * np.cos(angle) + position[1] * np.sin(angle)
        position = position[:, rng.random(along.size) * peak < 10 ** (gradient * along)]
        kept.append(position[:, :missing])
        missing -= kept[-1].shape[1]
    position = np.hstack(kept) if kept else np.zeros((2, 0))
    x = (position[0] + 0.5) * (shape[1] + 2 * margin) - margin - 0.5
    y = (position[1] + 0.5) * (shape[0] + 2 * margin) - margin - 0.5
    return x, y


def draw_galaxies(rng, survey, shape, screen):
    """
    Draw the galaxies behind a tile.

    Counts after Kochanek et al. 2001, ApJ 560, 566, at the bright end and Gardner et
    al. 1993, ApJ 415, L9, beyond, behind the extinction of the tile. Returns a dict of
    arrays ``x``, ``y``, ``mag``, ``extinction``, ``radius`` (effective, arcsec),
    ``index`` (Sersic), ``ellipticity`` and ``angle`` (rad).
    """
    faint = survey.limit + 0.7 - survey.color
    area = shape[0] * shape[1] * (survey.pixel_scale / 3600) ** 2
    bright = 10 ** (0.8 + 0.6 * (min(faint, 15.0) - 13.0))
    number = rng.poisson(area * bright * 10 ** (0.42 * max(faint - 15.0, 0.0)))
    x = rng.uniform(-0.5, shape[1] - 0.5, number)
    y = rng.uniform(-0.5, shape[0] - 0.5, number)
    intrinsic = draw_magnitudes(rng, number, slope=0.55, bright=8.0, faint=faint)
    extinction = screen(x, y)
    return {
        "x": x,
        "y": y,
        "mag": intrinsic + survey.color + survey.extinction_ratio * extinction,
        "extinction": extinction,
        "radius": 3.0
        * 10 ** (-0.15 * (intrinsic - 13))
        * rng.lognormal(0, 0.3, number),
        "index": rng.uniform(0.8, 2.5, number),
        "ellipticity": rng.uniform(0, 0.7, number),
        "angle": rng.uniform(0, np.pi, number),
    }


def paint_galaxies(image, galaxies, flux, pixel_scale):
    """
    Paint galaxies in place, before the image is smeared.

    ``flux`` is (n,) for an image and (n_bands, n) for one of each band.
    """
    for number, total in enumerate(np.asarray(flux).T):
        galaxy = {name: values[number] for name, values in galaxies.items()}
        radius = galaxy["radius"] / pixel_scale
        reach = int(np.ceil(6 * radius)) + 2
        step = max(1, -(-reach // GALAXY_REACH))
        reach -= reach % step
        column, row = round(galaxy["x"]), round(galaxy["y"])
        y, x = np.mgrid[
            row - reach : row + reach + 1 : step,
            column - reach : column + reach + 1 : step,
        ]
        stamp = Sersic2D.evaluate(
            x,
            y,
            amplitude=1.0,
            r_eff=radius,
            n=galaxy["index"],
            x_0=galaxy["x"],
            y_0=galaxy["y"],
            ellip=galaxy["ellipticity"],
            theta=galaxy["angle"],
        )
        stamp = np.multiply.outer(total / stamp.sum(), stamp)
        if step == 1:
            add_stamp(image, stamp, column - reach, row - reach)
        else:
            stamp /= step**2
            paint_map(image, stamp, column - reach, row - reach, step)


def add_stamp(image, stamp, left, bottom):
    """
    Add the part of a stamp that falls on an image; (left, bottom) is its corner.

    Both may have one plane for each band.
    """
    low_y, low_x = max(bottom, 0), max(left, 0)
    high_y = min(bottom + stamp.shape[-2], image.shape[-2])
    high_x = min(left + stamp.shape[-1], image.shape[-1])
    if low_y < high_y and low_x < high_x:
        image[..., low_y:high_y, low_x:high_x] += stamp[
            ..., low_y - bottom : high_y - bottom, low_x - left : high_x - left
        ]


def add_blob(image, x, y, light, *, width):
    """Add a round Gaussian of sum ``light``, in each band, and deviation ``width``."""
    reach = int(np.ceil(5 * width))
    column, row = round(x), round(y)
    axis = np.arange(-reach, reach + 1)
    along_x = np.exp(-0.5 * ((axis - (x - column)) / width) ** 2)
    along_y = np.exp(-0.5 * ((axis - (y - row)) / width) ** 2)
    stamp = np.outer(along_y, along_x)
    stamp = np.multiply.outer(light / stamp.sum(), stamp)
    add_stamp(image, stamp, column - reach, row - reach)
