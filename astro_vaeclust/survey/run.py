# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The run of a survey: which fields are missing, their search, and their rows."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from ..finder import VAEClusterFinder
from ..photometry.surveys import get_survey
from ..utils.bands import BANDS, band_of, known_band
from ..utils.validation import check_choice, check_count, check_number
from .coarse import cell_jobs, check_folder_is_seen
from .completeness import choose_fields, completeness_table, inject_into_field
from .folder import SurveyFolder
from .frames import ANY_BAND
from .grid import SIDES
from .images import list_images
from .plan import Plan, jobs_of
from .pool import FieldPool, joined
from .remote import cache_size, is_remote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from os import PathLike

    from distributed import Client

    from ..base import ClusterFinderBase
    from .field import FieldRow

__all__ = ["run_survey"]

SEGMENT_ROWS = 64
"""Rows after which a segment is written."""

SEGMENT_SECONDS = 10.0
"""Seconds after which a segment is written."""


def run_survey(
    images: str | PathLike | Sequence[str | PathLike],
    folder: str | PathLike,
    *,
    finder: ClusterFinderBase | None = None,
    client: Client | None = None,
    workers: int = 1,
    resume: bool = False,
    retry_failed: bool = False,
    skip_bad: bool = False,
    hdu: int | str | tuple[str, int] | None = None,
    band: str | None = None,
    side: float | None = None,
    timeout: float = 600.0,
    cache: int | str = "4GB",
    completeness: int = 0,
    imitated: str = "2mass-ks",
    progress_bar: Callable | None = None,
) -> Iterator[FieldRow]:
    """
    Search many images as one sky, field by field, on Dask.

    The sky is cut into fixed fields of 0.5 deg or less. Each is put together from the
    images that show it, 256 pixels of the network beyond its box included, and searched
    by a worker; `merge` makes one catalogue of all.

    Parameters
    ----------
    images : str, path-like or sequence
        A path, pattern or URL, a text file with one of these per line, or a sequence of
        these. The images show one band, or those of ``band``, in pixels of one size.
    folder : str or path-like
        Where the results are kept; made if missing.
    finder : `~astro_vaeclust.base.ClusterFinderBase`, optional
        The search, with a trained model; by default `~astro_vaeclust.VAEClusterFinder`.
    client : `distributed.Client`, optional
        A cluster that runs; by default one is started on this machine.
    workers : int
        Processes of the cluster that is started.
    resume : bool
        Whether to go on with the survey in the folder: fields that are missing, or
        whose images have changed, are searched.
    retry_failed : bool
        Whether fields that failed are searched again, too; implies ``resume``.
    skip_bad : bool
        Whether images that cannot be used are left out, with a warning; of one whose
        pixels cannot be read, the rows of its fields tell.
    hdu : int, str or (str, int), optional
        HDU of the image in each file.
    band : str, optional
        Of the images, only those of this band by their headers; as in
        `~astro_vaeclust.images.bands.read_bands`, other filters as they are written.
        Several with commas, such as "J,H,Ks", are searched together.
    side : float, optional
        Side of a field in deg: 0.5, 0.25, 0.125 or 0.0625; by default the largest whose
        frames have at most 4096 x 4096 pixels.
    timeout : float
        Seconds after which the search of a field is given up.
    cache : int or str
        Bytes, or text such as "20GB", to which images of the network are kept in the
        folder ``cache`` of the survey, which workers must see; they are read ahead
        there. 0 for no cache.
    completeness : int
        At the end, clusters are painted into so many fields, and
        ``completeness.parquet`` in the folder has the completeness of every field;
        0 for none.
    imitated : str
        What the images are like, for these clusters: a tag of
        `~astro_vaeclust.simulation.SURVEYS`.
    progress_bar : callable, optional
        Called as ``progress_bar(iterable, desc=..., total=...)`` and iterated over.

    Yields
    ------
    row : `~astro_vaeclust.survey.field.FieldRow`
        A field that was searched, with its status, in the order in which they end. The
        rows are in the folder within 10 s, and when the iteration ends in any way.

    Warns
    -----
    `~astropy.utils.exceptions.AstropyUserWarning`
        If images are left out.

    Raises
    ------
    TypeError, ValueError
        If a setting is out of range; images are missing, no images, or of several bands
        or scales; or the folder holds something else or a survey of other settings.
    OSError
        If another run writes to the folder, the disk is full, or the cluster is lost.
    ImportError
        If a package of the extra ``survey`` is missing.

    Notes
    -----
    A script needs the guard ``if __name__ == "__main__":``, since processes are
    started.
    """
    check_count("workers", workers)
    if side is not None:
        check_choice("side", side, SIDES)
    check_number("timeout", timeout, low_counts=False)
    check_count("completeness", completeness, minimum=0)
    cache = cache_size(cache)
    get_survey(imitated)
    finder = VAEClusterFinder() if finder is None else finder
    if getattr(finder, "trained_model", None) is None:
        raise ValueError(f"finder must have a trained model, got {finder!r}")
    survey = SurveyFolder(folder)
    resume = resume or retry_failed
    if survey.exists and not resume:
        raise ValueError(
            f"folder={str(folder)!r} holds a survey; give resume=True to go on with it"
        )
    if survey.path.exists():
        with survey.locked():  # refuses before anything starts
            pass
    band = band and _canonical(band)
    plan = Plan(list_images(images), finder, survey, hdu, band, side, skip_bad)
    limit = getattr(finder, "max_false_alarm_rate", None)
    if plan.search.calibration is None and limit is not None:
        where = "" if plan.bands == ANY_BAND else f" for {', '.join(plan.bands)}"
        raise ValueError(
            "finder must have max_false_alarm_rate=None, as its model was not "
            f"calibrated{where}"
        )
    if completeness and plan.bands != ANY_BAND:
        raise ValueError(
            f"completeness is measured in one band, got {completeness} with "
            f"band={band!r}"
        )
    cluster = joined(client, workers)
    limits = {"cache": cache, "timeout": timeout}
    measured = (completeness, imitated)
    return _run(plan, cluster, limits, retry_failed, measured, progress_bar)


