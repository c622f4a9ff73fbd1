# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Finders on many mock tiles, with a folder of results that can be resumed."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import astropy.units as u
from astropy.table import QTable

from ..images.read import read_image
from ..photometry.palette import checked_surveys
from ..simulation.design import FIRST_SEED, default_shape, mock_tile
from ..utils.files import ResultFolder
from ..utils.jobs import run_jobs
from ..utils.provenance import describe_finder
from ..utils.validation import check_count, check_file_names, check_seed
from .assignment import MEASURED
from .finders import TileFinder, expected_warnings_ignored
from .froc import froc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike

    from ..base import ClusterFinderBase
    from ..photometry.surveys import Survey
    from .result import FROC

__all__ = ["evaluate_finders"]

TRUTH, NULLS = "_truth", "_nulls"
COLUMNS = ("sky_center", "score", "flags", *MEASURED)


def evaluate_finders(
    finders: dict[str, ClusterFinderBase],
    folder: str | PathLike,
    *,
    n_tiles: int,
    survey: Survey | str | Sequence[Survey | str] = "2mass-ks",
    shape: tuple[int, int] | None = None,
    seed: int = FIRST_SEED,
    workers: int = 1,
    progress_bar: Callable | None = None,
    tiles_for: dict[str, int] | None = None,
    nulls_for: dict[str, int] | None = None,
    **froc_options: Any,
) -> dict[str, FROC]:
    """
    Run finders on mock tiles, half of them without a cluster, and compare them.

    Parameters
    ----------
    finders : dict of str to `~astro_vaeclust.ClusterFinderBase`
        The finders by the names of their folders. A `TileFinder` gets the whole mock
        tile, with its truth.
    folder : str or path-like
        Where the result of each tile is kept; made if missing. A run that was
        interrupted, or one with more tiles or more finders, resumes from there.
    n_tiles : int
        Number of tiles, at least 2.
    survey : str or `~astro_vaeclust.simulation.Survey` or sequence of these
        The survey, or those of tiles in colour, as ``"2mass-j+2mass-h+2mass-ks"``. In
        colour there is a starless cloud on each tile; catalogue methods with ``colors``
        get all bands, and other finders the last one.
    shape : tuple of int, optional
        ``(ny, nx)`` of the tiles, see `mock_tile`.
    seed : int
        Seed of the first tile; the others follow by ones.
    workers : int
        Number of processes; each computes with one thread.
    progress_bar : callable, optional
        Called as ``progress_bar(iterable, desc=..., total=...)`` and iterated over.
    tiles_for : dict of str to int, optional
        Numbers of tiles of finders that get fewer than ``n_tiles``, the first ones.
    nulls_for : dict of str to int, optional
        Numbers of further tiles without a cluster of some finders, after the others,
        for rates that the other tiles are too few to measure.
    **froc_options
        Options of `froc`.

    Returns
    -------
    results : dict of str to `FROC`
        The curves by the names of the finders. ``meta["seconds_per_deg2"]`` of each is
        the time that ``detect`` took.

    Raises
    ------
    ValueError
        If an argument is out of range, or the folder holds results of other settings.
    OSError
        If the folder cannot be written.
    """
    check_count("n_tiles", n_tiles, minimum=2)
    check_seed(seed)
    check_file_names("finders", finders)
    surveys = checked_surveys(survey)
    survey = surveys if len(surveys) > 1 else surveys[0]
    shape = tuple(shape or default_shape(surveys[-1]))
    folder = ResultFolder(
        folder,
        {"survey": survey, "shape": shape, "seed": int(seed)},
        {name: describe_finder(finder) for name, finder in finders.items()},
    )
    seeds = _seeds_of_tiles(finders, range(seed, seed + n_tiles), tiles_for, nulls_for)
    run_tile = partial(
        _run_tile, finders=finders, folder=folder, survey=survey, shape=shape
    )
    missing = {tile: [] for tile in seeds[TRUTH]}
    for part in (TRUTH, *finders):
        for tile in seeds[part]:
            if _file(part, tile) not in folder:
                missing[tile].append(part)
    jobs = [(tile, parts) for tile, parts in missing.items() if parts]
    for _ in run_jobs(
        run_tile, jobs, workers=workers, progress_bar=progress_bar, desc="tiles"
    ):
        pass
    return _read_results(folder, finders, seeds, froc_options)


