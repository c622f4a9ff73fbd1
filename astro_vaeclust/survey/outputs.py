# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The files that a survey ends in, and how far it is."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord

from ..utils.files import atomic_path
from ..utils.optional import import_optional
from .coarse import cell_jobs
from .images import restamped
from .merge import existing, merge
from .plan import jobs_of

__all__ = ["status_of", "write_outputs"]

MOC_ORDER = 13
"""Order of the smallest cells of the map of the area, of 26 arcsec."""

HATS = "hats"
"""Folder of the HATS collection."""

MARGIN = 180.0
"""Arcsec around a partition of it whose candidates are in its margin, too."""

PARTITION = 100_000
"""Candidates in a partition of it."""


def write_outputs(folder, *, max_false_alarm_rate=None, hats=False):
    """
    Merge a survey and write the result into its folder.

    ``candidates.parquet`` and ``candidates.fits`` have all candidates,
    ``candidates.reg`` circles of the primary ones, ``fields.parquet`` a row per field,
    ``area.moc.fits`` the sky that was searched, and ``hats``, where it is wanted, all
    candidates as a HATS collection with a margin.

    Parameters
    ----------
    folder, max_false_alarm_rate
        Those of `~astro_vaeclust.survey.merge`, with the same errors.
    hats : bool
        Whether ``hats`` is written, which takes a candidate at least; else a ValueError
        is raised, after all other files are written. Needs the extra ``hats``.

    Returns
    -------
    catalog : `~astro_vaeclust.ClusterCatalog`
        The candidates.
    """
    survey = existing(folder)
    catalog = merge(folder, max_false_alarm_rate=max_false_alarm_rate)
    for name in ("candidates.parquet", "candidates.fits"):
        catalog.write(survey.path / name, overwrite=True)
    primary = catalog[np.asarray(catalog["is_primary"])]
    primary.write(survey.path / "candidates.reg", overwrite=True)
    _write_log(survey)
    _write_area(survey)
    if hats:
        _write_hats(survey)
    return catalog


def _write_hats(survey):
    """Write the candidates as a HATS collection, which replaces an older one."""
    parquet = import_optional("pyarrow.parquet", "survey")
    rows = parquet.read_table(survey.path / "candidates.parquet").to_pandas()
    if rows.empty:
        raise ValueError("hats: the survey has no candidate, and HATS needs one")
    target = survey.path / HATS
    with (
        TemporaryDirectory(dir=survey.path.absolute(), prefix=".hats-") as folder,
        warnings.catch_warnings(action="ignore"),  # noqa: TID251 (of pandas about lsdb)
    ):
        new, old = Path(folder) / HATS, Path(folder) / "old"
        import_optional("lsdb", "hats").from_dataframe(
            rows.drop(columns="_healpix_29"),  # lsdb makes it again
            ra_column="ra",
            dec_column="dec",
            catalog_name="candidates",
            margin_threshold=MARGIN,
            partition_rows=PARTITION,
        ).write_catalog(new, progress_bar=False)
        if target.exists():
            target.replace(old)
        new.replace(target)


def _write_log(survey):
    """Write a row per field, and per cell, without candidates."""
    pa = import_optional("pyarrow", "survey")
    compute = import_optional("pyarrow.compute", "survey")
    rows = pa.concat_tables(
        [tier.read_rows().sort_by("field") for tier in survey.tiers]
    )
    number = compute.list_value_length(rows["candidates"])
    rows = rows.drop_columns(["candidates", "segment"])
    rows = rows.append_column("n_candidates", number)
    with atomic_path(survey.path / "fields.parquet", overwrite=True) as path:
        import_optional("pyarrow.parquet", "survey").write_table(rows, path)


def _write_area(survey):
    """Write the sky of the images within the fields that are done, as a MOC."""
    moc = import_optional("mocpy", "survey").MOC
    sky, rows = survey.grid.sky, survey.read_rows(["status"])
    done = rows["field"].to_numpy()[rows["status"].to_numpy(False) == "done"]
    shown = [image.outline for image in survey.read_images().values()]
    boxes = [sky.field(index).outline().ravel() for index in done]
    area = _covered(moc, boxes) & _covered(moc, shown)
    with atomic_path(survey.path / "area.moc.fits", overwrite=True) as path:
        area.save(path, format="fits")


def _covered(moc, polygons):
    """Return the union of polygons, each a flat sequence of positions in deg."""
    if not len(polygons):
        return moc.new_empty(MOC_ORDER)
    vertices = [
        SkyCoord(np.reshape(polygon, (-1, 2)), unit=u.deg) for polygon in polygons
    ]
    first, *rest = moc.from_polygons(vertices, max_depth=MOC_ORDER)
    return first.union(*rest) if rest else first


def status_of(folder):
    """
    Return how far a survey is (dict).

    Parameters
    ----------
    folder : str or path-like
        The folder that `~astro_vaeclust.survey.run_survey` writes.

    Returns
    -------
    status : dict
        ``run``, host and process of the run at work, or None; numbers of fields
        ``planned``, ``done``, ``empty``, ``failed`` and ``missing``, which a run would
        search, also because their images on disk have changed; ``cells``, the numbers
        of cells of the fields that are there, missing if these have changed; ``area``
        searched in deg2; ``candidates`` of both, those that several report more than
        once, and those of rates above the limit; ``seconds`` of the workers; and
        ``failures``, the reasons with their numbers, most first, and ``remarks``, those
        of fields that did without something.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no survey.
    """
    pa = import_optional("pyarrow", "survey")
    compute = import_optional("pyarrow.compute", "survey")
    survey = existing(folder)
    planned = list(jobs_of(restamped(survey.read_images().values())))
    fields, missing = _current(survey, planned)
    tables, cells_missing, grid = [fields], 0, survey.grid
    for tier in survey.tiers[1:]:
        cells, number = _current(tier, cell_jobs(tables[-1], grid, survey.bands))
        tables.append(cells)
        cells_missing += number
        grid = grid.cells
    rows = pa.concat_tables(tables)
    reasons = {"failures": Counter(), "remarks": Counter()}
    for status, reason in zip(
        *(rows[name].to_pylist() for name in ("status", "reason")), strict=True
    ):
        if reason:
            reasons["failures" if status == "failed" else "remarks"][reason] += 1
    cells = {}
    if len(tables) > 1:
        cells = _numbers(pa.concat_tables(tables[1:])) | {"missing": cells_missing}
    candidates = compute.sum(compute.list_value_length(rows["candidates"])).as_py()
    return {
        "run": survey.run,
        "planned": len(planned),
        **_numbers(fields),
        "missing": missing,
        "cells": cells,
        "area": compute.sum(fields["area"]).as_py() or 0.0,
        "candidates": candidates or 0,
        "seconds": compute.sum(rows["seconds"]).as_py() or 0.0,
        **{name: dict(found.most_common()) for name, found in reasons.items()},
    }


def _current(folder, jobs):
    """Return the rows of jobs that need no search, and the number of others."""
    missing = [index for index, _ in folder.missing(jobs, retry_failed=False)]
    current = np.setdiff1d([index for index, _ in jobs], missing)
    names = ["status", "reason", "area", "seconds", "candidates", "inputs_digest"]
    rows = folder.read_rows(names)
    return rows.filter(np.isin(rows["field"].to_numpy(), current)), len(missing)


def _numbers(rows):
    """Return how many rows are done, empty and failed (dict)."""
    counts = Counter(rows["status"].to_pylist())
    return {name: counts[name] for name in ("done", "empty", "failed")}
