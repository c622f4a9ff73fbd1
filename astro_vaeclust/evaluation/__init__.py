# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How many clusters a finder finds, and how often it sees one where there is none."""

from .campaign import evaluate_finders
from .finders import TileFinder, make_finders
from .froc import froc
from .injections import selection_function
from .paper_fields import paper_fields
from .paper_table import paper_table
from .reproduction import Reproduction
from .result import FROC
from .selection import SelectionFunction

__all__ = [
    "FROC",
    "Reproduction",
    "SelectionFunction",
    "TileFinder",
    "evaluate_finders",
    "froc",
    "make_finders",
    "paper_fields",
    "paper_table",
    "selection_function",
]
