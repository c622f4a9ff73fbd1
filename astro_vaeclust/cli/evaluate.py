# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust evaluate``: compare finders on mock tiles."""

from __future__ import annotations

from pathlib import Path

from .messages import LOGGER, progress_bar
from .options import (
    FINDERS,
    SURVEYS,
    add_device,
    add_folder,
    add_seed,
    add_workers,
    survey_tag,
    whole_number,
)
from .printing import print_table

__all__ = [
    "DESCRIPTION",
    "EXAMPLE",
    "HELP",
    "add_campaign_options",
    "add_options",
    "run",
]

HELP = "compare finders on mock tiles"
DESCRIPTION = (
    "Run finders on mock tiles, half of them without a cluster, and "
    "say how many clusters they find at how many false positives per square "
    "degree. The result of each tile is kept: after an interrupt, or with more "
    "tiles or finders, the same command resumes."
)
EXAMPLE = "vaeclust evaluate --tiles 100 --finders default star-counts --workers 2"

MEMBERS = (20, 10)
"""Least members of the clusters that completeness is given for."""

RATE = 1.0
"""False positives per deg2 at which kinds and errors are given."""


def add_options(parser):
    """Add the options of the command to its parser."""
    add_campaign_options(parser, tiles=100)
    parser.add_argument(
        "--survey",
        default="2mass-ks",
        type=survey_tag,
        metavar="TAG",
        help=f"what the tiles imitate: {', '.join(SURVEYS)}, or several bands of one, "
        "as 2mass-j+2mass-h+2mass-ks (default: %(default)s)",
    )


def add_campaign_options(parser, *, tiles):
    """Add the options that the benchmark has too; ``tiles`` is their default number."""
    add_folder(parser, "vaeclust_evaluation")
    parser.add_argument(
        "--finders",
        nargs="+",
        metavar="NAME",
        choices=FINDERS,
        help=f"{', '.join(FINDERS)} (default: all)",
    )
    parser.add_argument(
        "--tiles",
        type=whole_number(2),
        default=tiles,
        metavar="N",
        help="number of tiles (default: %(default)s)",
    )
    parser.add_argument(
        "--tiles-for",
        nargs="+",
        default=[],
        metavar="NAME=N",
        help="fewer tiles for slow finders, such as paper=64",
    )
    parser.add_argument(
        "--nulls-for",
        nargs="+",
        default=[],
        metavar="NAME=N",
        help="further tiles without a cluster for some finders, e.g. default=2000",
    )
    parser.add_argument(
        "--shape",
        type=whole_number(64),
        nargs=2,
        metavar=("NY", "NX"),
        help="shape of the tiles in pixels (default: that of the survey)",
    )
    text = "seed of the first tile (default: %(default)s)"
    add_seed(parser, default=1_000_000, text=text)
    add_workers(parser)
    add_device(parser)
    parser.add_argument(
        "--model",
        metavar="FILE",
        help="trained model of the default finders, by default the package's own",
    )


def run(arguments):
    """Run the finders, print the comparison, and write tables and plot."""
    from ..evaluation import evaluate_finders, make_finders
    from ..evaluation.finders import finder_names
    from ..photometry.palette import checked_surveys

    in_color = len(checked_surveys(arguments.survey)) > 1
    names = arguments.finders or finder_names(in_color=in_color)
    results = evaluate_finders(
        make_finders(
            names,
            survey=arguments.survey,
            device=arguments.device,
            model=arguments.model,
        ),
        arguments.folder,
        n_tiles=arguments.tiles,
        survey=arguments.survey,
        shape=arguments.shape,
        seed=arguments.seed,
        workers=arguments.workers,
        tiles_for=_numbers("--tiles-for", arguments.tiles_for),
        nulls_for=_numbers("--nulls-for", arguments.nulls_for),
        progress_bar=progress_bar(arguments.quiet),
    )
    _report(results, Path(arguments.folder))


def _numbers(option, texts):
    """Return numbers by name from texts such as paper=64 (dict)."""
    numbers = {}
    for text in texts:
        name, equals, number = text.partition("=")
        if not equals or not number.isdecimal():
            raise ValueError(f"{option} takes NAME=N, got {text!r}")
        numbers[name] = int(number)
    return numbers


def _report(results, folder):
    import astropy.units as u

    from ..evaluation.summary import (
        calibration_table,
        describe,
        error_table,
        false_positive_table,
        printable,
        summary_table,
        write_results,
    )

    rate = RATE / u.deg**2
    for minimum in MEMBERS:
        chosen = {name: froc.with_members(minimum) for name, froc in results.items()}
        summary = summary_table(chosen)
        print(f"\nClusters with at least {minimum} members:")
        print(describe(summary))
        print_table(printable(summary))
        subfolder = folder / f"members_{minimum}"
        subfolder.mkdir(exist_ok=True)
        write_results(chosen, subfolder, rate=rate)
    print(f"\nFalse positives at {RATE:g} per deg2, by kind:")
    print_table(false_positive_table(results, rate))
    print(f"\nErrors of measurement at {RATE:g} false positive per deg2:")
    print_table(error_table(results, rate))
    calibration = calibration_table(results)
    if len(calibration):
        print("\nStated and measured false-alarm rates:")
        print_table(calibration)
        print(f"\nFalse positives that state at most {RATE:g} per deg2, by kind:")
        print_table(false_positive_table(results, rate, stated=True))
    for path in write_results(results, folder, rate=rate):
        LOGGER.info("wrote %s", path)
