# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Mock mosaics: large pieces of sky with all that is large and no cluster."""

from __future__ import annotations

import astropy.units as u
import numpy as np

from ..photometry.palette import checked_surveys
from ..utils.validation import check_count
from .checks import check_quantity, check_seed
from .clusters import draw_clusters
from .defects import DEFECTS
from .nulls import LARGE_NULLS, TILE_NULLS
from .tile import simulate_tile

__all__ = ["draw_mosaic"]

DENSITY = (3.2, 4.7)
"""Range of log10 N(Ks < 14) / deg2, that of the Galactic plane."""

EXTINCTION = (0.05, 0.8)
"""Range of the mean extinction in Ks of the screen, mag."""

GRADIENT = (0.0, 1.0)
"""Range of the change of log10 N across the mosaic."""

PER_DEGREE = {
    **dict.fromkeys(TILE_NULLS, 3.0),
    **dict.fromkeys(LARGE_NULLS, 0.5),
    **dict.fromkeys(DEFECTS, 0.2),
    "density-gradient": 0.3,
    "large-window": 0.1,
    "large-galaxy": 0.1,
}
"""
Mean number of nulls of each kind per square degree (dict of str to float).

Windows of many arcmin are the surest false clusters, as no image of one band tells them
from a large cluster; the plane has few, of which Baade's is the largest.
"""

_DESIGN = 0x305A1C


def draw_mosaic(seed, *, survey="2mass-ks", side=1 * u.deg, clusters=0, nulls=()):
    """
    Simulate a mosaic for calibration and evaluation, all of it from a seed.

    The density is log-uniform between 10^3.2 and 10^4.7 stars of Ks < 14 per square
    degree, the turbulent screen has 0.05 to 0.8 mag and the density changes by up to
    1 dex across the mosaic. Hard negatives of each kind are Poisson: three per square
    degree of those of tiles, one in two of the large ones, fewer of what is rare.

    Parameters
    ----------
    seed : int
        Seed of the mosaic.
    survey : str or `~astro_vaeclust.simulation.Survey` or sequence of these
        The survey, or those of a mosaic in colour.
    side : `~astropy.units.Quantity`
        Side of the square, an angle.
    clusters : int
        How many clusters of all sizes, see
        `~astro_vaeclust.simulation.clusters.draw_clusters`.
    nulls : sequence of str
        Further hard negatives, such as ``"starless-cloud"``.

    Returns
    -------
    mosaic : `~astro_vaeclust.simulation.MockTile`
        The image and the truth.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If ``side`` is not positive or ``clusters`` negative.
    """
    surveys = checked_surveys(survey)
    survey = surveys[-1]
    check_seed("seed", seed)
    check_quantity("side", side, u.deg, low=0, low_counts=False)
    check_count("clusters", clusters, minimum=0)
    rng = np.random.default_rng([_DESIGN, seed])
    pixels = round(side.to_value(u.arcsec) / survey.pixel_scale)
    drawn = draw_clusters(
        rng,
        clusters,
        field_of_view=side,
        limit=survey.limit * u.mag,
        sizes="all",
    )
    return simulate_tile(
        survey=surveys,
        shape=(pixels, pixels),
        clusters=drawn,
        density=rng.uniform(*DENSITY),
        extinction=rng.uniform(*EXTINCTION) * u.mag,
        gradient=rng.uniform(*GRADIENT),
        nulls=[*draw_kinds(rng, side.to_value(u.deg) ** 2), *nulls],
        seed=seed,
    )


def draw_kinds(rng, area, per_degree=PER_DEGREE):
    """Draw how often each kind of null occurs in so many square degrees."""
    numbers = rng.poisson(np.array(list(per_degree.values())) * area)
    return [
        kind
        for kind, number in zip(per_degree, numbers, strict=True)
        for _ in range(number)
    ]
