# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The matched filter on counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np
from scipy.fft import irfft2, next_fast_len, rfft2

from ..utils.validation import angles, check_number
from .base import BaselineFinder
from .candidates import map_candidates

if TYPE_CHECKING:
    from .candidates import Candidate
    from .field import SourceField

__all__ = ["MatchedFilter"]

CONTRASTS = np.geomspace(0.5, 128, 9)
"""Central densities of a cluster over the background that are tried."""

REACH = 3.0
"""Half the side of a profile in half-number radii."""


@dataclass(frozen=True, kw_only=True)
class MatchedFilter(BaselineFinder):
    """
    Multi-scale matched filter on counts: the Poisson likelihood ratio of profiles.

    At each position, a cluster of a Plummer profile is laid over the local background,
    for several half-number radii and central densities. The score is the root of twice
    the largest logarithm of the ratio of the likelihoods of the counts with and
    without it (Kepner et al. 1999, ApJ, 517, 78, and Rykoff et al. 2014, ApJ, 785, 104,
    for clusters of galaxies; Cash 1979, ApJ, 228, 939).

    Parameters
    ----------
    radii : sequence of `~astropy.units.Quantity`
        Half-number radii of the profiles.
    outer_slope : float
        The slope of the profile far from its centre, 4 for a Plummer sphere; others
        are those of Elson, Fall & Freeman (1987, ApJ, 323, 54).
    **settings
        Those of `BaselineFinder`.

    Notes
    -----
    Chosen here: profiles end at three half-number radii; the contrast is sought on a
    grid with steps of a factor of two; each radius is divided by the scatter of the
    field at that radius, so that large and small clusters compete on equal terms. The
    region is the circle within the half-number radius of the best profile or what is
    above half of the peak, whichever is larger.
    """

    threshold: float = 4.6
    radii: tuple[u.Quantity, ...] = (8, 14, 24, 40, 70) * u.arcsec
    outer_slope: float = 4.0

    def __post_init__(self):
        """Check the settings."""
        super().__post_init__()
        object.__setattr__(self, "radii", angles("radii", self.radii))
        check_number("outer_slope", self.outer_slope, low=2, low_counts=False)

    def search(self, field: SourceField) -> tuple[list[Candidate], np.ndarray]:
        """Find the peaks of the likelihood ratio; see `BaselineFinder.search`."""
        radii = [radius.to_value(u.arcsec) for radius in self.radii]
        significance = np.max(
            [self._significance(field, radius) for radius in radii], axis=0
        )
        candidates = map_candidates(
            field, significance, threshold=self.threshold, separation=1.5 * min(radii)
        )
        return candidates, significance

    def _significance(self, field, radius):
        """Return the significance map of one half-number radius."""
        offsets = field.offsets(REACH * radius)
        profile = self._profile(offsets, radius)
        profile[offsets > REACH * radius] = 0
        transform = _Convolution(field.shape, profile.shape)
        counts = transform.forward(field.counts)
        expected = transform.convolve(
            transform.forward(field.background * field.coverage), profile
        )
        best = np.max(
            [
                transform.convolve(counts, np.log1p(contrast * profile))
                - contrast * expected
                for contrast in CONTRASTS
            ],
            axis=0,
        )
        return np.sqrt(2 * np.maximum(best, 0)) / field.scatter(1.3 * radius)

    def _profile(self, offsets, radius):
        """Return the surface density over that of the centre."""
        power = self.outer_slope / 2
        core = radius / np.sqrt(2 ** (1 / (power - 1)) - 1)
        return (1 + (offsets / core) ** 2) ** -power


class _Convolution:
    """Convolutions of grids of one shape with symmetric kernels of one shape."""

    def __init__(self, shape, kernel_shape):
        self.shape = shape
        self.starts = [side // 2 for side in kernel_shape]
        self.padded = [
            next_fast_len(side + kernel - 1, real=True)
            for side, kernel in zip(shape, kernel_shape, strict=True)
        ]

    def forward(self, grid):
        """Return the Fourier transform of a grid."""
        return rfft2(grid, self.padded)

    def convolve(self, transformed, kernel):
        """Convolve a transformed grid with a kernel."""
        full = irfft2(transformed * self.forward(kernel), self.padded)
        (top, left), (height, width) = self.starts, self.shape
        return full[top : top + height, left : left + width]
