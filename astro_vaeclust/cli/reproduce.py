# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust reproduce``: the paper's Table I, reproduced."""

from __future__ import annotations

import argparse
from pathlib import Path

from .messages import LOGGER, progress_bar
from .options import add_finder_options, add_folder, angle, make_finder
from .printing import print_table

__all__ = ["DESCRIPTION", "HELP", "add_options", "run"]

HELP = "reproduce the paper's Table I"
DESCRIPTION = (
    "Get images and point sources of the eight fields of Table I of "
    "Karmakar, Mishra & Tej (2018), search them with the paper's settings and with "
    "the default ones, and print radii, members and IoU beside what the paper has. "
    "A field that fails does not end the run; the same command resumes it."
)

PRESETS = ("paper", "default")

SHOWN = (
    *("field", "finder", "radius", "paper_radius", "reference_radius"),
    *("n_detected", "paper_members", "n_reference", "paper_reference_members"),
    *("iou", "iou_low", "iou_high", "centred_iou", "paper_iou", "offset"),
)
"""The columns that are printed; the file has all."""


def add_options(parser):
    """Add the options of the command to its parser."""
    add_folder(parser, "vaeclust_reproduction")
    parser.add_argument(
        "--survey",
        choices=("2mass", "ukidss"),
        default="2mass",
        help="where the data come from (default: %(default)s)",
    )
    parser.add_argument(
        "--images", metavar="DIR", help="FITS images to take instead of a survey's"
    )
    parser.add_argument(
        "--catalog", metavar="FILE", help="sources that belong to --images"
    )
    parser.add_argument(
        "--fields",
        nargs="+",
        metavar="IRAS",
        help="some of the fields, such as 06055+2039 (default: all eight)",
    )
    parser.add_argument(
        "--size",
        default="12arcmin",
        type=angle,
        help="side of the images (default: %(default)s)",
    )
    parser.add_argument(
        "--cut",
        default="paper",
        metavar="NAME",
        help="which sources count (default: %(default)s)",
    )
    parser.add_argument(
        "--region",
        choices=("mask", "circle"),
        default="mask",
        help="the detected region: its pixels or its circle (default: %(default)s)",
    )
    parser.add_argument("--no-plots", action="store_true", help="write no pictures")
    add_finder_options(parser)
    parser.set_defaults(preset="both")


def run(arguments):
    """Search the fields, and print the table and where the data come from."""
    from ..evaluation.reproduction import Reproduction

    reproduction = Reproduction(
        survey=_survey(arguments),
        finders=_finders(arguments),
        folder=arguments.folder,
        fields=_fields(arguments.fields),
        size=arguments.size,
        cut=arguments.cut,
        region=arguments.region,
        plots=not arguments.no_plots,
        progress_bar=progress_bar(arguments.quiet),
    )
    table = reproduction.run()
    _report(table, arguments)
    LOGGER.info("wrote %s", Path(arguments.folder) / "table.ecsv")
    if not (table["status"] == "done").any():
        raise OSError("no field could be done; the table says why")


def _survey(arguments):
    from ..archives import UKIDSS, LocalArchive, TwoMASS

    if (arguments.images is None) != (arguments.catalog is None):
        raise ValueError("--images and --catalog belong together; give both or none")
    if arguments.images is not None:
        for path in (arguments.images, arguments.catalog):
            if not Path(path).exists():
                raise FileNotFoundError(f"no such file or folder: {path}")
        images, catalog = arguments.images, arguments.catalog
        return LocalArchive(images=images, catalog=catalog, name=str(images))
    kind = {"2mass": TwoMASS, "ukidss": UKIDSS}[arguments.survey]
    return kind(progress_bar=progress_bar(arguments.quiet))


def _finders(arguments):
    """Return the finders by the names of their presets."""
    names = PRESETS if arguments.preset == "both" else (arguments.preset,)
    given = vars(arguments)
    return {
        name: make_finder(argparse.Namespace(**given | {"preset": name, "quiet": True}))
        for name in names
    }


def _fields(names):
    from ..evaluation.paper_table import TABLE_I

    if names is None:
        return TABLE_I
    known = {field.name.removeprefix("IRAS "): field for field in TABLE_I}
    chosen = [name.upper().removeprefix("IRAS").strip() for name in names]
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise ValueError(
            f"--fields takes some of {', '.join(known)}; got {', '.join(unknown)}"
        )
    return tuple(known[name] for name in dict.fromkeys(chosen))


def _report(table, arguments):
    done = table[table["status"] == "done"]
    if len(done):
        print_table(done[list(SHOWN)])
    for name in dict.fromkeys(done["finder"]):
        _print_means(name, done[done["finder"] == name])
    for row in table[table["status"] != "done"]:
        print(f"{row['field']}, {row['finder']}: {row['status']}")
    print(f"\nSources that count: cut {arguments.cut}. Data:")
    for field in dict.fromkeys(table["field"]):
        print(f"  {field}: {table['data'][table['field'] == field][0]}")
    print(
        "Reference circles have the radius of the literature and lie at the middle of "
        "the box\nthat each IRAS name stands for, within 42 x 30 arcsec; centred_iou "
        "has them on the\ndetected centre. The printed IoU does not follow from the "
        "printed members."
    )


def _print_means(name, rows):
    import numpy as np

    iou, ratio = (
        rows[column][np.isfinite(rows[column])] for column in ("iou", "radius_ratio")
    )
    means = [f"mean IoU {100 * iou.mean():.1f} %"] if len(iou) else []
    means += [f"radius ratio {ratio.mean():.3f}"] if len(ratio) else []
    means += [f"{len(ratio)} of {len(rows)} fields with a cluster"]
    paper = 100 * rows["paper_iou"].mean(), rows["paper_radius_ratio"].mean()
    print(
        f"{name}: {', '.join(means)}; on these fields the paper has {paper[0]:.1f} %, "
        f"{paper[1]:.3f}"
    )