def _seeds_of_tiles(finders, seeds, tiles_for, nulls_for):
    """Return the seeds of the tiles of each finder, and of the truth (dict of list)."""
    tiles_for = _checked_numbers("tiles_for", tiles_for, finders, minimum=2)
    nulls_for = _checked_numbers("nulls_for", nulls_for, finders, minimum=1)
    nulls = range(seeds[-1] + 1 + seeds[-1] % 2, sys.maxsize, 2)  # see `mock_tile`
    chosen = {
        name: [*seeds[: tiles_for.get(name)], *nulls[: nulls_for.get(name, 0)]]
        for name in finders
    }
    chosen[TRUTH] = [*seeds, *nulls[: max(nulls_for.values(), default=0)]]
    return chosen


def _checked_numbers(argument, numbers, finders, *, minimum):
    numbers = {} if numbers is None else dict(numbers)
    for name, number in numbers.items():
        if name not in finders:
            raise ValueError(
                f"{argument}: {name!r} is not among the finders {', '.join(finders)}"
            )
        check_count(argument, number, minimum=minimum)
    return numbers


def _file(part, seed):
    return f"{part}/{seed}.ecsv"


def _run_tile(job, *, finders, folder, survey, shape):
    """Simulate one tile and write its missing results."""
    seed, missing = job
    nulls = ("starless-cloud",) if isinstance(survey, tuple) else ()
    tile = mock_tile(seed, survey=survey, shape=shape, nulls=nulls)
    if TRUTH in missing:
        area = read_image(tile.image).usable_area.to_value(u.deg**2)
        _write(tile.nulls, folder, _file(NULLS, seed))
        _write(tile.clusters, folder, _file(TRUTH, seed), area_deg2=float(area))
    sources = _SharedSources(tile)
    for name in missing:
        if name == TRUTH:
            continue
        try:
            catalog, seconds = _detect(finders[name], tile, sources)
        except Exception as error:
            error.add_note(f"finder {name!r} on the tile with seed={seed}")
            raise
        table = catalog.table[[c for c in COLUMNS if c in catalog.table.colnames]]
        _write(table, folder, _file(name, seed), seconds=seconds)


class _SharedSources:
    """The sources of one tile, found once for all finders that see the same."""

    def __init__(self, tile):
        self.tile = tile
        self.found = {}

    def of(self, finder):
        """Return the sources for a finder, and the seconds that finding them took."""
        settings = finder.source_settings
        if settings not in self.found:
            start = time.perf_counter()
            sources = finder.find_sources(read_image(self.tile.image))
            self.found[settings] = sources, time.perf_counter() - start
        return self.found[settings]


def _detect(finder, tile, sources):
    """Return the catalogue, and the seconds that it takes with its own sources."""
    found, seconds = {}, 0.0
    in_color = getattr(finder, "colors", False)
    if finder.source_settings is not None and not in_color:
        found["sources"], seconds = sources.of(finder)
    with expected_warnings_ignored():
        start = time.perf_counter()
        if isinstance(finder, TileFinder):
            catalog = finder.detect_tile(tile)
        else:
            data = tile.images if in_color else tile.image
            catalog = finder.detect(data, **found)
        return catalog, seconds + time.perf_counter() - start


def _write(table, folder, name, **meta):
    table = table.copy()
    table.meta = meta
    with folder.new(name) as path:
        table.write(path, format="ascii.ecsv")


def _read_results(folder, finders, seeds, froc_options):
    def read(part, seed):
        return QTable.read(folder.path / _file(part, seed), format="ascii.ecsv")

    truths, nulls = (
        {seed: read(part, seed) for seed in seeds[TRUTH]} for part in (TRUTH, NULLS)
    )
    results = {}
    for name in finders:
        tables = [read(name, seed) for seed in seeds[name]]
        here = [truths[seed] for seed in seeds[name]]
        area = [truth.meta["area_deg2"] for truth in here] * u.deg**2
        of_nulls = [nulls[seed] for seed in seeds[name]]
        result = froc(tables, here, area, nulls=of_nulls, **froc_options)
        seconds = sum(table.meta["seconds"] for table in tables)
        result.meta["seconds_per_deg2"] = seconds / area.sum().value
        results[name] = result
    return results
