# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Find and measure star clusters in near-infrared FITS images.

The names of the package are imported when they are first used, so that the command
line helps at once.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING

from .version import __citation__, __version__

if TYPE_CHECKING:
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

_MODULES = {
    "ClusterCatalog": ".catalog",
    "ClusterFinderBase": ".base",
    "ClusterFlags": ".measure.flags",
    "HeatmapRegions": ".latent_search",
    "LossyDataWarning": ".exceptions",
    "NoDetectionsWarning": ".exceptions",
    "PosteriorCollapseWarning": ".exceptions",
    "VAEClusterFinder": ".finder",
}

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name):
    """Import a name at its first use (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name], __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
