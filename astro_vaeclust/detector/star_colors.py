# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The stars of an image in several bands, and what their colours say of candidates.

Stars are peaks of the pixels of the network above the noise around; the light of the
same pixels in the other bands gives their colours, and these the extinction before each
(NICER). Around a candidate they are counted by their extinction, in circles of four
sizes and in what surrounds them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy.nddata import block_reduce
from photutils.detection import find_peaks
from photutils.utils import NoDetectionsWarning
from scipy.ndimage import gaussian_filter, minimum_filter, uniform_filter
from scipy.spatial import cKDTree

from ..photometry.extinction import count_weights, reddening_free, star_extinction
from ..utils.warning import ignored_warnings
from .channels import decompressed, of_longest
from .network import CELL

__all__ = ["N_TERMS", "BandStars", "find_band_stars", "star_terms"]

PEAK, LEAST = 4.0, 0.5
"""Height of a star over the noise around it, and what is added to that."""

TEXTURE = 0.1
"""The same over the light around: nebulae have structure."""

SEEN, BRIGHT = 1.2, 8.0
"""Mean significances of 3 x 3 pixels of stars with a colour, and of bright ones."""

STAR = 1.0
"""Standard deviation in pixels of a star, of which masked pixels take a part."""

NOISE_BOX = 8
"""Side in pixels of the boxes whose median deviation gives the noise."""

STRIP, MARGIN = 1 << 22, 4 * NOISE_BOX
"""Pixels, in whole rows, whose stars are found at a time, and rows beyond these."""

NOISE_OVER_DEVIATION = 1.65
"""Of a pixel from the mean of 3 x 3, the median absolute one, with some margin."""

EXTINCTIONS = (-0.6, -0.3, -0.12, 0.12, 0.3, 0.6, 1.0, 1.6)
"""Edges of the classes of extinction in Ks over the usual one, in mag."""

YOUNG, SURE = -0.3, 5.0
"""Reddening-free colour, from its median, of young stars, and their significance."""

N_CLASSES = len(EXTINCTIONS) + 3
"""Stars without a colour, those by extinction, and young ones."""

_, ALL, WEIGHT, EXTINCTION = range(N_CLASSES, N_CLASSES + 4)
"""Columns of what is summed of stars, after their classes and bright ones."""

A_K_RANGE = (-1.5, 4.0)
"""Range of extinctions of single stars in a mean."""

ENOUGH_STARS = 10.0
"""Stars from which on a mean extinction has its full weight."""

SIZES = tuple(0.8 * CELL * 2.0**number for number in range(4))
"""Standard deviations in network pixels of the Gaussian circles."""

AROUND, MIN_AROUND = 3.0, 5.0 * CELL
"""That of their surroundings over their own, and in pixels at minimum."""

REACH = 3.0 * AROUND * SIZES[-1]
"""Network pixels beyond which no star counts."""

MOST = (-6.0, 20.0)
"""Range of significances."""

LEAST_USABLE = 0.05
"""Least part of a circle, or a star, that is usable."""

N_TERMS = 1 + len(SIZES) * (N_CLASSES + 5)
"""Numbers that `star_terms` returns of a candidate."""


@dataclass(frozen=True, eq=False)
class BandStars:
    """
    Stars of an image, in network pixels.

    Parameters
    ----------
    x, y : (n,) array
        Their places.
    light : (n,) array
        Mean significance of 3 x 3 pixels above the surroundings in the longest band.
    a_k : (n,) array
        Extinction in Ks over the usual one in mag; NaN without a colour.
    is_young : (n,) bool array
        Whether they have more light in Ks than any extinction explains.
    """

    x: np.ndarray
    y: np.ndarray
    light: np.ndarray
    a_k: np.ndarray
    is_young: np.ndarray


