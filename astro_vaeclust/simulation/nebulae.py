# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Nebulae: reflected and ionised light, textured and crossed by dust."""

from __future__ import annotations

import astropy.units as u
import numpy as np

from .fields import add_stamp
from .textures import random_field

__all__ = ["paint_cluster_nebula", "paint_nebula", "surface_brightness_to_level"]

REACH = 3.2
"""Half the side of a nebula's stamp in radii."""


def surface_brightness_to_level(brightness, zero_point, pixel_scale):
    """
    Convert a surface brightness.

    Parameters
    ----------
    brightness : float
        Surface brightness in mag/arcsec2.
    zero_point : float
        Magnitude of a source of 1 adu.
    pixel_scale : float
        Size of a pixel in arcsec.

    Returns
    -------
    level : float
        Adu per pixel.
    """
    return 10 ** (0.4 * (zero_point - brightness)) * pixel_scale**2


def paint_nebula(rng, image, x, y, radius, level):
    """
    Paint a nebula.

    Parameters
    ----------
    rng : `~numpy.random.Generator`
        The random numbers.
    image : `~numpy.ndarray`
        The image, changed in place, (ny, nx).
    x, y : float
        Centre in pixels.
    radius : float
        Radius in pixels: the standard deviation of its mean profile.
    level : float
        Mean brightness within half the radius, in the unit of the image.
    """
    reach = int(np.ceil(REACH * radius))
    shape = (2 * reach + 1, 2 * reach + 1)
    warp, bright, dust = (
        random_field(rng, shape, slope=slope) for slope in (3, 2.7, 3)
    )
    axis = np.arange(-reach, reach + 1) / radius
    distance = np.hypot(axis, axis[:, np.newaxis])
    envelope = np.exp(-0.5 * (distance * np.exp(0.4 * warp)) ** 2)
    fade = np.clip((REACH - distance) / 0.8, 0, 1)
    lanes = np.exp(-1.6 * np.clip(dust - 0.6, 0, None))
    stamp = envelope * fade * np.exp(0.5 * bright) * lanes
    stamp *= level / stamp[distance < 0.5].mean()
    add_stamp(image, stamp, round(x) - reach, round(y) - reach)


def paint_cluster_nebula(rng, image, cluster, x, y, *, zero_point, pixel_scale):
    """
    Paint the nebula of a cluster, if it has one.

    Parameters
    ----------
    rng : `~numpy.random.Generator`
        The random numbers.
    image : `~numpy.ndarray`
        The image, changed in place, (ny, nx), in adu.
    cluster : MockCluster
        The description of the cluster.
    x, y : float
        Centre of the cluster in pixels.
    zero_point : float
        Magnitude of a source of 1 adu.
    pixel_scale : float
        Size of a pixel in arcsec.
    """
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
    paint_nebula(rng, image, x, y, radius / pixel_scale, level)
