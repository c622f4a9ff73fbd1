# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a mixture is, and how one is found by its tag."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from ..registry import Registry

__all__ = ["MIXTURES", "FittedMixture", "Mixture"]


@dataclass(frozen=True, eq=False)
class FittedMixture:
    """
    A mixture of Gaussians that was fitted to features.

    Parameters
    ----------
    weights : (k,) array
        Probabilities of the components.
    means : (k, d) array
        Means of the components.
    covariances : (k, d, d) array
        Covariances of the components.
    converged : bool
        Whether the fit converged.
    n_iter : int
        Iterations that the fit took.
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    converged: bool = True
    n_iter: int = 0

    def log_joint(self, features):
        """Log of weight times density, ``(n, k)``, for features ``(n, d)``."""
        raise NotImplementedError

    def probabilities(self, features):
        """P(component | features), ``(n, k)`` for features ``(n, d)``."""
        raise NotImplementedError


class Mixture(ABC):
    """
    Base class of all mixtures: features in, a `FittedMixture` out.

    A subclass holds settings only, given as keyword arguments to its constructor and
    kept under the same names. `fit` does not change it, so that one instance can
    serve many threads. Register a subclass with
    ``@MIXTURES.register("its-tag")``, or announce it in the entry-point group
    ``astro_vaeclust.mixtures``.
    """

    @abstractmethod
    def fit(self, features, *, seed, device="cpu"):
        """
        Fit the mixture.

        Parameters
        ----------
        features : (n, d) array
            One row per cell of a latent map.
        seed : int
            Seed of everything random; the same seed gives the same result.
        device : str, optional
            Where torch computes.

        Returns
        -------
        fitted : `FittedMixture`
            The fitted mixture.
        """


MIXTURES = Registry(
    "mixture",
    base="astro_vaeclust.mixtures.base:Mixture",
    entry_point_group="astro_vaeclust.mixtures",
)
MIXTURES.register("em", "astro_vaeclust.mixtures.em:EMGaussianMixture")
MIXTURES.register("gmm", "astro_vaeclust.mixtures.sklearn:SklearnGaussianMixture")
MIXTURES.register("bayesian", "astro_vaeclust.mixtures.sklearn:BayesianMixture")
