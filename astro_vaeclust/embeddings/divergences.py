# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Divergences between the posterior q(z|x) and the prior p(z), per window.

Each is called as ``divergence(posterior, prior, z)`` with ``z`` drawn from the
posterior, and returns ``(batch,)``.
"""

from __future__ import annotations

from .priors import StandardNormal

__all__ = ["DIVERGENCES", "kl_analytic", "kl_monte_carlo"]


def kl_monte_carlo(posterior, prior, z):
    """
    One-sample estimate of KL(q || p), the log-ratio of q and p at ``z``.

    It holds for every prior that has a density; the Kullback-Leibler divergence of
    a Gaussian to a mixture has no closed form.
    """
    return posterior.log_prob(z) - prior.log_prob(z)


def kl_analytic(posterior, prior, z):
    """Return KL(q || p) in closed form, for the standard normal prior only."""
    if not isinstance(prior, StandardNormal):
        raise ValueError(
            "divergence='kl-analytic' takes prior='standard-normal', "
            f"got {type(prior).__name__}"
        )
    variance = posterior.log_variance.exp()
    terms = variance + posterior.mean.square() - 1 - posterior.log_variance
    return 0.5 * terms.sum(dim=1)


DIVERGENCES = {"kl": kl_monte_carlo, "kl-analytic": kl_analytic}
