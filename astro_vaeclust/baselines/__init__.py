# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Catalogue methods behind the interface of the finder; rivals to compare with."""

from ..utils.registry import Registry
from .base import BaselineFinder
from .density_maps import NearestNeighbourDensity, StarCounts
from .hdbscan import HDBSCANFinder
from .matched_filter import MatchedFilter
from .mixture_noise import MixtureWithNoise
from .tessellation import MinimumSpanningTree, VoronoiTessellation

__all__ = [
    "BASELINES",
    "BaselineFinder",
    "HDBSCANFinder",
    "MatchedFilter",
    "MinimumSpanningTree",
    "MixtureWithNoise",
    "NearestNeighbourDensity",
    "StarCounts",
    "VoronoiTessellation",
]

BASELINES = Registry("baseline", BaselineFinder, "astro_vaeclust.baselines")
"""The catalogue methods by their tags (`~astro_vaeclust.utils.registry.Registry`)."""

BASELINES.register("star-counts")(StarCounts)
BASELINES.register("nearest-neighbour")(NearestNeighbourDensity)
BASELINES.register("voronoi")(VoronoiTessellation)
BASELINES.register("minimum-spanning-tree")(MinimumSpanningTree)
BASELINES.register("mixture-with-noise")(MixtureWithNoise)
BASELINES.register("hdbscan")(HDBSCANFinder)
BASELINES.register("matched-filter")(MatchedFilter)
