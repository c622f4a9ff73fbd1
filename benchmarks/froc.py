# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Compare all finders on mock tiles of each survey: the table and the plot of the docs.

Usage: ``python benchmarks/froc.py [--tiles 1000] [--surveys 2mass-ks ukidss-k ...]
[--finders NAME ...] [--workers 2]``. It is ``vaeclust evaluate`` for several surveys:
results are kept tile by tile in a folder per survey, and the same command goes on after
an interrupt. The seeds of the tiles begin at 1 000 000, where no training and no tuning
goes; half of the tiles have no cluster. The bound for catalogue methods is the matched
filter on the true stars.
"""

import argparse
import sys
from pathlib import Path

from astro_vaeclust.cli import evaluate
from astro_vaeclust.cli.messages import add_message_options, messages_to_stderr

SURVEYS = ("2mass-ks", "ukidss-k", "vvv-ks")
LOWEST_SEED = 100_000
"""Training and tuning use the seeds below this one."""


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    evaluate.add_campaign_options(parser, tiles=1000)
    parser.set_defaults(folder="froc_results")
    parser.add_argument("--surveys", nargs="+", default=SURVEYS, metavar="TAG")
    add_message_options(parser)
    arguments = parser.parse_args(argv)
    if arguments.seed < LOWEST_SEED:
        parser.error(f"--seed must be at least {LOWEST_SEED}: tuning is below")
    folder = Path(arguments.folder)
    with messages_to_stderr(quiet=arguments.quiet, verbose=arguments.verbose):
        for survey in arguments.surveys:
            print(f"\n{survey}\n{'=' * len(survey)}", flush=True)
            arguments.survey = survey
            arguments.folder = folder / survey
            evaluate.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
