# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Things that are no clusters and look like one to a careless eye."""

from __future__ import annotations

from functools import partial

import astropy.units as u
import numpy as np
from scipy.special import expit

from .clusters import draw_clusters
from .defects import DEFECTS
from .fields import paint_galaxies
from .members import CLOUD, draw_dust
from .nebulae import paint_knots, paint_nebula, surface_brightness_to_level
from .textures import Screen, random_field, turned

__all__ = ["LARGE_NULLS", "NULLS", "TILE_NULLS", "draw_nulls"]

NEBULA_DUST = 1.0
"""Largest extinction in Ks before a nebula in mag."""

MOSAIC = 1200.0
"""Shorter side in arcsec above which an image has clouds of clusters of all sizes."""

LARGE_SAMPLES = 401
"""Samples along a side of large clouds."""


def draw_nulls(rng, canvas, kinds):
    """Draw nulls, keys of `NULLS`, on a canvas in place."""
    for kind in kinds:
        position = rng.uniform(0.12, 0.88, 2) * canvas.shape[::-1]
        x, y, radius = NULLS[kind](rng, canvas, *position)
        x, y = np.clip([x, y], 1, np.array(canvas.shape[::-1]) - 2)
        canvas.records.append((kind, x, y, radius / canvas.scale))


def draw_defects(rng, canvas, kinds):
    """Draw defects, keys of `DEFECTS`, on the canvas of a further band in place."""
    draw_nulls(rng, canvas, [kind for kind in kinds if kind in DEFECTS])


