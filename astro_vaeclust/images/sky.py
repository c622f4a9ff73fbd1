# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""From the meshes of a background to all pixels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning
from photutils.background import Background2D
from scipy.ndimage import zoom

__all__ = ["Sky", "enlarge_meshes"]


SKY_BOX = 128
"""Side in network pixels of the meshes of the sky."""

SKY_STEP = 2
"""One pixel of so many, along either axis, tells the sky of a mesh of that side."""


def enlarge_meshes(mesh, box, shape, rows=slice(None)):
    """
    Interpolate meshes to pixels by cubic splines, as `Background2D` does.

    Along one axis after the other, as products with small matrices, this takes a
    tenth of the time of one interpolation in two dimensions. The products are those of
    torch: after one of numpy, the threads of its BLAS wait for more, and what torch
    computes next has to share the cores with them.

    Parameters
    ----------
    mesh : (n, m) array
        Values of the meshes, such as ``Background2D.background_mesh``.
    box : tuple of int
        Sides of a mesh in pixels, ``Background2D.box_size``.
    shape : tuple of int
        ``(ny, nx)`` of the image.
    rows : slice
        The rows that are wanted; by default all.

    Returns
    -------
    pixels : (n_rows, nx) float64 array
        The interpolated values, in the range of those of the meshes.
    """
    from torch import from_numpy

    along_y, along_x = (
        from_numpy(_weights(n, factor, side))
        for n, factor, side in zip(mesh.shape, box, shape, strict=True)
    )
    mesh = from_numpy(np.asarray(mesh, dtype=np.float64))
    pixels = along_y[:, rows].T @ mesh @ along_x
    return pixels.clamp_(mesh.min(), mesh.max()).numpy()


@lru_cache(maxsize=8)
def _weights(n, factor, side):
    """Return the weight of each of n meshes for the pixels along an axis, (n, side)."""
    return np.stack(
        [
            zoom(unit, factor, order=3, mode="reflect", grid_mode=True)[:side]
            for unit in np.eye(n)
        ]
    )


@dataclass(frozen=True, eq=False)
class Sky:
    """
    The sky in large meshes, and one noise for the whole image.

    Parameters
    ----------
    mesh : (n, m) array
        Level of the sky in each mesh.
    side : int
        Side of a mesh in network pixels.
    shape : tuple of int
        ``(ny, nx)`` of the image in network pixels.
    noise : float
        Standard deviation of a pixel; one where there is none.
    """

    mesh: np.ndarray
    side: int
    shape: tuple[int, int]
    noise: float

    @classmethod
    def of_pixels(cls, means, mask):
        """
        Measure the sky.

        Parameters
        ----------
        means : (ny, nx) array
            Pixels of the network.
        mask : (ny, nx) bool array
            Unusable ones.

        Returns
        -------
        sky : `Sky`
            Their sky.
        """
        side = min(SKY_BOX, *means.shape)
        step = SKY_STEP if side == SKY_BOX else 1
        chosen = np.s_[::step, ::step]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyUserWarning)
            background = Background2D(
                means[chosen], side // step, mask=mask[chosen], exclude_percentile=98
            )
        noise = np.median(background.background_rms_mesh)
        return cls(
            background.background_mesh, side, means.shape, noise if noise > 0 else 1.0
        )

    def level(self, rows=slice(None)):
        """
        Interpolate the meshes.

        Parameters
        ----------
        rows : slice
            The rows of the image that are wanted; by default all.

        Returns
        -------
        level : (n_rows, nx) array
            Level of the sky.
        """
        return enlarge_meshes(self.mesh, (self.side, self.side), self.shape, rows)
