# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Where the members of a mock cluster stand."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..utils.validation import check_choice

__all__ = ["PROFILES", "draw_positions", "mean_density"]

REAL = "real:"
"""How the tags of profiles begin that come from the members of real clusters."""

EDGE, EFF_EDGE = 8.0, 15.0
"""Radius in core radii at which Plummer and EFF clusters end."""

EFF_SLOPE = 3.0
KING_CONCENTRATION = 0.9
"""Decimal logarithm of tidal over core radius."""

AXIS_RATIO = (0.3, 0.55)
FRACTAL_DIMENSION = 1.8
CORE_SEPARATION = (1.6, 2.2)
"""Distance of the two cores in half-number radii."""

SECOND_CORE = (0.35, 0.5)
"""Fraction of the members in the smaller core."""

GLOBULAR_CONCENTRATION = (1.0, 2.0)
"""As above, of globular clusters (Harris 1996, AJ 112, 1487)."""

CLUMPS, CLUMP_RADIUS, CLUMPED = (2, 6), (0.15, 0.35), (0.5, 0.8)
"""Numbers, half-number radii and summed fraction of the parts of a cluster."""


def draw_positions(rng, profile, number, half_number_radius):
    """
    Draw offsets of cluster members from the centre, (number, 2).

    They have the unit of the half-number radius. EFF, King and Plummer clusters have
    this radius in the mean of many; the others, which have none by formula, are scaled
    to it.
    """
    check_profile(profile)
    return half_number_radius * PROFILES[profile](rng, number)


def check_profile(profile):
    """Raise ValueError unless a profile is known; the message lists those there are."""
    if isinstance(profile, str) and profile.startswith(REAL):
        known = [repr(tag) for tag in PROFILES if tag.startswith(REAL)]
        if profile not in PROFILES:
            raise ValueError(
                f"profile {profile!r} must be registered by register_profile of "
                "astro_vaeclust.simulation.real_profiles; registered: "
                f"{', '.join(known) or 'none'}"
            )
    check_choice("profile", profile, PROFILES)


def mean_density(profile, x, y):
    """
    Return the mean density of members, not normalised, at offsets in core radii.

    Elongated clusters, of the mean axis ratio, lie along x, and so do two cores, of the
    mean distance and fractions. Raises ValueError for a fractal, which has none by
    formula.
    """
    if profile == "elongated":
        return _plummer_density(np.hypot(x, y / np.mean(AXIS_RATIO)))
    if profile == "two-core":
        distance, fraction = np.mean(CORE_SEPARATION), np.mean(SECOND_CORE)
        first = _plummer_density(np.hypot(2 * (x + distance * fraction), 2 * y))
        second = _plummer_density(np.hypot(2 * (x - distance * (1 - fraction)), 2 * y))
        return (1 - fraction) * first + fraction * second
    if profile not in DENSITIES:
        raise ValueError(f"profile must have a density by formula, got {profile!r}")
    return DENSITIES[profile](np.hypot(x, y))


def _eff_density(radius):
    """Elson, Fall & Freeman 1987, ApJ 323, 54."""
    return (1 + radius**2) ** (-EFF_SLOPE / 2) * (radius <= EFF_EDGE)


def _plummer_density(radius):
    """Plummer 1911, MNRAS 71, 460; its half-number radius is its core radius."""
    return (1 + radius**2) ** -2 * (radius <= EDGE)


def _king_density(radius, concentration=KING_CONCENTRATION):
    """King 1962, AJ 67, 471."""
    edge = 10**concentration
    floor = (1 + edge**2) ** -0.5
    return ((1 + radius**2) ** -0.5 - floor) ** 2 * (radius <= edge)


def _eff(rng, number):
    return _round(rng, number, _eff_density, edge=EFF_EDGE)


def _plummer(rng, number):
    return _round(rng, number, _plummer_density, edge=EDGE)


def _king(rng, number):
    return _round(rng, number, _king_density, edge=10**KING_CONCENTRATION)


