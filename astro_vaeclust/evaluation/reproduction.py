# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The paper's Table I, reproduced."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.table import QTable

from ..archives.exceptions import ArchiveConnectionError
from ..images.write import write_image
from ..matching.match import REGIONS
from ..utils.files import ResultFolder
from ..utils.jobs import run_jobs
from ..utils.provenance import describe_finder
from ..utils.validation import check_choice, check_file_names
from ..visualization.reproduction import write_plots, write_table_plot
from .finders import expected_warnings_ignored
from .paper_table import IN_TABLE, TABLE_I, PaperField

__all__ = ["Reproduction"]

LOGGER = logging.getLogger(__name__)

IMAGE, SOURCES, DATA = "image.fits", "sources.vot", "data.txt"
DONE = "done"

FOUND = dict.fromkeys(("n_detected", "n_reference", "n_clusters"), -1) | dict.fromkeys(
    (
        *("radius", "iou", "iou_low", "iou_high", "centred_iou", "member_iou"),
        *("area_iou", "offset", "radius_ratio"),
    ),
    np.nan,
)
"""Columns of the results, and their values after a failure."""

DESCRIPTIONS = {
    "status": "done, or what went wrong",
    "n_detected": "Sources in the detected region; -1 for a failure",
    "n_reference": "Sources in the reference circle; -1 for a failure",
    "reference": "The published circle that the row compares with",
    "iou": "Sources in both regions over sources in either",
    "centred_iou": "The same with the reference circle on the detected centre",
    "paper_iou": "As printed; it does not follow from the printed members",
    "offset": "Distance from the middle of the box of the IRAS name, 50 arcsec wide",
    "data": "Image and sources that were searched",
}


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """
    The paper's Table I, reproduced: data, detections, and a table beside the paper's.

    Parameters
    ----------
    survey : `~astro_vaeclust.archives.Archive`
        Where images and sources come from.
    finders : dict of str to `~astro_vaeclust.ClusterFinderBase`
        The finders by their names, such as ``{"paper": VAEClusterFinder.paper()}``.
    folder : str or path-like
        Where everything is kept; made if missing. The same run resumes from there:
        data are not downloaded again, and only what failed or is missing is computed.
    fields : sequence of PaperField
        The fields.
    size : `~astropy.units.Quantity`
        Side of the images.
    band : str, optional
        The band; by default that of the survey.
    cut : str, callable or None
        Which sources count, as for `ClusterMatch`.
    region : {'mask', 'circle'}
        The detected region whose sources are compared.
    plots : bool
        Whether to write pictures; needs matplotlib.
    progress_bar : callable, optional
        Called as ``progress_bar(iterable, desc=..., total=...)`` and iterated over.

    Raises
    ------
    TypeError, ValueError
        If there is no such cut, region or band, there are no finders, or the name of
        a field or of a finder cannot be that of a file.
    """

    survey: object
    finders: dict
    folder: str | Path
    fields: tuple[PaperField, ...] = TABLE_I
    size: u.Quantity = 12 * u.arcmin
    band: str | None = None
    cut: object = "paper"
    region: str = "mask"
    plots: bool = True
    progress_bar: object = None

    def __post_init__(self):
        from ..archives.cuts import resolve_cut

        resolve_cut(self.cut)
        check_choice("region", self.region, REGIONS)
        self.survey.check_band(self.band)
        if not self.finders:
            raise ValueError("finders must have one finder or more, got none")
        check_file_names("fields", [field.name for field in self.fields])
        check_file_names("finders", self.finders)

    def run(self) -> QTable:
        """
        Search all fields and return the table.

        A field or a finder that fails does not end the run: its row says why. An
        archive that cannot be reached does.

        Returns
        -------
        table : `~astropy.table.QTable`
            A row per field, finder and published circle (``reference``, see
            `PaperField`): ``field, finder, status`` ("done", or what went wrong), the
            numbers of `Overlap`, ``radius`` (arcsec), ``n_clusters``, ``centred_iou``
            (with the circle moved onto the detected centre), those of the paper as
            ``paper_...``, and ``data``: image and sources.

        Raises
        ------
        ValueError
            If the folder holds results of another run.
        ArchiveConnectionError
            If the archive cannot be reached.
        OSError
            If the folder cannot be written.
        """
        folder = ResultFolder(
            self.folder,
            {
                "survey": repr(self.survey),
                "size": self.size,
                "band": self.survey.check_band(self.band),
                "cut": self.cut,
                "region": self.region,
            },
            {name: describe_finder(finder) for name, finder in self.finders.items()},
        )
        rows = run_jobs(
            partial(self._field_rows, folder),
            self.fields,
            progress_bar=self.progress_bar,
            desc="fields",
        )
        table = _as_table([row for rows_of_field in rows for row in rows_of_field])
        with folder.new("table.ecsv") as path:
            table.write(path, format="ascii.ecsv")
        if self.plots:
            in_table = table[table["reference"] == IN_TABLE]
            write_table_plot(in_table, folder.path / "table.png")
        return table

    def _field_rows(self, folder, field):
        """Return the rows of one field: a result of each finder, kept or new."""
        here = field.name.replace(" ", "_")
        files = {name: f"{here}/{name}.json" for name in self.finders}
        missing = [name for name, file in files.items() if file not in folder]
        failed = {}
        if missing:
            try:
                data = {"data": self._data(field, folder, here)}
            except ArchiveConnectionError:  # nor can the other fields be reached
                raise
            except Exception as error:  # archives and files fail in many ways
                failure = _failure(field, "its data", error)
                failed, missing = dict.fromkeys(missing, failure), []
        for name in missing:
            try:
                result = self._result(field, name, folder.path / here)
                folder.write(files[name], result | data)
            except Exception as error:  # one finder is not to end the run
                failed[name] = _failure(field, name, error) | data
        return [
            _row(field, name, circle, failed.get(name) or folder.read(file))
            for name, file in files.items()
            for circle in ([IN_TABLE] if name in failed else field.circles)
        ]

    def _data(self, field, folder, here):
        """Keep image and sources in the folder; return where they come from."""
        from ..archives import write_catalog

        origin = f"{here}/{DATA}"
        if origin not in folder:
            image = self.survey.get_image(field.center, size=self.size, band=self.band)
            sources = self.survey.get_catalog(image)
            with folder.new(f"{here}/{IMAGE}") as path:
                write_image(image, path)
            with folder.new(f"{here}/{SOURCES}") as path:
                write_catalog(sources, path)
            with folder.new(origin) as path:
                path.write_text(_origin(self.survey, image, sources) + "\n")
        return (folder.path / origin).read_text().strip()

    def _result(self, field, name, folder):
        """Search one field with one finder, and compare with the reference."""
        from ..archives import read_catalog

        with expected_warnings_ignored():
            catalog = self.finders[name].detect(folder / IMAGE)
        catalog.write(folder / f"{name}.ecsv", overwrite=True)
        match = catalog.match(read_catalog(folder / SOURCES), cut=self.cut)
        circles = field.circles
        overlaps = {c: match.iou(circles[c], region=self.region) for c in circles}
        if self.plots:
            write_plots(field, name, folder, catalog, match, overlaps[IN_TABLE])
        return {
            "n_clusters": len(catalog),
            "n_sources": len(match.sources),
            "circles": {
                c: self._numbers(circles[c], match, overlaps[c]) for c in circles
            },
        }

    def _numbers(self, circle, match, overlap):
        """Return the comparison with one circle (dict)."""
        plain = {"offset": float(overlap.offset.to_value(u.arcsec))}
        return vars(overlap) | plain | self._centred(circle, match, overlap)

    def _centred(self, circle, match, overlap):
        """Return radius and centred IoU, NaN without a detection."""
        if not overlap.id:
            return {"radius": np.nan, "centred_iou": np.nan}
        from regions import CircleSkyRegion  # imports matplotlib

        area = match.area(overlap.id, region=self.region)
        row = list(match.table["id"]).index(overlap.id)
        moved = CircleSkyRegion(match.table["sky_center"][row], circle.radius)
        centred = match.iou(moved, region=self.region, id=overlap.id)
        return {
            "radius": float(area.radius.to_value(u.arcsec)),
            "centred_iou": centred.iou,
        }


