# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""From candidates to the columns of the catalogue."""

from __future__ import annotations

from functools import cached_property

import astropy.units as u
import numpy as np
from astropy.nddata import NDData
from photutils.segmentation import SegmentationImage
from scipy.special import erf

from ..measure.circles import (
    BRIGHT_STAR_RADII,
    BRIGHT_STAR_SIGNIFICANCE,
    LARGE_FRACTION,
    MASKED_FRACTION,
    circle,
)
from ..measure.flags import ClusterFlags

__all__ = ["CandidateMeasurements"]


class CandidateMeasurements:
    """
    Measured properties of the candidates of one field; lives as long as one run.

    Parameters
    ----------
    field : `~astro_vaeclust.baselines.SourceField`
        The field.
    candidates : list of `~astro_vaeclust.baselines.Candidate`
        The candidates. Where regions overlap, the higher score takes the cells.
    heat : (rows, columns) array
        Significance of each cell.
    significance : (ny, nx) array or None
        Significance of the pixels, if there are pixels.
    min_members : int
        Sources that a region must hold.
    """

    def __init__(self, field, candidates, heat, significance, *, min_members):
        self.field = field
        self.heat = heat
        self.significance = significance
        order = sorted(candidates, key=lambda found: (-found.score, found.x, found.y))
        self.labels = np.zeros(field.shape, dtype=np.int32)
        self.candidates = []
        members = field.cell_of_source
        for candidate in order:
            free = candidate.cells & (self.labels == 0) & (field.coverage > 0)
            if np.count_nonzero(free[members]) >= min_members:
                self.candidates.append(candidate)
                self.labels[free] = len(self.candidates)

    def columns(self):
        """Return the columns of the table (dict), or None without candidates."""
        n_candidates = len(self.candidates)
        if not n_candidates:
            return None
        x, y = self._centers.T
        pixel_side = self.field.pixel_side * u.arcsec
        return {
            "id": np.arange(1, n_candidates + 1),
            "sky_center": self.field.image.wcs.pixel_to_world(x, y).icrs,
            "x_center": x * u.pix,
            "y_center": y * u.pix,
            "radius": self._radii * pixel_side,
            "radius_err": np.full(n_candidates, np.nan) * u.arcsec,
            "area": self._areas * pixel_side**2,
            "score": np.array([found.score for found in self.candidates]),
            "false_alarm_rate": np.full(n_candidates, np.nan) / u.deg**2,
            "n_sources": self._n_sources,
            "flags": np.array([int(self._flags(i)) for i in range(n_candidates)]),
        }

    def heatmap(self):
        """Return the heat map in [0, 1], with wcs and mask."""
        probability = erf(np.maximum(self.heat, 0) / np.sqrt(2)).astype(np.float32)
        image = self.field.image
        heat = self._to_pixels(np.where(self.field.coverage > 0, probability, 0))
        return NDData(heat, wcs=image.wcs, mask=image.mask)

    def segmentation(self):
        """Return the regions (SegmentationImage), or None without candidates."""
        return SegmentationImage(self._label_pixels) if self.candidates else None

    @cached_property
    def _centers(self):
        return np.array([(found.x, found.y) for found in self.candidates])

    @cached_property
    def _label_pixels(self):
        return np.where(self.field.image.mask, 0, self._to_pixels(self.labels))

    @cached_property
    def _areas(self):
        """Usable pixels of each region."""
        n_candidates = len(self.candidates)
        return np.bincount(self._label_pixels.ravel(), minlength=n_candidates + 1)[1:]

    @cached_property
    def _radii(self):
        """Radii in pixels of circles with the areas of the regions."""
        return np.sqrt(self._areas / np.pi)

    @cached_property
    def _n_sources(self):
        """Number of sources within the radius."""
        counts = self.field.tree.query_ball_point(
            self._centers, self._radii, return_length=True
        )
        return np.asarray(counts, dtype=np.int64)

    def _to_pixels(self, grid):
        cell = self.field.cell
        height, width = self.field.image.shape
        return grid.repeat(cell, axis=0).repeat(cell, axis=1)[:height, :width]

    def _flags(self, index):
        image, radius = self.field.image, self._radii[index]
        place, within = self._circle(index, radius)
        remarks = {
            ClusterFlags.TOUCHES_EDGE: self._touches_edge(index),
            ClusterFlags.MASKED: image.mask[place][within].mean() > MASKED_FRACTION,
            ClusterFlags.NEAR_BRIGHT_STAR: self._highest_near(index)
            > BRIGHT_STAR_SIGNIFICANCE,
            ClusterFlags.LARGE: self._areas[index]
            > LARGE_FRACTION * np.count_nonzero(~image.mask),
            ClusterFlags.LOSSY_INPUT: image.lossy,
        }
        return ClusterFlags.of(remarks)

    def _touches_edge(self, index):
        """Whether a region reaches the bounding box of the usable cells."""
        cells, usable = self.labels == index + 1, self.field.coverage > 0
        for axis in (0, 1):
            extent = np.flatnonzero(usable.any(axis=axis))
            reach = np.flatnonzero(cells.any(axis=axis))
            if reach[0] <= extent[0] or reach[-1] >= extent[-1]:
                return True
        return False

    def _highest_near(self, index):
        """Highest significance of the pixels around; zero if there are no pixels."""
        if self.significance is None:
            return 0.0
        place, near = self._circle(index, BRIGHT_STAR_RADII * self._radii[index])
        return np.max(self.significance[place][near], initial=0)

    def _circle(self, index, radius):
        return circle(self.field.image.shape, self._centers[index], radius)
