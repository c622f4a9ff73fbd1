# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Find and measure star clusters in near-infrared FITS images."""

import logging

from . import io  # noqa: F401  (registers the formats)
from .base import ClusterFinderBase
from .catalog import ClusterCatalog
from .exceptions import (
    LossyDataWarning,
    NoDetectionsWarning,
    PosteriorCollapseWarning,
)
from .finder import VAEClusterFinder
from .latent_search import HeatmapRegions
from .measure.flags import ClusterFlags
from .version import __citation__, __version__

__all__ = [
    "ClusterCatalog",
    "ClusterFinderBase",
    "ClusterFlags",
    "HeatmapRegions",
    "LossyDataWarning",
    "NoDetectionsWarning",
    "PosteriorCollapseWarning",
    "VAEClusterFinder",
    "__citation__",
    "__version__",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())