def _origin(survey, image, sources):
    """Say in a line where image and sources come from."""
    from ..archives.configuration import changed_hosts
    from ..archives.remote import RemoteArchive

    meta = image.meta
    hosts = changed_hosts() if isinstance(survey, RemoteArchive) else []
    stand_ins = f" (asked at {', '.join(hosts)})" if hosts else ""
    return (
        f"{meta['SURVEY']} {meta['BAND']}: image of {image.shape[1]} x "
        f"{image.shape[0]} pixels from {meta['SERVICE']}, {len(sources)} sources from "
        f"{sources.meta['service']}{stand_ins}"
    )


def _failure(field, what, error):
    LOGGER.warning("%s failed in %s: %s", field.name, what, error)
    LOGGER.debug("%s", field.name, exc_info=error)
    cause = " ".join(str(error).split()) or type(error).__name__
    return {"status": f"failed: {cause}"}


def _row(field, name, circle, result):
    """Return a row of the table: a result and the numbers of the paper."""
    found = result | result.get("circles", {}).get(circle, {})
    return {
        "field": field.name,
        "finder": name,
        "status": result.get("status", DONE),
        "reference": circle,
        "reference_radius": field.circles[circle].radius.to_value(u.arcsec),
        **{column: found.get(column, missing) for column, missing in FOUND.items()},
        "paper_radius": field.radius,
        "paper_members": field.members,
        "paper_reference_members": field.reference_members,
        "paper_iou": field.iou,
        "paper_radius_ratio": field.radius / field.reference_radius,
        "data": result.get("data", "none"),
    }


def _as_table(rows):
    table = QTable(rows=rows)
    for name in ("radius", "paper_radius", "reference_radius", "offset"):
        table[name] = u.Quantity(np.asarray(table[name], dtype=float), u.arcsec)
    for name, text in DESCRIPTIONS.items():
        table[name].info.description = text
    return table
