# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust merge``: one catalogue of a survey."""

from __future__ import annotations

import numpy as np

from .messages import LOGGER
from .options import positive

__all__ = ["DESCRIPTION", "EXAMPLE", "HELP", "add_options", "run"]

HELP = "make one catalogue of a survey"
DESCRIPTION = (
    "Merge the fields of a survey, and write candidates.parquet, .fits and .reg, "
    "fields.parquet and area.moc.fits into its folder."
)
EXAMPLE = "vaeclust merge plane --max-false-alarm-rate 0.1"


def add_options(parser):
    """Add the options of the command to its parser."""
    parser.add_argument("folder", metavar="DIR", help="folder of a survey")
    parser.add_argument(
        "--max-false-alarm-rate",
        type=positive,
        metavar="PER_DEG2",
        help="only candidates with at most this rate",
    )
    parser.add_argument(
        "--hats",
        action="store_true",
        help="write a HATS collection, too, for lsdb and archives",
    )


def run(arguments):
    """Merge the fields and write the files."""
    import astropy.units as u

    from ..survey.outputs import write_outputs

    rate = arguments.max_false_alarm_rate
    catalog = write_outputs(
        arguments.folder,
        max_false_alarm_rate=None if rate is None else rate / u.deg**2,
        hats=arguments.hats,
    )
    primary = np.asarray(catalog["is_primary"])
    LOGGER.info(
        "%d clusters, %d of them parts of larger ones; %d candidates of fields and "
        "cells, in %s",
        np.count_nonzero(primary),
        np.count_nonzero(catalog["part_of"][primary]),
        len(catalog),
        arguments.folder,
    )
