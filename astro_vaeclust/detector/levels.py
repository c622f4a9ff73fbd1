# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The search on one level: from the pixels of the network to rows of candidates.

The same network sees an image at its finest sampling, and binned by 2, 4, 8 and so on,
where large clusters look like ordinary ones. Each level may cause its own part of the
false detections of the whole search, so that the levels together keep the stated rate.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from astropy.table import Table

from ..utils.bands import BAND_SETS, BANDS
from .calibration import cell_means, usable_candidates
from .candidates import MIN_USABLE
from .inference import run_network
from .measure import measured_columns
from .network import MEASURES
from .source_score import source_excess

__all__ = [
    "LevelSearch",
    "level_fractions",
    "level_grids",
    "number_of_levels",
    "on_level",
]

MIN_R50 = 22.0
"""
Network pixels of r50 that a candidate of a coarser level has at minimum.

Smaller ones are on the level below, and the halo of a bright star looks like them.
"""

WEIGHTS = ((1.0, 0.1), (1.0, 0.25))
"""
Weights of the finest level, and of each coarser one, in the false detections.

The first pair is of coarse images, the second of fine ones.
"""

CONSIDERED = 100.0
"""False alarms per deg2 up to which candidates enter a search with a limit."""


def number_of_levels(calibration, is_fine):
    """Return for how many levels a model is calibrated; 1 without a calibration."""
    return 1 if calibration is None else 1 + len(calibration.levels[int(is_fine)])


def level_grids(grid, shape, calibration):
    """
    Return the grids of the levels on which an image is searched, from its finest.

    They are those that the model is calibrated for; one without a calibration searches
    the finest.
    """
    n_levels = number_of_levels(calibration, grid.is_fine)
    return grid.levels(shape, n_levels - grid.level)


def level_fractions(grids):
    """Return which fraction of the false detections each level may cause (array)."""
    first, other = WEIGHTS[int(grids[0].is_fine)]
    weights = np.array([first] + [other] * (len(grids) - 1))
    return weights / weights.sum()


def on_level(make, image, grid):
    """
    Return ``make(image, grid)``; None where a coarser level has too few pixels.

    Of an image that can be searched on the finest level, nothing else is wrong.
    """
    try:
        return make(image, grid)
    except ValueError:
        if grid.binning == 1:
            raise
        return None