def _canonical(band):
    """Return the name of a band, or of several with commas between."""
    if not isinstance(band, str):
        raise TypeError(f"band must be text, as 'J,H,Ks'; got {band!r}")
    names = band.split(",")
    if len(names) == 1:
        return known_band(band) or band
    bands = [known_band(name) or band_of(name) for name in names]
    for name in bands:
        if bands.count(name) > 1:
            raise ValueError(f"band must have each band once, got {name} twice")
    return ",".join(sorted(bands, key=BANDS.index))


def _run(plan, cluster, limits, retry_failed, measured, progress_bar):
    """Yield the rows of the fields that are missing, and write them."""
    survey = plan.survey
    plan.find_grid()  # refuses before a cluster is started
    with survey.locked(), cluster as client:
        cache = None
        if limits["cache"] and any(map(is_remote, plan.paths)):
            cache = survey.cache(limits["cache"])
        pool = FieldPool(
            client,
            plan.finder,
            sample=plan.paths[0],
            timeout=limits["timeout"],
            cache=cache,
        )
        images = plan.describe(pool)
        if measured[0] and plan.grid.zero_point is None:
            raise ValueError("completeness needs the zero point, MAGZP in the headers")
        survey.begin(plan.settings)
        survey.write_images(images)
        planned = jobs_of(images)
        del images  # there may be millions
        jobs = survey.to_search(planned, retry_failed)
        if plan.cell_searches:
            check_folder_is_seen(client, survey)
        yield from _searched(plan.search, jobs, pool, survey, progress_bar)
        for search in plan.cell_searches:
            cells = SurveyFolder(survey.path, search.grid.tier)
            rows = search.folder.read_rows(["status", "inputs_digest"])
            jobs = cell_jobs(rows, search.below, search.bands)
            jobs = cells.to_search(jobs, retry_failed)
            yield from _searched(search, jobs, pool, cells, progress_bar)
        if measured[0]:
            survey.write_completeness(*_completeness(plan, pool, *measured))


def _searched(search, jobs, pool, survey, progress_bar):
    """Yield the rows of fields, or of cells, and write them."""
    with closing(_written(pool.rows(search, jobs), survey)) as rows:
        if progress_bar is not None:
            desc = "cells" if search.grid.tier else "fields"
            rows = progress_bar(rows, desc=desc, total=len(jobs))
        yield from rows


def _completeness(plan, pool, n_fields, imitated):
    """Paint clusters into fields that are done; see `completeness_table`."""
    names = ["name", "status", "density", "noise", "seeing", "inputs"]
    rows = plan.survey.read_rows(names).sort_by("field").to_pylist()
    done = [row for row in rows if row["status"] == "done"]
    chosen = choose_fields(done, n_fields)
    outcomes = pool.each(inject_into_field, chosen, plan.search, imitated)
    return completeness_table([one for one in outcomes if one is not None], done)


def _written(rows, survey):
    """Yield rows, and write them to segments."""
    waiting, last = [], time.monotonic()
    try:
        with closing(rows):
            for row in rows:
                if row is not None:
                    waiting.append(row)
                late = time.monotonic() - last > SEGMENT_SECONDS
                if waiting and (late or len(waiting) >= SEGMENT_ROWS):
                    written, waiting, last = waiting, [], time.monotonic()
                    survey.write_rows(written)
                if row is not None:
                    yield replace(row, binned={})
    finally:
        if waiting:
            survey.write_rows(waiting)
