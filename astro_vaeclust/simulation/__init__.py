# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Mock tiles with known clusters, and mock clusters painted on real tiles."""

from .artefacts import ARTEFACTS
from .clusters import MockCluster, draw_clusters
from .demo import demo_tile
from .design import FIRST_SEED, mock_tile
from .injection import inject_cluster
from .nulls import NULLS
from .profiles import PROFILES
from .rendering import PointSpread, render_stars
from .surveys import SURVEYS, Survey, get_survey
from .tables import MockTile
from .tile import simulate_tile

__all__ = [
    "ARTEFACTS",
    "FIRST_SEED",
    "NULLS",
    "PROFILES",
    "SURVEYS",
    "MockCluster",
    "MockTile",
    "PointSpread",
    "Survey",
    "demo_tile",
    "draw_clusters",
    "get_survey",
    "inject_cluster",
    "mock_tile",
    "render_stars",
    "simulate_tile",
]
