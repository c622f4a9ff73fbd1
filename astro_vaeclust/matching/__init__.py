# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Detected clusters against catalogues of sources, references and published lists."""

from .areas import CircleArea, HullArea, PixelArea, RegionArea, SkyArea
from .field import FieldDensity
from .known import KNOWN_LISTS, KnownList, known_lists_table
from .lookup import crossmatch
from .match import ClusterMatch
from .overlap import Overlap, member_iou, source_iou
from .paper_table import TABLE_I, PaperField, paper_table, possible_ious
from .references import as_area
from .reproduction import Reproduction

__all__ = [
    "KNOWN_LISTS",
    "TABLE_I",
    "CircleArea",
    "ClusterMatch",
    "FieldDensity",
    "HullArea",
    "KnownList",
    "Overlap",
    "PaperField",
    "PixelArea",
    "RegionArea",
    "Reproduction",
    "SkyArea",
    "as_area",
    "crossmatch",
    "known_lists_table",
    "member_iou",
    "paper_table",
    "possible_ious",
    "source_iou",
]
