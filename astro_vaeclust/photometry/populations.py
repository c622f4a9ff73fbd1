# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Colours of stars: dwarfs and giants along a line of sight, and members of clusters.

Colours and absolute magnitudes are those of the 2MASS system, in which those of UKIDSS
and VISTA differ by a few hundredths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.integrate import trapezoid

__all__ = ["Sightline", "draw_member_colors"]

DWARFS = np.array(
    [
        (-3.2, -0.164, -0.071),
        (-2.0, -0.148, -0.055),
        (-1.2, -0.113, -0.032),
        (-0.4, -0.084, -0.010),
        (0.25, -0.067, 0.003),
        (0.95, -0.032, 0.028),
        (1.6, 0.031, 0.038),
        (2.05, 0.140, 0.050),
        (2.5, 0.199, 0.057),
        (2.95, 0.249, 0.065),
        (3.35, 0.310, 0.076),
        (3.83, 0.387, 0.091),
        (4.1, 0.490, 0.110),
        (4.4, 0.568, 0.132),
        (4.81, 0.619, 0.164),
        (5.15, 0.627, 0.190),
        (5.98, 0.600, 0.234),
        (6.55, 0.579, 0.252),
        (7.36, 0.557, 0.280),
        (8.2, 0.580, 0.312),
        (9.2, 0.605, 0.352),
    ]
).T
"""
M_Ks, J - H and H - Ks of dwarfs from B0 to M6 (Pecaut & Mamajek 2013, ApJS 208, 9, and
the later version of their table), every third type or so.
"""

GIANTS = np.array(
    [
        (-7.0, 0.90, 0.34),
        (-6.0, 0.84, 0.27),
        (-5.0, 0.77, 0.22),
        (-4.0, 0.70, 0.18),
        (-3.0, 0.64, 0.155),
        (-1.6, 0.53, 0.12),
        (0.0, 0.49, 0.11),
        (1.0, 0.46, 0.10),
        (2.0, 0.40, 0.08),
        (3.0, 0.33, 0.075),
    ]
).T
"""
The same of the giant branch: colours of the types G5 to M7 (Bessell & Brett 1988, PASP
100, 1134, turned into 2MASS by Carpenter 2001, AJ 121, 2851) at the magnitudes of a
branch of about solar metallicity (Valenti et al. 2004, MNRAS 351, 1204).
"""

YOUNG = np.array(
    [
        (-4.0, -0.16, -0.07),
        (-1.0, -0.10, -0.02),
        (0.0, -0.05, 0.02),
        (0.7, 0.10, 0.05),
        (1.5, 0.50, 0.12),
        (2.5, 0.66, 0.17),
        (3.2, 0.68, 0.19),
        (4.2, 0.66, 0.23),
        (5.3, 0.61, 0.29),
        (7.0, 0.60, 0.35),
    ]
).T
"""
The same of a cluster of a few million years without discs: dwarfs as far as they have
arrived, and the pre-main-sequence colours of Pecaut & Mamajek 2013 (their table 6) at
the magnitudes of stars of 3 Myr (Baraffe et al. 2015, A&A 577, A42): M0 at 3.2, M3 at
4.2 and M5 at 5.3.
"""

DWARF_NUMBERS = (
    (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0),
    (-6.6, -5.8, -5.0, -4.3, -3.5, -3.0, -2.45, -2.15, -2.05, -1.9, -1.8, -2.0, -2.3),
)
"""
M_Ks, and the decimal logarithm of the dwarfs near the Sun per pc^3 and mag: sums over
the types are those of the census within 10 pc (Henry et al. 2018, AJ 155, 265).
"""

GIANT_NUMBERS = (
    (-7.0, -6.0, -5.0, -4.0, -3.0, -1.6, 0.0, 1.0, 2.0),
    (-6.6, -6.0, -5.6, -5.2, -4.9, -4.5, -4.3, -4.0, -3.6),
)
"""The same of giants without the red clump: a slope of 0.25 to 0.3 on the branch."""

CLUMP, CLUMP_WIDTH, CLUMP_NUMBER = -1.61, 0.2, 1.6e-4
"""M_Ks of the red clump (Hawkins et al. 2017, MNRAS 471, 722), and stars per pc^3."""

HEIGHTS = ((-3.0, 1.0, 2.0, 3.0, 4.0), (0.09, 0.12, 0.18, 0.28, 0.325))
"""M_Ks, and scale heights of dwarfs in kpc (Wainscoat et al. 1992, ApJS 83, 111)."""

GIANT_HEIGHT = 0.27
"""The same of giants."""

STEP = 0.5
"""Width in mag of the bins of absolute magnitude."""

SCATTER = (0.04, 0.02)
"""Scatter of the colours of field stars by metallicity and age: J - H, H - Ks."""

CLOSEST, FAR = 0.01, 12.0
"""Distances of the closest star and of the end of the line of sight in kpc."""

