# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The Gaussian mixture of the paper, by EM with re-initialised components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..utils.validation import check_count, check_number, check_seed
from ._checks import as_training_features, check_settings
from .base import Mixture
from .standardise import Standardiser

if TYPE_CHECKING:
    import numpy as np

    from .base import FittedMixture

__all__ = ["EMGaussianMixture"]


@dataclass(frozen=True, kw_only=True)
class EMGaussianMixture(Mixture):
    """
    Mixture of Gaussians by expectation maximisation, as in Karmakar et al. (2018).

    Means, covariances and probabilities of the components start at random. E-steps and
    M-steps alternate. A component whose probability becomes low, or which becomes too
    similar to another, is drawn again. The fit ends when the mean log-likelihood
    converges. Of ``n_init`` such fits the one with the highest likelihood is kept; fits
    without low or similar components take precedence. Features are standardised for the
    fit; what comes out is in the units of what went in.

    Parameters
    ----------
    n_components : int, optional
        Number of components.
    covariance_type : {"full", "diag"}, optional
        Whether features may be correlated within a component.
    n_init : int, optional
        Number of fits from different random starts.
    max_iter : int, optional
        Iterations at most, from the start or from a re-initialisation to the next.
    tol : float, optional
        The fit has converged when an iteration changes the mean log-likelihood per
        row by less than this.
    reg_covar : float, optional
        Added to the variances of standardised features, so that no component can
        collapse onto one point.
    min_weight : float, optional
        A component with a lower probability is low. It is low too when it holds
        fewer rows than its covariance needs, d + 1, or 2 for ``"diag"``; no more than
        half of the mean weight, 1 / (2 k), is ever asked for. Zero: none is low.
    min_distance : float, optional
        Two components are too similar when their Bhattacharyya distance is shorter;
        0.01 is an overlap (Bhattacharyya coefficient) of 99 %. The less probable of
        the two is drawn again. Zero: none are too similar.
    max_reinitialisations : int, optional
        Re-initialisations at most per fit. When they are used up, low or similar
        components stay, and the fit goes on to its convergence.

    Raises
    ------
    TypeError
        If a setting is of the wrong type.
    ValueError
        If a setting is out of its range.

    Notes
    -----
    The fit reports ``converged=False`` when it took ``max_iter`` iterations, and when
    a low or too similar component is left: the features do not support so many
    components. A feature that does not vary decides nothing. Features with fewer
    different rows than components are refused.

    The log-likelihood never falls between re-initialisations except for what
    ``reg_covar`` adds.
    """

    n_components: int = 2
    covariance_type: str = "full"
    n_init: int = 5
    max_iter: int = 200
    tol: float = 1e-4
    reg_covar: float = 1e-6
    min_weight: float = 0.005
    min_distance: float = 0.01
    max_reinitialisations: int = 5

    def __post_init__(self):
        """Check the settings."""
        check_settings(self, ("full", "diag"))
        check_number("min_weight", self.min_weight, high=1.0 / self.n_components)
        check_number("min_distance", self.min_distance)
        check_count("max_reinitialisations", self.max_reinitialisations, minimum=0)

    def fit(self, features: np.ndarray, *, seed: int) -> FittedMixture:
        """See `Mixture.fit`."""
        from .expectation_maximisation import best_of_random_starts

        features = as_training_features(features, self.n_components)
        standardiser = Standardiser.of(features)
        run = best_of_random_starts(
            standardiser.apply(features), self, seed=check_seed(seed)
        )
        return standardiser.restore(
            run.mixture.weights,
            run.mixture.means,
            run.mixture.covariances,
            converged=run.converged and not run.degenerate,
            n_iter=run.n_iter,
        )
