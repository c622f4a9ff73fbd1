# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The search of one field, which workers do."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property

import astropy.units as u
import numpy as np
from astropy.nddata import NDData

from ..images.bands import as_image
from ..images.celestial import pixel_area, wcs_of_part
from ..images.image import is_unusable
from ..images.read import read_image
from ..images.sky import MIN_USABLE, Sky
from ..measure.columns import BAND_COLUMNS, COLUMNS, MEASURED_COLUMNS, cluster_table
from ..measure.flags import ClusterFlags
from ..measure.stacking import part_numbers
from ..sources.find import BOX_SIZE, find_sources, measure_fwhm
from ..utils.warning import muted
from .frames import ANY_BAND, assemble
from .grid import BINNING
from .images import opened

__all__ = [
    "CANDIDATE_COLUMNS",
    "FieldRow",
    "FieldSearch",
    "binned",
    "candidate_columns",
    "name_of_pixels",
]

CANDIDATE_COLUMNS = tuple(
    column
    for column in (*COLUMNS, *MEASURED_COLUMNS)
    if column.name not in ("id", "sky_center")
)
"""Columns of a candidate beside ``ra``, ``dec`` and ``depth``, in one band."""

SAMPLE = 4
"""One pixel of so many, along either axis, is looked up in the counted area."""

CONDITIONS = 512
"""Side in pixels of the square in which noise, seeing and density are measured."""

MET = 10.0
"""
False alarms per deg2 up to which candidates of fields and cells meet.

As between the levels of one image, one above the limit may measure a cluster, or tell
that two are parts of it.
"""

FEW = 0.05
"""Usable fraction of a frame below which no sky to measure is no failure."""


def candidate_columns(bands):
    """Return the columns of a candidate of a survey in some bands (tuple)."""
    return CANDIDATE_COLUMNS + (BAND_COLUMNS if bands != ANY_BAND else ())


def name_of_pixels(index, band):
    """Return the name of the pixels of a field in a band for its cells (str)."""
    return f"{index}/{band}" if band else str(index)


