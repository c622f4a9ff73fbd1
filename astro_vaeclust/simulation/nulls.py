# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Things that are no clusters and look like one to a careless eye."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .fields import paint_galaxies
from .nebulae import paint_nebula, surface_brightness_to_level
from .textures import Screen, random_field

__all__ = ["NULLS", "draw_nulls"]


@dataclass
class Canvas:
    """
    What nulls are drawn on, before the stars are.

    Parameters
    ----------
    survey : Survey
        The survey.
    light : `~numpy.ndarray`
        Extended light in adu, (ny, nx).
    zero_point : float
        Magnitude of a source of 1 adu.
    sky : `~numpy.ndarray`
        Sky in adu, (ny, nx).
    noise_scale : `~numpy.ndarray`
        Factor of the noise, (ny, nx).
    noise : float
        Noise of a pixel in adu.
    screens : list of callable
        Extinction in Ks at positions ``(x, y)``.
    stars : list of tuple
        ``(x, y, mag)`` of further stars.
    records : list of tuple
        ``(kind, x, y, radius)`` of what was drawn, in pixels.
    """

    survey: object
    light: np.ndarray
    zero_point: float
    sky: np.ndarray
    noise_scale: np.ndarray
    noise: float
    screens: list = field(default_factory=list)
    stars: list = field(default_factory=list)
    records: list = field(default_factory=list)

    @property
    def side(self):
        """Shorter side of the tile in arcsec (float)."""
        return min(self.light.shape) * self.survey.pixel_scale


def draw_nulls(rng, canvas, kinds):
    """
    Draw nulls.

    Parameters
    ----------
    rng : `~numpy.random.Generator`
        The random numbers.
    canvas : Canvas
        What to draw on, changed in place.
    kinds : sequence of str
        Keys of `NULLS`.
    """
    for kind in kinds:
        place = rng.uniform(0.2, 0.8, 2) * canvas.light.shape[::-1]
        x, y, radius = NULLS[kind](rng, canvas, *place)
        canvas.records.append((kind, x, y, radius / canvas.survey.pixel_scale))


def _nebula(rng, canvas, x, y):
    radius = min(rng.uniform(15, 60), 0.15 * canvas.side)
    level = surface_brightness_to_level(
        rng.uniform(15.5, 18.5), canvas.zero_point, canvas.survey.pixel_scale
    )
    paint_nebula(rng, canvas.light, x, y, radius / canvas.survey.pixel_scale, level)
    return x, y, 1.5 * radius


def _extinction_window(rng, canvas, x, y):
    """Cut a hole into a cloud: it shows more stars than its surroundings."""
    radius = min(rng.uniform(35, 80), 0.12 * canvas.side)
    pixels = radius / canvas.survey.pixel_scale
    reach, samples = 5 * pixels, 81
    axis = np.linspace(-5, 5, samples)
    warp = np.exp(0.15 * random_field(rng, (samples, samples)))
    distance = np.hypot(axis, axis[:, np.newaxis]) * warp
    cloud = np.clip((5 - distance) / 2, 0, 1) / (1 + np.exp(-(distance - 1) / 0.12))
    depth = rng.uniform(1.2, 2.2)
    screen = Screen(depth * cloud, -reach, -reach, 2 * reach / (samples - 1))
    canvas.screens.append(lambda at_x, at_y: screen(at_x - x, at_y - y))
    return x, y, radius


def _bright_star(rng, canvas, x, y):
    canvas.stars.append((x, y, canvas.survey.limit - rng.uniform(9.3, 11)))
    return x, y, 40.0


def _double_star(rng, canvas, x, y):
    magnitude = canvas.survey.limit - rng.uniform(5, 7.5)
    separation = rng.uniform(1.6, 2.6) * np.mean(canvas.survey.fwhm)
    angle = rng.uniform(0, np.pi)
    step = 0.5 * separation / canvas.survey.pixel_scale
    for sign, fainter in ((-1, 0.0), (1, rng.uniform(0, 0.7))):
        canvas.stars.append(
            (
                x + sign * step * np.cos(angle),
                y + sign * step * np.sin(angle),
                magnitude + fainter,
            )
        )
    return x, y, separation


def _galaxy(rng, canvas, x, y):
    magnitude = canvas.survey.limit - rng.uniform(4, 6)
    radius = min(rng.uniform(7, 18), 0.1 * canvas.side)
    galaxy = {
        "x": [x],
        "y": [y],
        "radius": [radius],
        "index": [rng.uniform(1, 2.5)],
        "ellipticity": [rng.uniform(0.1, 0.6)],
        "angle": [rng.uniform(0, np.pi)],
    }
    flux = 10 ** (0.4 * (canvas.zero_point - magnitude))
    paint_galaxies(canvas.light, galaxy, [flux], canvas.survey.pixel_scale)
    return x, y, 2 * radius


def _edge(rng, canvas, x, y):
    """Raise or lower the sky and the noise of a strip along one side."""
    axis = int(rng.integers(2))
    at_end = bool(rng.integers(2))
    width = int(rng.uniform(0.06, 0.15) * canvas.light.shape[axis])
    strip = slice(-width, None) if at_end else slice(0, width)
    where = (strip, slice(None)) if axis == 0 else (slice(None), strip)
    canvas.sky[where] += rng.choice([-1, 1]) * rng.uniform(1, 3) * canvas.noise
    canvas.noise_scale[where] *= rng.uniform(1.3, 2)
    border = canvas.light.shape[axis] - width if at_end else width
    height, length = canvas.light.shape
    place = (length / 2, border) if axis == 0 else (border, height / 2)
    return *place, 0.5 * canvas.light.shape[1 - axis] * canvas.survey.pixel_scale


NULLS = {
    "nebula": _nebula,
    "extinction-window": _extinction_window,
    "bright-star": _bright_star,
    "double-star": _double_star,
    "galaxy": _galaxy,
    "edge": _edge,
}
"""The nulls by their tags (dict of str to callable)."""
