# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Detected clusters against catalogues of sources, references and published lists."""

from .areas import CircleArea, HullArea, PixelArea, RegionArea, SkyArea
from .field import FieldDensity
from .known import KNOWN_LISTS, KnownList, known_lists_table
from .lookup import crossmatch
from .match import ClusterMatch
from .overlap import Overlap, member_iou, source_iou
from .pairs import Matches, match_clusters
from .references import as_area

__all__ = [
    "KNOWN_LISTS",
    "CircleArea",
    "ClusterMatch",
    "FieldDensity",
    "HullArea",
    "KnownList",
    "Matches",
    "Overlap",
    "PixelArea",
    "RegionArea",
    "SkyArea",
    "as_area",
    "crossmatch",
    "known_lists_table",
    "match_clusters",
    "member_iou",
    "source_iou",
]
