# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Check that a change of the code leaves the detector's results as they are.

Usage: ``python benchmarks/same_results.py RESULTS.json [--data DIR] [--against FILE]``.
Searches 20 mock tiles of four surveys and, with ``--data``, real images; writes every
measured number of every candidate to the last bit. With ``--against``, the results of
another version of the code, prints what differs and exits with 1 if anything does.
``n_sources`` and flags are compared too, but counted apart.
"""

import argparse
import json
import sys
import warnings
from pathlib import Path

import astropy.units as u
import numpy as np
from real_fields import FIELDS, detect

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.simulation import mock_tile

TILES = [
    (survey, 7000 + seed)
    for survey in ("2mass-ks", "2mass-j", "ukidss-k", "vvv-ks")
    for seed in range(5)
]
APART = ("n_sources", "flags")
"""Columns that have a rule of their own."""


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path, help="file to write, JSON")
    parser.add_argument("--data", type=Path, help="folder of real images")
    parser.add_argument("--against", type=Path, help="results to compare with")
    arguments = parser.parse_args(argv)
    finder = VAEClusterFinder(max_false_alarm_rate=100 / u.deg**2)
    results = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for survey, seed in TILES:
            tile = mock_tile(seed, survey=survey)
            catalog = finder.detect(tile.image)
            results[f"{survey} {seed}"] = _exact(catalog)
        for name, *_ in FIELDS if arguments.data else ():
            results[name] = _exact(detect(finder, arguments.data / name))
    arguments.results.write_text(json.dumps(results, indent=1) + "\n")
    n_rows = sum(len(columns["id"]) for columns in results.values())
    print(f"{len(results)} images, {n_rows} candidates")
    if arguments.against is None:
        return 0
    return _compare(json.loads(arguments.against.read_text()), results)


def _exact(catalog):
    """Return all numbers of a catalogue in hexadecimal, and the sum of its heat map."""
    table = catalog.table
    columns = {}
    for name in table.colnames:
        column = table[name]
        if name == "sky_center":
            columns["ra"] = [float(value).hex() for value in column.ra.deg]
            columns["dec"] = [float(value).hex() for value in column.dec.deg]
        else:
            columns[name] = [
                value.hex() for value in np.asarray(column, float).tolist()
            ]
    columns["heat"] = [float(np.sum(catalog.heatmap.data, dtype=float)).hex()]
    return columns


def _compare(before, after):
    differing, apart = 0, dict.fromkeys(APART, 0)
    common = sorted(set(before) & set(after))
    for image in common:
        ours, theirs = after[image], before[image]
        for name in sorted(set(ours) | set(theirs)):
            if ours.get(name) == theirs.get(name):
                continue
            if name in APART:
                apart[name] += 1
                continue
            differing += 1
            print(f"{image}: {name} differs")
    print(f"of {len(common)} images in both, {differing} columns differ; {apart}")
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main())
