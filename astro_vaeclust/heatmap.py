# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The ensemble of probability maps over patch sizes and seeds, in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.ndimage import gaussian_filter

__all__ = ["Ensemble", "Member"]


@dataclass(frozen=True, eq=False)
class Member:
    """
    P(cluster) according to one patch size and one seed.

    Parameters
    ----------
    probability : (ny, nx) array
        P(cluster) of each pixel in [0, 1], NaN where no window holds it.
    patch_size : int
        Side of the windows in pixels.
    """

    probability: np.ndarray
    patch_size: int


class Ensemble:
    """
    Probability maps of one image.

    Parameters
    ----------
    members : list of `Member`
        The maps.
    mask : (ny, nx) bool array
        Unusable pixels.
    smoothing : float, optional
        Standard deviation in pixels of the Gaussian that smooths the mean of the
        maps; zero for none. Masked pixels and what lies outside do not count.
    """

    def __init__(self, members, mask, smoothing=0.0):
        self.members = members
        self.mask = mask
        self.smoothing = smoothing

    @property
    def heatmap(self):
        """
        Mean of the maps, ``(ny, nx)`` in [0, 1]; zero where masked.

        A pixel that lies in the windows of some members only is averaged over these.
        A pixel in no window takes part in nothing, and is zero without smoothing.
        """
        return self._mean_of(range(len(self.members)))

    def leave_one_out(self):
        """Yield the heat map without each member in turn; nothing for one member."""
        if len(self.members) > 1:
            numbers = range(len(self.members))
            for left_out in numbers:
                yield self._mean_of([n for n in numbers if n != left_out])

    def supporting_sizes(self, pixels, level=0.5):
        """Return the patch sizes whose maps have a mean of ``level`` in a region."""
        return {
            member.patch_size
            for member in self.members
            if np.nanmean(member.probability[pixels]) >= level
        }

    @cached_property
    def _filled(self):
        """Where each map is known, and the map with zeros elsewhere (list of pairs)."""
        seen = [~np.isnan(member.probability) for member in self.members]
        pairs = zip(seen, self.members, strict=True)
        return [(known, np.where(known, m.probability, 0.0)) for known, m in pairs]

    def _mean_of(self, numbers):
        covered = np.zeros(self.mask.shape, dtype=np.int32)
        total = np.zeros(self.mask.shape)
        for number in numbers:
            seen, probability = self._filled[number]
            covered += seen
            total += probability
        usable = (covered > 0) & ~self.mask
        mean = np.where(usable, total / np.maximum(covered, 1), 0.0)
        if self.smoothing:
            mean = _smooth(mean, usable, self.smoothing)
        return np.where(self.mask, 0.0, np.clip(mean, 0.0, 1.0))


def _smooth(values, usable, deviation):
    """Smooth by a Gaussian that is normalised over the usable pixels."""
    total = gaussian_filter(np.where(usable, values, 0.0), deviation, mode="constant")
    weight = gaussian_filter(usable.astype(float), deviation, mode="constant")
    return np.where(weight > 1e-6, total / np.maximum(weight, 1e-6), 0.0)
