# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The mock tiles on which finders are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np

from ..photometry.palette import checked_surveys
from .defects import DEFECTS
from .exposure import sky_tables
from .nulls import TILE_NULLS
from .tile import draw_sky, simulate_tile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..photometry.surveys import Survey
    from .tables import MockTile

__all__ = ["FIRST_SEED", "mock_star_list", "mock_tile"]

FIRST_SEED = 1_000_000
"""Seed of the first tile of evaluations; training and tuning stay below 100 000."""

DENSITY = (3.6, 4.7)
"""Range of log10 N(Ks < 14) / deg2, that of the Galactic plane at |b| < 10 deg."""

EXTINCTION = (0.1, 0.8)
"""Range of the mean extinction in Ks of the screen, mag."""

GRADIENT = (0.0, 0.3)
"""Range of the change of log10 N across the tile."""

STEEP = 0.1
"""Probability of a gradient up to 1, as at the border of the bulge."""

SIDE = 6 * u.arcmin
"""Side of the tiles of surveys other than 2MASS."""

NULL_NUMBERS = (0.25, 0.35, 0.25, 0.15)
"""Probabilities of none to three hard negatives on a tile."""

RARE = 0.5
"""How often a defect of the image is drawn for one thing in the sky."""

TRAIL = 0.05
"""Probability of a satellite trail."""

_DESIGN = 0xF20C
"""Keeps the random numbers of the design apart from those of the tile."""


def mock_tile(
    seed: int,
    *,
    survey: Survey | str | Sequence[Survey | str] = "2mass-ks",
    shape: tuple[int, int] | None = None,
    clouds: bool = True,
    nulls: Sequence[str] = (),
) -> MockTile:
    """
    Simulate a tile for the comparison of finders.

    Tiles with an even seed have one cluster, drawn by
    `draw_clusters`; those with an odd seed have none. Both
    have star densities between 10^3.6 and 10^4.7 per deg2 at Ks < 14, a turbulent
    screen of 0.1 to 0.8 mag, up to three hard negatives of
    `~astro_vaeclust.simulation.NULLS`, the artefacts of the survey, and one in twenty
    has the trail of a satellite.

    Parameters
    ----------
    seed : int
        Seed of the tile, which determines all of it.
    survey : str or `~astro_vaeclust.simulation.Survey` or sequence of these
        The survey, or those of a tile in colour.
    shape : tuple of int, optional
        ``(ny, nx)`` in pixels; by default 1024 x 512 for 2MASS and at least 6 x 6
        arcmin else.
    clouds : bool
        Whether the cluster lies in a cloud; without, it is the same at the same place.
    nulls : sequence of str
        Further hard negatives, such as ``"starless-cloud"``.

    Returns
    -------
    tile : `~astro_vaeclust.simulation.MockTile`
        The image and the truth.
    """
    surveys = checked_surveys(survey)
    settings, artefacts = _design(seed, surveys, shape, nulls)
    return simulate_tile(survey=surveys, clouds=clouds, artefacts=artefacts, **settings)


def mock_star_list(seed, *, survey, nulls=()):
    """
    Draw the stars of a `mock_tile` without its images, which takes less time.

    Returns the tables ``stars`` and ``clusters`` of the tile.
    """
    surveys = checked_surveys(survey)
    settings, _ = _design(seed, surveys, None, nulls)
    return sky_tables(*draw_sky(surveys, **settings))


def _design(seed, surveys, shape, nulls):
    """Return the settings of the sky of a tile, and its artefacts."""
    survey = surveys[-1]
    rng = np.random.default_rng([_DESIGN, seed])
    n_nulls = rng.choice(len(NULL_NUMBERS), p=NULL_NUMBERS)
    settings = {
        "density": rng.uniform(*DENSITY),
        "extinction": rng.uniform(*EXTINCTION) * u.mag,
        "gradient": rng.uniform(*GRADIENT) if rng.random() > STEEP else rng.random(),
        "nulls": [*_draw_kinds(rng, n_nulls), *nulls],
        "shape": default_shape(survey) if shape is None else shape,
        "clusters": 1 - seed % 2,
        "seed": seed,
    }
    return settings, (*survey.artefacts, *(("trail",) * (rng.uniform() < TRAIL)))


def _draw_kinds(rng, number):
    weight = np.array([RARE if kind in DEFECTS else 1.0 for kind in TILE_NULLS])
    kinds = rng.choice(list(TILE_NULLS), number, p=weight / weight.sum())
    return [str(kind) for kind in kinds]


def default_shape(survey):
    """Return the shape in pixels of the tiles of a survey (tuple of int)."""
    if survey.name.startswith("2mass"):
        return 1024, 512
    side = int(np.ceil(SIDE.to_value(u.arcsec) / survey.pixel_scale))
    return side, side
