# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The search of one image with the trained network, from pixels to columns."""

from __future__ import annotations

import warnings
from functools import cached_property

import astropy.units as u
import numpy as np
from astropy.nddata import NDData
from photutils.detection import DAOStarFinder
from photutils.segmentation import SegmentationImage
from photutils.utils.exceptions import NoDetectionsWarning

from ..base import ClusterSearchBase
from ..measure.circles import (
    BRIGHT_STAR_RADII,
    BRIGHT_STAR_SIGNIFICANCE,
    DEFAULT_FWHM,
    LARGE_FRACTION,
    MASKED_FRACTION,
    SOURCE_SIGNIFICANCE,
    circle,
)
from ..measure.flags import ClusterFlags
from ..sources.seeing import estimate_fwhm
from .calibration import usable_candidates
from .grid import NetworkImage
from .inference import run_network
from .network import CELL, CLASSES, MEASURES
from .source_score import source_excess

__all__ = ["AmortisedSearch"]

LN10 = np.log(10)
SEEING_RADIUS = 128
"""Image pixels around a detection in which the width of the stars is measured."""

ANNULUS = (1.5, 2.5)
"""Radii in `radius` between which the surroundings of a cluster are measured."""


class AmortisedSearch(ClusterSearchBase):
    """
    What one search finds and measures; lives as long as one run.

    Parameters
    ----------
    image : `~astro_vaeclust.images.image.Image`
        The image.
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The trained network with its calibration.
    max_false_alarm_rate : float or None
        False detections per deg2 that are accepted; None for all candidates.
    n_largest : int, optional
        Report only so many, those with the highest scores.
    fwhm : float, optional
        Full width at half maximum of a star in pixels, for ``n_sources`` only; by
        default it is measured on the image.
    sources : `~astro_vaeclust.sources.points.PointSources`, optional
        Point sources on usable pixels, which then enter the scores.

    Raises
    ------
    ValueError
        If there are sources, and the model was calibrated without any.
    """

    sources_used_as = "combined score"
    """What the sources are used for, for the metadata."""

    def __init__(
        self,
        image,
        model,
        *,
        max_false_alarm_rate,
        n_largest=None,
        fwhm=None,
        sources=None,
    ):
        if sources is not None and model.source_calibration is None:
            raise ValueError(
                "sources: the model was calibrated without sources and takes none; "
                "'vaeclust train' makes one that takes them, and so does "
                "astro_vaeclust.training.source_calibration.calibrate_with_sources"
            )
        self.sources = sources
        self.image = image
        self.model = model
        self.max_false_alarm_rate = max_false_alarm_rate
        self.n_largest = n_largest
        self.given_fwhm = fwhm

    @cached_property
    def fwhm(self):
        """Width of the stars in pixels: as given, as measured, or `DEFAULT_FWHM`."""
        if self.given_fwhm is not None:
            return self.given_fwhm
        place, _ = self._circle(0, SEEING_RADIUS)  # around the best detection
        image = NDData(
            self.image.data[place], mask=self.image.mask[place], wcs=self.image.wcs
        )
        try:
            width = estimate_fwhm(image)
        except ValueError:  # no stars to measure
            return DEFAULT_FWHM
        pixel = self.image.pixel_scale.to_value(u.arcsec / u.pix)
        return float(np.clip(width.to_value(u.arcsec) / pixel, 1.5, 10.0))

    @property
    def models(self):
        """What identifies the trained network (list of dict)."""
        grid = self.network_image.grid
        return [
            {
                "identity": self.model.identity,
                "network_pixel": f"{grid.scale:.3f} arcsec",
                "training": self.model.training,
            }
        ]

    @cached_property
    def network_image(self):
        """The image as the network gets it."""
        return NetworkImage.of_image(self.image, self.model.network.settings.fine_scale)

    @cached_property
    def maps(self):
        """What the network says (`~astro_vaeclust.detector.inference.NetworkMaps`)."""
        image = self.network_image
        network = self.model.quick_network_for(image.grid.is_fine)
        return run_network(network, image.channels)

    @cached_property
    def _found(self):
        """The candidates of the image alone, and the conditions of all cells."""
        image = self.network_image
        found, conditions = usable_candidates(self.maps, image.channels)
        if self.model.calibration is not None:
            found = self.model.calibration.scored(found, image.grid.is_fine)
        return found, conditions

    @cached_property
    def candidates(self):
        """All candidates whose cells are usable, by falling score."""
        found, _ = self._found
        return found if self.sources is None else self._with_sources(found)

    def _with_sources(self, candidates):
        """Return candidates with combined scores, by falling score."""
        grid = self.network_image.grid
        points = grid.to_network(np.column_stack([self.sources.x, self.sources.y]))
        usable = self.network_image.channels[2]
        excess = source_excess(candidates, points, usable, grid.scale)
        calibration = self.model.source_calibration
        return candidates.with_scores(
            calibration.combine(candidates.score, excess, grid.is_fine)
        )

    @cached_property
    def candidate_rates(self):
        """False alarms per deg2 of at least the score of each candidate."""
        return self._rates(self.candidates)

    @cached_property
    def detections(self):
        """The candidates that are reported."""
        accepted = np.arange(len(self.candidates))
        if self.max_false_alarm_rate is not None:
            accepted = np.flatnonzero(self.candidate_rates <= self.max_false_alarm_rate)
        return self.candidates[accepted[: self.n_largest]]

    def _rates(self, candidates):
        model = self.model
        with_sources = self.sources is not None
        calibration = model.source_calibration if with_sources else model.calibration
        if calibration is None:
            return np.full(len(candidates), np.nan)
        crowding = self._found[1][0][tuple(candidates.cells.T)]
        fine = self.network_image.grid.is_fine
        return calibration.false_alarm_rate(candidates.score, crowding, fine)

    @cached_property
    def heatmap(self):
        """Probability of a centre on the pixels of the image, zero where masked."""
        from torch import from_numpy
        from torch.nn.functional import interpolate

        grid = self.network_image.grid
        cells = from_numpy(self.maps.heat)[None, None]
        factor = CELL * grid.factor / grid.zoom
        enlarged = interpolate(cells, scale_factor=factor, mode="bilinear")[0, 0]
        ny, nx = self.image.shape
        enlarged = enlarged.numpy()[:ny, :nx]
        missing = (ny - enlarged.shape[0], nx - enlarged.shape[1])
        if any(missing):  # less than a network pixel is left over
            enlarged = np.pad(enlarged, [(0, n) for n in missing], mode="edge")
        enlarged[self.image.mask] = 0
        return enlarged

    @cached_property
    def segmentation(self):
        """The circles of the detections; a higher score goes first; None for none."""
        if not len(self.detections):
            return None
        labels = np.zeros(self.image.shape, dtype=np.int32)
        for row in reversed(range(len(self.detections))):
            place, inside = self._circle(row, self._radius_pixels[row])
            labels[place][inside & ~self.image.mask[place]] = row + 1
        return SegmentationImage(labels)

    def columns(self):
        """Return the columns of the table of clusters (dict)."""
        radius, radius_err = self._length("log_r80")
        r50, r50_err = self._length("log_r50")
        members, members_err = self._antilog("log_members")
        x, y = self._centers.T
        n_detections = len(self.detections)
        return {
            "id": np.arange(1, n_detections + 1),
            "sky_center": self.image.wcs.pixel_to_world(x, y).icrs,
            "x_center": x * u.pix,
            "y_center": y * u.pix,
            "radius": radius,
            "radius_err": radius_err,
            "area": np.pi * radius**2,
            "score": 1 / (1 + np.exp(-self.detections.score)),
            "false_alarm_rate": self._rates(self.detections) / u.deg**2,
            "n_sources": np.array(
                [self._count_sources(row) for row in range(n_detections)], dtype=int
            ),
            "flags": np.array(
                [int(self._flags(row)) for row in range(n_detections)], dtype=int
            ),
            "center_err": self._center_errors * self._scale,
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

    @property
    def _scale(self):
        return self.network_image.grid.scale * u.arcsec

    @cached_property
    def _centers(self):
        """Centres in image pixels, (n, 2) in x and y."""
        return self.network_image.grid.to_image(
            np.column_stack([self.detections.x, self.detections.y])
        )

    @cached_property
    def _radius_pixels(self):
        pixel = self.image.pixel_scale.to_value(u.arcsec / u.pix)
        return self._length("log_r80")[0].to_value(u.arcsec) / pixel

    def _measure(self, name):
        """Return a measure without its bias, and its error."""
        value, error = self.detections.measures[name], self.detections.errors[name]
        calibration = self.model.calibration
        if calibration is None:
            return value, error
        return calibration.corrected(
            name, value, error, self.network_image.grid.is_fine
        )

    def _antilog(self, name):
        logarithm, error = self._measure(name)
        return 10**logarithm, 10**logarithm * LN10 * error

    def _length(self, name):
        value, error = self._antilog(name)
        return value * self._scale, error * self._scale

    @property
    def _center_errors(self):
        errors = [self._measure(name)[1] for name in ("dx", "dy")]
        return CELL * np.sqrt(np.mean(np.square(errors), axis=0))

    def _circle(self, row, radius):
        """Return the slices that hold a circle, and which of their pixels are in it."""
        return circle(self.image.shape, self._centers[row], radius)

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
        place = slice(lower, int(y) + reach), slice(left, int(x) + reach)
        significance = self.network_image.significance[place]
        usable = self.network_image.channels[2][place] > 0
        rows, columns = np.ogrid[: significance.shape[0], : significance.shape[1]]
        distance = np.hypot(columns + left - x, rows + lower - y)
        inner = usable & (distance <= max(r50, CELL))
        outer = usable & (distance > ANNULUS[0] * r80) & (distance <= ANNULUS[1] * r80)
        if not inner.any() or not outer.any():
            return np.nan
        return float(np.median(significance[inner]) - np.median(significance[outer]))

    def _count_sources(self, row):
        """Count the stars within the radius, on a cutout of the image."""
        radius = self._radius_pixels[row]
        margin = 2 * self.fwhm
        place, _ = self._circle(row, radius + margin)
        cutout, mask = self.image.data[place], self.image.mask[place]
        usable = cutout[~mask]
        if usable.size < 9:
            return 0
        finder = DAOStarFinder(
            threshold=SOURCE_SIGNIFICANCE * self._pixel_noise, fwhm=self.fwhm
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NoDetectionsWarning)
            stars = finder(cutout - np.median(usable), mask=mask)
        if stars is None:
            return 0
        corner = [place[1].start, place[0].start]
        positions = np.column_stack([stars["x_centroid"], stars["y_centroid"]]) + corner
        distances = np.hypot(*(positions - self._centers[row]).T)
        return np.count_nonzero(distances <= radius)

    @cached_property
    def _pixel_noise(self):
        """Noise of an image pixel."""
        usable = self.image.sample
        return 1.4826 * np.median(np.abs(usable - np.median(usable))) or 1.0

    def _flags(self, row):
        radius = self._radius_pixels[row]
        place, inside = self._circle(row, radius)
        near, within = self._circle(row, BRIGHT_STAR_RADII * radius)
        mask = self.image.mask
        level = np.median(self.image.data[near])
        highest = np.max(
            np.where(within & ~mask[near], self.image.data[near] - level, 0)
        )
        x, y = self._centers[row]
        remarks = {
            ClusterFlags.TOUCHES_EDGE: self.image.distance_to_border(x, y) < radius,
            ClusterFlags.MASKED: mask[place][inside].mean() > MASKED_FRACTION,
            ClusterFlags.NEAR_BRIGHT_STAR: highest
            > BRIGHT_STAR_SIGNIFICANCE * self._pixel_noise,
            ClusterFlags.LARGE: inside.sum() > LARGE_FRACTION * self.image.n_usable,
            ClusterFlags.LOSSY_INPUT: self.image.lossy,
        }
        return ClusterFlags.of(remarks)
