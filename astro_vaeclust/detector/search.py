# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The search of one image with the trained network, from pixels to columns."""

from __future__ import annotations

from functools import cached_property

import astropy.units as u
import numpy as np
from astropy.table import vstack
from photutils.segmentation import SegmentationImage

from ..base import ClusterSearchBase
from ..images.celestial import middle, pixel_area
from ..measure.circles import (
    CircleMeasurements,
    bands_of_circles,
    circle,
    radii_in_pixels,
)
from ..measure.stacking import part_numbers
from .conditions import flag_outside
from .coverage import cells_in_fewer_bands
from .grid import NetworkGrid, NetworkImage, bands_on_level
from .levels import (
    LevelSearch,
    level_fractions,
    level_grids,
    number_of_levels,
    on_level,
)
from .merging import merge_rows
from .network import CELL

__all__ = ["DetectorSearch", "check_takes_sources", "cluster_columns", "reported"]


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
    levels : range, optional
        Numbers of the levels to search, of all for which the model is calibrated and
        which together keep the rates. The image is binned to the first of them already.
        By default those that the image can hold.

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
        levels=None,
    ):
        check_takes_sources(model, sources)
        self.sources = sources
        self.image = image
        self.given_model = model
        self.max_false_alarm_rate = max_false_alarm_rate
        self.n_largest = n_largest
        self.fwhm = fwhm
        self.chosen_levels = levels

    @property
    def models(self):
        """What identifies the trained network (list of dict)."""
        return model_facts(self.model, [level.grid for level in self.levels])

    @cached_property
    def _finest(self):
        """The image on the grid of the finest level (`NetworkImage`)."""
        binned = 1 if self.chosen_levels is None else 1 << self.chosen_levels.start
        fine_scale = self.given_model.fine_scale
        grid = NetworkGrid.of_image(self.image, fine_scale, binned=binned)
        return NetworkImage.from_image(self.image, grid)

    @cached_property
    def model(self):
        """The model for the bands that show enough (`TrainedModel`)."""
        return self.given_model.for_bands(self._finest.seen_bands)

    @cached_property
    def levels(self):
        """The levels, from the finest (list of `LevelSearch`)."""
        chosen, calibration = self.chosen_levels, self.model.calibration
        grid = self._finest.grid
        grids = level_grids(grid, self.image.shape, calibration)
        if chosen is None:
            fractions = level_fractions(grids)
        else:
            grids = grids[: len(chosen)]
            everything = number_of_levels(calibration, grid.is_fine)
            fractions = level_fractions([grid] * everything)
        coarser = (
            on_level(NetworkImage.from_image, self.image, grid) for grid in grids[1:]
        )
        elsewhere = self._cells_in_fewer_bands.values()
        cells = ~np.logical_or.reduce(list(elsewhere)) if elsewhere else None
        finest = LevelSearch(
            self._finest, self.model, fractions, sources=self.sources, cells=cells
        )
        return [
            finest,
            *(
                LevelSearch(image, self.model, fractions, sources=self.sources)
                for image in coarser
                if image is not None
            ),
        ]

    @cached_property
    def _cells_in_fewer_bands(self):
        """The cells that fewer bands show, by those that do, if calibrated (dict)."""
        if self.model.calibration is None:
            return {}
        known = {tuple(names.split(",")) for names in self.model.color_calibrations}
        return {
            names: cells
            for names, cells in cells_in_fewer_bands(self._finest).items()
            if names in known or len(names) == 1
        }

    @cached_property
    def parts(self):
        """Searches of the cells that fewer bands show (list of `LevelSearch`)."""
        finest = self.levels[0]
        return [
            LevelSearch(
                self._finest.in_bands(names),
                self.given_model.for_bands(names),
                finest.fractions,
                cells=cells,
                whole=finest,
            )
            for names, cells in self._cells_in_fewer_bands.items()
        ]

    @cached_property
    def rows(self):
        """The clusters that are reported, see `merge_rows` (Table)."""
        limit = self.max_false_alarm_rate
        rows = vstack([one.rows(limit) for one in (*self.levels, *self.parts)])
        rows = reported(rows, self._pixel_scale, limit, self.n_largest)
        if self.image.bands:
            self._measure_extinctions(rows)
        return rows

    def _measure_extinctions(self, rows):
        """Measure those of coarser levels, which are few, on the bands of these."""
        for level in self.levels[1:]:
            chosen = np.flatnonzero(rows["level"] == level.grid.scale)
            if len(chosen):
                numbers = np.asarray(rows["candidate"][chosen])
                bands = bands_on_level(self.image, level.grid)
                found = level.extinctions(numbers, bands, self.given_model)
                rows["a_k"][chosen], rows["a_k_err"][chosen] = found

    @property
    def _pixel_scale(self):
        return self.image.pixel_scale.to_value(u.arcsec / u.pix)

    @cached_property
    def heatmap(self):
        """
        Probability of a centre on the pixels of the image, zero where masked.

        It is the highest of all levels.
        """
        enlarged = [self._enlarged(level) for level in self.levels]
        heatmap = np.maximum.reduce(enlarged)
        heatmap[self.image.unseen] = 0
        return heatmap

    def _enlarged(self, level):
        """Return the heat of the cells of a level on the pixels of the image."""
        from torch import from_numpy
        from torch.nn.functional import interpolate

        cells = from_numpy(np.ascontiguousarray(level.heat))[None, None]
        factor = float(CELL * level.grid.pixels)
        enlarged = interpolate(cells, scale_factor=factor, mode="bilinear")[0, 0]
        ny, nx = self.image.shape
        enlarged = enlarged.numpy()[:ny, :nx]
        missing = (ny - enlarged.shape[0], nx - enlarged.shape[1])
        if any(missing):  # less than a network pixel is left over
            enlarged = np.pad(enlarged, [(0, n) for n in missing], mode="edge")
        return enlarged

    @cached_property
    def segmentation(self):
        """Circles of the detections, the higher score on top; None for none."""
        if not len(self.rows):
            return None
        labels = np.zeros(self.image.shape, dtype=np.int32)
        columns = self.columns()
        centers = np.column_stack([columns["x_center"], columns["y_center"]])
        radii = radii_in_pixels(self.image, centers, columns["radius"])
        for row in reversed(range(len(centers))):
            part, inside = circle(self.image.shape, centers[row], radii[row])
            labels[part][inside & ~self.image.unseen[part]] = row + 1
        return SegmentationImage(labels)

    def flag_conditions(self, table):
        """Flag clusters of images that are outside of the calibration."""
        flag_outside(table, self)

    def columns(self):
        """Return the columns of the table of clusters (dict)."""
        return self._columns

    @cached_property
    def _columns(self):
        def circles(centers, radii):
            measured = CircleMeasurements(
                self.image, centers, radii, sources=self.sources, fwhm=self.fwhm
            )
            if self.levels[0].level:  # on binned pixels stars cannot be counted
                measured.n_sources = np.full(len(radii), -1)
            return measured

        return cluster_columns(self.rows, self.image, circles)