def _spread(rng, low, high):
    """Draw a number uniform in its logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _nebula(rng, canvas, x, y, *, radii=(10, 300), largest=0.6):
    """Paint small bright nebulae and large faint ones, some with knots."""
    radius = min(_spread(rng, *radii), largest * canvas.side)
    brightness = rng.uniform(14.7, 18.5) + 0.8 * np.log10(radius / 30)
    level = surface_brightness_to_level(brightness, canvas.zero_point, canvas.scale)
    tint = canvas.palette.nebula_tint(NEBULA_DUST)
    paint_nebula(rng, canvas.light, x, y, radius / canvas.scale, level, tint=tint)
    if rng.random() < 0.35:
        reach, width = min(radius, 60) / canvas.scale, 1.5 / canvas.scale
        paint_knots(rng, canvas.light, x, y, reach, level, width=width, tint=tint)
    return x, y, 1.5 * radius


def _extinction_window(rng, canvas, x, y, *, radii=(25, 90), samples=81):
    """Cut a hole into a cloud: it shows more stars than its surroundings."""
    radius = min(rng.uniform(*radii), 0.12 * canvas.side)
    axis = np.linspace(-5, 5, samples)
    warp = np.exp(rng.uniform(0.1, 0.3) * random_field(rng, (samples, samples)))
    flattening, angle = rng.uniform(0.6, 1), rng.uniform(0, np.pi)
    along, across = turned(axis, axis[:, np.newaxis], angle)
    hole = np.hypot(along * np.sqrt(flattening), across / np.sqrt(flattening)) * warp
    outside = np.hypot(axis, axis[:, np.newaxis])
    wall = 1 / (1 + np.exp(-(hole - 1) / rng.uniform(0.06, 0.2)))
    cloud = np.clip((5 - outside) / 2, 0, 1) * wall
    _add_screen(canvas, rng.uniform(1.2, 2.5) * cloud, x, y, radius)
    return x, y, radius


def _add_screen(canvas, depth, x, y, radius, extent=5):
    """Add a square of extinction that reaches so many radii from its centre."""
    reach = extent * (radius / canvas.scale)
    screen = Screen(depth, -reach, -reach, 2 * reach / (len(depth) - 1))
    canvas.screens.append(lambda at_x, at_y: screen(at_x - x, at_y - y))


def _dark_cloud(
    rng,
    canvas,
    x,
    y,
    *,
    radii=(40, 300),
    sharpness=(0.03, 0.3),
    depth=(0.6, 5),
    samples=161,
):
    """Hang up a cloud with sharp edges; beyond them the field looks dense."""
    radius = min(_spread(rng, *radii), 0.5 * canvas.side)
    axis, shape = np.linspace(-3, 3, samples), (samples, samples)
    distance = np.hypot(axis, axis[:, np.newaxis])
    stretch = rng.uniform(1, 3), rng.uniform(0, np.pi)
    torn = random_field(rng, shape, slope=3.2, stretch=stretch)
    level = 1 - distance + rng.uniform(0.3, 0.8) * torn
    beyond = -level / rng.uniform(*sharpness)
    cloud = 1 / (1 + np.exp(np.minimum(beyond, 700)))  # exp overflows at 709
    cloud *= np.clip(3 - distance, 0, 1)
    texture = np.exp(0.5 * random_field(rng, shape))
    _add_screen(canvas, _spread(rng, *depth) * cloud * texture, x, y, radius, 3)
    return x, y, 1.3 * radius


def _bright_star(rng, canvas, x, y):
    """Put down a star of Ks 6.8 to -1, some times just beyond an edge."""
    fainter = canvas.survey.limit - rng.triangular(7.5, 8.5, 15.3)
    radius = 20.0 * 10 ** (0.08 * (canvas.survey.limit - 7.5 - fainter))
    if rng.random() < 0.2:
        axis, far = int(rng.integers(2)), bool(rng.integers(2))
        beyond = rng.uniform(2, 60) / canvas.scale
        position = [x, y]
        length = canvas.shape[1 - axis]
        position[axis] = length + beyond if far else -beyond
        canvas.stars.append((*position, fainter))
        position[axis] = length - 2.0 if far else 1.0
        return *position, radius
    canvas.stars.append((x, y, fainter))
    return x, y, radius


def _add_stars(canvas, x, y, offsets, magnitudes):
    """Add stars at offsets in arcsec, shape (n, 2)."""
    for (dx, dy), magnitude in zip(offsets, magnitudes, strict=True):
        canvas.stars.append((x + dx / canvas.scale, y + dy / canvas.scale, magnitude))


def _double_star(rng, canvas, x, y):
    magnitude = canvas.survey.limit - rng.uniform(4, 7.5)
    separation = rng.uniform(1.3, 3.3) * np.mean(canvas.survey.fwhm)
    angle = rng.uniform(0, np.pi)
    step = 0.5 * separation * np.array([np.cos(angle), np.sin(angle)])
    magnitudes = magnitude, magnitude + rng.uniform(0, 1.5)
    _add_stars(canvas, x, y, (-step, step), magnitudes)
    return x, y, separation


def _star_group(rng, canvas, x, y, *, numbers, radii, largest, brighter):
    """Add stars within a radius, so many magnitudes brighter than the limit."""
    number = int(rng.integers(*numbers))
    radius = min(_spread(rng, *radii), largest * canvas.side)
    offsets = radius * rng.uniform(-1, 1, (number, 2))
    magnitudes = canvas.survey.limit - rng.uniform(*brighter, number)
    _add_stars(canvas, x, y, offsets, magnitudes)
    return x, y, 1.5 * radius


_asterism = partial(
    _star_group, numbers=(3, 6), radii=(6, 35), largest=0.1, brighter=(2.5, 7)
)
"""Three to five bright stars close together, and nothing fainter."""

_bright_group = partial(
    _star_group, numbers=(2, 5), radii=(25, 100), largest=0.15, brighter=(6, 10.5)
)
"""Two to four very bright stars whose halos run into each other."""


def _galaxy(rng, canvas, x, y):
    """Paint a disc and a bulge."""
    magnitude = canvas.survey.limit - rng.uniform(3, 6)
    radius = min(rng.uniform(5, 25), 0.1 * canvas.side)
    fraction = rng.uniform(0.05, 0.6)
    tilt, angle = rng.uniform(0.05, 0.75), rng.uniform(0, np.pi)
    bulge = rng.uniform(0.1, 0.3) * radius, rng.uniform(1, 3)
    light, tint = _paint_galaxy(
        canvas, x, y, magnitude, fraction, radius, *bulge, tilt, angle
    )
    if rng.random() < 0.3:
        level = 0.3 * light / (2 * np.pi * (radius / canvas.scale) ** 2)
        reach, width = 0.8 * radius / canvas.scale, 1.5 / canvas.scale
        paint_knots(rng, canvas.light, x, y, reach, level, width=width, tint=tint)
    return x, y, 2 * radius


def _large_galaxy(rng, canvas, x, y):
    """Paint a bulge of up to 2 arcmin in a disc, as nearby galaxies have them."""
    bulge = min(_spread(rng, 20, 120), 0.1 * canvas.side)
    surface_brightness = rng.uniform(15.5, 18.5)
    magnitude = surface_brightness - 2.5 * np.log10(2 * np.pi * bulge**2)
    radius = rng.uniform(1.5, 3) * bulge
    fraction, index = rng.uniform(0.4, 0.95), rng.uniform(2, 4)
    tilt, angle = rng.uniform(0.05, 0.75), rng.uniform(0, np.pi)
    _paint_galaxy(canvas, x, y, magnitude, fraction, radius, bulge, index, tilt, angle)
    return x, y, 1.5 * radius


def _paint_galaxy(canvas, x, y, magnitude, fraction, radius, bulge, index, tilt, angle):
    """Paint a disc and a bulge of some light; return the disc's adu, and the tint."""
    galaxy = {
        "x": [x, x],
        "y": [y, y],
        "radius": [radius, bulge],
        "index": [1.0, index],
        "ellipticity": [tilt, 0.3 * tilt],
        "angle": [angle, angle],
    }
    flux = 10 ** (0.4 * (canvas.zero_point - magnitude)) * np.array(
        [1 - fraction, fraction]
    )
    tint = canvas.palette.galaxy_tint(0.0)
    light = np.multiply.outer(tint.factor, flux)
    paint_galaxies(canvas.light, galaxy, light, canvas.scale)
    return flux[0], tint


