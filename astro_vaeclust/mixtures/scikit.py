# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The mixtures of scikit-learn as backends; importing this does not import it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import digamma, softmax

from ..utils.validation import check_choice, check_number, check_seed
from ..utils.warning import ignored_warnings
from ._checks import as_training_features, check_settings
from .base import Mixture
from .standardise import Standardiser

if TYPE_CHECKING:
    from .base import FittedMixture

__all__ = ["BayesianMixture", "SklearnGaussianMixture"]

COVARIANCE_TYPES = ("full", "tied", "diag", "spherical")
WEIGHT_PRIORS = ("dirichlet_process", "dirichlet_distribution")


@dataclass(frozen=True, kw_only=True)
class SklearnGaussianMixture(Mixture):
    """
    Mixture of Gaussians by `sklearn.mixture.GaussianMixture`, started from k-means.

    Parameters
    ----------
    n_components : int, optional
        Number of components.
    covariance_type : {"full", "tied", "diag", "spherical"}, optional
        What covariances may look like, in standardised features.
    n_init : int, optional
        Number of fits, of which the most likely is kept.
    max_iter : int, optional
        Iterations at most.
    tol : float, optional
        The fit has converged when an iteration changes the mean log-likelihood per
        row by less than this.
    reg_covar : float, optional
        Added to the variances of standardised features.

    Raises
    ------
    TypeError
        If a setting is of the wrong type.
    ValueError
        If a setting is out of its range.

    Notes
    -----
    Features are standardised for the fit; what comes out is in the units of what went
    in. Where scikit-learn warns that it did not converge, ``converged=False`` says so.
    """

    n_components: int = 3
    covariance_type: str = "full"
    n_init: int = 1
    max_iter: int = 200
    tol: float = 1e-4
    reg_covar: float = 1e-6

    def __post_init__(self):
        """Check the settings."""
        check_settings(self, COVARIANCE_TYPES)

    def fit(self, features: np.ndarray, *, seed: int) -> FittedMixture:
        """See `Mixture.fit`."""
        from sklearn.exceptions import ConvergenceWarning

        model = self._model(**vars(self), random_state=check_seed(seed))
        features = as_training_features(features, self.n_components)
        standardiser = Standardiser.of(features)
        with ignored_warnings(ConvergenceWarning):
            model.fit(standardiser.apply(features))
        return standardiser.restore(
            self._weights(model),
            model.means_,
            _full_covariances(model),
            converged=model.converged_,
            n_iter=model.n_iter_,
        )

    def _model(self, **settings):
        """Return an unfitted model of scikit-learn."""
        from sklearn.mixture import GaussianMixture

        return GaussianMixture(**settings)

    def _weights(self, model):
        """Return the weights of a fitted model, ``(k,)``."""
        return model.weights_


@dataclass(frozen=True, kw_only=True)
class BayesianMixture(SklearnGaussianMixture):
    """
    Variational mixture by `sklearn.mixture.BayesianGaussianMixture`.

    ``n_components`` is an upper limit: components that the features do not need get
    weights near zero. `FittedMixture.effective_components` says how many are left.
    Surplus components empty slowly, and a population may stay split over several:
    the rule ``"brighter-than-sky"`` of `cluster_probability` puts up with that.

    Parameters
    ----------
    n_components, covariance_type, n_init, max_iter, tol, reg_covar
        As those of `SklearnGaussianMixture`, with the lower bound of all rows together
        instead of the mean log-likelihood.
    weight_concentration_prior_type : {"dirichlet_process", "dirichlet_distribution"}
        Prior of the weights.
    weight_concentration_prior : float, optional
        Concentration of that prior: the lower, the fewer components are used; None for
        ``1 / n_components``.

    Raises
    ------
    TypeError
        If a setting is of the wrong type.
    ValueError
        If a setting is out of its range.

    Notes
    -----
    The variational responsibilities are those of a mixture with the expected
    covariances and with weights proportional to
    ``exp(E[ln w] + E[ln det(Lambda)] / 2 - d / (2 beta)) det(Sigma)^(1/2)`` (Bishop
    2006, eqs. 10.46, 10.64 to 10.67). These are the weights of the result, so that its
    probabilities equal ``predict_proba`` of scikit-learn; they differ from the
    expected weights by terms of the order of one over the number of rows that a
    component holds. For the rest see `SklearnGaussianMixture`.
    """

    n_init: int = 2
    max_iter: int = 500
    tol: float = 1e-3
    weight_concentration_prior_type: str = "dirichlet_process"
    weight_concentration_prior: float | None = None

    def __post_init__(self):
        """Check the settings."""
        super().__post_init__()
        check_choice(
            "weight_concentration_prior_type",
            self.weight_concentration_prior_type,
            WEIGHT_PRIORS,
        )
        if self.weight_concentration_prior is not None:
            check_number(
                "weight_concentration_prior",
                self.weight_concentration_prior,
                low_counts=False,
            )

    def _model(self, **settings):
        from sklearn.mixture import BayesianGaussianMixture

        return BayesianGaussianMixture(**settings)

    def _weights(self, model):
        """Return the weights that give the variational responsibilities."""
        d = model.means_.shape[1]
        freedom = np.atleast_1d(model.degrees_of_freedom_)  # one for all if tied
        halves = 0.5 * (freedom[:, np.newaxis] - np.arange(d))
        log_precision = (
            digamma(halves).sum(axis=1) + d * np.log(2) - d * np.log(freedom)
        )
        return softmax(
            _expected_log_weights(model)
            + 0.5 * (log_precision - d / model.mean_precision_)
        )


def _full_covariances(model):
    """Covariances of any type as full matrices, ``(k, d, d)``."""
    covariances = np.asarray(model.covariances_)
    k, d = model.means_.shape
    if model.covariance_type == "tied":
        return np.broadcast_to(covariances, (k, d, d))
    if model.covariance_type == "spherical":
        return covariances[:, np.newaxis, np.newaxis] * np.eye(d)
    if model.covariance_type == "diag":
        return covariances[:, :, np.newaxis] * np.eye(d)
    return covariances


def _expected_log_weights(model):
    """E[ln w] under the posterior of the weights, ``(k,)``."""
    concentration = model.weight_concentration_
    if model.weight_concentration_prior_type == "dirichlet_distribution":
        return digamma(concentration) - digamma(np.sum(concentration))
    taken, left = concentration
    before = np.concatenate([[0.0], np.cumsum(digamma(left) - digamma(taken + left))])
    return digamma(taken) - digamma(taken + left) + before[:-1]
