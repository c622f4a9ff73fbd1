# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Calibrate the coarser levels of a model: their rates of false alarms and their errors.

Usage: ``python benchmarks/calibrate_levels.py OUTPUT [--folder DIR] [--workers 2]``.
Searches mock tiles and mosaics without clusters, and mosaics with clusters of all
sizes, with the weights as they are, and writes the model with what it learned of the
levels. Seeds are below those of evaluations. What is searched is kept in the folder,
and the same command goes on after an interrupt.
"""

import argparse
from functools import partial
from pathlib import Path

import astropy.units as u
import numpy as np

from astro_vaeclust.detector.model import load_model
from astro_vaeclust.simulation.design import mock_tile
from astro_vaeclust.simulation.mosaics import draw_mosaic
from astro_vaeclust.training.level_calibration import (
    LevelSample,
    calibrate_levels,
    level_pairs,
    level_samples,
)
from astro_vaeclust.utils.files import atomic_path
from astro_vaeclust.utils.jobs import run_jobs

FIRST_SEED = 60_001

SKIES = {
    "2mass-tile": (1300, "2mass-ks", None, 0),
    "2mass-mosaic": (64, "2mass-ks", 1.25 * u.deg, 0),
    "2mass-clusters": (40, "2mass-ks", 1.25 * u.deg, 12),
    "ukidss-tile": (600, "ukidss-k", None, 0),
    "ukidss-clusters": (150, "ukidss-k", None, 1),
}
"""Number, survey, side and clusters of what is searched; tiles have no side."""


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--folder", type=Path, default=Path("level_calibration"))
    parser.add_argument("--only", nargs="+", choices=SKIES, default=list(SKIES))
    parser.add_argument("--fraction", type=float, default=1.0, help="of the numbers")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args(argv)
    arguments.folder.mkdir(exist_ok=True)
    jobs = [
        (kind, FIRST_SEED + 2 * number)
        for kind in arguments.only
        for number in range(max(round(SKIES[kind][0] * arguments.fraction), 1))
    ]
    search = partial(_search, folder=arguments.folder, model=arguments.model)
    for done, path in enumerate(run_jobs(search, jobs, workers=arguments.workers)):
        if done % 50 == 0:
            print(f"{done} of {len(jobs)}: {path.name}", flush=True)
    samples, pairs = _read(sorted(arguments.folder.glob("*.npz")))
    model = calibrate_levels(load_model(arguments.model), samples, pairs)
    for kind, levels in zip(("coarse", "fine"), model.calibration.levels, strict=True):
        for number, level in enumerate(levels, 1):
            print(
                f"{kind} level {2**number}: {level.intensity.area:.1f} deg2, highest "
                f"score {level.intensity.highest_score:.2f}, biases "
                f"{np.round(level.biases, 3)}, factors "
                f"{np.round(level.error_factors, 2)}, floors "
                f"{np.round(level.error_floors, 3)}"
            )
    model.save(arguments.output, overwrite=True)


def _search(job, *, folder, model):
    """Search one tile or mosaic, or take what is there; return the file of it."""
    kind, seed = job
    path = folder / f"{kind}-{seed}.npz"
    if path.exists():
        return path
    _, survey, side, clusters = SKIES[kind]
    model = load_model(model)
    if side is None:
        tile = mock_tile(seed + clusters, survey=survey)  # even seeds have a cluster
    else:
        tile = draw_mosaic(seed, survey=survey, side=side, clusters=clusters)
    if clusters:
        found = {
            f"{int(fine)} {level}": pairs
            for (fine, level), pairs in level_pairs(model, tile).items()
        }
    else:
        found = {
            f"{int(one.fine)} {one.level} {name}": getattr(one, name)
            for one in level_samples(model, tile.image)
            for name in ("scores", "crowding", "exposure")
        }
    with atomic_path(path, overwrite=True) as temporary, temporary.open("wb") as file:
        np.savez(file, **found)
    return path


def _read(paths):
    """Return the samples and the pairs that files hold."""
    samples, pairs = [], []
    for path in paths:
        with np.load(path) as stored:
            found = dict(stored)
        keys = {tuple(map(int, name.split()[:2])) for name in found}
        if "clusters" in path.name:
            pairs.append({(bool(f), level): found[f"{f} {level}"] for f, level in keys})
            continue
        samples += [
            LevelSample(
                bool(fine),
                level,
                *(
                    found[f"{fine} {level} {name}"]
                    for name in ("scores", "crowding", "exposure")
                ),
            )
            for fine, level in sorted(keys)
        ]
    return samples, pairs


if __name__ == "__main__":
    main()
