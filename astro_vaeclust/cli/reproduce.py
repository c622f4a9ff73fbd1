# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust reproduce``: the paper's Table I, reproduced."""

from __future__ import annotations

import argparse
from pathlib import Path

from .messages import LOGGER, progress_bar
from .options import (
    CUTS,
    add_finder_options,
    add_folder,
    add_hdu,
    angle,
    make_finder,
)
from .outputs import new_folder
from .printing import print_table

__all__ = ["DESCRIPTION", "EXAMPLE", "HELP", "add_options", "run"]

HELP = "reproduce the paper's Table I"
DESCRIPTION = (
    "Get images and point sources of the eight fields of Table I of "
    "Karmakar, Mishra & Tej (2018), search them with the paper's settings and with "
    "the default ones, and print radii, members and IoU beside what the paper has. "
    "A field that fails does not end the run; the same command resumes it."
)
EXAMPLE = "vaeclust reproduce --fields 06055+2039 --folder reproduction"

PRESETS = ("paper", "default")

SHOWN = (
    *("field", "finder", "reference", "reference_radius", "radius", "paper_radius"),
    *("n_detected", "paper_members", "n_reference", "paper_reference_members"),
    *("iou", "iou_low", "iou_high", "centred_iou", "paper_iou", "offset"),
)
"""The columns that are printed; the file has all."""


OF_PUBLISHED = """\
The circle of Table I has the radius of the literature and lies at the middle of the box
that the IRAS name stands for, within 42 x 30 arcsec; the others are of catalogues.
centred_iou has them on the detected centre. The printed IoU does not follow from the
printed members."""

OF_STAND_INS = """\
These are mock stand-ins for the fields, with the numbers of the paper beside them. The
reference is the true circle of 80 % of the members."""


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
    add_hdu(parser)
    parser.add_argument(
        "--mock",
        action="store_true",
        help="take mock stand-ins for the fields; their reference is the true circle "
        "of 80 %% of the members",
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
        choices=CUTS,
        help=f"which sources count: {', '.join(CUTS)} (default: %(default)s)",
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
    """Search the fields and print the table; return 1 if some of them failed."""
    from ..archives.exceptions import ArchiveConnectionError
    from ..evaluation.reproduction import Reproduction

    survey, fields = _survey(arguments)
    reproduction = Reproduction(
        survey=survey,
        finders=_finders(arguments),
        folder=arguments.folder,
        fields=_chosen(fields, arguments.fields),
        size=arguments.size,
        cut=arguments.cut,
        region=arguments.region,
        plots=not arguments.no_plots,
        progress_bar=progress_bar(arguments.quiet),
    )
    try:
        with new_folder(arguments.folder):
            table = reproduction.run()
    except ArchiveConnectionError as error:
        raise ConnectionError(
            f"{error}; without a network take --mock for stand-ins of the fields, or "
            "--images and --catalog for your own data"
        ) from error
    _report(table, arguments)
    LOGGER.info("wrote %s", Path(arguments.folder) / "table.ecsv")
    done = table["status"] == "done"
    if not done.any():
        kind = OSError if arguments.mock or arguments.images else ConnectionError
        raise kind("no field could be done; the table says why")
    return int(not done.all())


def _survey(arguments):
    """Return where the data come from, and the fields with their references."""
    from ..archives import UKIDSS, LocalArchive, TwoMASS
    from ..archives.services import import_clients
    from ..evaluation.paper_fields import mock_paper_archive
    from ..evaluation.paper_table import TABLE_I

    if (arguments.images is None) != (arguments.catalog is None):
        raise ValueError("--images and --catalog belong together; give both or none")
    bar = progress_bar(arguments.quiet)
    if arguments.mock and arguments.images is not None:
        raise ValueError("--mock replaces --images; give one of them")
    if arguments.mock:
        return mock_paper_archive()
    if arguments.images is not None:
        for path in (arguments.images, arguments.catalog):
            if not Path(path).exists():
                raise FileNotFoundError(f"no such file or folder: {path}")
        archive = LocalArchive(
            images=arguments.images,
            hdu=arguments.hdu,
            catalog=arguments.catalog,
            name=str(arguments.images),
        )
        return archive, TABLE_I
    if arguments.hdu is not None:
        raise ValueError("--hdu is for --images")
    import_clients()  # fails at once where they are missing
    kind = {"2mass": TwoMASS, "ukidss": UKIDSS}[arguments.survey]
    return kind(progress_bar=bar), TABLE_I


def _finders(arguments):
    """Return the finders by the names of their presets."""
    names = PRESETS if arguments.preset == "both" else (arguments.preset,)
    given = vars(arguments)
    return {
        name: make_finder(argparse.Namespace(**given | {"preset": name, "quiet": True}))
        for name in names
    }


def _chosen(fields, names):
    """Return the fields with some names; all for None."""
    if names is None:
        return fields
    known = {field.name.removeprefix("IRAS "): field for field in fields}
    chosen = [name.upper().removeprefix("IRAS").strip() for name in names]
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise ValueError(
            f"--fields takes some of {', '.join(known)}; got {', '.join(unknown)}"
        )
    return tuple(known[name] for name in dict.fromkeys(chosen))


def _report(table, arguments):
    from ..evaluation.paper_table import IN_TABLE

    done = table[table["status"] == "done"]
    if len(done):
        print_table(done[list(SHOWN)])
    in_table = done[done["reference"] == IN_TABLE]
    for name in dict.fromkeys(in_table["finder"]):
        _print_means(name, in_table[in_table["finder"] == name])
    for row in table[table["status"] != "done"]:
        print(f"{row['field']}, {row['finder']}: {row['status']}")
    print(f"\nSources that count: cut {arguments.cut}. Data:")
    for field in dict.fromkeys(table["field"]):
        print(f"  {field}: {table['data'][table['field'] == field][0]}")
    print(OF_STAND_INS if arguments.mock else OF_PUBLISHED)


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
