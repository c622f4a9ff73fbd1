# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How many clusters a finder finds, and how often it sees one where there is none."""

from .campaign import evaluate_finders
from .finders import TileFinder, finder_names, make_finders
from .froc import froc
from .injections import selection_function
from .paper_fields import mock_paper_archive, paper_fields
from .paper_table import TABLE_I, PaperField, paper_table, possible_ious
from .rates import RateCompleteness
from .reproduction import Reproduction
from .result import FROC
from .selection import SelectionFunction
from .summary import (
    calibration_table,
    error_table,
    false_positive_table,
    plot_results,
    summary_table,
)

__all__ = [
    "FROC",
    "TABLE_I",
    "PaperField",
    "RateCompleteness",
    "Reproduction",
    "SelectionFunction",
    "TileFinder",
    "calibration_table",
    "error_table",
    "evaluate_finders",
    "false_positive_table",
    "finder_names",
    "froc",
    "make_finders",
    "mock_paper_archive",
    "paper_fields",
    "paper_table",
    "plot_results",
    "possible_ious",
    "selection_function",
    "summary_table",
]
