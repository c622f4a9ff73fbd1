# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Measure what each band adds to the score, and what starless clouds in training do.

Usage: ``python benchmarks/color_ablation.py FOLDER [--folds 5] [--workers 2]``, where
FOLDER is that of ``vaeclust train`` with the stage color: its tiles are searched once,
and the candidates kept in its ``ablation``. The score in colour is learned from most of
the tiles and judged on the others, in turn:

* as it is, against that of the longest band alone, by sets of bands;
* from tiles without a starless cloud, and from as many others that have some.

Completeness is that of the candidates that match clusters of any richness, on tiles
with starless clouds, at false positives per area of the tiles.
"""

import argparse
import contextlib
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from astro_vaeclust.detector.model import load_model
from astro_vaeclust.training import colors, tiles
from astro_vaeclust.training.stages import default_stages
from astro_vaeclust.utils.bands import BAND_SETS
from astro_vaeclust.utils.files import ResultFolder
from astro_vaeclust.utils.jobs import run_jobs

RATES = (1.0, 3.0, 10.0)
"""False positives per deg2."""


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    (stage,) = (stage for stage in default_stages() if stage.in_color)
    paths = sorted((options.folder / stage.name).glob("[0-9]*.npz"))
    model = load_model()
    kept = ResultFolder(options.folder / "ablation", {"model": model.identity})
    jobs = list(enumerate(paths))
    for _ in run_jobs(partial(keep, model, kept), jobs, workers=options.workers):
        pass
    has_clouds = np.array([clouds_of(stage, path) > 0 for path in paths])
    found = Found([read(kept, path) for path in paths])
    judged = has_clouds[found.tile]
    everywhere = np.ones(len(paths), dtype=bool)
    some = np.flatnonzero(has_clouds)
    some = np.random.default_rng(1).choice(some, (~has_clouds).sum(), replace=False)
    like = np.isin(np.arange(len(paths)), some)
    print(
        f"{len(paths)} tiles, {(~has_clouds).sum()} of them without starless clouds; "
        f"completeness at {', '.join(f'{rate:g}' for rate in RATES)} per deg2"
    )
    for name, score in (
        ("longest band", found.inputs[:, 0]),
        ("in colour", found.scores(options.folds, everywhere)),
        (
            "in colour, without starless clouds",
            found.scores(options.folds, ~has_clouds),
        ),
        ("in colour, as many tiles with these", found.scores(options.folds, like)),
    ):
        found.report(name, score, judged)
    return 0


def keep(model, kept, job):
    """Search a tile, if it was not before, and keep its candidates."""
    number, path = job
    name = f"{path.stem}.npz"
    if name in kept:
        return
    tile = tiles.TrainingTile.load(path)
    _, parts = colors._samples(model, job)
    ny, nx = tile.channels.shape[1:]
    values = {"area": ny * nx * (tile.scale / 3600) ** 2}
    for key, part in zip(("every", "pair"), parts, strict=True):
        values |= {f"{key}_{name}": value for name, value in vars(part).items()}
    with kept.new(name) as target:
        np.savez(target, number=number, fine=tile.fine, **values)


def read(kept, path):
    with np.load(kept.path / f"{path.stem}.npz") as stored:
        return {name: stored[name] for name in stored.files}


def clouds_of(stage, path):
    """Return how many starless clouds were drawn for a tile."""
    draws = mock.patch.object(tiles, "simulate_tile", side_effect=_Drawn)
    with draws as drawn, contextlib.suppress(_Drawn):
        stage.draw_tile(int(path.stem))
    return drawn.call_args.kwargs["nulls"].count("starless-cloud")


class _Drawn(Exception):
    """Raised instead of the simulation of a tile."""

    def __init__(self, **settings):
        super().__init__()


class Found:
    """The candidates of all tiles, in all bands and in pairs of these."""

    def __init__(self, tables):
        self.area = np.array([float(one["area"]) for one in tables])
        self.fine = np.array([bool(one["fine"]) for one in tables])
        parts = [
            (number, pair, *(one[f"{key}_{name}"] for name in NAMES))
            for number, one in enumerate(tables)
            for key, pair in (("every", 0), ("pair", 1 + int(one["number"]) % 3))
        ]
        tile, bands, *columns = zip(*parts, strict=True)
        lengths = [len(one) for one in columns[0]]
        self.tile, self.bands = np.repeat(tile, lengths), np.repeat(bands, lengths)
        self.inputs, self.is_cluster, self.a_k = map(np.concatenate, columns)
        self.searched = np.array([[0, 1 + int(one["number"]) % 3] for one in tables])

    def scores(self, folds, learned):
        """Return the scores by networks that learned from chosen tiles of others."""
        scores = np.zeros(len(self.tile))
        for fold in range(folds):
            own = self.tile % folds == fold
            rows = ~own & learned[self.tile]
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                network = colors._fitted(
                    self.inputs[rows], self.is_cluster[rows], self.a_k[rows]
                )
            outputs = network(torch.from_numpy(self.inputs[own]))
            scores[own] = outputs[0].numpy()
        return scores

    def report(self, name, scores, judged):
        """Print the completeness of coarse and of fine images by the bands."""
        for fine in (False, True):
            for number, bands in enumerate(BAND_SETS):
                there = judged & (self.bands == number) & (self.fine[self.tile] == fine)
                searched = (self.searched == number).any(axis=1) & (self.fine == fine)
                searched &= np.isin(np.arange(len(self.area)), self.tile[judged])
                area = self.area[searched].sum()
                false = np.sort(scores[there & ~self.is_cluster])[::-1]
                true = scores[there & self.is_cluster]
                line = ", ".join(
                    f"{np.mean(true > false[int(rate * area)]):.2f}" for rate in RATES
                )
                kind = "fine" if fine else "coarse"
                print(
                    f"{kind} images, {','.join(bands)}, {name}: {line} "
                    f"({len(true)} clusters, {area:.1f} deg2)"
                )


NAMES = ("inputs", "is_cluster", "a_k")

if __name__ == "__main__":
    raise SystemExit(main())
