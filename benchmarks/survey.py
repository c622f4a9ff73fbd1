# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Surveys: does the cut of the sky matter, what is lost on seams, what does a run cost.

Usage: ``python benchmarks/survey.py [--only PART ...] [--full] [--folder DIR]``. The
parts are

``cuts``      one mock sky as 1, 4, 9, 25 images (500 with ``--full``): digests
``rotated``   mock skies turned against each other, cut in two ways: digests
``seams``     clusters on the borders of fields, against the sky in one piece
``null``      false detections on mosaics without clusters, at stated rates
``m17``       the eight real tiles of M17 under random shifts of the grid
``scaling``   two workers against one, and how long a cluster takes to start
``overhead``  CPU time of client and scheduler, and of a plain loop over the fields
``memory``    memory of a worker by the size of its frames, and over many fields
``resume``    what is searched again after a kill at half time
``planned``   memory of the client with many images and fields
``merge``     time and memory of a merge of many candidates

By default they are small; ``--full`` takes the sizes of ``SIZES``. Single sizes are
changed by ``--size name=value``. Mock skies have pixels of 1 arcsec. Times are CPU
times but for the ratio of workers and the start, which are wall times of one run.
"""

import argparse
import hashlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from survey_skies import (
    CENTER,
    candidates_of_fields,
    clusters_on_borders,
    images_of_four_fields,
    mock_sky,
    write_pieces,
)

SIZES = {
    "side": (2000, 14_000),  # of a mock sky in pixels, 15 deg2
    "cuts": (3, 25),  # along either axis, at most; 20 x 25 of the last
    "clusters": (6, 100),
    "r50": (60.0, 480.0),  # largest, in arcsec
    "null": (1, 100),  # deg2
    "mosaic": (0.5, 1.25),  # side of the mosaics of it in deg
    "shifts": (1, 20),
    "scale": (0.7, 0.45),  # of pixels, for frames of 4096 x 4096
    "overhead": (36, 250),  # fields
    "fields": (9, 100),  # of one worker
    "planned": (100_000, 1_000_000),
    "candidates": (100_000, 1_000_000),
}
"""Sizes by default, and in full."""

STATED = (0.1, 1.0, 10.0)  # false detections per deg2 at which they are counted
FIRST_NULL = 3_000_001  # seed of the first mosaic without clusters


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--size", nargs="+", default=[], metavar="NAME=VALUE")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args(argv)
    for name, pair in SIZES.items():
        setattr(options, name, pair[options.full])
    for text in options.size:
        name, _, value = text.partition("=")
        setattr(options, name, type(SIZES[name][0])(value))
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        for part in options.only:
            print(f"--- {part}", flush=True)
            PARTS[part](options, folder / part)
    return 0


def searched(images, folder, workers=1, **options):
    """Run a survey; return its rows, its catalogue and the seconds of the fields."""
    from astro_vaeclust.survey import run_survey
    from astro_vaeclust.survey.outputs import write_outputs

    began, rows = None, []
    for row in run_survey(images, folder, workers=workers, **options):
        rows.append(row)
        began = began or time.monotonic() - row.seconds
    return rows, write_outputs(folder), time.monotonic() - began


def primary_of(catalog):
    return catalog[np.asarray(catalog["is_primary"])]


def print_digest(label, images, out, options):
    rows, catalog, _ = searched(images, out, options.workers)
    digest = hashlib.sha256((out / "candidates.parquet").read_bytes()).hexdigest()
    print(
        f"{label}, {len(rows)} fields and cells: {digest[:16]}, {len(catalog)} "
        "candidates",
        flush=True,
    )


def cuts(options, folder):
    image = mock_sky(options, clusters_on_borders(options)).image
    for n in [n for n in (1, 2, 3, 5, 25) if n <= options.cuts]:
        n_rows = 20 if n == 25 else n
        tiles = write_pieces(image, folder / f"tiles{n}", n_rows, n)
        print_digest(f"{n_rows * n} images", tiles, folder / f"out{n}", options)


def rotated(options, folder):
    for n in (1, 3):
        for turn in (0.0, 0.5):
            image = mock_sky(options, clusters_on_borders(options)).image
            cos, sin = np.cos(turn), np.sin(turn)
            image.wcs.wcs.pc = [[cos, -sin], [sin, cos]]
            image.wcs.wcs.crval += 0, turn * options.side / 3600
            write_pieces(image, folder / f"tiles{n}" / f"{turn}", n, n)
        tiles = f"{folder}/tiles{n}/*/*.fits"
        print_digest(f"2 x {n * n} images", tiles, folder / f"out{n}", options)


def seams(options, folder):
    from astropy.coordinates import SkyCoord

    from astro_vaeclust import VAEClusterFinder

    tile = mock_sky(options, clusters_on_borders(options))
    tiles = write_pieces(tile.image, folder / "tiles", 5, 5)
    _, catalog, _ = searched(tiles, folder / "out", options.workers)
    truth, reach = tile.clusters["sky_center"], tile.clusters["r50"]
    primary, whole = primary_of(catalog), VAEClusterFinder().detect(tile.image)
    found = {}
    for name, one in (("one piece", whole), ("survey", primary)):
        one = one[np.asarray(one["part_of"]) == 0]
        index, apart, _ = truth.match_to_catalog_sky(SkyCoord(one["sky_center"]))
        found[name] = np.where(apart < reach, index, -1), one
        print(f"{name}: {np.sum(apart < reach)} of {len(truth)} found")
    (here, survey), (there, piece) = found["survey"], found["one piece"]
    both = (here >= 0) & (there >= 0)
    twice = [
        np.sum(survey["sky_center"].separation(place) < radius) > 1
        for place, radius in zip(truth, reach, strict=True)
    ]
    print(f"of those of one piece: {both.sum()} of {np.sum(there >= 0)}")
    print(f"found twice: {np.sum(twice)}")
    for name in ("r50", "n_members"):
        ratio = (
            np.asarray(survey[name])[here[both]] / np.asarray(piece[name])[there[both]]
        )
        print(f"{name}: median ratio {np.median(ratio):.3f}", flush=True)


def null(options, folder):
    """Search mosaics without clusters, cut into tiles; those that are done count."""
    import astropy.units as u

    from astro_vaeclust import VAEClusterFinder
    from astro_vaeclust.simulation.mosaics import draw_mosaic
    from astro_vaeclust.survey import merge as merge_survey
    from astro_vaeclust.survey.outputs import status_of
    from astro_vaeclust.survey.pool import joined

    finder = VAEClusterFinder(max_false_alarm_rate=max(STATED) / u.deg**2)
    area, numbers = 0.0, np.zeros(len(STATED), dtype=int)
    with joined(None, options.workers) as client:
        for seed in count(FIRST_NULL):
            out = folder / f"{seed}"
            if not (out / "candidates.parquet").exists():
                mosaic = draw_mosaic(seed, side=options.mosaic * u.deg)
                tiles = write_pieces(mosaic.image, folder / "tiles", 5, 5)
                searched(tiles, out, client=client, finder=finder, resume=out.exists())
            area += status_of(out)["area"]
            rates = primary_of(merge_survey(out))["false_alarm_rate"].value
            numbers += [np.sum(rates <= stated) for stated in STATED]
            print(f"{area:.2f} deg2: {numbers} stated at {STATED} per deg2", flush=True)
            if area >= options.null:
                return


def m17(options, folder):
    import astropy.units as u
    from astropy.coordinates import SkyCoord
    from astropy.io import fits

    data = Path(os.environ["ASTRO_VAECLUST_DATA"]) / "m17_2mass_k"
    rng, found = np.random.default_rng(options.seed), []
    for number in range(options.shifts):
        shift, here = rng.uniform(0, (0.5, 0.05)), folder / f"shift{number}"
        (here / "tiles").mkdir(parents=True, exist_ok=True)
        for path in sorted(data.glob("aK_*.fits.gz")):
            with fits.open(path) as hdulist:
                header = hdulist[0].header
                header["CRVAL1"] += shift[0]
                header["CRVAL2"] += shift[1]
                hdulist.writeto(here / "tiles" / path.name, overwrite=True)
        _, catalog, _ = searched(f"{here}/tiles/*", here / "out", options.workers)
        place = SkyCoord(275.1246 + shift[0], -16.179 + shift[1], unit=u.deg)
        primary = primary_of(catalog)
        near = primary[primary["sky_center"].separation(place) < 2 * u.arcmin]
        rates = [f"{rate.value:.2g}" for rate in near["false_alarm_rate"]]
        found.append(len(near) > 0)
        print(f"shift {shift}: {len(primary)} clusters, M17 {rates}", flush=True)
    print(f"M17 found in {sum(found)} of {len(found)}")


def scaling(options, folder):
    from astro_vaeclust.survey.pool import joined

    began = time.monotonic()
    with joined(None, options.workers) as client:
        client.run(__import__, "torch")
        print(f"{options.workers} workers with torch: {time.monotonic() - began:.1f} s")
    tiles = write_pieces(mock_sky(options).image, folder / "tiles", 5, 5)
    wall = {
        workers: searched(tiles, folder / f"out{workers}", workers, side=0.125)[2]
        for workers in (1, options.workers)
    }
    print(f"1 against {options.workers} workers: {wall[1] / wall[options.workers]:.2f}")


def overhead(options, folder):
    """Compare CPU times from the end of the first field to that of the last."""
    from astro_vaeclust import VAEClusterFinder
    from astro_vaeclust.survey import run_survey
    from astro_vaeclust.survey.field import FieldSearch
    from astro_vaeclust.survey.folder import SurveyFolder
    from astro_vaeclust.survey.outputs import status_of
    from astro_vaeclust.survey.pool import joined

    options.side = int(3600 * 0.0625 * options.overhead**0.5)
    tiles = write_pieces(mock_sky(options).image, folder / "tiles", 5, 5)
    finder, survey = VAEClusterFinder(), SurveyFolder(folder / "out")
    rows, marks = [], []
    with joined(None, 1) as client:
        for row in run_survey(
            tiles, survey.path, client=client, finder=finder, side=0.0625
        ):
            if not rows:
                n_fields = status_of(survey.path)["planned"]
            rows.append(row)
            if len(rows) in (1, n_fields):
                (worker,) = client.run(time.process_time).values()
                marks.append((time.process_time(), worker, time.monotonic()))
    first, *rest = rows[:n_fields]
    search = FieldSearch(finder, survey.grid)
    search(first.field, first.inputs)
    before = time.process_time(), time.monotonic()
    for row in rest:
        search(row.field, row.inputs)
    loop, loop_wall = time.process_time() - before[0], time.monotonic() - before[1]
    ours, theirs, wall = np.subtract(marks[1], marks[0])
    per_field = 1000 / len(rest)
    print(
        f"{len(rest)} fields: client and scheduler {ours * per_field:.1f} ms of CPU "
        f"each, worker {theirs * per_field:.0f} ms, plain loop {loop * per_field:.0f} "
        f"ms; all over the loop {(ours + theirs) / loop - 1:.1%} of CPU, "
        f"{wall / loop_wall - 1:.1%} of wall time"
    )


def memory(options, folder):
    for scale in (1.0, options.scale):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            shape, peak_, now = pool.submit(_memory_of, scale, options.fields).result()
        print(
            f"frames of {shape}: peak {peak_:.2f} GB; after each field {now}",
            flush=True,
        )


def _memory_of(scale, n_fields):
    """Search noise in one process; return its shape, the peak and each end in GB."""
    from astropy.nddata import NDData

    from astro_vaeclust import VAEClusterFinder
    from astro_vaeclust.survey.field import FieldSearch
    from astro_vaeclust.survey.grid import SurveyGrid

    warnings.simplefilter("ignore")
    grid = SurveyGrid(0.5, scale, scale)
    frame = grid.frame(grid.sky.field(grid.sky.locate(*CENTER)))
    rng, ends = np.random.default_rng(1), []
    search = FieldSearch(VAEClusterFinder(), grid)
    for _ in range(n_fields):
        pixels = rng.normal(100, 1, frame.shape).astype(np.float32)
        search._table(NDData(pixels, wcs=frame.wcs))
        ends.append(round(now(), 3))
    return frame.shape, peak(), ends


def resume(options, folder):
    from astro_vaeclust.survey.folder import SurveyFolder
    from astro_vaeclust.survey.outputs import status_of

    tiles = write_pieces(mock_sky(options).image, folder / "tiles", 5, 5)
    out = folder / "out"
    command = ["survey", tiles, "--output", out, "--side", "0.125", "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "astro_vaeclust", *map(str, command)],
        start_new_session=True,
    )
    survey, status = SurveyFolder(out), {"done": 0, "missing": 1}
    while process.poll() is None and status["done"] < status["missing"]:
        time.sleep(0.2)
        status = status_of(out) if survey.segments else status
    written = time.time() - max(path.stat().st_mtime for path in survey.segments)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()  # its lock goes with it
    rows, _, _ = searched(tiles, out, 2, side=0.125, resume=True)
    again = sum(not row.tier for row in rows)
    print(
        f"killed {written:.1f} s after the last segment, with {status['missing']} of "
        f"{status['planned']} fields missing; {again} searched again"
    )


def planned(options, folder):
    from astro_vaeclust.survey.folder import SurveyFolder
    from astro_vaeclust.survey.plan import jobs_of

    before, survey = now(), SurveyFolder(folder)
    with survey.locked():
        survey.begin({})
        images = images_of_four_fields(options.planned)
        survey.write_images(images)
        planned = jobs_of(images)
        del images
        jobs = survey.to_search(planned, retry_failed=False)
    print(
        f"{len(jobs)} fields of {options.planned} images: {now() - before:.2f} GB, "
        f"peak of the client {peak():.2f} GB, {before:.2f} GB before"
    )


def merge(options, folder):
    from astro_vaeclust.survey import merge
    from astro_vaeclust.survey.folder import SurveyFolder
    from astro_vaeclust.survey.grid import SurveyGrid

    grid = asdict(SurveyGrid.from_scale(1.0, 0.6))
    for tier in (0, 1):
        survey = SurveyFolder(folder, tier)
        with survey.locked():
            survey.begin({"grid": grid, "max_false_alarm_rate": None})
        number = options.candidates // (1, 20)[tier]
        for rows in candidates_of_fields(number, (0.5, 2.0)[tier], options.seed):
            survey.write_rows(rows)
    before = time.process_time()
    catalog = merge(folder)
    print(
        f"merge of {len(catalog)} candidates: {time.process_time() - before:.1f} s of "
        f"CPU, {len(primary_of(catalog))} primary; peak memory {peak():.2f} GB"
    )


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def now():
    """Return the memory of this process in GB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e9


PARTS = {
    "cuts": cuts,
    "rotated": rotated,
    "seams": seams,
    "null": null,
    "m17": m17,
    "scaling": scaling,
    "overhead": overhead,
    "memory": memory,
    "resume": resume,
    "planned": planned,
    "merge": merge,
}

if __name__ == "__main__":
    raise SystemExit(main())