def _galaxy_group(rng, canvas, x, y):
    """Paint four to twelve galaxies round a bright one."""
    number = int(rng.integers(4, 13))
    reach = min(rng.uniform(15, 60), 0.12 * canvas.side)
    brightest = canvas.survey.limit - rng.uniform(1, 3.5)
    magnitude = brightest + np.concatenate([[0], rng.uniform(0.3, 3, number - 1)])
    offsets = rng.normal(0, 0.6 * reach, (number, 2)) / canvas.scale
    offsets[0] = 0
    galaxies = {
        "x": x + offsets[:, 0],
        "y": y + offsets[:, 1],
        "radius": 5 * 10 ** (-0.15 * (magnitude - brightest)) * rng.uniform(0.6, 1.3),
        "index": rng.uniform(1, 3, number),
        "ellipticity": rng.uniform(0, 0.6, number),
        "angle": rng.uniform(0, np.pi, number),
    }
    flux = 10 ** (0.4 * (canvas.zero_point - magnitude))
    flux = flux * canvas.palette.galaxy_tint(np.zeros(number)).factor
    paint_galaxies(canvas.light, galaxies, flux, canvas.scale)
    return x, y, 1.5 * reach


def _density_gradient(rng, canvas, x, y):
    """Let the extinction rise from one side to the other: fewer and fewer stars."""
    width = rng.uniform(0.05, 0.25) * canvas.side / canvas.scale
    depth, angle = rng.uniform(1, 3.5), rng.uniform(0, 2 * np.pi)

    def screen(at_x, at_y):
        along, _ = turned(at_x - x, at_y - y, angle)
        return depth * expit(along / width)

    canvas.screens.append(screen)
    return x, y, 0.5 * canvas.side


def _dark_lane(rng, canvas, x, y):
    """Hang up a long, bent and torn band of dust."""
    reach = min(_spread(rng, 300, 1200), 0.5 * canvas.side)
    width = _spread(rng, 15, 100) / reach
    axis = np.linspace(-1.2, 1.2, LARGE_SAMPLES)
    along, across = turned(axis, axis[:, np.newaxis], rng.uniform(0, np.pi))
    shape = across.shape
    bend = rng.uniform(-0.3, 0.3) * along**2 + 0.1 * random_field(rng, shape, slope=3.6)
    lane = np.exp(-(np.abs((across - bend) / width) ** rng.uniform(1.5, 6)))
    lane *= np.clip((1.1 - np.abs(along)) / 0.3, 0, 1)
    texture = np.exp(0.4 * random_field(rng, shape))
    _add_screen(canvas, _spread(rng, 1, 5) * lane * texture, x, y, reach, 1.2)
    return x, y, reach


_sharp_cloud = partial(
    _dark_cloud,
    radii=(150, 900),
    sharpness=(0.005, 0.05),
    depth=(1.5, 6),
    samples=LARGE_SAMPLES,
)
"""A cloud of many arcmin that ends within arcseconds."""

_large_window = partial(_extinction_window, radii=(120, 480), samples=LARGE_SAMPLES)
"""A hole of many arcmin in a cloud."""


def _hii_region(rng, canvas, x, y):
    """Paint a nebula of many arcmin with the dark cloud that it lies against."""
    x, y, radius = _nebula(rng, canvas, x, y, radii=(120, 600), largest=0.2)
    angle, away = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1) * radius / canvas.scale
    beside = x + away * np.cos(angle), y + away * np.sin(angle)
    _sharp_cloud(rng, canvas, *beside, radii=(0.4 * radius, radius))
    return x, y, radius


def _starless_cloud(rng, canvas, x, y):
    """Hang up the cloud of a cluster that is drawn, without the cluster."""
    sizes = "all" if canvas.side > MOSAIC else "small"
    (cluster,) = draw_clusters(
        rng,
        1,
        field_of_view=canvas.side * u.arcsec,
        limit=canvas.survey.limit * u.mag,
        sizes=sizes,
    )
    dust = draw_dust(rng, cluster)
    scale = canvas.scale
    canvas.screens.append(
        lambda at_x, at_y: dust((at_x - x) * scale, (at_y - y) * scale)
    )
    return x, y, CLOUD * cluster.radius


TILE_NULLS = {
    "nebula": _nebula,
    "extinction-window": _extinction_window,
    "dark-cloud": _dark_cloud,
    "bright-star": _bright_star,
    "bright-group": _bright_group,
    "double-star": _double_star,
    "asterism": _asterism,
    "galaxy": _galaxy,
    "galaxy-group": _galaxy_group,
    **DEFECTS,
}
"""The nulls of ordinary tiles by their tags (dict of str to callable)."""

LARGE_NULLS = {
    "density-gradient": _density_gradient,
    "sharp-cloud": _sharp_cloud,
    "dark-lane": _dark_lane,
    "large-window": _large_window,
    "hii-region": _hii_region,
    "large-galaxy": _large_galaxy,
}
"""The nulls of mosaics by their tags; on a tile they shrink to fit."""

NULLS = TILE_NULLS | LARGE_NULLS | {"starless-cloud": _starless_cloud}
"""All nulls by their tags (dict of str to callable)."""
