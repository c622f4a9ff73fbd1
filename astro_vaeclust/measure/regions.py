# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Measurement of the regions of a heat map: the columns of the catalogue."""

from __future__ import annotations

from functools import cached_property

import astropy.units as u
import numpy as np
from photutils.segmentation import SourceCatalog

from ..utils.warning import WARNINGS_LOCK
from .circles import CircleMeasurements
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
    sources : `~astro_vaeclust.sources.points.PointSources`, optional
        Sources to count, instead of those in the image.
    fwhm : float, optional
        Full width at half maximum of a star in pixels; measured without it.
    """

    def __init__(
        self,
        image,
        prepared,
        ensemble,
        segmentation,
        heatmap,
        *,
        resegment,
        sources=None,
        fwhm=None,
    ):
        self.image = image
        self.prepared = prepared
        self.ensemble = ensemble
        self.segmentation = segmentation
        self.heatmap = heatmap
        self.resegment = resegment
        self.sources = sources
        self.fwhm = fwhm

    def columns(self):
        """Return the columns of the table of clusters (dict)."""
        n_regions = self.segmentation.n_labels
        pixel_area = self.image.pixel_area_at(*self._centers.T)
        return {
            "id": np.arange(1, n_regions + 1),
            "sky_center": self.image.wcs.pixel_to_world(*self._centers.T).icrs,
            "x_center": self._centers[:, 0],
            "y_center": self._centers[:, 1],
            "radius": self._radii * np.sqrt(pixel_area),
            "radius_err": self._radius_errors * np.sqrt(pixel_area),
            "area": self.segmentation.areas * pixel_area,
            "score": self._scores,
            "false_alarm_rate": np.full(n_regions, np.nan) / u.deg**2,
            "n_sources": self._circles.n_sources,
            "flags": self._flags,
        }

    @cached_property
    def _centers(self):
        """
        Mean pixel positions weighted with the prepared pixels, ``(n, 2)`` in x and y.

        Step 7 of Karmakar et al. (2018). A region without any light has its centre
        in its middle.
        """
        weights = self.prepared.pixels.astype(np.float64) + np.finfo(np.float32).tiny
        with WARNINGS_LOCK:
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

        Each member is left out in turn, the heat map segmented again, and the region
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

    @cached_property
    def _circles(self):
        return CircleMeasurements(
            self.image, self._centers, self._radii, sources=self.sources, fwhm=self.fwhm
        )

    @property
    def _flags(self):
        supporting = [len(self.ensemble.supporting_sizes(p)) for p in self._pixels]
        one_scale = np.where(np.array(supporting) < 2, int(ClusterFlags.ONE_SCALE), 0)
        return self._circles.flags | one_scale


def _circle_radius(area):
    return np.sqrt(np.asarray(area) / np.pi)
