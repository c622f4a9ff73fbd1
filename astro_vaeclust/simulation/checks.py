# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks of the arguments of mock tiles."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord

from .clusters import MockCluster, draw_clusters

__all__ = []


def checked_tags(name, tags, known):
    """
    Check a sequence of tags.

    Parameters
    ----------
    name : str
        Name of the argument.
    tags : sequence of str
        The tags.
    known : sequence of str
        Those there are.

    Returns
    -------
    tags : tuple of str
        The tags.

    Raises
    ------
    TypeError
        If ``tags`` is not a sequence.
    ValueError
        If a tag is not known.
    """
    if isinstance(tags, str) or not hasattr(tags, "__iter__"):
        raise TypeError(f"{name} must be a sequence of strings, got {tags!r}")
    tags = tuple(tags)
    for tag in tags:
        if tag not in known:
            raise ValueError(
                f"{name} has {tag!r}, which is not known; available: {', '.join(known)}"
            )
    return tags


def checked_shape(shape):
    """Return the shape of an image as a tuple of int, or raise ValueError."""
    shape = tuple(shape) if hasattr(shape, "__iter__") else (shape,)
    if len(shape) != 2 or not all(
        isinstance(side, (int, np.integer)) and side >= 16 for side in shape
    ):
        raise ValueError(f"shape must be (ny, nx), each at least 16, got {shape!r}")
    return tuple(int(side) for side in shape)


def checked_number(name, value, low, high):
    """Return a number within [low, high], or raise TypeError or ValueError."""
    if not isinstance(value, (int, float, np.number)) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} must lie in [{low}, {high}], got {value!r}")
    return float(value)


def checked_extinction(extinction):
    """Return an extinction in magnitudes, or raise TypeError or ValueError."""
    if not isinstance(extinction, u.Quantity) or extinction.unit != u.mag:
        raise TypeError(f"extinction must be a Quantity in mag, got {extinction!r}")
    return checked_number("extinction", float(extinction.value), 0, 20)


def checked_center(center):
    """Return a position in ICRS, the default for None, or raise TypeError."""
    if center is None:
        center = SkyCoord(40 * u.deg, 0.3 * u.deg, frame="galactic")
    if not isinstance(center, SkyCoord) or not center.isscalar:
        raise TypeError(f"center must be a scalar SkyCoord, got {center!r}")
    return center.icrs


def checked_clusters(clusters, rng, survey, shape):
    """Return a list of MockCluster, or raise TypeError or ValueError."""
    if isinstance(clusters, MockCluster):
        return [clusters]
    if isinstance(clusters, (int, np.integer)) and not isinstance(clusters, bool):
        if clusters < 0:
            raise ValueError(f"clusters must not be negative, got {clusters!r}")
        return draw_clusters(
            rng,
            int(clusters),
            field_of_view=min(shape) * survey.pixel_scale * u.arcsec,
            limit=survey.limit * u.mag,
        )
    if not hasattr(clusters, "__iter__") or isinstance(clusters, str):
        raise TypeError(
            "clusters must be an integer, a MockCluster or a sequence of them, got "
            f"{clusters!r}"
        )
    clusters = list(clusters)
    for cluster in clusters:
        if not isinstance(cluster, MockCluster):
            raise TypeError(f"clusters must hold MockClusters, got {cluster!r}")
    return clusters
