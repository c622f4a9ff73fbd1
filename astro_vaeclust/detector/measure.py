# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The measures of detections: the columns of the catalogue."""

from __future__ import annotations

from functools import cached_property

import astropy.units as u
import numpy as np

from ..measure.circles import CircleMeasurements
from .network import CELL, CLASSES, MEASURES

__all__ = ["DetectionMeasurements"]

LN10 = np.log(10)

ANNULUS = (1.5, 2.5)
"""Radii in `radius` between which the surroundings of a cluster are measured."""


class DetectionMeasurements:
    """
    Measured properties of the detections of one image; lives as long as one run.

    Parameters
    ----------
    image : `~astro_vaeclust.images.image.Image`
        The image.
    network_image : `~astro_vaeclust.detector.grid.NetworkImage`
        The image as the network gets it.
    maps : `~astro_vaeclust.detector.inference.NetworkMaps`
        What the network says of it.
    detections : `~astro_vaeclust.detector.candidates.Candidates`
        The detections, by falling score.
    rates : (n,) array
        Their false alarms per deg2.
    calibration : `~astro_vaeclust.detector.calibration.Calibration`, optional
        Biases and errors of the measures; without it, as the network states them.
    sources : `~astro_vaeclust.sources.points.PointSources`, optional
        Sources to count, instead of those in the image.
    fwhm : float, optional
        Full width at half maximum of a star in pixels; measured without it.
    """

    def __init__(
        self,
        image,
        network_image,
        maps,
        detections,
        rates,
        *,
        calibration=None,
        sources=None,
        fwhm=None,
    ):
        self.image = image
        self.network_image = network_image
        self.maps = maps
        self.detections = detections
        self.rates = rates
        self.calibration = calibration
        self.sources = sources
        self.fwhm = fwhm

    def columns(self):
        """Return the columns of the table of clusters (dict)."""
        radius, radius_err = self._length("log_r80")
        r50, r50_err = self._length("log_r50")
        members, members_err = self._antilog("log_members")
        x, y = self.centers.T
        circles = CircleMeasurements(
            self.image, self.centers, self.radii, sources=self.sources, fwhm=self.fwhm
        )
        n_detections = len(self.detections)
        return {
            "id": np.arange(1, n_detections + 1),
            "sky_center": self.image.wcs.pixel_to_world(x, y).icrs,
            "x_center": x,
            "y_center": y,
            "radius": radius,
            "radius_err": radius_err,
            "area": np.pi * radius**2,
            "score": 1 / (1 + np.exp(-self.detections.score)),
            "false_alarm_rate": self.rates / u.deg**2,
            "n_sources": circles.n_sources,
            "flags": circles.flags,
            "center_err": self._center_errors * self._scales,
            "r50": r50,
            "r50_err": r50_err,
            "n_members": members,
            "n_members_err": members_err,
            "nebulosity": np.array(
                [self._nebulosity(row) for row in range(n_detections)]
            ),
            "p_cluster": self._class_probabilities["cluster"],
            "p_nebula": self._class_probabilities["nebula"],
            "p_artefact": self._class_probabilities["artefact"]
            + self._class_probabilities["bright-star"],
        }

    @cached_property
    def _scales(self):
        """Sizes of a network pixel at the centres, (n,) in arcsec."""
        local = self.image.pixel_area_at(*self.centers.T)
        ratio = np.sqrt(local / self.image.pixel_area).to_value(u.one)
        return self.network_image.grid.scale * ratio * u.arcsec

    @cached_property
    def centers(self):
        """Centres in image pixels, (n, 2) in x and y."""
        return self.network_image.grid.to_image(
            np.column_stack([self.detections.x, self.detections.y])
        )

    @cached_property
    def radii(self):
        """Radii in image pixels, (n,)."""
        pixel = np.sqrt(self.image.pixel_area_at(*self.centers.T))
        return (self._length("log_r80")[0] / pixel).to_value(u.one)

    def _measure(self, name):
        """Return a measure without its bias, and its error."""
        value, error = self.detections.measures[name], self.detections.errors[name]
        if self.calibration is None:
            return value, error
        is_fine = self.network_image.grid.is_fine
        return self.calibration.corrected(name, value, error, is_fine)

    def _antilog(self, name):
        logarithm, error = self._measure(name)
        return 10**logarithm, 10**logarithm * LN10 * error

    def _length(self, name):
        value, error = self._antilog(name)
        return value * self._scales, error * self._scales

    @property
    def _center_errors(self):
        errors = [self._measure(name)[1] for name in ("dx", "dy")]
        return CELL * np.sqrt(np.mean(np.square(errors), axis=0))

    @cached_property
    def _class_probabilities(self):
        """Mean probability of each component within the radii, dict of (n,) arrays."""
        maps = np.stack([self.maps.class_map(name) for name in CLASSES])
        y, x = (np.indices(maps.shape[1:]) + 0.5) * CELL - 0.5
        means = np.empty((len(self.detections), len(CLASSES)))
        for row in range(len(means)):
            radius = 10 ** self.detections.measures["log_r80"][row]
            distance = np.hypot(x - self.detections.x[row], y - self.detections.y[row])
            inside = distance <= max(radius, CELL)
            means[row] = maps[:, inside].mean(axis=1)
        return dict(zip(CLASSES, means.T, strict=True))

    def _nebulosity(self, row):
        """Median significance within r50 minus that of the surroundings."""
        x, y = self.detections.x[row], self.detections.y[row]
        r50, r80 = (10 ** self.detections.measures[n][row] for n in MEASURES[2:4])
        reach = int(max(ANNULUS[1] * r80, CELL)) + 2
        left, lower = max(int(x) - reach, 0), max(int(y) - reach, 0)
        part = slice(lower, int(y) + reach), slice(left, int(x) + reach)
        significance = self.network_image.significance[part]
        usable = self.network_image.channels[2][part] > 0
        rows, columns = np.ogrid[: significance.shape[0], : significance.shape[1]]
        distance = np.hypot(columns + left - x, rows + lower - y)
        inner = usable & (distance <= max(r50, CELL))
        outer = usable & (distance > ANNULUS[0] * r80) & (distance <= ANNULUS[1] * r80)
        if not inner.any() or not outer.any():
            return np.nan
        return float(np.median(significance[inner]) - np.median(significance[outer]))