def find_band_stars(bands):
    """
    Find the stars of an image and their colours.

    Parameters
    ----------
    bands : sequence of (3, ny, nx) array
        The channels of J, H and Ks, see `~astro_vaeclust.detector.grid.NetworkImage`;
        zero for a band that is not there.

    Returns
    -------
    stars : `BandStars`
        The stars.
    """
    ny, nx = bands[0].shape[1:]
    height = max(STRIP // nx // NOISE_BOX, 1) * NOISE_BOX
    strips = [_stars_of_rows(bands, top, top + height) for top in range(0, ny, height)]
    (y, x), light = (np.concatenate(parts, 1) for parts in zip(*strips, strict=True))
    magnitudes = -2.5 * np.log10(np.where(light > SEEN, light, np.nan))
    longest_light = light[-1]
    for shorter in light[-2::-1]:
        longest_light = np.where(np.isnan(longest_light), shorter, longest_light)
    return BandStars(
        x=x,
        y=y,
        light=longest_light,
        a_k=star_extinction(magnitudes),
        is_young=_is_young(magnitudes, light),
    )


def _stars_of_rows(bands, top, bottom):
    """Return places, (2, n), and light in each band, (3, n), of stars of some rows."""
    first = max(top - MARGIN, 0)
    bands = [_with_surroundings(band[:, first : bottom + MARGIN]) for band in bands]
    significance, surroundings, usable = of_longest(bands)
    limit = PEAK * _noise(significance) + LEAST
    limit += TEXTURE * np.maximum(surroundings, 0)
    above = significance - surroundings
    with ignored_warnings(NoDetectionsWarning):
        peaks = find_peaks(above, limit, box_size=3, mask=usable == 0)
    y, x = np.empty((2, 0), dtype=int)
    if peaks is not None:
        y, x = np.array([peaks["y_peak"], peaks["x_peak"]])
        own = (y >= top - first) & (y < bottom - first)
        y, x = y[own], x[own]
    light = np.array([_light(band, y, x) for band in bands])
    return np.array([y + first, x], dtype=float), light


def star_terms(candidates, stars, usable):
    """
    Return what the stars around candidates are, (n, `N_TERMS`) float32.

    The first is the logarithm of their density. Then come, for each of ``SIZES``, how
    many more there are than around, over its error: of each class of extinction, of
    bright ones, of all, and of all over those that the extinction, more than around,
    leaves (Lombardi 2009, A&A, 493, 735); that extinction; and the mean one.

    Parameters
    ----------
    candidates : `~astro_vaeclust.detector.candidates.Candidates`
        The candidates.
    stars : `BandStars`
        The stars.
    usable : (ny_cells, nx_cells) array
        Usable fraction of the cells.
    """
    places = np.column_stack([candidates.x, candidates.y])
    values = _values(stars)
    sizes = np.array(SIZES)
    wide = np.maximum(AROUND * sizes, MIN_AROUND)
    widths = np.concatenate([sizes, wide])
    sums = np.zeros((len(places), len(widths), values.shape[1]))
    if len(stars.x):
        tree = cKDTree(np.column_stack([stars.x, stars.y]))
        for row, near in enumerate(tree.query_ball_point(places, REACH)):
            square = ((tree.data[near] - places[row]) ** 2).sum(axis=1)
            weights = np.exp(-0.5 * square / widths[:, np.newaxis] ** 2)
            sums[row] = weights @ values[near]
    sums *= CELL**2 / (2 * np.pi * widths[:, np.newaxis] ** 2)
    part = _usable_parts(usable, candidates.cells, widths)
    inside, everything = np.split(np.dstack([sums, part]), 2, axis=1)
    own = ((sizes / wide) ** 2)[:, np.newaxis]
    around = (everything - own * inside) / (1 - own)
    n_cells = 4 * np.pi * (sizes / CELL) ** 2
    terms = [_terms(inside[:, k], around[:, k], n) for k, n in enumerate(n_cells)]
    density = np.log(np.maximum(inside[:, -1, ALL], 0) + 0.01)
    return np.column_stack([density, *terms]).astype(np.float32)


def _values(stars):
    """Return what is summed of the stars, (n, N_CLASSES + 4)."""
    known = np.isfinite(stars.a_k)
    a_k = np.clip(np.nan_to_num(stars.a_k), *A_K_RANGE)
    number = np.where(known, 1 + np.digitize(a_k, EXTINCTIONS), 0)
    number[stars.is_young] = N_CLASSES - 1
    weight = known * (0.1 + 0.9 * np.clip(stars.light / BRIGHT, 0, 1) ** 2)
    return np.column_stack(
        [
            np.eye(N_CLASSES)[number],
            stars.light > BRIGHT,
            np.ones(len(a_k)),
            weight,
            weight * a_k,
        ]
    )


def _terms(inside, around, n_cells):
    """Return the terms of circles of one size, so many cells wide, of candidates."""
    counts, expected = (
        np.maximum(sums[:, : ALL + 1] / np.maximum(sums[:, -1:], LEAST_USABLE), 0)
        for sums in (inside, around)
    )
    mean, usual = (
        sums[:, EXTINCTION] / (sums[:, WEIGHT] + 1e-3) for sums in (inside, around)
    )
    sure = np.minimum(inside[:, WEIGHT] * n_cells / ENOUGH_STARS, 1)
    more = (mean - usual) * sure
    left = expected[:, ALL] / count_weights(np.clip(more, -0.3, 3))
    counts = np.column_stack([counts, counts[:, ALL]])
    expected = np.column_stack([expected, left])
    error = np.sqrt((expected + 0.3 * counts + 0.02) / n_cells)
    significance = np.clip((counts - expected) / error, *MOST)
    return np.column_stack([significance / 3, 2 * more, 2 * mean * sure])


def _usable_parts(usable, cells, widths):
    """Return how much of Gaussian circles around cells is usable, (n, n_widths)."""
    usable = np.asarray(usable, dtype=float)
    parts = [gaussian_filter(usable, w / CELL, mode="constant") for w in widths]
    return np.stack([part[tuple(cells.T)] for part in parts], axis=-1)


def _with_surroundings(band):
    """
    Return the significance of pixels, that around each, and whether it is usable.

    What is around is the least mean of 5 x 5 pixels near a pixel.
    """
    if not band[2].any():
        return np.zeros_like(band)
    significance = decompressed(band[0])
    around = minimum_filter(uniform_filter(significance, 5), 9)
    return np.stack([significance, around, band[2]])


def _noise(significance):
    """Return the noise in units of the usual one, at least one, on all pixels."""
    deviation = np.abs(significance - uniform_filter(significance, 3))
    padding = [(0, -side % NOISE_BOX) for side in deviation.shape]
    boxes = block_reduce(np.pad(deviation, padding, mode="edge"), NOISE_BOX, np.median)
    noise = np.maximum(NOISE_OVER_DEVIATION * uniform_filter(boxes, 3), 1)
    noise = noise.repeat(NOISE_BOX, axis=0).repeat(NOISE_BOX, axis=1)
    ny, nx = significance.shape
    return noise[:ny, :nx]


def _light(band, y, x):
    """
    Return the light of stars in a band; NaN where it is masked.

    Beside masked pixels it is scaled to that of a star without them.
    """
    significance, around, usable = band
    if not usable.any():
        return np.full(len(x), np.nan)
    own = np.maximum(gaussian_filter(usable, STAR, radius=1)[y, x], LEAST_USABLE)
    part = np.round(uniform_filter(usable, 3)[y, x], 5)
    light = uniform_filter(significance, 3)[y, x] - part * around[y, x]
    return np.where(usable[y, x] > 0, light / np.round(own, 5), np.nan)


def _is_young(magnitudes, light):
    """Whether stars, bright enough in all bands, have an excess in Ks, (n,) bool."""
    color = reddening_free(magnitudes)
    known = np.isfinite(color)
    if not known.any():
        return known
    return (light > SURE).all(axis=0) & (color - np.median(color[known]) < YOUNG)
