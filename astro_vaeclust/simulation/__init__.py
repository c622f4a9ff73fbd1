# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Mock tiles with known clusters, and mock clusters painted on real tiles."""

from .clusters import MockCluster
from .design import mock_tile
from .injection import inject_cluster
from .nulls import NULLS
from .profiles import PROFILES
from .surveys import SURVEYS, Survey
from .tables import MockTile
from .tile import simulate_tile

__all__ = [
    "NULLS",
    "PROFILES",
    "SURVEYS",
    "MockCluster",
    "MockTile",
    "Survey",
    "inject_cluster",
    "mock_tile",
    "simulate_tile",
]
