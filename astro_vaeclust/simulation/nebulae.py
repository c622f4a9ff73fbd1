# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Nebulae: reflected and ionised light of many kinds, textured and crossed by dust."""

from __future__ import annotations

from dataclasses import dataclass

import astropy.units as u
import numpy as np

from ..photometry.palette import WHITE
from .fields import add_blob
from .textures import paint_map, random_field, turned

__all__ = [
    "NEBULA_KINDS",
    "paint_cluster_nebula",
    "paint_knots",
    "paint_nebula",
    "surface_brightness_to_level",
]

REACH = 3.2
"""Half the side of a nebula's stamp in radii."""

SAMPLES = 420
"""Largest number of samples along the side of a stamp."""

KNOTS = 6
"""Largest number of knots in a nebula."""


def surface_brightness_to_level(brightness, zero_point, pixel_scale):
    """Convert a surface brightness in mag/arcsec2 to adu per pixel."""
    return 10 ** (0.4 * (zero_point - brightness)) * pixel_scale**2


@dataclass(frozen=True)
class _Grid:
    """Samples of a stamp: turned coordinates in radii, and textures."""

    rng: np.random.Generator
    x: np.ndarray
    y: np.ndarray

    @property
    def shape(self):
        return self.x.shape

    @property
    def distance(self):
        return np.hypot(self.x, self.y)

    def field(self, slope=2.8, **options):
        slope = slope + self.rng.uniform(-0.1, 0.6)
        return random_field(self.rng, self.shape, slope=slope, wrapped=True, **options)


def _cloud(grid):
    """Return a nebula that is round on large scales and torn at its edges."""
    envelope = np.exp(-0.5 * (grid.distance * np.exp(0.4 * grid.field(3))) ** 2)
    return envelope * np.exp(0.5 * grid.field(2.7))


def _wisps(grid):
    """Return streaks and filaments that run one way."""
    stretch = grid.rng.uniform(2, 5), grid.rng.uniform(0, np.pi)
    width = grid.rng.uniform(0.1, 0.3)
    ridges = sum(
        np.exp(-np.abs(grid.field(3.2, stretch=stretch)) / width) for _ in range(2)
    )
    veil = np.exp(0.6 * grid.field(3, stretch=stretch))
    envelope = np.exp(-0.5 * (grid.distance * np.exp(0.35 * grid.field(3.4))) ** 2)
    return envelope * (grid.rng.uniform(0.2, 0.8) * veil + ridges)


def _front(grid):
    """Return a nebula ionised on one side of a sharp edge, and dark on the other."""
    bend = grid.rng.uniform(-0.4, 0.4)
    edge = grid.x + bend * grid.y**2 + grid.rng.uniform(0.1, 0.4) * grid.field(3.2)
    depth, sharpness = grid.rng.uniform(0.3, 1.2), grid.rng.uniform(0.02, 0.1)
    behind = np.exp(-np.clip(edge, 0, None) / depth)
    before = np.exp(np.clip(edge, None, 0) / sharpness)
    envelope = np.exp(-0.5 * (grid.distance / 1.2) ** 2)
    faint = 0.1 * np.exp(0.8 * grid.field(3))
    return envelope * (behind * before * np.exp(0.35 * grid.field(2.7)) + faint)


def _shell(grid):
    """Return a bubble: a broken ring round a faint interior."""
    distance = grid.distance * np.exp(0.12 * grid.field(3.4))
    thickness = grid.rng.uniform(0.06, 0.3)
    ring = np.exp(-np.abs(distance - 1) / thickness)
    inside = grid.rng.uniform(0.05, 0.4) / (1 + np.exp((distance - 1) / 0.08))
    broken = np.exp(grid.rng.uniform(0.3, 1) * grid.field(3.4))
    return (ring * broken + inside) * np.exp(0.3 * grid.field(2.6))


def _veil(grid):
    """Return smooth light that reaches far, with a core or without."""
    power = grid.rng.uniform(0.8, 1.8)
    core = grid.rng.uniform(0.2, 0.8)
    return (1 + (grid.distance / core) ** 2) ** -power * np.exp(
        grid.rng.uniform(0.1, 0.4) * grid.field(3)
    )


def _comet(grid):
    """Return a bright head with a tail."""
    x = grid.x + 0.15 * grid.field(3.2)
    y = grid.y + 0.15 * grid.field(3.2)
    opening = grid.rng.uniform(0.3, 0.9)
    width = opening * np.sqrt(np.clip(x + 0.5, 0.01, None))
    tail = np.exp(-np.clip(x, 0, None) / grid.rng.uniform(0.5, 1.5))
    body = np.exp(-0.5 * (y / width) ** 2) * tail * (x > -0.5)
    rim = np.exp(-(((np.abs(y) - width) / 0.12) ** 2)) * tail * (x > -0.5)
    return (body + grid.rng.uniform(0, 1) * rim) * np.exp(0.35 * grid.field(2.7))


