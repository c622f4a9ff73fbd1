# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Members and dust of mock clusters, and where a cluster lies on a tile."""

from __future__ import annotations

import astropy.units as u
import numpy as np

from .fields import draw_magnitudes
from .profiles import draw_positions
from .textures import Screen, random_field

__all__ = ["draw_dust", "draw_members", "place_cluster"]

DEPTH = 2.5
"""How many magnitudes below the limit of the survey the members reach."""

SCREENED = (0.2, 1)
"""Least and largest fraction of the cloud that lies in front of a member."""

BEFORE_MEMBERS = sum(SCREENED) / 2
"""Mean fraction of the cloud in front of the members."""

CLOUD, CLOUD_REACH = 1.6, 4
"""Standard deviation and radius of a cluster's cloud, in half-number radii."""

LARGEST = 2_000_000
"""Members after which the search for bright ones is given up."""


def draw_members(rng, cluster, *, limit, extinction_ratio=1.0):
    """
    Draw the members of a cluster and its dust.

    Returns a dict of arrays, ``dx`` and ``dy`` in arcsec from the centre, ``mag`` after
    extinction and ``extinction`` in Ks, with exactly ``n_members`` brighter than
    ``limit``; and the extinction in Ks behind the cluster over offsets in arcsec
    (`Screen`). Raises ValueError if the brightest member is below the limit, or the
    extinction leaves too few above it.
    """
    brightest = cluster.brightest.to_value(u.mag)
    if brightest >= limit:
        raise ValueError(
            f"brightest must be brighter than the survey's limit {limit}, got "
            f"{cluster.brightest}"
        )
    dust = draw_dust(rng, cluster)
    number = max(64, 8 * cluster.n_members)
    while True:
        offsets = draw_positions(rng, cluster.profile, number, cluster.radius)
        screened = dust(*offsets.T) * rng.uniform(*SCREENED, number)
        magnitude = draw_magnitudes(
            rng, number, slope=cluster.slope, bright=brightest, faint=limit + DEPTH
        )
        magnitude = magnitude + extinction_ratio * screened
        magnitude[0] = brightest
        bright = np.cumsum(magnitude < limit)
        if bright[-1] >= cluster.n_members:
            break
        number *= 2
        if number > LARGEST:
            raise ValueError(
                f"n_members={cluster.n_members} cannot be reached: behind the "
                f"extinction of {cluster.extinction} hardly any member is brighter "
                f"than the survey's limit {limit}"
            )
    last = np.searchsorted(bright, cluster.n_members, side="left") + 1
    members = {
        "dx": offsets[:last, 0],
        "dy": offsets[:last, 1],
        "mag": magnitude[:last],
        "extinction": screened[:last],
    }
    return members, dust


def draw_dust(rng, cluster):
    """
    Draw the cloud of a cluster: textured, denser in the middle.

    Returns the extinction in Ks behind it over offsets in arcsec (`Screen`).
    """
    reach, samples = CLOUD_REACH * cluster.radius, 65
    step = 2 * reach / (samples - 1)
    texture = np.exp(0.5 * random_field(rng, (samples, samples)))
    axis = np.linspace(-reach, reach, samples)
    radius = np.hypot(axis, axis[:, np.newaxis]) / cluster.radius
    values = cloud_envelope(radius) * texture
    inner = radius < 1
    depth = cluster.extinction.to_value(u.mag)
    values *= depth / (BEFORE_MEMBERS * values[inner].mean())
    return Screen(values.astype(np.float32), -reach, -reach, step)


def cloud_envelope(radius):
    """Return the mean profile of a cloud; radii are in half-number radii."""
    return np.exp(-0.5 * (radius / CLOUD) ** 2)


def place_cluster(rng, cluster, wcs, shape, pixel_scale, taken=(), allowed=None):
    """
    Return the centre of a cluster in pixels, its own or a random one.

    A random one lies on ``allowed`` pixels, (ny, nx) bool, and, if possible, away from
    the edges and from those ``taken``, ``(x, y, radius)`` in pixels. Raises ValueError
    if its own lies outside the image.
    """
    if cluster.center is not None:
        x, y = (float(value) for value in wcs.world_to_pixel(cluster.center))
        if not (-0.5 <= x < shape[1] - 0.5 and -0.5 <= y < shape[0] - 0.5):
            raise ValueError(
                f"center must lie on the image of {shape[1]} x {shape[0]} pixels, got "
                f"{cluster.center!r}, which is pixel x={x:.1f}, y={y:.1f}"
            )
        return x, y
    radius = cluster.radius / pixel_scale
    sides = np.array(shape[::-1])
    margin = np.minimum(1.5 * radius + 8, 0.3 * sides)
    best, best_room = None, -np.inf
    for _ in range(40):
        x, y = rng.uniform(margin, sides - 1 - margin)
        room = min(
            (np.hypot(x - a, y - b) - 2 * (radius + other) for a, b, other in taken),
            default=1.0,
        )
        if allowed is not None and not allowed[round(y), round(x)]:
            room = -1e9
        if room > best_room:
            best, best_room = (float(x), float(y)), room
        if room > 0:
            break
    if allowed is not None and not allowed[round(best[1]), round(best[0])]:
        rows, columns = np.nonzero(allowed)
        chosen = rng.integers(rows.size)
        return float(columns[chosen]), float(rows[chosen])
    return best
