# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The mock sky on which the levels are calibrated."""

from __future__ import annotations

from dataclasses import dataclass

import astropy.units as u

from ..detector.grid import FINE
from ..photometry.palette import checked_surveys
from ..simulation.design import mock_tile
from ..simulation.mosaics import draw_mosaic

__all__ = ["LevelSky", "level_skies"]

MOSAIC_CLUSTERS = 12
"""Clusters of mosaics that have some."""

COLOR_FRACTION = 0.4
"""Numbers of tiles without clusters in colour over those in a single band."""


@dataclass(frozen=True, kw_only=True)
class LevelSky:
    """
    Mock sky that calibrates the levels.

    Parameters
    ----------
    name : str
        Name of its results.
    survey : str
        Tag of the survey that it imitates, or those of several bands, joined by
        "+". Sky in colour has as many starless clouds as there are clusters.
    number : int
        How many tiles or mosaics.
    side : float or None
        Side of a mosaic in degrees; None for tiles.
    n_clusters : int
        Clusters of each, which tell of the errors, and one at most on tiles; none for
        the rates.
    """

    name: str
    survey: str
    number: int
    side: float | None = None
    n_clusters: int = 0

    def draw(self, seed):
        """Simulate a tile or mosaic (`~astro_vaeclust.simulation.MockTile`)."""
        clouds = ("starless-cloud",) * (len(checked_surveys(self.survey)) > 1)
        if self.side is None:  # tiles of even seeds have a cluster
            seed += bool(self.n_clusters)
            return mock_tile(seed, survey=self.survey, nulls=clouds)
        return draw_mosaic(
            seed,
            survey=self.survey,
            side=self.side * u.deg,
            clusters=self.n_clusters,
            nulls=clouds * (self.n_clusters or MOSAIC_CLUSTERS),
        )


def level_skies(surveys, fraction=1.0):
    """
    Return the sky of the calibration of surveys (tuple of `LevelSky`).

    For each there are images without clusters and with some. Mosaics take long in fine
    pixels, so that of fine surveys there are tiles alone; and colours enter the scores
    of the finest level only, so that in colour mosaics are for the errors.

    Parameters
    ----------
    surveys : sequence of str
        Tags of the surveys.
    fraction : float
        Of the numbers of tiles and mosaics of the model of the package.
    """

    def sky(survey, kind, number, **settings):
        return LevelSky(
            name=f"{survey}-{kind}",
            survey=survey,
            number=round(fraction * number),
            **settings,
        )

    skies = []
    for survey in surveys:
        *others, last = checked_surveys(survey)
        is_fine = last.pixel_scale < FINE
        n_tiles = (600 if is_fine else 1300) * (COLOR_FRACTION if others else 1)
        skies.append(sky(survey, "tiles", n_tiles))
        if is_fine or others:
            skies.append(sky(survey, "clusters", 150, n_clusters=1))
        if others and not is_fine:
            skies.append(sky(survey, "mosaics", 40, side=0.6, n_clusters=8))
        elif not is_fine:
            skies.append(sky(survey, "mosaics", 64, side=1.25))
            some = {"n_clusters": MOSAIC_CLUSTERS}
            skies.append(sky(survey, "clusters", 40, side=1.25, **some))
    return tuple(one for one in skies if one.number)
