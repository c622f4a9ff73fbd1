# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Training tiles of coarser levels: binned mock mosaics with large clusters."""

from __future__ import annotations

import astropy.units as u
import numpy as np

from ..simulation import simulate_tile
from ..simulation.clusters import draw_clusters
from ..simulation.mosaics import DENSITY, EXTINCTION, GRADIENT, PER_DEGREE, draw_kinds
from ..simulation.nulls import LARGE_NULLS
from .tiles import (
    ASKED,
    CLUSTER_NUMBERS,
    SIDES,
    TrainingTile,
    drawn_survey,
    starless_clouds,
)

__all__ = ["draw_level"]

MOST_PIXELS = 4500
"""Image pixels along a side of a mosaic at most, which bounds time and memory."""

LARGE = 4.0
"""How many times as often as in evaluations the large hard negatives are drawn."""

POOL = 300
"""Clusters of all sizes that are drawn, of which some are as large as a level asks."""

_DESIGN = 0x1E7E1


def draw_level(seed, binning, *, surveys, fine_scale=1.0, clouds=True):
    """
    Simulate a mosaic with clusters of the sizes of a level, and bin it.

    Parameters
    ----------
    seed : int
        Determines all of it.
    binning : int
        Of the level, see `~astro_vaeclust.detector.grid.NetworkGrid`.
    surveys, fine_scale, clouds
        As in `~astro_vaeclust.training.tiles.draw_tile`.

    Returns
    -------
    tile : `TrainingTile`
        The tile.
    """
    rng = np.random.default_rng([_DESIGN, seed])
    seen, survey = drawn_survey(rng, surveys, False)
    finest = max(survey.pixel_scale, fine_scale)
    sides = np.exp(rng.uniform(*np.log(SIDES), 2)) * binning * finest
    sides = np.minimum(sides, MOST_PIXELS * survey.pixel_scale)
    number = int(rng.choice(len(CLUSTER_NUMBERS), p=CLUSTER_NUMBERS))
    clusters = draw_clusters(
        rng,
        POOL,
        field_of_view=sides.min() * u.arcsec,
        limit=survey.limit * u.mag,
        clouds=clouds,
        sizes="all",
    )
    low, high = np.array(ASKED) * binning * finest
    often = PER_DEGREE | {kind: LARGE * PER_DEGREE[kind] for kind in LARGE_NULLS}
    kinds = draw_kinds(rng, sides.prod() / 3600**2, often)
    mosaic = simulate_tile(
        survey=seen,
        shape=tuple(int(side) for side in sides / survey.pixel_scale),
        clusters=[one for one in clusters if low < one.radius < high][:number],
        density=rng.uniform(*DENSITY),
        extinction=rng.uniform(*EXTINCTION) * u.mag,
        gradient=rng.uniform(*GRADIENT),
        nulls=kinds + starless_clouds(rng, seen),
        seed=seed,
    )
    return TrainingTile.from_mock(mosaic, fine_scale, binning=binning)