MAGNITUDE_STEP = 0.25
MAGNITUDES = np.arange(-2.0, 25.0, MAGNITUDE_STEP)
"""Magnitudes at which the numbers of stars of each class are computed."""

REFERENCE = 14.0
"""Magnitude in Ks to which the density of a field is counted."""

DENSITIES, DUST = (3.0, 4.0, 4.9), (0.015, 0.07, 0.25)
"""
Extinction in Ks per kpc between the clouds for log10 N(Ks < 14) / deg2: of high
latitudes, which are soon above the dust; of the anticentre, where 0.4 mag add up in 5
kpc; and inwards, where 2 mag do in 8 kpc (Marshall et al. 2006, A&A 453, 635).
"""

GROWTHS = np.arange(-3.0, 0.41, 0.05)
"""
Changes of the logarithm (base e) of the density of stars per kpc: from those of the
thickness of the disc, 0.3 kpc, to those of its length of 2.6 kpc looking inwards
(Bland-Hawthorn & Gerhard 2016, ARA&A 54, 529).
"""

PATCHY, DUSTIER = 0.15, 0.3
"""Scatter of the logarithm of this extinction, from star to star and tile to tile."""

SIZES = {"young": (0.3, 1.0), "old": (1.5, 4.0)}
"""Half-number radii of clusters in pc, which with the angle give the distance."""

LEAST, LARGEST = 0.4, 10.0
"""Distances of clusters in kpc."""

EXCESS = (0.1, 0.65)
"""
Fraction of young members whose discs are seen in Ks, from clusters of 3 Myr to those
of less than 1 Myr (Haisch et al. 2001, ApJ 553, L153; Lada & Lada 2003, ARA&A 41, 57).
"""

LOCUS, LOCUS_WIDTH = (0.58, 0.52), 0.06
"""J - H of stars with discs over H - K, CIT system (Meyer et al. 1997, AJ 114, 288)."""

DISC_COLOR, DISC_SCALE, DISC_END = 0.2, 0.3, 1.0
"""Least H - K of these stars, scale of the exponential from there, and its end."""

TURN_OFF = (-1.0, 2.5)
"""M_Ks from which on members of an old cluster are dwarfs."""

METAL_POOR = 0.1
"""By how much the giants of globular clusters are bluer in J - H (47 Tuc and M 13)."""


def colors(sequence, magnitude):
    """Return J - H and H - Ks on a sequence at absolute magnitudes, (2, ...)."""
    return np.stack([np.interp(magnitude, sequence[0], row) for row in sequence[1:]])


def _classes():
    """
    Return M_Ks, width, number per pc^3, scale height and colours of classes.

    They go from faint to bright: of the same magnitude, from near to far.
    """
    clump = CLUMP, CLUMP_WIDTH * 12**0.5, CLUMP_NUMBER, GIANT_HEIGHT
    parts = [(*clump, *colors(GIANTS, CLUMP))]
    for sequence, numbers, heights in (
        (DWARFS, DWARF_NUMBERS, HEIGHTS),
        (GIANTS, GIANT_NUMBERS, ((0.0,), (GIANT_HEIGHT,))),
    ):
        for middle in np.arange(numbers[0][0], numbers[0][-1] + STEP / 2, STEP):
            number = STEP * 10 ** np.interp(middle, *numbers)
            height = np.interp(middle, *heights)
            parts.append((middle, STEP, number, height, *colors(sequence, middle)))
    return np.array(sorted(parts, reverse=True)).T


def _thinning(growth, heights):
    """Return the change of the logarithm of the density of classes per kpc."""
    return np.where(growth < 0, growth * GIANT_HEIGHT / heights, growth)