def _lobes(grid):
    """Return two lobes with a dark lane between them."""
    opening = grid.rng.uniform(0.25, 0.6)
    width = opening * (np.abs(grid.x) + 0.1)
    lobe = np.exp(-0.5 * (grid.y / width) ** 2) * np.exp(-np.abs(grid.x) / 0.7)
    lane = 1 - 0.95 * np.exp(-0.5 * (grid.x / grid.rng.uniform(0.05, 0.2)) ** 2)
    relative = np.where(grid.x > 0, 1, grid.rng.uniform(0.2, 1))
    return lobe * lane * relative * np.exp(0.4 * grid.field(2.8))


NEBULA_KINDS = {
    "cloud": _cloud,
    "wisps": _wisps,
    "front": _front,
    "shell": _shell,
    "veil": _veil,
    "comet": _comet,
    "lobes": _lobes,
}
"""The kinds of nebulae by their tags (dict of str to callable)."""

FRACTIONS = (0.24, 0.24, 0.16, 0.1, 0.14, 0.07, 0.05)
"""Probability of each kind."""


def paint_nebula(rng, image, x, y, radius, level, *, kind=None, tint=WHITE):
    """
    Paint a nebula, a key of `NEBULA_KINDS` or a random one, in place.

    ``radius`` in pixels is, of most kinds, the standard deviation of the mean profile;
    ``level`` the mean of the brightest third of the light within it. An image of
    several bands has a `Tint`, and ``level`` is that in the last.
    """
    if kind is None:
        kind = str(rng.choice(list(NEBULA_KINDS), p=FRACTIONS))
    step = max(1.0, 2 * REACH * radius / SAMPLES)
    half = int(np.ceil(REACH * radius / step))
    axis = np.arange(-half, half + 1) * step / radius
    flattening, angle = rng.uniform(0.55, 1), rng.uniform(0, 2 * np.pi)
    along, across = turned(axis, axis[:, np.newaxis], angle)
    grid = _Grid(rng, along, across / flattening)
    light = NEBULA_KINDS[kind](grid)
    depth = np.multiply.outer(tint.dust.astype(np.float32), _lanes(grid))
    stamp = light * np.exp(-depth)
    distance = np.hypot(axis, axis[:, np.newaxis])
    stamp *= np.clip((REACH - distance) / 1.2, 0, 1) ** 2
    inner = np.sort(stamp.reshape(-1, *distance.shape)[-1][distance < 1])
    stamp *= level / inner[-max(len(inner) // 3, 1) :].mean()
    stamp *= tint.factor[..., np.newaxis, np.newaxis]
    paint_map(image, stamp, x - half * step, y - half * step, step)


def _lanes(grid):
    """Return the optical depth of dust in front."""
    depth = grid.rng.uniform(0, 3)
    sharpness = grid.rng.uniform(0.1, 0.5)
    dust = grid.field(3.0) - 0.7
    return depth * sharpness * np.logaddexp(0, dust / sharpness)


def paint_knots(rng, image, x, y, radius, level, *, width, tint=WHITE):
    """Paint compact parts of a nebula that are no stars, of about ``width`` pixels."""
    for _ in range(rng.integers(1, KNOTS + 1)):
        dx, dy = rng.normal(0, 0.6 * radius, 2)
        size = width * np.exp(rng.uniform(-0.7, 0.9))
        light = level * np.exp(rng.uniform(-0.5, 1.5)) * 2 * np.pi * size**2
        add_blob(image, x + dx, y + dy, light * tint.factor, width=size)


def paint_cluster_nebula(
    rng, image, cluster, x, y, *, zero_point, pixel_scale, tint=WHITE
):
    """Paint the nebula of a cluster centred at (x, y) in place, if it has one."""
    if cluster.nebulosity == "none":
        return
    radius = 1.3 * cluster.radius
    if cluster.nebula_radius is not None:
        radius = cluster.nebula_radius.to_value(u.arcsec)
    shift = 0.25 if cluster.nebulosity == "embedded" else rng.uniform(1.2, 2.0)
    angle = rng.uniform(0, 2 * np.pi)
    away = shift * cluster.radius / pixel_scale
    brightness = cluster.nebula_brightness.to_value(u.mag / u.arcsec**2)
    level = surface_brightness_to_level(brightness, zero_point, pixel_scale)
    x, y = x + away * np.cos(angle), y + away * np.sin(angle)
    radius = radius / pixel_scale
    paint_nebula(rng, image, x, y, radius, level, tint=tint)
    if rng.random() < 0.25:
        width = 1.5 / pixel_scale
        paint_knots(rng, image, x, y, radius, level, width=width, tint=tint)
