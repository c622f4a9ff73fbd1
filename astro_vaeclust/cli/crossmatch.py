# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust crossmatch``: which clusters are known already."""

from __future__ import annotations

from pathlib import Path

from .messages import LOGGER, step
from .options import KNOWN_LISTS, TABLES, add_overwrite, angle
from .outputs import Outputs, format_errors_on_a_line

__all__ = ["DESCRIPTION", "EXAMPLE", "HELP", "add_options", "run"]

HELP = "look clusters up in published lists"
DESCRIPTION = (
    "Look clusters up in published lists, which VizieR is asked for, or in a table of "
    "yours, and print them with the columns name, offset, status (known or new) and "
    "known_list. Of several lists the nearest entry counts."
)
EXAMPLE = "vaeclust crossmatch clusters.ecsv --lists bica2019 hunt2023"


def add_options(parser):
    """Add the options of the command to its parser."""
    parser.add_argument(
        "clusters", metavar="CLUSTERS", help=f"table of clusters: {TABLES}"
    )
    parser.add_argument(
        "--lists",
        required=True,
        nargs="+",
        metavar="LIST",
        help=f"tags: {', '.join(KNOWN_LISTS)}; or a file with the columns name, ra and "
        "dec in degrees",
    )
    parser.add_argument(
        "--radius",
        type=angle,
        metavar="ANGLE",
        help="match radius, such as 1arcmin (default: that of each list, 60 arcsec for "
        "a file)",
    )
    parser.add_argument(
        "--output", metavar="FILE", help=f"table with these columns: {TABLES}"
    )
    add_overwrite(parser)


def run(arguments):
    """Look the clusters up, print them, and write the table if asked to."""
    from ..catalog import ClusterCatalog

    outputs = Outputs(table=arguments.output, overwrite=arguments.overwrite)
    outputs.check()
    with format_errors_on_a_line(arguments.clusters, "Read"):
        catalog = ClusterCatalog.read(arguments.clusters)
    lists = [_list(one) for one in arguments.lists]
    with step("looking clusters up"):
        catalog = catalog.crossmatch(lists, radius=arguments.radius)
    print(catalog)
    outputs.write(catalog)
    n_known = (catalog["status"] == "known").sum()
    LOGGER.info("%d of %d clusters are known", n_known, len(catalog))


def _list(text):
    """Return the tag of a list, or the table in a file."""
    from ..archives import read_catalog

    if text in KNOWN_LISTS:
        return text
    if Path(text).suffix:
        return read_catalog(text, name="lists")
    raise ValueError(
        f"lists must be tags of {', '.join(KNOWN_LISTS)}, or files; got {text!r}"
    )
