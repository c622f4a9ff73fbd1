# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Detected clusters against catalogues of sources, references and published lists."""

from .areas import CircleArea, HullArea, PixelArea, RegionArea, SkyArea
from .crossmatch import crossmatch
from .field import FieldDensity
from .known import KNOWN_LISTS, KnownList, known_lists_table
from .match import ClusterMatch
from .overlap import Overlap, member_iou, source_iou
from .references import as_area

__all__ = [
    "KNOWN_LISTS",
    "CircleArea",
    "ClusterMatch",
    "FieldDensity",
    "HullArea",
    "KnownList",
    "Overlap",
    "PixelArea",
    "RegionArea",
    "SkyArea",
    "as_area",
    "crossmatch",
    "known_lists_table",
    "member_iou",
    "source_iou",
]
