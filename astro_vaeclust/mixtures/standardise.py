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
    A shift and a scale for every feature.

    Mixtures are fitted to standardised features, so that neither the units of a latent
    variable nor its offset matter, and ``reg_covar`` is in units of the variance of
    a feature.

    Parameters
    ----------
    center : (d,) array
        What is subtracted.
    scale : (d,) array
        What is divided by afterwards.
    """

    center: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, features):
        """
        Measure mean and standard deviation of features.

        Parameters
        ----------
        features : (n, d) float64 array
            One row per cell.

        Returns
        -------
        standardiser : `Standardiser`
            A feature that does not vary beyond its rounding errors gets the scale one:
            it is the same for all components then and decides nothing.
        """
        magnitude = np.maximum(np.abs(features).max(axis=0), np.finfo(float).tiny)
        relative = features / magnitude
        deviation = relative.std(axis=0)
        varies = deviation > 8 * np.finfo(np.float64).eps
        return cls(
            center=relative.mean(axis=0) * magnitude,
            scale=np.where(varies, deviation * magnitude, 1.0),
        )

    def apply(self, features):
        """
        Standardise features.

        Parameters
        ----------
        features : (n, d) array
            One row per cell.

        Returns
        -------
        standardised : (n, d) array
            The features with zero mean and unit variance.
        """
        return (features - self.center) / self.scale

    def restore(self, weights, means, covariances, *, converged, n_iter):
        """
        Turn a mixture of standardised features into one of the features themselves.

        Parameters
        ----------
        weights : (k,) array
            Probabilities of the components.
        means : (k, d) array
            Means of the components, standardised.
        covariances : (k, d, d) array
            Covariances of the components, standardised.
        converged : bool
            Whether the fit converged.
        n_iter : int
            Iterations that the fit took.

        Returns
        -------
        fitted : `FittedMixture`
            The mixture; its probabilities are those of the standardised one.
        """
        symmetric = 0.5 * (covariances + np.swapaxes(covariances, 1, 2))
        return FittedMixture(
            weights=weights,
            means=means * self.scale + self.center,
            covariances=symmetric * np.outer(self.scale, self.scale),
            converged=converged,
            n_iter=n_iter,
        )
