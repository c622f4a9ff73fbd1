# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Gaussian mixtures of latent maps; importing this does not import torch."""

from .base import MIXTURES, FittedMixture, Mixture
from .em import EMGaussianMixture
from .prior import PriorMixture
from .scikit import BayesianMixture, SklearnGaussianMixture

__all__ = [
    "MIXTURES",
    "BayesianMixture",
    "EMGaussianMixture",
    "FittedMixture",
    "Mixture",
    "PriorMixture",
    "SklearnGaussianMixture",
]