def _globular(rng, number):
    concentration = rng.uniform(*GLOBULAR_CONCENTRATION)
    density = partial(_king_density, concentration=concentration)
    return _round(rng, number, density, edge=10**concentration)


def _sub_clustered(rng, number):
    """Draw a few Plummer clusters of unequal numbers inside a wider one."""
    clumps = int(rng.integers(CLUMPS[0], CLUMPS[1] + 1))
    centers = 0.7 * rng.standard_normal((clumps + 1, 2))
    radii = np.append(np.exp(rng.uniform(*np.log(CLUMP_RADIUS), clumps)), 1.2)
    fraction = rng.uniform(*CLUMPED)
    shared = fraction * rng.dirichlet(np.full(clumps, 4.0))
    part = rng.choice(clumps + 1, number, p=np.append(shared, 1 - fraction))
    offsets = centers[part] + radii[part, np.newaxis] * _plummer(rng, number)
    return rescaled(offsets - offsets.mean(axis=0))


def _elongated(rng, number):
    offsets = _plummer(rng, number)
    offsets[:, 1] *= rng.uniform(*AXIS_RATIO)
    return rescaled(turned_at_random(rng, offsets))


def _two_core(rng, number):
    offsets = 0.5 * _plummer(rng, number)
    fraction = rng.uniform(*SECOND_CORE)
    second = rng.random(number) < fraction
    distance = rng.uniform(*CORE_SEPARATION)
    offsets[:, 0] += distance * (second - fraction)
    return rescaled(turned_at_random(rng, offsets))


def _fractal(rng, number):
    """Box fractal of Goodwin & Whitworth 2004, A&A 413, 929, in projection."""
    survival = 2 ** (FRACTAL_DIMENSION - 3)
    leaves = np.zeros((0, 3))
    while len(leaves) < number:
        leaves = np.vstack([leaves, _fractal_leaves(rng, number, survival)])
    chosen = leaves[rng.choice(len(leaves), number, replace=False), :2]
    return rescaled(chosen - chosen.mean(axis=0))


def _fractal_leaves(rng, number, survival):
    corners = np.array(np.meshgrid(*[[-1, 1]] * 3)).reshape(3, 8).T
    nodes, side = np.zeros((1, 3)), 1.0
    while 0 < len(nodes) < 2 * number:
        side /= 2
        nodes = (nodes[:, np.newaxis] + side * corners).reshape(-1, 3)
        nodes = nodes[rng.random(len(nodes)) < survival]
        nodes = nodes + rng.normal(0, 0.2 * side, nodes.shape)
    return nodes[np.hypot(*nodes[:, :2].T) < 1]


def _round(rng, number, surface_density, *, edge):
    """Draw from a round profile with the core radius 1, scaled to half number at 1."""
    radius = np.linspace(0, edge, 4001)
    inside = np.cumsum(radius * surface_density(radius))
    inside = (inside - inside[0]) / (inside[-1] - inside[0])
    half = np.interp(0.5, inside, radius)
    drawn = np.interp(rng.random(number), inside, radius) / half
    angle = rng.uniform(0, 2 * np.pi, number)
    return np.column_stack([drawn * np.cos(angle), drawn * np.sin(angle)])


def turned_at_random(rng, offsets):
    """Return offsets turned by a random angle."""
    angle = rng.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return offsets @ turn.T


def rescaled(offsets):
    """Return offsets scaled to the half-number radius 1."""
    radius = np.median(np.hypot(offsets[:, 0], offsets[:, 1]))
    return offsets / radius if radius > 0 else offsets


DENSITIES = {"eff": _eff_density, "king": _king_density, "plummer": _plummer_density}
"""Densities of the round profiles at radii in core radii (dict of str to callable)."""

PROFILES = {
    "eff": _eff,
    "king": _king,
    "plummer": _plummer,
    "elongated": _elongated,
    "fractal": _fractal,
    "two-core": _two_core,
    "globular": _globular,
    "sub-clustered": _sub_clustered,
}
"""The profiles by their tags (dict of str to callable); real ones are added."""