def check_takes_sources(model, sources):
    """Raise ValueError if there are sources, and the model takes none."""
    if sources is not None and model.source_calibration is None:
        raise ValueError(
            "sources: the model was calibrated without sources and takes none; "
            "'vaeclust train' makes one that takes them, and so does "
            "astro_vaeclust.training.source_calibration.calibrate_with_sources"
        )


def model_facts(model, grids):
    """Return what identifies the trained network, for the metadata (list of dict)."""
    return [
        {
            "identity": model.identity,
            "network_pixel": ", ".join(f"{grid.scale:.3f}" for grid in grids)
            + " arcsec",
        }
    ]


def reported(rows, pixel_scale, limit, n_largest):
    """Return one row for each cluster within the limits, by falling score."""
    rows = merge_rows(rows, pixel_scale)
    if limit is not None:
        rows = rows_of(rows, np.flatnonzero(rows["false_alarm_rate"] <= limit))
    if n_largest is not None:
        rows = rows_of(rows, np.arange(min(n_largest, len(rows))))
    return rows


def rows_of(rows, chosen):
    """Return some rows; what they are part of is a chosen one, or none."""
    rows = rows[chosen]
    after = np.arange(1, len(chosen) + 1)
    rows["part_of"] = part_numbers(rows["part_of"], chosen + 1, after)
    return rows


def cluster_columns(rows, image, circles):
    """
    Return the columns of the table of clusters (dict).

    Parameters
    ----------
    rows : `~astropy.table.Table`
        The clusters, see `merge_rows`.
    image : `~astro_vaeclust.images.image.Image` or ImageSource
        The image, for its shape and WCS.
    circles : callable
        Called with centres, (n, 2), and radii, both in pixels; returns what has
        ``n_sources`` and ``flags``.
    """
    centers = np.column_stack([rows["x"], rows["y"]])
    area = pixel_area(image.wcs, *centers.T)
    ratio = np.sqrt(area / pixel_area(image.wcs, *middle(image.shape)))

    def length(name):
        return np.asarray(rows[name]) * ratio * u.arcsec

    radius = length("radius")
    pixels = radii_in_pixels(image, centers, radius)
    measured = circles(centers, pixels)
    columns = {
        "id": np.arange(1, len(rows) + 1),
        "sky_center": image.wcs.pixel_to_world(*centers.T).icrs,
        "x_center": centers[:, 0],
        "y_center": centers[:, 1],
        "radius": radius,
        "radius_err": length("radius_err"),
        "area": np.pi * radius**2,
        "score": 1 / (1 + np.exp(-np.asarray(rows["score"]))),
        "false_alarm_rate": np.asarray(rows["false_alarm_rate"]) / u.deg**2,
        "n_sources": measured.n_sources,
        "flags": measured.flags,
        "center_err": length("center_err"),
        "r50": length("r50"),
        "r50_err": length("r50_err"),
        **{
            name: np.asarray(rows[name])
            for name in (
                "n_members",
                "n_members_err",
                "nebulosity",
                "p_cluster",
                "p_nebula",
                "p_artefact",
                "part_of",
            )
        },
        "level": length("level"),
    }
    if image.bands:
        columns["bands"] = bands_of_circles(image, centers, pixels)
        for name in ("a_k", "a_k_err"):
            columns[name] = np.asarray(rows[name]) * u.mag
    return columns
