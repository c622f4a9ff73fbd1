# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Surveys: does the cut of the sky matter, what is lost on seams, what does a run cost.

Usage: ``python benchmarks/survey.py PART ... [--side 3000] [--clusters 12] [--folder
DIR]``. The parts are

``cuts``      one mock sky as 1, 4, 9 and 25 images: digests of the catalogues
``seams``     clusters on the borders of fields, against the sky in one piece
``overhead``  CPU time of client and scheduler per field, one worker against two
``merge``     time of a merge of ``--candidates``, memory of ``--planned`` fields
``m17``       the eight real tiles of M17 under ``--shifts`` random shifts of the grid

Mock skies have ``--side`` pixels of 1 arcsec. Times are CPU times but for the ratio of
workers, which is of wall times in one run.
"""

import argparse
import hashlib
import os
import resource
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

CENTER = (275.0, -16.25)
"""A corner of four fields of 0.5 deg is near."""


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="+", choices=list(PARTS), metavar="PART")
    parser.add_argument("--side", type=int, default=3000)
    parser.add_argument("--clusters", type=int, default=12)
    parser.add_argument("--candidates", type=int, default=1_000_000)
    parser.add_argument("--planned", type=int, default=1_000_000)
    parser.add_argument("--shifts", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        for part in options.parts:
            print(f"--- {part}", flush=True)
            PARTS[part](options, folder / part)
    return 0


def mock_sky(options, folder):
    """Return the image and the truth of a mock sky."""
    import astropy.units as u
    from astropy.coordinates import SkyCoord

    from astro_vaeclust.simulation import MockCluster, simulate_tile
    from astro_vaeclust.survey.grid import SkyGrid

    rng = np.random.default_rng(options.seed)
    center = SkyCoord(*CENTER, unit="deg")
    grid = SkyGrid(0.5)
    shape = (options.side, options.side)
    reach = options.side / 3600 / 2 - 0.07
    clusters = []
    while len(clusters) < options.clusters:
        x, y = rng.uniform(-reach, reach, 2)
        ra, dec = CENTER[0] + x / np.cos(np.radians(CENTER[1])), CENTER[1] + y
        field = grid.field(grid.locate(ra, dec))
        if len(clusters) % 2:  # onto a border of declination, or of right ascension
            dec = min(field.dec, key=lambda border: abs(border - dec))
        else:
            ra = min(field.ra, key=lambda border: abs(border - ra))
        place = SkyCoord(ra, dec, unit="deg")
        near = [place.separation(one.center).deg for one in clusters]
        if max(abs(dec - CENTER[1]), abs(x)) > reach or min(near, default=1) < 0.07:
            continue
        clusters.append(
            MockCluster(
                center=place,
                n_members=int(rng.uniform(60, 150)),
                r50=float(np.exp(rng.uniform(np.log(12), np.log(60)))) * u.arcsec,
            )
        )
    return simulate_tile(
        shape=shape, center=center, clusters=clusters, seed=options.seed
    )


def write_pieces(image, folder, n, overlap=54):
    """Write an image as n x n that overlap."""
    from astropy.io import fits

    folder.mkdir(parents=True, exist_ok=True)
    edges = np.linspace(0, image.data.shape[0], n + 1).astype(int)
    for row in range(n):
        for column in range(n):
            part = tuple(
                slice(max(edges[k] - overlap // 2, 0), edges[k + 1] + overlap // 2)
                for k in (row, column)
            )
            header = image.wcs.slice(part).to_header()
            pixels = np.asarray(image.data[part], dtype=np.float32)
            path = folder / f"{row:02d}_{column:02d}.fits"
            fits.PrimaryHDU(pixels, header).writeto(path, overwrite=True)
    return f"{folder}/*.fits"


def searched(images, folder, workers, **options):
    """Run a survey; return its rows, its catalogue and the seconds of the fields."""
    from astro_vaeclust import VAEClusterFinder
    from astro_vaeclust.survey import run_survey
    from astro_vaeclust.survey.outputs import write_outputs

    began, rows = None, []
    run = run_survey(
        images, folder, workers=workers, finder=VAEClusterFinder(), **options
    )
    for row in run:
        rows.append(row)
        began = began or time.monotonic() - row.seconds
    return rows, write_outputs(folder), time.monotonic() - began


def cuts(options, folder):
    image = mock_sky(options, folder).image
    for n in (1, 2, 3, 5):
        tiles = write_pieces(image, folder / f"tiles{n}", n)
        out = folder / f"out{n}"
        rows, catalog, _ = searched(tiles, out, options.workers)
        digest = hashlib.sha256((out / "candidates.parquet").read_bytes()).hexdigest()
        print(f"{n * n:3d} images, {len(rows)} fields: {digest[:16]}, {catalog}")


def seams(options, folder):
    from astropy.coordinates import SkyCoord

    from astro_vaeclust import VAEClusterFinder

    tile = mock_sky(options, folder)
    truth = tile.clusters["sky_center"]
    tiles = write_pieces(tile.image, folder / "tiles", 5)
    _, catalog, _ = searched(tiles, folder / "out", options.workers)
    primary = catalog[np.asarray(catalog["is_primary"])]
    whole = VAEClusterFinder().detect(tile.image)
    found = {}
    for name, one in (("one piece", whole), ("survey", primary)):
        sky = SkyCoord(one["sky_center"])
        index, apart, _ = truth.match_to_catalog_sky(sky)
        found[name] = np.where(apart.arcsec < 45, index, -1)
        print(f"{name}: {np.sum(found[name] >= 0)} of {len(truth)} found")
    both = (found["one piece"] >= 0) & (found["survey"] >= 0)
    twice = [
        int(np.sum(primary["sky_center"].separation(one).arcsec < 45)) for one in truth
    ]
    print(f"of those of one piece: {both.sum()} of {np.sum(found['one piece'] >= 0)}")
    print(f"found twice: {np.sum(np.array(twice) > 1)}")
    for column in ("r50", "n_members"):
        here = np.asarray(primary[column])[found["survey"][both]]
        there = np.asarray(whole[column])[found["one piece"][both]]
        print(f"{column}: median ratio {np.median(here / there):.3f}")


def overhead(options, folder):
    tiles = write_pieces(mock_sky(options, folder).image, folder / "tiles", 5)
    wall = {}
    for workers in (1, options.workers):
        before = time.process_time()
        rows, _, wall[workers] = searched(
            tiles, folder / f"out{workers}", workers, side=0.125
        )
        ours = time.process_time() - before
        busy = sum(row.seconds for row in rows)
        print(
            f"{workers} workers: {len(rows)} fields in {wall[workers]:.1f} s, "
            f"{busy:.1f} s in searches; client and scheduler, start and end included: "
            f"{1000 * ours / len(rows):.1f} ms of CPU a field"
        )
    print(f"ratio of wall times: {wall[1] / wall[options.workers]:.2f}")


def merging(options, folder):
    from astro_vaeclust.survey import merge
    from astro_vaeclust.survey.folder import SurveyFolder
    from astro_vaeclust.survey.grid import SkyGrid
    from astro_vaeclust.survey.run import _shown

    survey = SurveyFolder(folder)
    with survey.locked():
        survey.begin({"mock": True})
    began = time.process_time()
    per_field = 10
    for rows in simulated_rows(options, SkyGrid(0.0625), per_field):
        survey.write_rows(rows)
    print(f"rows written in {time.process_time() - began:.1f} s", flush=True)
    began = time.process_time()
    catalog = merge(folder)
    n_primary = np.sum(catalog["is_primary"])
    print(
        f"merge of {len(catalog)} candidates: {time.process_time() - began:.1f} s of "
        f"CPU, {n_primary} primary; peak memory {peak():.2f} GB"
    )
    if not os.fork():  # a process of its own, for its memory
        before = peak_now()
        images = simulated_images(options)
        fields, numbers = _shown(images)
        jobs = [
            (int(f), tuple(int(i) for i in n))
            for f, n in zip(fields, numbers, strict=True)
        ]
        print(
            f"{len(jobs)} fields of {len(images)} images planned: "
            f"{peak_now() - before:.2f} GB",
            flush=True,
        )
        os._exit(0)
    os.wait()


def simulated_rows(options, grid, per_field):
    """Yield rows of fields with candidates at random places."""
    from astro_vaeclust.survey.field import CANDIDATE_COLUMNS, FieldRow

    rng = np.random.default_rng(options.seed)
    base = {column.name: 1.0 for column in CANDIDATE_COLUMNS}
    base |= {"flags": 0, "n_sources": 10}
    n_fields = options.candidates // per_field
    first = grid.locate(0.01, -16.0)
    for start in range(first, first + n_fields, 2000):
        rows = []
        for index in range(start, min(start + 2000, first + n_fields)):
            field = grid.field(index)
            width, height = field.ra[1] - field.ra[0], field.dec[1] - field.dec[0]
            ra = field.center[0] + rng.uniform(-0.6, 0.6, per_field) * width
            dec = field.center[1] + rng.uniform(-0.6, 0.6, per_field) * height
            depth = field.depth(ra, dec)
            facts = zip(
                ra % 360, dec, depth, rng.uniform(8, 200, per_field), strict=True
            )
            candidates = [
                base
                | {"ra": float(a), "dec": float(d), "depth": float(in_)}
                | {"radius": float(r), "score": float(rng.uniform())}
                for a, d, in_, r in facts
            ]
            rows.append(FieldRow(index, field.name, "done", candidates=candidates))
        yield rows


def simulated_images(options):
    """Return images of which each shows four fields."""
    from astro_vaeclust.survey.images import InputImage

    base = InputImage("", "1 2", 1.0, "Ks", 20.0, "grid", (0.0,) * 8)
    return [
        replace(
            base,
            path=f"/data/tiles/tile_{n:07d}.fits.gz",
            fields=tuple(range(n, n + 4)),
            owned=(True,) * 4,
        )
        for n in range(options.planned)
    ]


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def peak_now():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1e6
    return 0.0


def m17(options, folder):
    import astropy.units as u
    from astropy.coordinates import SkyCoord
    from astropy.io import fits

    tiles = sorted(
        (Path(os.environ["ASTRO_VAECLUST_DATA"]) / "m17_2mass_k").glob("aK_*.fits.gz")
    )
    rng = np.random.default_rng(options.seed)
    found = []
    for number in range(options.shifts):
        shift = rng.uniform(0, 0.5, 2)
        here = folder / f"shift{number}"
        (here / "tiles").mkdir(parents=True, exist_ok=True)
        for path in tiles:
            with fits.open(path) as hdulist:
                header = hdulist[0].header
                header["CRVAL1"] += shift[0]
                header["CRVAL2"] += shift[1] * 0.1
                hdulist.writeto(here / "tiles" / path.name, overwrite=True)
        images = f"{here}/tiles/*.fits.gz"
        _, catalog, _ = searched(images, here / "out", options.workers)
        primary = catalog[np.asarray(catalog["is_primary"])]
        place = SkyCoord(275.1246 + shift[0], -16.179 + 0.1 * shift[1], unit=u.deg)
        near = primary[primary["sky_center"].separation(place) < 2 * u.arcmin]
        rates = [f"{rate.value:.2g}" for rate in near["false_alarm_rate"]]
        found.append(len(near) > 0)
        print(f"shift {shift}: {len(primary)} clusters, M17 {rates}", flush=True)
    print(f"M17 found in {sum(found)} of {len(found)}")


PARTS = {
    "cuts": cuts,
    "seams": seams,
    "overhead": overhead,
    "merge": merging,
    "m17": m17,
}

if __name__ == "__main__":
    raise SystemExit(main())
