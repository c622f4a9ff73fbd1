# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The finders of ``benchmarks/paper_task.py``, by name."""

from dataclasses import replace
from functools import partial

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.baselines import StarCounts
from astro_vaeclust.mixtures import EMGaussianMixture
from astro_vaeclust.segmentation import PeakFraction

__all__ = ["ABLATION", "FINDERS"]

FINDERS = {
    "paper": VAEClusterFinder.paper,
    "default": VAEClusterFinder,
    "star counts": StarCounts,
}