@dataclass(frozen=True)
class FieldRow:
    """
    What is known of a field that was searched.

    Parameters
    ----------
    field : int
        Its index in the grid.
    name : str
        Its name.
    status : str
        "done"; "empty" if no image shows anything of its box that can be searched;
        "failed".
    tier : int
        0 for a field, 1 for a cell of fields, 2 for a cell of cells.
    reason : str
        Why it failed or is empty, or which images were left out.
    seconds : float
        Time that the search took.
    worker : str
        Address of the worker.
    inputs : tuple of (str, str)
        Path and stamp of each image.
    area : float
        Usable pixels in its box, in deg2.
    noise : float
        Noise of a pixel in its middle, in the unit of the images.
    seeing : float
        Width of the stars there in arcsec.
    density : float
        Sources there per arcmin2.
    flags : int
        Those of `~astro_vaeclust.ClusterFlags` that its whole frame has.
    candidates : list of dict
        Those whose centre is in its box or just outside: ``ra`` and ``dec`` in deg,
        ``depth`` in the field in arcsec, and `candidate_columns` in their units;
        ``part_of`` is a number in the list, from 1. Some have rates above the limit of
        the survey, and count only if they are one with a candidate of another level.
    binned : dict of str to (ny, nx) float32 array
        Its pixels in each band for a cell, until they are written.
    """

    field: int
    name: str
    status: str
    tier: int = 0
    reason: str = ""
    seconds: float = 0.0
    worker: str = ""
    inputs: tuple[tuple[str, str], ...] = ()
    area: float = 0.0
    noise: float = np.nan
    seeing: float = np.nan
    density: float = np.nan
    flags: int = 0
    candidates: list[dict] = field(default_factory=list)
    binned: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class FieldSearch:
    """
    The search of any field of a survey; called in a worker.

    Parameters
    ----------
    finder : `~astro_vaeclust.base.ClusterFinderBase`
        Has a trained model.
    grid : `~astro_vaeclust.survey.grid.SurveyGrid`
        The grid.
    hdu : int, str or (str, int), optional
        As in `~astro_vaeclust.images.read.open_image`.
    skip_bad : bool
        Whether images that cannot be read are left out.
    bands : tuple of str
        Those that are searched together, or ``ANY_BAND`` of a survey in one.
    """

    finder: object
    grid: object
    hdu: object = None
    skip_bad: bool = False
    bands: tuple[str, ...] = ANY_BAND

    @property
    def calibration(self):
        """That of the model for the bands; None if it has none."""
        model = self.finder.trained_model
        if self.bands != ANY_BAND:
            model = model.for_bands(self.bands)
        return model.calibration

    @cached_property
    def n_levels(self):
        """Levels for which the model is calibrated (int)."""
        from ..detector.levels import number_of_levels

        return number_of_levels(self.calibration, self.grid.is_fine)

    @property
    def adds_to_cells(self):
        """Whether there are coarser levels, which cells of such fields search."""
        return bool(self.grid.cells.levels(self.n_levels))

    def __call__(self, index, inputs):
        """
        Search a field.

        Parameters
        ----------
        index : int
            Its index in the grid.
        inputs : tuple of (str, str)
            Path and stamp of each image.

        Returns
        -------
        row : `FieldRow`
            The result, also of a field that failed.
        """
        began = time.perf_counter()
        place = self.grid.sky.field(index)
        try:
            found = self._searched(place, [path for path, _ in inputs])
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            found = {"status": "failed", "reason": reason}
        return FieldRow(
            field=index,
            name=place.name,
            tier=self.grid.tier,
            seconds=time.perf_counter() - began,
            worker=_worker(),
            inputs=tuple(inputs),
            **found,
        )

    def _searched(self, place, paths):
        """Return the entries of the row of a field (dict)."""
        frame = self.grid.frame(place)
        assembled = self.assembled(paths, frame)
        found = {"status": "empty", "reason": "; ".join(assembled.bad)}
        found["flags"] = ClusterFlags.LOSSY_INPUT.value * assembled.lossy
        pixels = {
            band: self._searchable(values) for band, values in assembled.pixels.items()
        }
        usable = np.logical_or.reduce([np.isfinite(one) for one in pixels.values()])
        found["area"] = _own_area(usable, frame.wcs, place)
        if not found["area"] or usable.sum() < MIN_USABLE:
            return found
        with muted(Warning):
            try:
                image = as_image(_images_of(pixels, frame.wcs))
                table = self._table(image)
            except ValueError as error:
                if usable.mean() > FEW or not is_unusable(error):
                    raise
                return found | {"reason": str(error)}
            found |= self._conditions(image)
        if self.bands != ANY_BAND and "bands" not in table.colnames:
            table["bands"] = np.full(len(table), image.band)  # which alone shows enough
        if "outside_of_calibration" in table.meta:
            found["flags"] |= ClusterFlags.OUT_OF_CALIBRATION.value
        table["flags"] |= found["flags"]
        if self.adds_to_cells:
            part = self.grid.inner_part(frame, place)
            found["binned"] = {
                band: binned(values, part) for band, values in assembled.pixels.items()
            }
        candidates = self._candidates(table, place)
        return found | {"status": "done", "candidates": candidates}

    def assembled(self, paths, frame):
        """Return the images of a frame put together, see `assemble`."""
        return assemble(
            paths,
            frame,
            self.grid,
            bands=self.bands,
            opened=self.opened,
            skip_bad=self.skip_bad,
        )

    def opened(self, path):
        """Open an image."""
        return opened(path, self.hdu)

    def _searchable(self, pixels):
        """Return the pixels of a frame that are searched."""
        return pixels

    def _conditions(self, image):
        """Return noise, seeing and density of an image (dict)."""
        return _conditions(image)

    def _table(self, image):
        """Return the clusters of an `Image`, which may have several bands (QTable)."""
        finder = self.finder
        if self.n_levels == 1:
            return finder.detect(image).table
        from ..detector.search import DetectorSearch

        rate = finder.max_false_alarm_rate
        if rate is not None:
            rate = max(rate.to_value(u.deg**-2), MET)
        search = DetectorSearch(
            image,
            finder.trained_model,
            max_false_alarm_rate=rate,
            n_largest=finder.n_largest,
            fwhm=finder.fwhm,
            levels=self.grid.levels(self.n_levels),
        )
        table = cluster_table(search.columns())
        if not self.grid.tier:
            search.flag_conditions(table)
        return table

    def _candidates(self, table, place):
        """Return the candidates that the field reports (list of dict)."""
        sky = table["sky_center"]
        columns = {"ra": sky.ra.deg, "dec": sky.dec.deg}
        columns["depth"] = place.depth(columns["ra"], columns["dec"])
        for column in candidate_columns(self.bands):
            if column.name in table.colnames:
                values = table[column.name]
                columns[column.name] = np.asarray(
                    values if column.unit is None else values.to_value(column.unit)
                )
        rows = np.flatnonzero(columns["depth"] >= -self.grid.reach)
        columns = {name: values[rows] for name, values in columns.items()}
        numbers = np.arange(1, len(rows) + 1)
        if "part_of" in columns:
            columns["part_of"] = part_numbers(
                columns["part_of"], table["id"][rows], numbers
            )
        return [
            {name: values[row].item() for name, values in columns.items()}
            for row in numbers - 1
        ]


