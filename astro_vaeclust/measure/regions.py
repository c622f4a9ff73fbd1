# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Measurement of the regions of a heat map: the columns of the catalogue."""

from __future__ import annotations

import warnings
from functools import cached_property

import astropy.units as u
import numpy as np
from photutils.detection import DAOStarFinder
from photutils.segmentation import SourceCatalog
from photutils.utils.exceptions import NoDetectionsWarning

from .circles import (
    BRIGHT_STAR_RADII,
    BRIGHT_STAR_SIGNIFICANCE,
    LARGE_FRACTION,
    MASKED_FRACTION,
    SOURCE_SIGNIFICANCE,
)
from .flags import ClusterFlags

__all__ = ["RegionMeasurements"]


class RegionMeasurements:
    """
    Measured properties of the regions of one image; lives as long as one run.

    Parameters
    ----------
    image : `~astro_vaeclust.images.image.Image`
        The image.
    prepared : `~astro_vaeclust.images.prepare.PreparedImage`
        The image as the embedding got it.
    ensemble : `~astro_vaeclust.heatmap.Ensemble`
        The probability maps.
    segmentation : `~photutils.segmentation.SegmentationImage`
        The regions.
    heatmap : (ny, nx) array
        The heat map.
    resegment : callable
        Finds the regions of another heat map in the same way, for the ensemble.
    fwhm : float
        Full width at half maximum of a star in pixels.
    """

    def __init__(
        self, image, prepared, ensemble, segmentation, heatmap, *, resegment, fwhm
    ):
        self.image = image
        self.prepared = prepared
        self.ensemble = ensemble
        self.segmentation = segmentation
        self.heatmap = heatmap
        self.resegment = resegment
        self.fwhm = fwhm

    def columns(self):
        """Return the columns of the table of clusters (dict)."""
        n_regions = self.segmentation.n_labels
        return {
            "id": np.arange(1, n_regions + 1),
            "sky_center": self.image.wcs.pixel_to_world(*self._centers.T).icrs,
            "x_center": self._centers[:, 0] * u.pix,
            "y_center": self._centers[:, 1] * u.pix,
            "radius": self._radii * self._pixel_side,
            "radius_err": self._radius_errors * self._pixel_side,
            "area": self.segmentation.areas * self.image.pixel_area,
            "score": self._scores,
            "false_alarm_rate": np.full(n_regions, np.nan) / u.deg**2,
            "n_sources": np.array([self._count_sources(i) for i in range(n_regions)]),
            "flags": np.array([int(self._flags(i)) for i in range(n_regions)]),
        }

    @cached_property
    def _centers(self):
        """
        Mean pixel positions weighted with the prepared pixels, ``(n, 2)`` in x and y.

        Step 7 of Karmakar et al. (2018). A region without any light has its centre
        in its middle.
        """
        weights = self.prepared.pixels.astype(np.float64) + np.finfo(np.float32).tiny
        catalog = SourceCatalog(weights, self.segmentation, mask=self.image.mask)
        return np.atleast_2d(catalog.centroid)

    @cached_property
    def _radii(self):
        """Radii in pixels of circles with the areas of the regions."""
        return _circle_radius(self.segmentation.areas)

    @cached_property
    def _radius_errors(self):
        """
        Jackknife errors of the radii over the ensemble in pixels; NaN for one member.

        Each member is left out in turn, the heat map segmented anew, and the region
        with the largest overlap measured.
        """
        radii = np.array(
            [
                self._radii_in(self.resegment(heatmap))
                for heatmap in self.ensemble.leave_one_out()
            ]
        )
        n_members = len(radii)
        if not n_members:
            return np.full(self.segmentation.n_labels, np.nan)
        deviations = radii - radii.mean(axis=0)
        return np.sqrt((n_members - 1) / n_members * (deviations**2).sum(axis=0))

    def _radii_in(self, segmentation):
        """Radii of the regions of another segmentation that overlap ours the most."""
        if segmentation is None:
            return np.zeros(self.segmentation.n_labels)
        areas = np.bincount(segmentation.data.ravel())
        radii = []
        for pixels in self._pixels:
            overlap = np.bincount(segmentation.data[pixels], minlength=len(areas))
            overlap[0] = 0
            radii.append(
                _circle_radius(areas[overlap.argmax()] if overlap.any() else 0)
            )
        return np.array(radii)

    @cached_property
    def _scores(self):
        """Mean heat of each region."""
        return np.array([self.heatmap[pixels].mean() for pixels in self._pixels])

    @cached_property
    def _pixels(self):
        return [self.segmentation.data == label for label in self.segmentation.labels]

    @property
    def _pixel_side(self):
        return np.sqrt(self.image.pixel_area)

    @cached_property
    def _sources(self):
        """Positions in x and y of the stars of the image, ``(n_stars, 2)``."""
        finder = DAOStarFinder(threshold=SOURCE_SIGNIFICANCE, fwhm=self.fwhm)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NoDetectionsWarning)
            stars = finder(self.prepared.significance, mask=self.image.mask)
        if stars is None:
            return np.empty((0, 2))
        return np.column_stack([stars["x_centroid"], stars["y_centroid"]])

    def _count_sources(self, index):
        """Count the stars within the radius."""
        distances = np.hypot(*(self._sources - self._centers[index]).T)
        return np.count_nonzero(distances <= self._radii[index])

    def _flags(self, index):
        pixels = self._pixels[index]
        usable = ~self.image.mask
        inside = self._distance(index) <= self._radii[index]
        near = self._distance(index) <= BRIGHT_STAR_RADII * self._radii[index]
        remarks = {
            ClusterFlags.TOUCHES_EDGE: _touches_edge(pixels, usable),
            ClusterFlags.MASKED: _fraction(~usable, inside) > MASKED_FRACTION,
            ClusterFlags.NEAR_BRIGHT_STAR: self.prepared.significance[near].max()
            > BRIGHT_STAR_SIGNIFICANCE,
            ClusterFlags.ONE_SCALE: len(self.ensemble.supporting_sizes(pixels)) < 2,
            ClusterFlags.LARGE: pixels.sum() > LARGE_FRACTION * usable.sum(),
            ClusterFlags.LOSSY_INPUT: self.image.lossy,
        }
        return ClusterFlags.of(remarks)

    def _distance(self, index):
        """Distance of every pixel from the centre of a region, in pixels."""
        x_center, y_center = self._centers[index]
        y, x = np.ogrid[: self.heatmap.shape[0], : self.heatmap.shape[1]]
        return np.hypot(x - x_center, y - y_center)


def _circle_radius(area):
    return np.sqrt(np.asarray(area) / np.pi)


def _fraction(of, within):
    n_within = np.count_nonzero(within)
    return np.count_nonzero(of & within) / n_within if n_within else 0.0


def _touches_edge(pixels, usable):
    """Whether a region reaches the bounding box of the usable pixels."""
    for axis in (0, 1):
        extent = np.flatnonzero(usable.any(axis=axis))
        reach = np.flatnonzero(pixels.any(axis=axis))
        if reach[0] <= extent[0] or reach[-1] >= extent[-1]:
            return True
    return False
