# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What one sky looks like in several bands."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..utils import bands
from .populations import FAR, Sightline, cluster_distance, draw_member_colors
from .surveys import Survey, get_survey

__all__ = [
    "BANDS",
    "BEHIND",
    "JOINT",
    "LAWS",
    "WHITE",
    "Palette",
    "Tint",
    "checked_surveys",
    "reddened",
]

BANDS = {name: bands.BANDS.index(bands.band_of(name)) for name in (*bands.BANDS, "K")}
"""The bands that surveys name, and their order."""

BEHIND = 0.85
"""Fraction of the field stars behind the dust of the tile."""

JOINT = "+"
"""Between the tags of the surveys of several bands."""

LAWS = np.array([(2.5, 1.55, 1.0), (3.0, 1.7, 1.0)])
"""
Extinction in J, H and Ks over that in Ks: the ends between which the law of a tile lies
(Indebetouw et al. 2005, ApJ 619, 931; Nishiyama et al. 2009, ApJ 696, 1407).
"""

GALAXY = (0.70, 0.32), (0.08, 0.10)
"""
J - H and H - Ks of galaxies, and their scatter (Jarrett et al. 2003, AJ 125, 525, with
the redshifts of Ks = 13 to 15).
"""

NEBULAE = {
    "reflection": ((0.5, 0.45), (0.25, 0.25)),
    "emission": ((0.1, 0.65), (0.2, 0.2)),
}
"""
The same of nebulae: light of stars scattered by dust, with that of small grains
(Sellgren et al. 1996, ApJS 102, 369), and ionised gas (Whitelock 1985, MNRAS 213, 59).
"""


@dataclass(frozen=True)
class Tint:
    """
    How extended light differs between bands.

    Parameters
    ----------
    factor : `~numpy.ndarray`
        Light in adu over that in the last band, (n_bands,), or () of one image.
    dust : `~numpy.ndarray`
        Extinction over that in the last band, of the same shape.
    """

    factor: np.ndarray
    dust: np.ndarray


WHITE = Tint(np.ones(()), np.ones(()))
"""The tint of light in one image."""


