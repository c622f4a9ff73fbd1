# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Profiles from the members of real clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy.coordinates import SkyCoord, UnitSphericalRepresentation
from scipy.spatial import cKDTree

from .profiles import PROFILES, REAL, rescaled, turned_at_random

__all__ = ["RealProfile", "register_profile"]

LEAST_MEMBERS = 10
"""Members below which a shape is hardly one."""

NEIGHBOUR = 3
"""The distance to which neighbour is twice the width of a member's kernel."""


@dataclass(frozen=True, eq=False)
class RealProfile:
    """
    The shape of a real cluster, turned, mirrored and scaled at random.

    Members are drawn from those of the real cluster, each one as often as each other,
    and moved by half the distance to the third neighbour: a bootstrap with a kernel as
    wide as the members are far apart (Breiman, Meisel & Purcell 1977, Technometrics 19,
    135), so that any number can be drawn.

    Parameters
    ----------
    offsets : (n, 2) `~numpy.ndarray`
        Offsets of the members from the centre, in any unit.
    """

    offsets: np.ndarray

    @classmethod
    def from_sky(cls, members):
        """
        Return the profile of members on the sky about their median position.

        Parameters
        ----------
        members : (n,) `~astropy.coordinates.SkyCoord`
            At least ten positions within a few degrees.

        Returns
        -------
        profile : RealProfile
            The profile.

        Raises
        ------
        TypeError
            If ``members`` are no array of positions.
        ValueError
            If they are fewer than ten or not finite, or most lie at one place.
        """
        if not isinstance(members, SkyCoord) or members.ndim != 1:
            raise TypeError(
                f"members must be a SkyCoord of shape (n,), got {members!r}"
            )
        vectors = members.cartesian.xyz.value.T
        if len(members) < LEAST_MEMBERS or not np.isfinite(vectors).all():
            raise ValueError(
                f"members must be at least {LEAST_MEMBERS} finite positions, got "
                f"{len(members)}, of which "
                f"{np.isfinite(vectors).all(axis=1).sum()} are finite"
            )
        axes = mean_direction(members).spherical_offsets_to(members.icrs)
        offsets = np.column_stack([axis.arcsec for axis in axes])
        offsets -= np.median(offsets, axis=0)
        if not np.median(np.hypot(*offsets.T)) > 0:
            raise ValueError("members must lie at different places, most are at one")
        return cls(offsets)

    def __call__(self, rng, number):
        """Return offsets of half-number radius 1, (number, 2)."""
        rounds = -(-number // len(self.offsets))
        order = [rng.permutation(len(self.offsets)) for _ in range(rounds)]
        chosen = np.concatenate(order)[:number]
        distance = cKDTree(self.offsets).query(self.offsets, NEIGHBOUR + 1)[0][:, -1]
        moved = self.offsets[chosen] + 0.5 * distance[
            chosen, np.newaxis
        ] * rng.standard_normal((number, 2))
        moved[:, 0] *= rng.choice([-1, 1])
        return rescaled(turned_at_random(rng, moved))


def mean_direction(sky):
    """Return the mean direction of positions, ICRS."""
    mean = sky.icrs.cartesian.mean().represent_as(UnitSphericalRepresentation)
    return SkyCoord(mean.lon, mean.lat, frame="icrs")


def register_profile(name, members):
    """
    Make the shape of a real cluster known as the profile ``"real:<name>"``.

    It holds in this process; one of the same name is replaced.

    Parameters
    ----------
    name : str
        Name of the cluster.
    members : (n,) `~astropy.coordinates.SkyCoord`
        Its members, see `RealProfile.from_sky`.

    Returns
    -------
    profile : str
        What `~astro_vaeclust.simulation.MockCluster` takes as ``profile``.

    Raises
    ------
    TypeError
        If ``name`` is no string or ``members`` are no array of positions.
    ValueError
        If there are too few members, or most lie at one place.
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a string, got {name!r}")
    profile = f"{REAL}{name}"
    PROFILES[profile] = RealProfile.from_sky(members)
    return profile
