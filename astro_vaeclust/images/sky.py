# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The sky of an image and its noise, for the search, the preparation and the baselines.

They differ in the size of the meshes, and in whether the noise is one number or follows
the meshes. Noise that vanishes is replaced by the smallest that does not, or by one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning
from photutils.background import Background2D, MeanBackground, StdBackgroundRMS
from scipy.ndimage import zoom

from ..utils.warning import WARNINGS_LOCK, ignored_warnings
from .image import BOX, most_usable, unusable

__all__ = ["Meshes", "Sky", "enlarge_meshes"]


EXCLUDE_PERCENTILE = 98
"""Percentage of unusable pixels from which on a mesh has no sky of its own."""

MIN_USABLE = 400
"""Pixels in one box without which no sky is measured; so many leave enough in a mesh
of any side, by ``EXCLUDE_PERCENTILE``."""

ORDINARY = (1e-10, 1e15)
"""Range of the largest pixel in which squares of the noise fit single precision."""


def enlarge_meshes(mesh, side, shape, rows=slice(None), columns=slice(None)):
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
    side : int
        Side of a mesh in pixels.
    shape : tuple of int
        ``(ny, nx)`` of the image.
    rows, columns : slice
        The rows and columns that are wanted; by default all.

    Returns
    -------
    pixels : (n_rows, n_columns) float64 array
        The interpolated values, in the range of those of the meshes.
    """
    from torch import from_numpy

    along_y, along_x = (
        from_numpy(_weights(n, side, size))
        for n, size in zip(mesh.shape, shape, strict=True)
    )
    mesh = from_numpy(np.asarray(mesh, dtype=np.float64))
    pixels = along_y[:, rows].T @ mesh @ along_x[:, columns]
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
class Meshes:
    """
    Sky and noise of the square meshes of an image, before they are smoothed.

    Parameters
    ----------
    level, noise : (n, m) array
        Sigma-clipped mode and standard deviation of the pixels of each mesh; NaN where
        at most ``1 - EXCLUDE_PERCENTILE / 100`` of them can be used.
    """

    level: np.ndarray
    noise: np.ndarray

    @classmethod
    def from_pixels(cls, pixels, mask, *, side, step=1):
        """
        Measure the meshes.

        Parameters
        ----------
        pixels : (ny, nx) array
            Pixels.
        mask : (ny, nx) bool array
            Unusable ones.
        side : int
            Side of a mesh in pixels.
        step : int
            One pixel of so many, along either axis, tells the sky of a mesh.

        Returns
        -------
        meshes : `Meshes`
            The meshes, from the first row and column.
        """
        largest = np.abs(pixels).max()
        if not ORDINARY[0] < largest < ORDINARY[1]:
            pixels = pixels.astype(float)
        if mask[::step, ::step].all():  # such as every other row
            step = 1
        side //= step
        chosen = np.s_[::step, ::step]
        with ignored_warnings(AstropyUserWarning):
            try:
                measured = Background2D(
                    pixels[chosen],
                    side,
                    mask=mask[chosen],
                    exclude_percentile=EXCLUDE_PERCENTILE,
                    filter_size=1,
                )
            except ValueError:  # of all meshes, too few pixels can be used
                shape = [-(-n // side) for n in mask[chosen].shape]
                dtype = np.result_type(pixels, np.float32)
                return cls(*np.full((2, *shape), np.nan, dtype=dtype))
        few = measured.n_pixels_mesh <= (1 - EXCLUDE_PERCENTILE / 100) * side**2
        return cls(
            *(
                np.where(few, np.nan, mesh)
                for mesh in (measured.background_mesh, measured.background_rms_mesh)
            )
        )

    @classmethod
    def stacked(cls, strips):
        """Return the meshes of an image, given those of its strips of rows."""
        strips = list(strips)
        return cls(
            np.vstack([strip.level for strip in strips]),
            np.vstack([strip.noise for strip in strips]),
        )


@dataclass(frozen=True, eq=False)
class Sky:
    """
    The sky of an image, which follows square meshes, and its noise.

    Meshes without enough usable pixels take what the nearest ones have, and all take
    the median of their neighbours, as in `photutils.background.Background2D`.

    Parameters
    ----------
    level_mesh, noise_mesh : (n, m) array
        Level of the sky and standard deviation of a pixel in each mesh.
    side : int
        Side of a mesh in pixels.
    shape : tuple of int
        ``(ny, nx)`` of the image.
    corner : tuple of int
        Of a part, row and column of the image at which it begins.
    """

    level_mesh: np.ndarray
    noise_mesh: np.ndarray
    side: int
    shape: tuple[int, int]
    corner: tuple[int, int] = (0, 0)

    @classmethod
    def from_pixels(cls, pixels, mask, *, box_size, step=1):
        """
        Measure the sky.

        Parameters
        ----------
        pixels : (ny, nx) array
            Pixels.
        mask : (ny, nx) bool array
            Unusable ones.
        box_size : int
            Side of a mesh in pixels, at most the sides of the image.
        step : int
            One pixel of so many, along either axis, tells the sky of a mesh; all of
            them do where the image is smaller than a mesh.

        Returns
        -------
        sky : `Sky`
            The sky.

        Raises
        ------
        ValueError
            If there are too few usable pixels in every box, or in every mesh.
        """
        check_enough_usable(most_usable(mask))
        side, step = mesh_side(box_size, step, mask.shape)
        meshes = Meshes.from_pixels(pixels, mask, side=side, step=step)
        return cls.from_meshes(meshes, side, mask.shape)

    @classmethod
    def from_meshes(cls, meshes, side, shape):
        """
        Fill the meshes that have no sky, and smooth all.

        Parameters
        ----------
        meshes : `Meshes`
            The meshes of the image.
        side : int
            Side of a mesh in pixels.
        shape : tuple of int
            ``(ny, nx)`` of the image.

        Returns
        -------
        sky : `Sky`
            The sky.

        Raises
        ------
        ValueError
            If no mesh has any.
        """
        if np.isnan(meshes.level).all():
            raise unusable(
                "data has too few usable pixels to measure its sky: no mesh of "
                f"{side} x {side} pixels has more than {100 - EXCLUDE_PERCENTILE} %"
            )
        return cls(_smoothed(meshes.level), _smoothed(meshes.noise), side, shape)

    def part(self, corner):
        """Return the same sky, of which rows and columns count from a corner."""
        return replace(self, corner=corner)

    @cached_property
    def noise(self):
        """Noise of the image: the median of its meshes; one where that vanishes."""
        # the stars in a mesh raise its noise: to divide by that would hide them
        return np.median(positive(self.noise_mesh))

    def level(self, rows=slice(None), columns=slice(None)):
        """
        Interpolate the sky.

        Parameters
        ----------
        rows, columns : slice
            What is wanted of the image or part; by default all of the image.

        Returns
        -------
        level : (n_rows, n_columns) array
            Level of the sky.
        """
        return self._enlarged(self.level_mesh, rows, columns)

    def local_noise(self):
        """Interpolate the noise of the meshes to all pixels, (ny, nx)."""
        return self._enlarged(self.noise_mesh)

    def _enlarged(self, mesh, rows=slice(None), columns=slice(None)):
        rows, columns = (
            slice((part.start or 0) + first, part.stop and part.stop + first, part.step)
            for part, first in zip((rows, columns), self.corner, strict=True)
        )
        return enlarge_meshes(mesh, self.side, self.shape, rows, columns)

    def significance(self, image, *, local=False):
        """
        Subtract the sky from an image and divide by its noise.

        Parameters
        ----------
        image : `~astro_vaeclust.images.image.Image`
            The image. Its errors are the noise, where it has them.
        local : bool
            Whether the noise follows the meshes; else it is one number.

        Returns
        -------
        significance : (ny, nx) float32 array
            Zero where the image is masked.
        """
        noise = image.error
        if noise is None:
            noise = self.local_noise() if local else self.noise
        significance = image.data - self.level()
        significance /= positive(noise)
        significance[image.mask] = 0
        return significance.astype(np.float32)


def mesh_side(box_size, step, shape):
    """Return the side of the meshes of an image, and the step through its pixels."""
    side = min(box_size, *shape)
    return side, step if side == box_size else 1


def check_enough_usable(n_most):
    """Raise ValueError if no box has enough usable pixels to tell of a sky."""
    if n_most < MIN_USABLE:
        raise unusable(
            f"data has too few usable pixels to measure its sky: {n_most} in the "
            f"fullest box of {BOX} x {BOX} pixels, where {MIN_USABLE} are the least"
        )


def positive(noise):
    """Replace vanishing noise by the smallest that does not, or by one."""
    above = noise > 0
    smallest = noise[above].min() if above.any() else 1.0
    return np.where(above, noise, smallest)


def _smoothed(mesh):
    """Fill missing values of a mesh and take medians of 3 x 3, as photutils does."""
    with WARNINGS_LOCK:
        return Background2D(
            mesh,
            1,
            mask=np.isnan(mesh),
            exclude_percentile=EXCLUDE_PERCENTILE,
            sigma_clip=None,
            bkg_estimator=MeanBackground(sigma_clip=None),
            bkg_rms_estimator=StdBackgroundRMS(sigma_clip=None),
        ).background_mesh
