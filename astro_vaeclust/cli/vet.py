# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust vet``: put verdicts into a table of candidates."""

from __future__ import annotations

from .messages import LOGGER
from .options import TABLES, add_overwrite

__all__ = ["DESCRIPTION", "EXAMPLE", "HELP", "add_options", "run"]

HELP = "put verdicts into a table of candidates"
DESCRIPTION = (
    "Put the verdicts that the page of 'vaeclust report' exported into "
    "the columns verdict, verdict_note and verdict_by."
)
EXAMPLE = "vaeclust vet clusters.ecsv verdicts.csv --output vetted.ecsv"


def add_options(parser):
    """Add the options of the command to its parser."""
    parser.add_argument(
        "candidates", metavar="CANDIDATES", help=f"table of clusters: {TABLES}"
    )
    parser.add_argument(
        "verdicts", metavar="VERDICTS", nargs="+", help="CSV file of a person"
    )
    parser.add_argument(
        "--output", required=True, metavar="FILE", help=f"table: {TABLES}"
    )
    add_overwrite(parser)


def run(arguments):
    """Write the table with verdicts, and print how far the persons agree."""
    from ..catalog import ClusterCatalog
    from .outputs import format_errors_on_a_line

    with format_errors_on_a_line(arguments.candidates, "Read"):
        catalog = ClusterCatalog.read(arguments.candidates)
    vetted = catalog.vetted(*arguments.verdicts)
    with format_errors_on_a_line(arguments.output, "Write"):
        vetted.write(arguments.output, overwrite=arguments.overwrite)
    LOGGER.info("wrote %s", arguments.output)
    verdicts = vetted["verdict"].tolist()
    for word in ("accept", "reject", "unsure"):
        print(f"{word}: {verdicts.count(word)}")
    print(f"without a verdict: {verdicts.count('')}")
    for pair in vetted.table.meta.get("agreement", []):
        kappa = "none" if pair["kappa"] is None else f"{pair['kappa']:.2f}"
        print(
            f"{' and '.join(pair['persons'])}: {pair['agreement']:.0%} of {pair['n']} "
            f"equal, Cohen's kappa {kappa}"
        )
