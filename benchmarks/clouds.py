# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What the default finds and measures of clusters with and without a cloud of their own.

Usage: ``python benchmarks/clouds.py [--tiles 400] [--survey ukidss-k] [--model PATH]
[--workers 2]``. The clusters of the comparison of finders lie in clouds that dim the
field behind them. Here each is simulated twice, with its cloud and without, at the same
position among the same stars; all that the default reports at a rate of 10 false alarms
per deg2 or less is compared with the truth. Clusters of at least 20 members count.
"""

import argparse
import sys
import warnings
from functools import partial

import astropy.units as u
from astropy.table import Table
from detection_bound import LEAST_MEMBERS
from tqdm import tqdm

from astro_vaeclust import NoDetectionsWarning, VAEClusterFinder
from astro_vaeclust.detector.embedding import ConvVAE
from astro_vaeclust.evaluation import froc
from astro_vaeclust.images.read import read_image
from astro_vaeclust.simulation.design import FIRST_SEED, mock_tile
from astro_vaeclust.utils.jobs import run_jobs

RATES = (1.0, 10.0) / u.deg**2

KINDS = ("with clouds", "without")


def detect(seed, *, survey, model):
    """Return table, truth and area of both tiles of a seed; none if it is too poor."""
    tiles = [mock_tile(seed, survey=survey, clouds=clouds) for clouds in (True, False)]
    if tiles[0].clusters["n_members"][0] < LEAST_MEMBERS:
        return []
    finder = VAEClusterFinder(
        embedding=ConvVAE(model=model), max_false_alarm_rate=RATES[-1]
    )
    with warnings.catch_warnings(action="ignore", category=NoDetectionsWarning):
        return [
            (finder(tile.image), tile.clusters, read_image(tile.image).usable_area)
            for tile in tiles
        ]


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tiles", type=int, default=400)
    parser.add_argument("--survey", default="ukidss-k", metavar="TAG")
    parser.add_argument("--model", metavar="PATH")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args(argv)
    results = run_jobs(
        partial(detect, survey=arguments.survey, model=arguments.model),
        range(FIRST_SEED, FIRST_SEED + 2 * arguments.tiles, 2),
        workers=arguments.workers,
        progress_bar=tqdm,
    )
    results = [result for result in results if result]
    for kind, result in zip(KINDS, zip(*results, strict=True), strict=True):
        catalogs, truths, areas = zip(*result, strict=True)
        judged = froc(catalogs, truths, u.Quantity(areas), sky="all")
        rates = judged.detections["false_alarm_rate"][judged.detections["is_matched"]]
        fractions = Table({"clusters": [kind], "number": [len(truths)]})
        for rate in RATES:
            name = f"found at {rate.value:g} / deg2"
            fractions[name] = [round((rates <= rate).sum() / len(truths), 3)]
        fractions.pprint_all()
        judged.measurement_errors().pprint_all()


if __name__ == "__main__":
    sys.exit(main())
