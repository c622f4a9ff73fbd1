# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The run of a survey: which fields are missing, their search, and their rows."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..finder import VAEClusterFinder
from ..photometry.surveys import get_survey
from ..utils.provenance import describe_finder
from ..utils.validation import check_count, check_number
from .coarse import CellSearch, cell_jobs, check_folder_is_seen
from .completeness import choose_fields, completeness_table, inject_into_field
from .field import FieldSearch
from .folder import SurveyFolder
from .grid import SurveyGrid
from .images import MAX_NAMED, describe_image, list_images, named, opened, stamps_of
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

CHUNK = 32
"""Images whose headers one task reads."""

SAME_SCALE = 0.01
"""Fraction within which the pixels of all images have one size."""


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
        A pattern, a text file with one path, pattern or URL per line, or a sequence of
        these. The images show one band in pixels of one size.
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
        Whether images that cannot be read are left out of their fields.
    hdu : int, str or (str, int), optional
        HDU of the image in each file.
    band : str, optional
        Of the images, only those with this band in their header.
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
    plan = _Plan(list_images(images), finder, survey, hdu, band, side, skip_bad)
    cluster = joined(client, workers)
    limits = {"cache": cache, "timeout": timeout}
    measured = (completeness, imitated)
    return _run(plan, cluster, limits, retry_failed, measured, progress_bar)


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
        jobs = plan.jobs(images, retry_failed)
        if plan.cell_searches:
            check_folder_is_seen(client, survey)
        yield from _searched(plan.search, jobs, pool, survey, progress_bar)
        for search in plan.cell_searches:
            cells = SurveyFolder(survey.path, search.grid.tier)
            jobs = cell_jobs(search, cells, retry_failed)
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
                    yield replace(row, binned=None)
    finally:
        if waiting:
            survey.write_rows(waiting)


@dataclass
class _Plan:
    """What a survey is: its images, its grid, and the fields to search."""

    paths: list[str]
    finder: object
    survey: SurveyFolder
    hdu: object
    band: str | None
    side: float | None
    skip_bad: bool
    grid: SurveyGrid | None = None

    @property
    def search(self):
        """The search of any field (`FieldSearch`)."""
        return FieldSearch(self.finder, self.grid, self.hdu, self.skip_bad)

    @property
    def cell_searches(self):
        """The searches of cells, of cells of cells and so on (list of `CellSearch`)."""
        search, searches = self.search, []
        while search.adds_to_cells:
            folder = SurveyFolder(self.survey.path.absolute(), search.grid.tier)
            cells = search.grid.cells
            search = CellSearch(self.finder, cells, below=search.grid, folder=folder)
            searches.append(search)
        return searches

    @property
    def settings(self):
        """What every row depends on (dict)."""
        return {
            "finder": describe_finder(self.finder),
            "grid": asdict(self.grid),
            "band": self.band,
            "hdu": self.hdu,
        }

    def find_grid(self):
        """Take the grid of the survey, or make one for the first image."""
        if self.survey.exists:
            self.grid = SurveyGrid(**self.survey.settings["grid"])
            if self.side is not None and self.side != self.grid.side:
                raise ValueError(
                    f"side is {self.grid.side:g} deg in this survey, got {self.side:g}"
                )
            return
        fine_scale = self.finder.trained_model.fine_scale
        wrong = []
        for path in self.paths:
            try:
                with opened(path, self.hdu, header_only=True) as source:
                    self.grid = SurveyGrid.from_image(
                        source.wcs, source.shape, fine_scale, side=self.side
                    )
                    return
            except (OSError, ValueError, TypeError) as error:
                wrong.append(f"{path} ({error})")
                if len(wrong) == MAX_NAMED and not self.skip_bad:
                    break
        raise ValueError(f"images: {named(wrong)}")

    def describe(self, pool):
        """Return what is known of the images; workers read headers that are new."""
        known = self.survey.read_images()
        stamps = dict(zip(self.paths, stamps_of(self.paths), strict=True))
        new = [
            (path, stamp)
            for path, stamp in stamps.items()
            if path not in known or known[path].stamp != stamp
        ]
        chunks = [new[first : first + CHUNK] for first in range(0, len(new), CHUNK)]
        described, wrong = {}, []
        for found in pool.each(_describe_images, chunks, self.hdu, self.grid):
            for path, image in found.items():
                if isinstance(image, str):
                    wrong.append(f"{path} ({image})")
                else:
                    described[path] = image
        images = [described.get(path) or known.get(path) for path in self.paths]
        images = [image for image in images if image is not None]
        images, misfits = self._fitting(images)
        wrong += misfits
        if wrong and not self.skip_bad:
            raise ValueError(f"images: {named(wrong)}")
        if not images:
            raise ValueError(f"images: none can be used: {named(wrong)}")
        if not self.survey.exists:
            self._finish_grid(images)
        return images

    def _finish_grid(self, images):
        """Note whether all images are on one grid of pixels, and their zero point."""
        kinds = {image.pixels for image in images}
        self.grid = replace(
            self.grid,
            pixels=kinds.pop() if len(kinds) == 1 else None,
            zero_point=images[0].zero_point,
        )

    def _fitting(self, images):
        """Return the images of the wanted band and scale, and what is wrong else."""
        if self.band is not None:
            images = [image for image in images if image.band == self.band]
            if not images:
                return [], [f"none has the band {self.band!r} in its header"]
        band, scale = images[0].band if images else "", self.grid.pixel_scale
        fitting, wrong = [], []
        for image in images:
            if abs(image.scale / scale - 1) > SAME_SCALE:
                wrong.append(
                    f"{image.path} (pixels of {image.scale:.4g}, not of {scale:.4g})"
                )
            elif self.grid.pixels not in (None, image.pixels):
                wrong.append(f"{image.path} (not on the grid of pixels of this survey)")
            elif image.band != band:
                wrong.append(
                    f"{image.path} (band {image.band!r}, not {band!r}; "
                    f"band={band!r} chooses)"
                )
            else:
                fitting.append(image)
        return fitting, wrong

    def jobs(self, images, retry_failed):
        """Return the fields to search with their images (list of tuple)."""
        fields, numbers = _shown(images)
        self.survey.write_images(images, len(fields))
        inputs = [(image.path, image.stamp) for image in images]
        jobs = (
            (int(field), tuple(inputs[n] for n in of_field))
            for field, of_field in zip(fields, numbers, strict=True)
        )
        return self.survey.missing(jobs, retry_failed)


def _describe_images(images, hdu, grid):
    """Return what `describe_image` says of images, or why it cannot, by path."""
    found = {}
    for path, stamp in images:
        try:
            found[path] = describe_image(path, stamp, hdu, grid)
        except (OSError, ValueError, TypeError) as error:
            found[path] = " ".join(str(error).split())
    return found


def _shown(images):
    """Return the fields whose boxes images show, and the images that each sees."""
    number = np.repeat(np.arange(len(images)), [len(image.fields) for image in images])
    field = np.concatenate([np.array(image.fields, dtype=int) for image in images])
    owned = np.concatenate([np.array(image.owned, dtype=bool) for image in images])
    order = np.argsort(field, kind="stable")
    fields, first = np.unique(field[order], return_index=True)
    numbers = np.split(number[order], first[1:])
    wanted = np.isin(fields, field[owned])
    return fields[wanted], [n for n, keep in zip(numbers, wanted, strict=True) if keep]
