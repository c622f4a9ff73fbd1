# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""From candidates to the columns of the catalogue."""

from __future__ import annotations

from functools import cached_property

import astropy.units as u
import numpy as np
from astropy.nddata import NDData
from photutils.segmentation import SegmentationImage
from scipy.special import erf

from ..measure.circles import CircleMeasurements
from ..sources.points import PointSources

__all__ = ["CandidateMeasurements"]


class CandidateMeasurements:
    """
    Measured properties of the candidates of one field; lives as long as one run.

    Parameters
    ----------
    field : `~astro_vaeclust.baselines.field.SourceField`
        The field.
    candidates : list of `~astro_vaeclust.baselines.candidates.Candidate`
        The candidates. Where regions overlap, the higher score takes the cells.
    heat : (rows, columns) array
        Significance of each cell.
    min_members : int
        Sources that a region must hold.
    """

    def __init__(self, field, candidates, heat, *, min_members):
        self.field = field
        self.heat = heat
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
        pixel_area = self.field.image.pixel_area_at(x, y)
        circles = CircleMeasurements(
            self.field.image,
            self._centers,
            self._radii,
            sources=PointSources(self.field.x, self.field.y),
        )
        return {
            "id": np.arange(1, n_candidates + 1),
            "sky_center": self.field.image.wcs.pixel_to_world(x, y).icrs,
            "x_center": x,
            "y_center": y,
            "radius": self._radii * np.sqrt(pixel_area),
            "radius_err": np.full(n_candidates, np.nan) * u.arcsec,
            "area": self._areas * pixel_area,
            "score": np.array([found.score for found in self.candidates]),
            "false_alarm_rate": np.full(n_candidates, np.nan) / u.deg**2,
            "n_sources": circles.n_sources,
            "flags": circles.flags,
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

    def _to_pixels(self, grid):
        cell = self.field.cell
        height, width = self.field.image.shape
        return grid.repeat(cell, axis=0).repeat(cell, axis=1)[:height, :width]