@dataclass(frozen=True, eq=False)
class Palette:
    """
    The colours of a tile; of one in a single band there are none, and none are drawn.

    Parameters
    ----------
    rng : `~numpy.random.Generator`
        The random numbers of the colours.
    surveys : tuple of Survey
        The surveys; magnitudes are given in the band of the last.
    zero_points : `~numpy.ndarray`
        Magnitudes of a source of 1 adu, (n_bands,).
    sightline : Sightline
        The line of sight.
    """

    rng: np.random.Generator
    surveys: tuple
    zero_points: np.ndarray
    sightline: Sightline | None = None

    @property
    def in_color(self):
        """Whether there is more than one band (bool)."""
        return len(self.surveys) > 1

    @property
    def _ratios(self):
        return np.array([survey.extinction_ratio for survey in self.surveys])

    def offsets(self, color, a_k):
        """
        Return magnitudes minus those in the last band, (n_bands, ...).

        ``color`` is the intrinsic J - H and H - Ks, ``a_k`` the extinction in Ks.
        """
        j_h, h_k = color
        relative = np.stack([j_h + h_k, h_k, np.zeros_like(h_k)])
        relative = relative[[BANDS[survey.band] for survey in self.surveys]]
        relative = relative + np.multiply.outer(self._ratios, a_k)
        return relative - relative[-1]

    def galaxy_tint(self, a_k):
        """Draw the tint of galaxies behind an extinction in Ks by clouds."""
        if not self.in_color:
            return self._tint(np.zeros((1, *np.shape(a_k))))
        return self._drawn(GALAXY, a_k + self.sightline.dust * FAR)

    def nebula_tint(self, a_k):
        """Draw the tint of a nebula behind less than some extinction in Ks."""
        if not self.in_color:
            return self._tint(np.zeros(1))
        kind = str(self.rng.choice(list(NEBULAE)))
        return self._drawn(NEBULAE[kind], a_k * self.rng.random())

    def _drawn(self, colors, a_k):
        mean, scatter = (np.reshape(row, (2,) + (1,) * np.ndim(a_k)) for row in colors)
        color = self.rng.normal(mean, scatter, (2, *np.shape(a_k)))
        return self._tint(self.offsets(color, a_k))

    def _tint(self, offsets):
        zero_points = self.zero_points - self.zero_points[-1]
        factor = 10 ** (0.4 * (zero_points - offsets.T)).T
        return Tint(factor, self._ratios / self._ratios[-1])

    def color_galaxies(self, galaxies):
        """Give galaxies their magnitudes in all bands, in place; return their tint."""
        tint = self.galaxy_tint(galaxies["extinction"])
        if self.in_color:
            galaxies["extinction"] = galaxies["extinction"] + self.sightline.dust * FAR
            zero_points = self.zero_points - self.zero_points[-1]
            for survey, zero, factor in zip(
                self.surveys, zero_points, tint.factor, strict=True
            ):
                name = f"mag_{survey.band}"
                galaxies[name] = galaxies["mag"] + zero - 2.5 * np.log10(factor)
        return tint

    def color_stars(self, stars, foreground=None):
        """
        Give field stars their magnitudes in all bands, in place.

        ``stars`` has ``mag`` and the ``extinction`` in Ks by clouds; that between the
        clouds is added. ``foreground`` is a mask of the stars before the clouds, which
        are the nearest ones of their magnitude.
        """
        if not self.in_color:
            return
        rank = self.rng.random(stars["mag"].size)
        if foreground is not None:
            rank = np.where(foreground, (1 - BEHIND) * rank, 1 - BEHIND * rank)
        intrinsic = self._without_clouds(stars)
        *color, diffuse = self.sightline.draw_stars(self.rng, intrinsic, rank)
        self._add(stars, color, diffuse)

    def color_members(self, members, cluster):
        """
        Give members of a cluster their magnitudes in all bands, in place.

        Returns the extinction in Ks before the cluster.
        """
        if not self.in_color:
            return 0.0
        distance = cluster_distance(self.rng, cluster)
        front = float(self.sightline.extinction(self.rng, distance))
        absolute = self._without_clouds(members) - front
        absolute -= 5 * np.log10(100 * distance)
        color = draw_member_colors(self.rng, cluster, absolute)
        self._add(members, color, front)
        return front

    def _without_clouds(self, stars):
        """Return magnitudes in Ks, about, without the extinction by clouds."""
        last = self.surveys[-1]
        return stars["mag"] - last.color - last.extinction_ratio * stars["extinction"]

    def _add(self, stars, color, diffuse):
        stars["extinction"] = stars["extinction"] + diffuse
        magnitudes = stars["mag"] + self.offsets(color, stars["extinction"])
        for survey, magnitude in zip(self.surveys, magnitudes, strict=True):
            stars[f"mag_{survey.band}"] = magnitude


def reddened(rng, surveys):
    """Return the surveys of a tile in colour with one drawn law of extinction."""
    if len(surveys) == 1:
        return surveys
    law = LAWS[0] + rng.random() * (LAWS[1] - LAWS[0])
    return tuple(
        replace(survey, extinction_ratio=float(law[BANDS[survey.band]]))
        for survey in surveys
    )


def checked_surveys(survey):
    """
    Return surveys from short to long wavelengths as a tuple, or raise an error.

    Takes a `Survey`, a tag, tags joined by ``JOINT``, or a sequence of the former two.

    Raises TypeError if one is no survey, and ValueError if a tag is not known or those
    of a tile in colour are not of different bands among J, H and K or not of one
    camera.
    """
    if isinstance(survey, Survey):
        return (survey,)
    if isinstance(survey, str):
        survey = survey.split(JOINT)
    if not hasattr(survey, "__iter__"):
        raise TypeError(
            f"survey must be a string, a Survey or a sequence of these, got {survey!r}"
        )
    surveys = [get_survey(one) for one in survey]
    if len(surveys) == 1:
        return tuple(surveys)
    names = ", ".join(one.band for one in surveys) or "none"
    if not surveys or not all(one.band in BANDS for one in surveys):
        raise ValueError(f"survey must have bands among J, H and K or Ks, got {names}")
    if len({BANDS[one.band] for one in surveys}) < len(surveys):
        raise ValueError(f"survey must have each band once, got {names}")
    if len({(one.pixel_scale, one.projection) for one in surveys}) > 1:
        raise ValueError(
            "survey must have one pixel_scale and projection in all bands, got "
            + ", ".join(f"{one.pixel_scale} {one.projection}" for one in surveys)
        )
    return tuple(sorted(surveys, key=lambda one: BANDS[one.band]))