class LevelSearch:
    """
    What the network says of one level of an image; lives as long as one run.

    Parameters
    ----------
    network_image : `~astro_vaeclust.detector.grid.NetworkImage`
        The image, or a part of it, on the grid of the level.
    model : `~astro_vaeclust.detector.model.TrainedModel`
        The trained network with its calibration.
    fractions : (n_levels,) array
        See `level_fractions`.
    sources : `~astro_vaeclust.sources.points.PointSources`, optional
        Point sources in pixels of the image or part; they enter the scores of the
        finest level.
    cells : (ny_cells, nx_cells) bool array, optional
        Those in which candidates are; by default all.
    whole : `LevelSearch`, optional
        The same level in more bands, of which this searches other cells: its maps are
        taken, and scores are brought to its own.
    """

    def __init__(
        self, network_image, model, fractions, *, sources=None, cells=None, whole=None
    ):
        self.network_image = network_image
        self.model = model
        self.fractions = fractions
        self.sources = sources
        self.cells = cells
        self.whole = whole

    @property
    def grid(self):
        """The grid of the level (`~astro_vaeclust.detector.grid.NetworkGrid`)."""
        return self.network_image.grid

    @property
    def level(self):
        """Number of the level, 0 for the finest (int)."""
        return self.grid.level

    @cached_property
    def maps(self):
        """What the network says (`~astro_vaeclust.detector.inference.NetworkMaps`)."""
        if self.whole is not None:
            return self.whole.maps
        is_finest_of_fine = self.grid.is_fine and not self.level
        network = self.model.quick_network_for(is_finest_of_fine)
        return run_network(network, self.network_image.channels)

    @cached_property
    def _by_height(self):
        """Candidates by the heights of their peaks, and the conditions of all cells."""
        found, conditions = usable_candidates(self.maps, self.network_image.channels)
        if self.cells is not None:
            found = found[self.cells[tuple(found.cells.T)]]
        if self.level:
            found = found[found.measures["log_r50"] >= np.log10(MIN_R50)]
        return found, conditions

    @cached_property
    def found(self):
        """Candidates of the image alone, and the conditions of all cells."""
        found, conditions = self._by_height
        if self.network_image.bands and len(found):
            found = self.model.color.scored(
                found, self.network_image.bands, conditions[1], self.grid.is_fine
            )
        elif self.model.calibration is not None:
            found = self.model.calibration.scored(found, self.grid.is_fine)
        return found, conditions

    @property
    def crowding(self):
        """Crowding of the cells, NaN where none is usable; see `local_conditions`."""
        return self.found[1][0]

    @cached_property
    def candidates(self):
        """All candidates whose cells are usable, by falling score."""
        candidates, _ = self.found
        if self.sources is None or self.level:
            return candidates
        points = np.column_stack([self.sources.x, self.sources.y])
        excess = source_excess(
            candidates,
            self.grid.to_network(points),
            self.network_image.channels[2],
            self.grid.scale,
        )
        calibration = self.model.source_calibration
        return candidates.with_scores(
            calibration.combine(candidates.score, excess, self.grid.is_fine)
        )

    @property
    def _rates(self):
        """What states the rates: with sources that of the scores with sources."""
        if self.sources is None:
            return self.model.calibration
        return self.model.source_calibration.rates

    @cached_property
    def candidate_rates(self):
        """False alarms per deg2, of the whole search, of at least each score."""
        if self._rates is None:
            return np.full(len(self.candidates), np.nan)
        calibration = self.model.calibration if self.level else self._rates
        crowding = self.crowding[tuple(self.candidates.cells.T)]
        own = calibration.false_alarm_rate(
            self.candidates.score, crowding, self.grid.is_fine, self.level
        )
        return own / self.fractions[self.level]

    def extinctions(self, numbers, bands, model):
        """
        Measure the extinction of candidates of a coarser level.

        Parameters
        ----------
        numbers : (n,) int array
            Of the candidates, as `rows` has them.
        bands : list of (3, ny, nx) array
            What `~astro_vaeclust.detector.grid.bands_on_level` returns.
        model : `~astro_vaeclust.detector.model.TrainedModel`
            The model for all sets of bands: of each candidate those count that show it.

        Returns
        -------
        a_k, errors : (n,) array
            In mag; NaN where a single band shows a candidate, or where the model was
            not calibrated for the level in these bands.
        """
        cells = self.candidates.cells[numbers]
        found, (_, usable) = self._by_height
        place = {tuple(cell): row for row, cell in enumerate(found.cells.tolist())}
        found = found[[place[tuple(cell)] for cell in cells.tolist()]]
        at = tuple(cells.T)
        shown = np.array([cell_means(band[2])[at] >= MIN_USABLE for band in bands])
        values = np.full((2, len(found)), np.nan)
        for names in BAND_SETS:
            there = np.isin(BANDS, names)
            here = (shown == there[:, np.newaxis]).all(axis=0)
            known = model.color_calibrations
            if not here.any() or (known and ",".join(names) not in known):
                continue
            own = [
                band * np.float32(one) for band, one in zip(bands, there, strict=True)
            ]
            _, *judged = model.color.judged(found[here], own, usable, fine=False)
            calibration = model.for_bands(names).calibration
            if calibration is not None:
                judged = calibration.corrected(
                    "a_k", *judged, self.grid.is_fine, self.level
                )
            values[:, here] = judged
        return values

    def _check_rates_are_stated(self, limit):
        rates = self.candidate_rates
        if self.model.calibration is None:
            reason = "it was not calibrated"
            if self.network_image.bands:
                reason = f"{reason} in several bands"
        elif len(rates) and np.isnan(rates).all():
            reason = "it was fine-tuned without empty tiles"
        else:
            return
        raise ValueError(
            "max_false_alarm_rate takes None with this model, which states no "
            f"rates for such images since {reason}; got {limit:g}"
        )

    @property
    def _scores(self):
        """Scores; of coarse levels, or fewer bands, those of the same rate."""
        if not self.level and self.whole is None:
            return self.candidates.score
        rates = self.candidate_rates * self.fractions[0]
        usual = self._rates if self.whole is None else self.whole.model.calibration
        return usual.score_of_rate(rates, self.grid.is_fine)

    @property
    def heat(self):
        """Probability of a centre in each cell, of clusters that the level reports."""
        if not self.level:
            return self.maps.heat
        log_r50 = self.maps.measures[MEASURES.index("log_r50")]
        return np.where(log_r50 >= np.log10(MIN_R50), self.maps.heat, 0)

    def rows(self, limit=None, corner=(0, 0)):
        """
        Measure the candidates.

        Parameters
        ----------
        limit : float, optional
            Only those with at most so many false alarms per deg2, or ``CONSIDERED``.
        corner : tuple of int
            Row and column of the image at which the part begins.

        Returns
        -------
        rows : `~astropy.table.Table`
            One row per candidate: centres in pixels of the image, lengths in arcsec
            by the pixel scale of its middle, scores in logits, and ``candidate``, the
            number of each among the `candidates`.
        """
        chosen = np.ones(len(self.candidates), dtype=bool)
        if limit is not None:
            self._check_rates_are_stated(limit)
            chosen = self.candidate_rates <= max(limit, CONSIDERED)
        candidates = self.candidates[chosen]
        x, y = self.grid.to_image([candidates.x, candidates.y])
        columns = {
            "x": x + corner[1],
            "y": y + corner[0],
            "level": np.full(len(candidates), self.grid.scale),
            "candidate": np.flatnonzero(chosen),
            "score": self._scores[chosen],
            "false_alarm_rate": self.candidate_rates[chosen],
        }
        measured = measured_columns(
            self.network_image,
            self.maps,
            candidates,
            calibration=self.model.calibration,
            level=self.level,
        )
        return Table(columns | measured)
