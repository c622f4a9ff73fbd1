# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The sources of one image on a grid of cells, with what masks and edges take away."""

from __future__ import annotations

from functools import cached_property

import astropy.units as u
import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.signal import fftconvolve
from scipy.spatial import cKDTree

from ..photometry.extinction import count_weights, star_extinction
from ..sources.points import on_usable_pixels
from ..utils.statistics import poisson_significance

__all__ = ["SourceField"]

CLIPPED = 3.0
"""Significance from which on a position does not count as background."""

CLIPPING_ROUNDS = 3

CLIPPING_SCALES = (0.1, 0.25)
"""Radii over the background scale at which clusters are clipped."""

TRUNCATED = 3.0
"""Reach of a Gaussian in standard deviations."""


class SourceField:
    """
    Sources of one image and the sky that they could have been seen on.

    Lives as long as one search. All lengths are in arcsec, positions in pixels, and
    grids have one value per cell, a square of ``cell`` pixels on a side.

    Parameters
    ----------
    image : `~astro_vaeclust.images.image.Image`
        The image; its mask counts, its pixels do not.
    points : `~astro_vaeclust.sources.points.PointSources`
        The sources. Those outside the image or on masked pixels are left out.
    cell_size : float
        Side of a cell in arcsec, rounded to whole pixels.
    background_scale : float
        Standard deviation in arcsec of the Gaussian over which the background is
        averaged.
    weights : (n,) array, optional
        What each source counts for; 1 without it.
    """

    def __init__(self, image, points, *, cell_size, background_scale, weights=None):
        self.image = image
        self.pixel_side = float(np.sqrt(image.pixel_area.value))
        self.cell = max(1, round(cell_size / self.pixel_side))
        self.background_scale = background_scale
        self._scatters = {}
        rows = np.lexsort((points.y, points.x))
        rows = rows[on_usable_pixels(image.mask, points.x[rows], points.y[rows])]
        self.sources = points[rows]
        self.x, self.y = self.sources.x, self.sources.y
        self.weights = np.ones(len(rows)) if weights is None else weights[rows]

    def __len__(self):
        """Return the number of sources."""
        return len(self.x)

    def with_background_scale(self, background_scale):
        """Return the field of the same sources with another background scale."""
        return self._with(background_scale=background_scale.to_value(u.arcsec))

    def corrected(self):
        """
        Return the field in which each source counts for those that dust hides.

        The weights are those of
        `~astro_vaeclust.photometry.extinction.count_weights` for the extinction by the
        colours of the sources.
        """
        a_k = star_extinction(self.sources.magnitudes)
        return self._with(weights=count_weights(a_k))

    def _with(self, **changes):
        settings = {
            "cell_size": self.cell_side,
            "background_scale": self.background_scale,
            "weights": self.weights,
        }
        return SourceField(self.image, self.sources, **(settings | changes))

    @property
    def points(self):
        """Positions of the sources in pixels, (n, 2) in x and y."""
        return np.column_stack([self.x, self.y])

    @property
    def cell_side(self):
        """Side of a cell in arcsec."""
        return self.cell * self.pixel_side

    @property
    def shape(self):
        """Cells along y and x."""
        return tuple(-(-side // self.cell) for side in self.image.shape)

    @cached_property
    def coverage(self):
        """Fraction of each cell that is usable; cells may reach beyond the image."""
        padded = np.zeros([side * self.cell for side in self.shape])
        height, width = self.image.shape
        padded[:height, :width] = ~self.image.mask
        blocks = padded.reshape(self.shape[0], self.cell, self.shape[1], self.cell)
        return blocks.mean(axis=(1, 3))

    @cached_property
    def cell_of_source(self):
        """Row and column of the cell of each source."""
        return self.cell_at(self.x, self.y)

    def cell_at(self, x, y):
        """Return row and column of the cells at positions, the nearest if outside."""
        row, column = (
            np.clip(((np.asarray(v) + 0.5) // self.cell).astype(int), 0, side - 1)
            for v, side in ((y, self.shape[0]), (x, self.shape[1]))
        )
        return row, column

    @cached_property
    def counts(self):
        """Sum of the weights of the sources in each cell."""
        return self._summed(self.weights)

    def _summed(self, weights):
        flat = np.ravel_multi_index(self.cell_of_source, self.shape)
        n_cells = self.shape[0] * self.shape[1]
        return np.bincount(flat, weights, minlength=n_cells).reshape(self.shape)

    @cached_property
    def centers(self):
        """Middles of the cells in pixels, (rows * columns, 2) in x and y."""
        rows, columns = np.indices(self.shape)
        middle = (self.cell - 1) / 2
        return np.column_stack(
            [columns.ravel() * self.cell + middle, rows.ravel() * self.cell + middle]
        )

    @cached_property
    def tree(self):
        """Tree of the sources."""
        return cKDTree(self.points)

    @cached_property
    def nearest(self):
        """Distance in pixels and index of the source nearest to each cell."""
        distance, index = self.tree.query(self.centers)
        return distance.reshape(self.shape), index.reshape(self.shape)

    @cached_property
    def background(self):
        """
        Expected sources in a whole cell, from the surroundings.

        A Gaussian-weighted mean over usable cells, in which significant excesses, at
        two scales, are left out in rounds.
        """
        kept = np.ones(self.shape, dtype=bool)
        background = self._local_mean(kept)
        for _ in range(CLIPPING_ROUNDS):
            excess = np.max(
                [
                    self._excess(background, scale * self.background_scale)
                    for scale in CLIPPING_SCALES
                ],
                axis=0,
            )
            kept = excess < CLIPPED
            background = self._local_mean(kept)
        return background

    def density_at(self, x, y):
        """Return the background at positions, in sources per square pixel."""
        return self.background[self.cell_at(x, y)] / self.cell**2

    def scatter(self, radius):
        """
        Return how much more than Poisson noise the field scatters, at least 1.

        The robust scatter over the image of the significances of counts in circles of a
        radius in arcsec. Dust makes the counts of field stars scatter more than Poisson
        noise.
        """
        cells = max(1, round(radius / self.cell_side))
        if cells not in self._scatters:
            excess = self._excess(self.background, cells * self.cell_side)
            usable = excess[self.coverage > min(0.5, self.coverage.max() / 2)]
            low, high = np.percentile(usable, [16, 84])
            self._scatters[cells] = max(1.0, float(high - low) / 2)
        return self._scatters[cells]

    def disc(self, radius):
        """Return a kernel of ones within a radius in arcsec."""
        return (self.offsets(radius) <= max(radius, self.cell_side / 2)).astype(float)

    def offsets(self, reach):
        """Return the distances in arcsec from the middle of a square kernel."""
        half = max(1, int(np.ceil(reach / self.cell_side)))
        axis = np.arange(-half, half + 1) * self.cell_side
        return np.hypot(axis, axis[:, np.newaxis])

    def convolve(self, grid, kernel):
        """Sum a grid under a kernel; beyond the image there is nothing."""
        return fftconvolve(grid, kernel, mode="same")

    def smoothed_significance(self, width):
        """Return the significance of counts smoothed by a Gaussian, width in arcsec."""
        offsets = self.offsets(TRUNCATED * width)
        return self._significance(
            self.background, np.exp(-0.5 * (offsets / width) ** 2)
        )

    def _excess(self, background, radius):
        return self._significance(background, self.disc(radius))

    def _significance(self, background, kernel):
        """
        Return the significance of the counts under a kernel over the background.

        Counts under a kernel that is not flat are scaled to the Poisson counts of
        the same relative error, and so are those of sources with weights.
        """
        equivalent = kernel.sum() / (kernel**2).sum() / self._weight_at(kernel)
        counts = self.convolve(self.counts, kernel) * equivalent
        expected = self.convolve(background * self.coverage, kernel) * equivalent
        counts[counts < 1e-9] = 0
        expected[expected < 1e-9] = 0
        return poisson_significance(counts, expected)

    def _weight_at(self, kernel):
        """Return the mean of the squared weights over that of the weights, locally."""
        if (self.weights == 1).all():
            return 1.0
        squares, sums = (
            self.convolve(self._summed(weights), kernel) + weights.mean()
            for weights in (self.weights**2, self.weights)
        )
        return squares / sums

    def _local_mean(self, kept):
        width = self.background_scale / self.cell_side
        usable = self.coverage * kept
        if not usable.any():
            usable = self.coverage
        overall = (self.counts * (usable > 0)).sum() / usable.sum()
        counts, area = (
            gaussian_filter(grid, width, mode="constant", truncate=TRUNCATED)
            for grid in (self.counts * (usable > 0), usable)
        )
        # a little of the mean of the image, so that it is defined everywhere
        little = 1e-3
        return (counts + little * overall) / (area + little)