def _images_of(pixels, wcs):
    """Return the image of one band, or those of several by these, of their pixels."""
    images = {
        band: NDData(values, wcs=wcs, meta={"BAND": band})
        for band, values in pixels.items()
    }
    return images.get("", images)


def _own_area(usable, wcs, place):
    """Return the area of the usable pixels in the box of a field in deg2 (float)."""
    rows, columns = np.nonzero(usable[::SAMPLE, ::SAMPLE])
    if not rows.size:
        return 0.0
    sky = wcs.pixel_to_world(columns * SAMPLE, rows * SAMPLE).icrs
    own = place.depth(sky.ra.deg, sky.dec.deg) >= 0
    ny, nx = usable.shape
    middle_area = pixel_area(wcs, (nx - 1) / 2, (ny - 1) / 2)
    return float(np.count_nonzero(own) * SAMPLE**2 * middle_area)


def binned(pixels, part):
    """Return the means of blocks of pixels, NaN where less than half can be used."""
    ny, nx = (len(range(side.start, side.stop, BINNING)) for side in part)
    pixels = pixels[tuple(slice(side.start, side.stop) for side in part)]
    blocks = pixels.reshape(ny, BINNING, nx, BINNING)
    usable = np.isfinite(blocks)
    number = usable.sum(axis=(1, 3))
    total = np.where(usable, blocks, 0).sum(axis=(1, 3), dtype=np.float64)
    means = total / np.maximum(number, 1)
    return np.where(2 * number >= BINNING**2, means, np.nan).astype(np.float32)


def _conditions(image):
    """Return noise, seeing and density in the middle of what can be used (dict)."""
    usable = ~image.mask
    part = tuple(
        slice(max(int(np.median(axis)) - CONDITIONS // 2, 0), None)
        for axis in (np.flatnonzero(usable.any(axis=1 - axis)) for axis in (0, 1))
    )
    part = tuple(slice(side.start, side.start + CONDITIONS) for side in part)
    try:
        cut = read_image(
            image.data[part], mask=image.mask[part], wcs=wcs_of_part(image.wcs, part)
        )
        noise = Sky.from_pixels(cut.data, cut.mask, box_size=BOX_SIZE).noise
        fwhm = measure_fwhm(cut)
        number = len(find_sources(cut, fwhm=fwhm))
    except ValueError:  # too few pixels
        return {}
    scale = cut.pixel_scale.to_value(u.arcsec / u.pix)
    return {
        "noise": float(noise),
        "seeing": float(fwhm * scale),
        "density": number / float(cut.usable_area.to_value(u.arcmin**2)),
    }


def _worker():
    """Return the address of the worker that this runs in; empty outside of one."""
    from distributed import get_worker

    try:
        return get_worker().address
    except ValueError:
        return ""
