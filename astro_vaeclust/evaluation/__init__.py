# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How many clusters a finder finds, and how often it sees one where there is none."""

from .froc import FROC, froc
from .matching import MATCH_RADIUS, Matches, match_clusters
from .rates import RateCompleteness

__all__ = [
    "FROC",
    "MATCH_RADIUS",
    "Matches",
    "RateCompleteness",
    "froc",
    "match_clusters",
]
