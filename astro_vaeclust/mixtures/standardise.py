# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Features of zero mean and unit variance, and mixtures back from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .base import FittedMixture

__all__ = ["Standardiser"]


@dataclass(frozen=True, eq=False)
class Standardiser:
    """
    A shift and a scale for every feature, each ``(d,)``.

    Mixtures are fitted to standardised features, so that neither the units of a latent
    variable nor its offset matter, and ``reg_covar`` is in units of the variance of a
    feature. Features that do not vary beyond their rounding errors are left out of the
    fit, and are the same for all components of the result: they decide nothing.
    """

    center: np.ndarray
    scale: np.ndarray
    varies: np.ndarray

    @classmethod
    def of(cls, features):
        """Return what standardises features; ValueError if none varies."""
        magnitude = np.maximum(np.abs(features).max(axis=0), np.finfo(float).tiny)
        relative = features / magnitude
        deviation = relative.std(axis=0)
        varies = deviation > 8 * np.finfo(np.float64).eps
        if not varies.any():
            raise ValueError(
                "features must vary by more than their rounding errors; none of the "
                f"{features.shape[1]} columns does"
            )
        return cls(
            center=relative.mean(axis=0) * magnitude,
            scale=np.where(varies, deviation * magnitude, 1.0),
            varies=varies,
        )

    def apply(self, features):
        """Return the features that vary, with zero mean and unit variance."""
        return ((features - self.center) / self.scale)[:, self.varies]

    def restore(self, weights, means, covariances, *, converged, n_iter):
        """Return the mixture of the features themselves, of the same probabilities."""
        k, d = len(weights), len(self.varies)
        all_means = np.zeros((k, d))
        all_means[:, self.varies] = means
        all_covariances = np.tile(np.eye(d), (k, 1, 1))
        both_vary = np.outer(self.varies, self.varies)
        symmetric = 0.5 * (covariances + np.swapaxes(covariances, 1, 2))
        all_covariances[:, both_vary] = symmetric.reshape(k, -1)
        return FittedMixture(
            weights=weights,
            means=all_means * self.scale + self.center,
            covariances=all_covariances * np.outer(self.scale, self.scale),
            converged=converged,
            n_iter=n_iter,
        )
