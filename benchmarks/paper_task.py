# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The paper's task: outline one embedded cluster in a field of 10 arcmin round it.

Usage: ``python benchmarks/paper_task.py [--fields 50] [--seed 1000000] [--ablation]
[--only NAME ...] [--output FILE]``. On mock stand-ins for the fields of Table I of
Karmakar, Mishra & Tej (2018) it prints, for each finder, the means over the fields
with their bootstrap intervals and the scatter from field to field: IoU on source
counts with the circle of the true 80 % radius, by the pixels of the region and by its
circle; radius and number of sources over the true ones; distance of the centres over
the true half-number radius (median); fields with a collapsed autoencoder; seconds per
field. A field without a detection has an IoU of zero. Settings are chosen below seed
100 000.
"""

import argparse
import sys
import time
import warnings

import numpy as np
from astropy import units as u
from astropy.table import Table, vstack
from paper_variants import ABLATION, FINDERS
from regions import CircleSkyRegion

from astro_vaeclust.evaluation import paper_fields
from astro_vaeclust.exceptions import NoDetectionsWarning, PosteriorCollapseWarning

CONFIDENCE = 95
"""Per cent of the bootstrap intervals."""

RESAMPLES = 2000


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fields", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1_000_000)
    parser.add_argument("--ablation", action="store_true", help="paper(), step by step")
    parser.add_argument(
        "--only", nargs="+", choices=[*FINDERS, *ABLATION], metavar="NAME"
    )
    parser.add_argument("--output", help="table of all fields to write (ECSV)")
    arguments = parser.parse_args(argv)
    names = arguments.only or [*FINDERS, *(ABLATION if arguments.ablation else ())]
    tables = []
    for name in names:
        finder = (FINDERS | ABLATION)[name]
        tiles = paper_fields(arguments.fields, seed=arguments.seed)
        tables.append(Table(rows=[judge(name, finder, tile) for tile in tiles]))
        print(summary_line(name, tables[-1]), flush=True)
        if arguments.output:
            vstack(tables).write(arguments.output, overwrite=True)


def judge(name, finder, tile):
    """Search one field and compare with its truth (dict)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PosteriorCollapseWarning)
        warnings.simplefilter("ignore", NoDetectionsWarning)
        start = time.perf_counter()
        catalog = finder.detect(tile.image)
        seconds = time.perf_counter() - start
    truth = tile.clusters[0]
    sources = tile.stars[tile.stars["mag"] < tile.survey.limit * u.mag]
    match = catalog.match(sources, cut=None)
    circle = CircleSkyRegion(truth["sky_center"], truth["r80"])
    by_mask, by_circle = (match.iou(circle, region=r) for r in ("mask", "circle"))
    return {
        "finder": name,
        "field": tile.image.meta.get("SEED", -1),
        "iou": by_mask.iou,
        "circle_iou": by_circle.iou,
        "radius_ratio": by_mask.radius_ratio,
        "sources_ratio": by_mask.n_detected / by_mask.n_reference,
        "offset": float(by_mask.offset / truth["r50"]),
        "collapsed": any(w.category is PosteriorCollapseWarning for w in caught),
        "seconds": seconds,
    }


def summary_line(name, table):
    """Return what is printed for one finder (str)."""
    means = [
        f"{label} {with_interval(np.asarray(table[column]))}"
        for label, column in (
            ("IoU", "iou"),
            ("by circle", "circle_iou"),
            ("radius", "radius_ratio"),
            ("sources", "sources_ratio"),
        )
    ]
    return (
        f"{name}: {'; '.join(means)}; lowest IoU {min(table['iou']):.2f}, "
        f"{np.sum(table['iou'] < 0.55)} below 0.55; "
        f"offset {np.nanmedian(table['offset']):.2f} r50; "
        f"collapsed {sum(table['collapsed'])}; {np.mean(table['seconds']):.1f} s"
    )


def with_interval(values):
    """Return mean, bootstrap interval of the mean, and scatter (str)."""
    values = values[np.isfinite(values)]
    if not len(values):
        return "none"
    rng = np.random.default_rng(0)
    means = rng.choice(values, (RESAMPLES, len(values))).mean(axis=1)
    low, high = np.percentile(means, [50 - CONFIDENCE / 2, 50 + CONFIDENCE / 2])
    return f"{values.mean():.3f} ({low:.3f} to {high:.3f}) +- {values.std():.2f}"


if __name__ == "__main__":
    sys.exit(main())
