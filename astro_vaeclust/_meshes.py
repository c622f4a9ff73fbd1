# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""From the meshes of a background to all pixels."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.ndimage import zoom

__all__ = ["enlarge_meshes"]


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
