# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Square windows of an image on a regular grid, cut as views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..images.prepare import PREPARATIONS, prepare
from ..utils.validation import check_choice, check_count, check_fraction
from .base import Embedding

if TYPE_CHECKING:
    from ..images.image import Image
    from ..images.prepare import PreparedImage

__all__ = ["WindowEmbedding", "WindowGrid", "check_image_holds"]


@dataclass(frozen=True, kw_only=True)
class WindowEmbedding(Embedding):
    """
    Base class of the embeddings of square windows, each size on its own.

    Parameters
    ----------
    patch_sizes : tuple of int
        Sides of the windows in pixels.
    overlap : float
        Fraction by which neighbouring windows overlap, in [0, 1).
    preparation : {'noise-normalised', 'above-sky', 'intensity'}
        What is embedded: pixels over sky and noise, the same with zero for the sky and
        below, or raw intensity.
    box_size : int
        Side in pixels of the meshes in which the sky is measured; structure in it that
        is larger, such as a nebula, is subtracted with it.
    max_masked : float
        Largest fraction of unusable pixels of a window that is used.

    Raises
    ------
    TypeError, ValueError
        If a setting is of a wrong type or out of its range.
    """

    patch_sizes: tuple[int, ...] = (12, 16, 24, 32)
    overlap: float = 0.5
    preparation: str = "noise-normalised"
    box_size: int = 32
    max_masked: float = 0.5

    def __post_init__(self):
        object.__setattr__(self, "patch_sizes", checked_sizes(self.patch_sizes))
        check_fraction("overlap", self.overlap)
        check_choice("preparation", self.preparation, PREPARATIONS)
        check_count("box_size", self.box_size)
        check_fraction("max_masked", self.max_masked)

    @property
    def min_pixels(self) -> int:
        """Area of the largest window in pixels (int)."""
        return max(self.patch_sizes) ** 2

    def prepare(self, image: Image) -> PreparedImage:
        """See `Embedding.prepare`; the image must hold the largest window."""
        prepared = prepare(image, preparation=self.preparation, box_size=self.box_size)
        check_image_holds(image, self.patch_sizes)
        return prepared

    def windows(self, prepared: PreparedImage, patch_size: int) -> WindowGrid:
        """Return the windows of one size of a prepared image (`WindowGrid`)."""
        return WindowGrid(
            prepared.pixels, prepared.mask, patch_size, self.overlap, self.max_masked
        )


class WindowGrid:
    """
    All windows of one size of an image, without a copy of each.

    The image, finite also where it is masked, is extended on its upper and right side
    until the windows cover it; the added pixels count as masked. For the settings see
    `WindowEmbedding`.

    Attributes
    ----------
    stride : int
        Distance of neighbouring windows in pixels.
    valid : (grid_ny, grid_nx) bool array
        Windows with enough usable pixels.
    """

    def __init__(self, pixels, mask, patch_size, overlap, max_masked=0.5):
        self.patch_size = patch_size
        self.stride = max(1, round(patch_size * (1 - overlap)))
        self.image_shape = pixels.shape
        self.max_masked = max_masked
        padding = [(0, self._overhang(n)) for n in pixels.shape]
        self._pixels = np.pad(pixels, padding, mode="edge")
        masked = np.pad(mask, padding, constant_values=True)
        self.valid = self._view(masked).mean(axis=(2, 3)) <= max_masked

    @property
    def views(self):
        """The windows, a view of shape (grid_ny, grid_nx, patch_size, patch_size)."""
        return self._view(self._pixels)

    def usable_cells(self):
        """
        Return positions of the usable windows in the grid, ``(n, 2)``.

        Raises ValueError if there are none.
        """
        cells = np.argwhere(self.valid)
        if not len(cells):
            raise ValueError(
                f"data has no window of {self.patch_size} pixels with at most "
                f"{self.max_masked:.0%} of its pixels masked"
            )
        return cells

    def cut(self, cells):
        """Return a copy of the windows of some cells, ``(n, patch_size**2)``."""
        return self.views[tuple(cells.T)].reshape(len(cells), -1)

    def _overhang(self, n):
        return -(n - self.patch_size) % self.stride

    def _view(self, image):
        windows = np.lib.stride_tricks.sliding_window_view(
            image, (self.patch_size, self.patch_size), writeable=True
        )
        return windows[:: self.stride, :: self.stride]


def check_image_holds(image, patch_sizes):
    """Raise ValueError if the largest patch is longer than a side of the image."""
    largest, shortest = max(patch_sizes), min(image.data.shape)
    if largest > shortest:
        raise ValueError(
            f"patch_sizes: the largest, {largest} pixels, does not fit into an image "
            f"of shape {image.data.shape}; take sizes of at most {shortest}"
        )


def checked_sizes(patch_sizes):
    """Return sides of windows as a tuple of int, or raise."""
    try:
        sizes = tuple(patch_sizes)
    except TypeError:
        raise TypeError(
            f"patch_sizes takes a sequence of integers, got {patch_sizes!r}"
        ) from None
    if not sizes or len(set(sizes)) != len(sizes):
        raise ValueError(f"patch_sizes takes different integers, got {patch_sizes!r}")
    for size in sizes:
        check_count("patch_sizes", size, minimum=2)
    return tuple(int(size) for size in sizes)
