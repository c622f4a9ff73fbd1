# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Point sources that are given beside an image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

__all__ = ["PointSources", "check_number_on_image"]

MIN_SOURCES = 3
"""Sources on an image without which a table is taken for that of another field."""


@dataclass(frozen=True, eq=False)
class PointSources:
    """
    Positions of point sources on an image.

    Parameters
    ----------
    x, y : (n,) float64 array
        Positions in pixels, from 0 at the centre of the first pixel.
    magnitudes : (3, n) float64 array, optional
        In J, H and K, NaN where there is none.
    """

    x: np.ndarray
    y: np.ndarray
    magnitudes: np.ndarray | None = None

    def __len__(self) -> int:
        """Return the number of sources."""
        return len(self.x)

    def __getitem__(self, rows: Any) -> PointSources:
        """Return some of the sources."""
        magnitudes = None if self.magnitudes is None else self.magnitudes[:, rows]
        return PointSources(self.x[rows], self.y[rows], magnitudes)

    def on(self, mask: np.ndarray) -> PointSources:
        """Return those on the usable pixels of an image, given its mask."""
        return self[on_usable_pixels(mask, self.x, self.y)]

    def within(self, part: tuple[slice, slice]) -> PointSources:
        """Return those in a part of the image, two slices, in pixels of that part."""
        rows, columns = part
        inside = (self.x > columns.start - 0.5) & (self.x < columns.stop - 0.5)
        inside &= (self.y > rows.start - 0.5) & (self.y < rows.stop - 0.5)
        here = self[inside]
        return replace(here, x=here.x - columns.start, y=here.y - rows.start)


def on_usable_pixels(mask, x, y):
    """
    Tell which positions are on usable pixels.

    Parameters
    ----------
    mask : (ny, nx) bool array
        Unusable pixels.
    x, y : (n,) array
        Positions in pixels, finite.

    Returns
    -------
    usable : (n,) bool array
        False also outside the image.
    """
    height, width = mask.shape
    inside = (x > -0.5) & (y > -0.5) & (x < width - 0.5) & (y < height - 0.5)
    column, row = (np.rint(np.where(inside, v, 0)).astype(int) for v in (x, y))
    return inside & ~mask[row, column]


def check_number_on_image(n_rows, n_usable):
    """
    Raise ValueError if a table seems to be that of another field.

    Parameters
    ----------
    n_rows : int
        Rows of the table; one without rows says that there are no sources.
    n_usable : int
        Those that are on the image.
    """
    if n_rows and n_usable < MIN_SOURCES:
        raise ValueError(
            f"sources must have {MIN_SOURCES} or more on usable pixels of the image, "
            f"got {n_usable} of {n_rows}; are they of this field?"
        )
