# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The search of one image with the trained network, from pixels to columns."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from photutils.segmentation import SegmentationImage

from ..base import ClusterSearchBase
from ..measure.circles import circle
from .calibration import usable_candidates
from .conditions import flag_outside
from .grid import NetworkImage
from .inference import run_network
from .measure import DetectionMeasurements
from .network import CELL
from .source_score import source_excess

__all__ = ["DetectorSearch"]


class DetectorSearch(ClusterSearchBase):
    """
    From an image to detections, heat map and table; lives as long as one run.

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
        Point sources on usable pixels, which then enter the scores and are counted.

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
        self.fwhm = fwhm

    @property
    def models(self):
        """What identifies the trained network (list of dict)."""
        scale = f"{self.network_image.grid.scale:.3f} arcsec"
        return [{"identity": self.model.identity, "network_pixel": scale}]

    @cached_property
    def network_image(self):
        """The image as the network gets it."""
        return NetworkImage.from_image(
            self.image, self.model.network.settings.fine_scale
        )

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

    @property
    def crowding(self):
        """Crowding of the cells, NaN where none is usable; see `local_conditions`."""
        return self._found[1][0]

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
            self._check_rates_are_stated()
            accepted = np.flatnonzero(self.candidate_rates <= self.max_false_alarm_rate)
        return self.candidates[accepted[: self.n_largest]]

    def _check_rates_are_stated(self):
        rates = self.candidate_rates
        if self.model.calibration is not None and len(rates) and np.isnan(rates).all():
            raise ValueError(
                "max_false_alarm_rate takes None with this model, which states no "
                "rates for such images since it was fine-tuned without empty tiles; "
                f"got {self.max_false_alarm_rate:g}"
            )

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
        """Circles of the detections, the higher score on top; None for none."""
        if not len(self.detections):
            return None
        labels = np.zeros(self.image.shape, dtype=np.int32)
        centers, radii = self._measured.centers, self._measured.radii
        for row in reversed(range(len(self.detections))):
            part, inside = circle(self.image.shape, centers[row], radii[row])
            labels[part][inside & ~self.image.mask[part]] = row + 1
        return SegmentationImage(labels)

    def flag_conditions(self, table):
        """Flag clusters of images that are outside of the calibration."""
        flag_outside(table, self)

    def columns(self):
        """Return the columns of the table of clusters (dict)."""
        return self._measured.columns()

    @cached_property
    def _measured(self):
        return DetectionMeasurements(
            self.image,
            self.network_image,
            self.maps,
            self.detections,
            self._rates(self.detections),
            calibration=self.model.calibration,
            sources=self.sources,
            fwhm=self.fwhm,
        )
