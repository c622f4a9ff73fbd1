# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Mock tiles with known clusters, and real star lists and tiles made into such."""

from ..photometry.surveys import SURVEYS, Survey
from .clusters import MockCluster
from .design import mock_tile
from .injection import inject_cluster
from .nulls import NULLS
from .star_lists import render_catalog
from .tables import MockTile
from .tile import simulate_tile

__all__ = [
    "NULLS",
    "SURVEYS",
    "MockCluster",
    "MockTile",
    "Survey",
    "inject_cluster",
    "mock_tile",
    "render_catalog",
    "simulate_tile",
]
