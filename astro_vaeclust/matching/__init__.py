# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Detected clusters against catalogues of sources, references and published lists."""

from .known import KNOWN_LISTS, KnownList
from .match import ClusterMatch
from .overlap import Overlap
from .pairs import match_clusters

__all__ = [
    "KNOWN_LISTS",
    "ClusterMatch",
    "KnownList",
    "Overlap",
    "match_clusters",
]