@dataclass(frozen=True)
class Sightline:
    """
    A line of sight through the Galaxy.

    Parameters
    ----------
    growth : float
        Change of the logarithm (base e) of the density of giants per kpc. Where stars
        become fewer, those in a thinner disc do so faster.
    dust : float
        Extinction in Ks per kpc between the clouds.
    """

    growth: float
    dust: float

    @classmethod
    def draw(cls, rng, density):
        """
        Draw one for a ``density`` of log10 N(Ks < 14) / deg2.

        The dust is drawn, and the growth is that which gives this density.
        """
        dust = np.exp(np.interp(density, DENSITIES, np.log(DUST)))
        line = cls(0.0, float(dust * rng.lognormal(0, DUSTIER)))
        growth = np.interp(density, line._densities(GROWTHS), GROWTHS)
        return cls(float(growth), line.dust)

    def _densities(self, growths):
        """Return log10 N(Ks < 14) / deg2 for changes of the density of stars."""
        classes, (distance, _) = _classes(), self._moduli()
        ends = self._distance(REFERENCE - classes[0])
        stars = np.zeros(growths.size)
        for end, number, height in zip(ends, *classes[2:4], strict=True):
            thinning = _thinning(growths, height)[:, np.newaxis]
            along = np.exp(thinning * distance) * distance**2 * (distance <= end)
            stars += number * trapezoid(along, distance)
        return np.log10(stars * 1e9 * np.radians(1) ** 2)

    def extinction(self, rng, distance):
        """Draw the extinction in Ks to distances in kpc, patchy from star to star."""
        return self.dust * distance * rng.lognormal(0, PATCHY, np.shape(distance))

    def draw_stars(self, rng, magnitude, rank):
        """
        Draw what kinds of stars are seen.

        A star of a given magnitude is a nearby dwarf or a distant giant: each class has
        the distance that makes it as bright as that, and the probability of the stars
        there are about this distance, whose logarithm changes by ``growth`` per kpc.

        ``magnitude`` is in Ks without the extinction of clouds, ``rank`` the fraction
        of the stars of this magnitude that are nearer. Returns J - H, H - Ks and the
        extinction in Ks between the clouds, each (n,).
        """
        classes = _classes()
        kinds = self._kinds(classes, magnitude, rank)
        absolute, width, _, _, *color = classes[:, kinds]
        absolute = absolute + width * rng.uniform(-0.5, 0.5, rank.size)
        color = [
            mean + rng.normal(0, scatter, rank.size)
            for mean, scatter in zip(color, SCATTER, strict=True)
        ]
        return *color, self.extinction(rng, self._distance(magnitude - absolute))

    def _kinds(self, classes, magnitude, rank):
        """Return the class of each star, of classes from near to far."""
        total = np.cumsum(self._weights(classes, MAGNITUDES), axis=1)
        total /= total[:, -1:]
        row = np.rint((magnitude - MAGNITUDES[0]) / MAGNITUDE_STEP).astype(int)
        row = np.clip(row, 0, MAGNITUDES.size - 1)
        ladder = (total + np.arange(MAGNITUDES.size)[:, np.newaxis]).ravel()
        found = np.searchsorted(ladder, row + rank, side="right")
        return np.clip(found - row * classes.shape[1], 0, classes.shape[1] - 1)

    def _moduli(self):
        """Return distances in kpc, and their moduli with the extinction."""
        distance = np.geomspace(CLOSEST, FAR, 400)
        return distance, 5 * np.log10(100 * distance) + self.dust * distance

    def _distance(self, modulus):
        distance, moduli = self._moduli()
        return np.interp(modulus, moduli, distance)

    def _weights(self, classes, magnitudes):
        """Return how many stars of each class there are at magnitudes, (m, classes)."""
        distance = self._distance(magnitudes[:, np.newaxis] - classes[0])
        volume = distance**3 / (5 / np.log(10) + self.dust * distance)
        thinning = _thinning(self.growth, classes[3])
        weight = classes[2] * volume * np.exp(thinning * distance)
        within = (distance > 1.01 * CLOSEST) & (distance < 0.999 * FAR)
        return weight * np.where(within, 1, 1e-12)


def cluster_distance(rng, cluster):
    """Draw the distance of a cluster in kpc from its size on the sky."""
    radius = np.exp(rng.uniform(*np.log(SIZES[cluster.population])))
    return float(np.clip(radius / cluster.radius * 206.265, LEAST, LARGEST))


def draw_member_colors(rng, cluster, absolute):
    """
    Draw J - H and H - Ks of members of absolute magnitudes in Ks, (2, n).

    Young ones have colours of the pre-main sequence, and many a disc; old ones are
    giants down to the turn-off and dwarfs from there, or all giants in a globular one.
    """
    color = _young(rng, absolute)
    if cluster.population == "old":
        color = _old(rng, absolute, cluster.profile == "globular")
    return color + rng.normal(0, 0.5, color.shape) * np.array(SCATTER)[:, np.newaxis]


def _young(rng, absolute):
    color = colors(YOUNG, absolute)
    disc = rng.random(absolute.size) < rng.uniform(*EXCESS)
    disc &= absolute > YOUNG[0][2]
    number = disc.sum()
    excess = DISC_COLOR + rng.exponential(DISC_SCALE, number)
    excess = np.minimum(excess, DISC_END)
    slope, zero = LOCUS
    other = slope * excess + zero + rng.normal(0, LOCUS_WIDTH, number)
    # From CIT to 2MASS, Carpenter 2001, AJ 121, 2851.
    color[:, disc] = 1.076 * other - 0.043, 1.026 * excess + 0.028
    return color


def _old(rng, absolute, is_globular):
    turn_off = TURN_OFF[1] if is_globular else rng.uniform(*TURN_OFF)
    branch = colors(GIANTS, absolute)
    branch[0] -= METAL_POOR * is_globular
    return np.where(absolute < turn_off, branch, colors(DWARFS, absolute))
