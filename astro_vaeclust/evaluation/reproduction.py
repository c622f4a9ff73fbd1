# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The paper's Table I, made anew."""

from __future__ import annotations

import json
import logging
import re
import warnings
from dataclasses import dataclass, fields
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.table import QTable

from ..exceptions import NoDetectionsWarning, PosteriorCollapseWarning
from ..images.write import write_image
from ..matching.match import REGIONS
from ..matching.overlap import Overlap
from ..utils.files import atomic_path
from ..utils.validation import check_choice
from ..version import __version__
from ..visualization.reproduction import write_plots, write_table_plot
from .paper_table import TABLE_I, PaperField

__all__ = ["Reproduction"]

LOGGER = logging.getLogger(__name__)

SETTINGS, IMAGE, SOURCES, DATA = (
    "settings.json",
    "image.fits",
    "sources.vot",
    "data.txt",
)
DONE = "done"

DESCRIPTIONS = {
    "status": "done, or what went wrong",
    "n_detected": "Sources in the detected region; -1 for a failure",
    "n_reference": "Sources in the reference circle; -1 for a failure",
    "iou": "Sources in both regions over sources in either",
    "centred_iou": "The same with the reference circle on the detected centre",
    "paper_iou": "As printed; it does not follow from the printed members",
    "offset": "Distance from the middle of the box of the IRAS name, 50 arcsec wide",
    "data": "What it was made from",
}


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """
    The fields of the paper's Table I: data, detections, and a table beside the paper's.

    Parameters
    ----------
    survey : `~astro_vaeclust.archives.Archive`
        Where images and sources come from.
    finders : dict of str to `~astro_vaeclust.ClusterFinderBase`
        The finders by their names, such as ``{"paper": VAEClusterFinder.paper()}``.
    folder : str or path-like
        Where everything is kept; made if missing. The same run again goes on from
        there: data that are there are not downloaded again, and only what failed or
        is missing is computed.
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
        _check_names("fields", [field.name for field in self.fields])
        _check_names("finders", self.finders)

    def run(self):
        """
        Do all fields and return the table.

        A field or a finder that fails does not end the run: its row says why.

        Returns
        -------
        table : `~astropy.table.QTable`
            A row per field and finder: ``field, finder, status`` ("done", or what went
            wrong), the numbers of `Overlap`, ``radius`` (arcsec), ``n_clusters``,
            ``centred_iou`` (with the reference circle moved onto the detected centre),
            those of the paper as ``paper_...``, and ``data``, what it was made from.

        Raises
        ------
        ValueError
            If the folder holds results of another run.
        OSError
            If the folder cannot be written.
        """
        self._open_folder()
        todo = list(self.fields)
        if self.progress_bar is not None:
            todo = self.progress_bar(todo, desc="fields", total=len(todo))
        rows = [row for field in todo for row in self._field_rows(field)]
        table = _as_table(rows)
        with atomic_path(Path(self.folder) / "table.ecsv", overwrite=True) as place:
            table.write(place, format="ascii.ecsv")
        if self.plots:
            write_table_plot(table, Path(self.folder) / "table.png")
        return table

    def _open_folder(self):
        """Make the folder, or make sure that it belongs to the same settings."""
        folder = Path(self.folder)
        folder.mkdir(parents=True, exist_ok=True)
        wanted = self._described()
        path = folder / SETTINGS
        if path.exists():
            before = json.loads(path.read_text())
            finders = before.get("finders", {}) | wanted["finders"]
            _refuse_others(folder, wanted, before | {"finders": wanted["finders"]})
            _refuse_others(folder, wanted["finders"], before.get("finders", {}))
            wanted["finders"] = finders
        with atomic_path(path, overwrite=True) as place:
            place.write_text(json.dumps(wanted, indent=1))

    def _described(self):
        from ..utils.provenance import describe_finder

        return {
            "version": __version__,
            "survey": repr(self.survey),
            "size": str(self.size),
            "band": self.survey.check_band(self.band),
            "cut": getattr(self.cut, "__name__", str(self.cut)),
            "region": self.region,
            "finders": {
                name: describe_finder(finder) for name, finder in self.finders.items()
            },
        }

    def _field_rows(self, field):
        """Return the rows of one field, from its folder or new."""
        folder = Path(self.folder) / field.name.replace(" ", "_")
        results = {name: _kept_result(folder, name) for name in self.finders}
        missing = [name for name, result in results.items() if result is None]
        if missing:
            results |= self._new_results(field, folder, missing)
        return [_row(field, name, results[name]) for name in self.finders]

    def _new_results(self, field, folder, names):
        try:
            folder.mkdir(exist_ok=True)
            data = self._data(field, folder)
        except Exception as error:  # archives and files fail in many ways
            return dict.fromkeys(names, _failure(field, "its data", error))
        results = {}
        for name in names:
            try:
                results[name] = self._result(field, name, folder) | {"data": data}
                _keep_result(folder, name, results[name])
            except Exception as error:  # one finder is not to end the run
                results[name] = _failure(field, name, error) | {"data": data}
        return results

    def _data(self, field, folder):
        """Make sure that image and sources are in the folder; say what they are."""
        from ..archives import write_catalog

        told = folder / DATA
        if told.exists():
            return told.read_text().strip()
        image = self.survey.get_image(field.center, size=self.size, band=self.band)
        sources = self.survey.get_catalog(image)
        write_image(image, folder / IMAGE, overwrite=True)
        write_catalog(sources, folder / SOURCES, overwrite=True)
        text = _origin(self.survey, image, sources)
        _write_text(told, text)
        return text

    def _result(self, field, name, folder):
        """Search one field with one finder, and compare with the reference."""
        from ..archives import read_catalog

        with warnings.catch_warnings():
            for expected in (NoDetectionsWarning, PosteriorCollapseWarning):
                warnings.simplefilter("ignore", expected)
            catalog = self.finders[name].detect(folder / IMAGE)
        catalog.write(folder / f"{name}.ecsv", overwrite=True)
        match = catalog.match(read_catalog(folder / SOURCES), cut=self.cut)
        overlap = match.iou(field.reference, region=self.region)
        if self.plots:
            write_plots(field, name, folder, match, overlap)
        return {
            "overlap": _plain(overlap),
            "n_clusters": len(catalog),
            "n_sources": len(match.sources),
        } | self._centred(field, match, overlap)

    def _centred(self, field, match, overlap):
        """Return what needs a detection, NaN without one."""
        if not overlap.id:
            return {"radius": np.nan, "centred_iou": np.nan}
        from regions import CircleSkyRegion  # imports matplotlib

        area = match.area(overlap.id, region=self.region)
        row = list(match.catalog.table["id"]).index(overlap.id)
        moved = CircleSkyRegion(
            match.catalog.table["sky_center"][row], field.reference.radius
        )
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


def _plain(overlap):
    """Return an `Overlap` as a dict of numbers and words."""
    values = {field.name: getattr(overlap, field.name) for field in fields(Overlap)}
    return values | {"offset": float(overlap.offset.to_value(u.arcsec))}


def _failure(field, what, error):
    LOGGER.warning("%s failed in %s: %s", field.name, what, error)
    LOGGER.debug("%s", field.name, exc_info=error)
    cause = " ".join(str(error).split()) or type(error).__name__
    return {"status": f"failed: {cause}"}


def _kept_result(folder, name):
    """Return a result that a former run kept, None without one."""
    path = folder / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def _keep_result(folder, name, result):
    _write_text(folder / f"{name}.json", json.dumps(result, indent=1))


def _write_text(path, text):
    with atomic_path(path, overwrite=True) as place:
        place.write_text(text + "\n")


def _row(field, name, result):
    """Return a row of the table: a result beside what the paper has."""
    overlap = result.get("overlap", {})
    row = {"field": field.name, "finder": name, "status": result.get("status", DONE)}
    row |= {
        "radius": result.get("radius", np.nan),
        "paper_radius": field.radius,
        "reference_radius": field.reference_radius,
        "n_detected": overlap.get("n_detected", -1),
        "paper_members": field.members,
        "n_reference": overlap.get("n_reference", -1),
        "paper_reference_members": field.reference_members,
    }
    row |= {
        column: overlap.get(column, np.nan)
        for column in ("iou", "iou_low", "iou_high", "member_iou", "area_iou")
    }
    return row | {
        "centred_iou": result.get("centred_iou", np.nan),
        "paper_iou": field.iou,
        "offset": overlap.get("offset", np.nan),
        "radius_ratio": overlap.get("radius_ratio", np.nan),
        "paper_radius_ratio": field.radius / field.reference_radius,
        "n_clusters": result.get("n_clusters", -1),
        "data": result.get("data", "none"),
    }


def _check_names(argument, names):
    """Raise unless names can be those of files in a folder, and of no other place."""
    for name in names:
        if not (isinstance(name, str) and re.fullmatch(r"\w[\w .+-]{0,99}", name)):
            raise ValueError(
                f"{argument} must have names of letters, digits, spaces and .+-, which "
                f"become names of files; got {name!r}"
            )


def _as_table(rows):
    table = QTable(rows=rows)
    for name in ("radius", "paper_radius", "reference_radius", "offset"):
        table[name] = u.Quantity(np.asarray(table[name], dtype=float), u.arcsec)
    for name, text in DESCRIPTIONS.items():
        table[name].info.description = text
    return table


def _refuse_others(folder, wanted, before):
    for name, value in wanted.items():
        if before.get(name, value) != value:
            raise ValueError(
                f"folder={str(folder)!r} holds results with {name}={before[name]!r}, "
                f"asked for is {value!r}; take another folder"
            )
