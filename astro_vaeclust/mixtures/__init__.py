# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Gaussian mixtures of latent maps; importing this does not import torch."""

from .base import MIXTURES, FittedMixture, Mixture

__all__ = ["MIXTURES", "FittedMixture", "Mixture"]
