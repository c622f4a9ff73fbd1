# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a mixture is, and how one is found by its tag."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from scipy.special import entr

from ..utils.registry import Registry
from ._checks import as_features

__all__ = ["MIXTURES", "FittedMixture", "Mixture"]


@dataclass(frozen=True, eq=False)
class FittedMixture:
    """
    A mixture of Gaussians that was fitted to features.

    All backends evaluate their mixtures here, so that one made again from the
    three arrays gives the same probabilities bit for bit. It can be pickled.

    Parameters
    ----------
    weights : (k,) array_like
        Probabilities of the components; they add up to one.
    means : (k, d) array_like
        Means of the components.
    covariances : (k, d, d) array_like
        Covariances of the components, positive definite.
    converged : bool, optional
        Whether the fit converged.
    n_iter : int, optional
        Iterations that the fit took.

    Raises
    ------
    ValueError
        If shapes do not agree, a value is not finite, the weights are not those of
        a distribution, or a covariance is not symmetric and positive definite.

    Notes
    -----
    The arrays are kept as read-only copies in float64.
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    converged: bool = True
    n_iter: int = 0

    def __post_init__(self):
        """Copy the arrays and check them."""
        for name in ("weights", "means", "covariances"):
            array = np.array(getattr(self, name), dtype=np.float64, order="C")
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        object.__setattr__(self, "converged", bool(self.converged))
        object.__setattr__(self, "n_iter", int(self.n_iter))
        self._check_shapes()
        self._check_weights()
        self._check_symmetry()
        _ = self._cholesky  # refuses covariances that are not positive definite

    def __reduce__(self):
        """Pickle as the call that makes it."""
        return type(self), tuple(getattr(self, entry.name) for entry in fields(self))

    @property
    def n_components(self) -> int:
        """Number of components (int)."""
        return len(self.weights)

    @property
    def n_features(self) -> int:
        """Number of features (int)."""
        return self.means.shape[1]

    @property
    def effective_components(self) -> float:
        """
        Effective number of components (float), from 1 to `n_components`.

        The exponential of the entropy of the weights (Hill 1973, order 1): it is
        ``k`` for equal weights, and empty components do not count.
        """
        return float(np.exp(entr(self.weights).sum()))

    def log_joint(self, features: np.ndarray) -> np.ndarray:
        """
        Log of weight times density of every component.

        Parameters
        ----------
        features : (n, d) array_like
            One row per cell; else TypeError or ValueError.

        Returns
        -------
        log_joint : (n, k) float64 array
            log w_c + log N(x; mu_c, Sigma_c); minus infinity where a weight is zero.
        """
        features = as_features(features, n_features=self.n_features)
        distances = np.empty((len(features), self.n_components))
        for column, whitening, mean in zip(
            distances.T, self._whitenings, self.means, strict=True
        ):
            residuals = (features - mean) @ whitening
            column[:] = np.einsum("nd,nd->n", residuals, residuals)
        return self._log_constants - 0.5 * distances

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """
        Probabilities of the components given the features.

        Parameters
        ----------
        features : (n, d) array_like
            As for `log_joint`.

        Returns
        -------
        probabilities : (n, k) float64 array
            P(component | features); the rows add up to one.
        """
        log_joint = self.log_joint(features)
        return np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))

    def given(self, kept: np.ndarray, values: np.ndarray) -> FittedMixture:
        """
        Fix features that are the same in all rows, and that no covariance ties.

        Parameters
        ----------
        kept : (d,) bool array
            The features that remain.
        values : (1, n_fixed) array_like
            Values of the others.

        Returns
        -------
        mixture : `FittedMixture`
            Mixture of the remaining features, with the same probabilities.

        Raises
        ------
        ValueError
            If covariances tie remaining and fixed features.
        """
        kept = np.asarray(kept, dtype=bool)
        if kept.all():
            return self
        if self.covariances[:, kept][:, :, ~kept].any():
            raise ValueError("kept takes features without covariance with the others")
        weights = self._marginal(self.weights, ~kept).probabilities(values)[0]
        return self._marginal(weights, kept)

    def _marginal(self, weights, kept):
        return type(self)(
            weights,
            self.means[:, kept],
            self.covariances[:, kept][:, :, kept],
            self.converged,
            self.n_iter,
        )

    @cached_property
    def _cholesky(self):
        """Lower Cholesky factors of the covariances, ``(k, d, d)``."""
        try:
            return np.linalg.cholesky(self.covariances)
        except np.linalg.LinAlgError:
            raise ValueError("covariances must be positive definite") from None

    @cached_property
    def _whitenings(self):
        """Matrices that take deviations from the means to unit normal ones."""
        return np.swapaxes(np.linalg.inv(self._cholesky), 1, 2)

    @cached_property
    def _log_constants(self):
        """Log of weight times density at the mean, ``(k,)``."""
        diagonals = np.diagonal(self._cholesky, axis1=1, axis2=2)
        with np.errstate(divide="ignore"):
            log_weights = np.log(self.weights)
        half_log_determinants = np.log(diagonals).sum(axis=1)
        half_log_two_pi = 0.5 * np.log(2 * np.pi) * self.n_features
        return log_weights - half_log_determinants - half_log_two_pi

    def _check_shapes(self):
        got = [self.weights.shape, self.means.shape, self.covariances.shape]
        wanted = None
        if self.means.ndim == 2 and self.means.size:
            k, d = self.means.shape
            wanted = [(k,), (k, d), (k, d, d)]
        if got != wanted:
            raise ValueError(
                "weights, means, covariances must have shapes (k,), (k, d), (k, d, d), "
                f"got {', '.join(map(str, got))}"
            )
        for name in ("weights", "means", "covariances"):
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"{name} must be finite, got {getattr(self, name)}")

    def _check_weights(self):
        if (self.weights < 0).any() or abs(self.weights.sum() - 1) > 1e-6:
            raise ValueError(
                f"weights must be non-negative and add up to one, got {self.weights}"
            )

    def _check_symmetry(self):
        diagonals = np.sqrt(np.abs(np.diagonal(self.covariances, axis1=1, axis2=2)))
        scale = diagonals[:, :, np.newaxis] * diagonals[:, np.newaxis, :]
        asymmetry = np.abs(self.covariances - np.swapaxes(self.covariances, 1, 2))
        if (asymmetry > 1e-8 * scale).any():
            raise ValueError("covariances must be symmetric")


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
    def fit(self, features: np.ndarray, *, seed: int) -> FittedMixture:
        """
        Fit the mixture.

        Parameters
        ----------
        features : (n, d) array_like
            One row per cell of a latent map.
        seed : int
            Seed of everything random, in [0, 2**32); the same seed gives the same
            result.

        Returns
        -------
        fitted : `FittedMixture`
            The fitted mixture, in the units of ``features``.

        Raises
        ------
        TypeError
            If ``features`` are not real numbers or ``seed`` is not an integer.
        ValueError
            If ``features`` are not a finite array ``(n, d)``, have fewer different
            rows than the mixture has components, or no column varies.
        """


MIXTURES = Registry("mixture", Mixture, "astro_vaeclust.mixtures")
MIXTURES.register("em", "astro_vaeclust.mixtures.em:EMGaussianMixture")
MIXTURES.register("gmm", "astro_vaeclust.mixtures.scikit:SklearnGaussianMixture")
MIXTURES.register("prior", "astro_vaeclust.mixtures.prior:PriorMixture")
MIXTURES.register("bayesian", "astro_vaeclust.mixtures.scikit:BayesianMixture")
