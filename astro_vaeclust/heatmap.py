# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The ensemble of probability maps over patch sizes and seeds, in pixels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

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
    """

    def __init__(self, members, mask):
        self.members = members
        self.mask = mask

    @property
    def heatmap(self):
        """
        Mean of the maps, ``(ny, nx)`` in [0, 1]; zero where masked or in no window.

        A pixel that lies in the windows of some members only is averaged over these.
        """
        return _mean_map(self.members, self.mask)

    def leave_one_out(self):
        """Yield the heat map without each member in turn; nothing for one member."""
        if len(self.members) > 1:
            for left_out in self.members:
                rest = [member for member in self.members if member is not left_out]
                yield _mean_map(rest, self.mask)

    def supporting_sizes(self, pixels, level=0.5):
        """
        Patch sizes whose maps are high in a region.

        Parameters
        ----------
        pixels : (ny, nx) bool array
            The region.
        level : float
            What the mean of the map in the region must reach.

        Returns
        -------
        sizes : set of int
            The patch sizes.
        """
        return {
            member.patch_size
            for member in self.members
            if np.nanmean(member.probability[pixels]) >= level
        }


def _mean_map(members, mask):
    maps = np.stack([member.probability for member in members])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        mean = np.nanmean(maps, axis=0)
    return np.where(mask | np.isnan(mean), 0.0, np.clip(mean, 0.0, 1.0))
