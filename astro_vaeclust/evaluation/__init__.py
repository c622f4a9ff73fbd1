# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How many clusters a finder finds, and how often it sees one where there is none."""

from .campaign import evaluate_finders
from .finders import finder_names, make_finders
from .froc import froc
from .injections import selection_function
from .matching import Matches, match_clusters
from .rates import RateCompleteness
from .result import FROC
from .selection import SelectionFunction
from .summary import (
    calibration_table,
    error_table,
    false_positive_table,
    plot_results,
    summary_table,
)
from .tiles import FIRST_SEED, mock_tile

__all__ = [
    "FIRST_SEED",
    "FROC",
    "Matches",
    "RateCompleteness",
    "SelectionFunction",
    "calibration_table",
    "error_table",
    "evaluate_finders",
    "false_positive_table",
    "finder_names",
    "froc",
    "make_finders",
    "match_clusters",
    "mock_tile",
    "plot_results",
    "selection_function",
    "summary_table",
]
