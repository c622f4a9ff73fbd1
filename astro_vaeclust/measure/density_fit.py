# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Fit a density law and a field to counts in rings; lengths are in arcsec."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.optimize import approx_fprime, brentq, minimize
from scipy.special import xlogy

__all__ = ["DENSITY_LAWS", "DensityFit", "DensityLaw", "NoFitError", "Rings"]

MIN_SOURCES = 10
"""Sources in all rings without which nothing is fitted."""

STARTS = (1 / 32, 1 / 12, 1 / 4)
"""Half-number radii over the outer radius at which fits start."""

MAX_HALF = 0.5
"""Largest half-number radius over the outer radius."""

MAX_CORES = 100.0
"""Core radii within which every law has half of the members."""

MIN_EXPECTED = 1e-9
"""Counts that are expected in a ring at least."""

ON_BOUND = 1e-4
"""Distance from a bound at which a parameter is taken to be on it."""


class DensityLaw(NamedTuple):
    """
    A law of the surface density of members.

    Parameters
    ----------
    density : callable
        Density at radii in core radii, not normalised.
    enclosed : callable
        Members within radii in core radii, not normalised; its derivative is the
        density times twice the radius.
    bounds : tuple
        Ranges of the parameters that both take after the radii.
    """

    density: Callable
    enclosed: Callable
    bounds: tuple = ()

    def half(self, *shape):
        """Return the half-number radius in core radii (float)."""
        total = self.enclosed(np.inf, *shape)
        return brentq(lambda x: self.enclosed(x, *shape) / total - 0.5, 0, MAX_CORES)


def _plummer_density(x):
    return (1 + x**2) ** -2


def _plummer_enclosed(x):
    return 1 - 1 / (1 + x**2)


def _king_density(x, concentration):
    floor = (1 + 10 ** (2 * concentration)) ** -0.5
    return np.maximum((1 + x**2) ** -0.5 - floor, 0) ** 2


def _king_enclosed(x, concentration):
    edge = 10**concentration
    x, floor = np.minimum(x, edge), (1 + edge**2) ** -0.5
    return np.log1p(x**2) - 4 * floor * (np.sqrt(1 + x**2) - 1) + (floor * x) ** 2


DENSITY_LAWS = {
    "king": DensityLaw(_king_density, _king_enclosed, ((0.3, 2.0),)),
    "plummer": DensityLaw(_plummer_density, _plummer_enclosed),
}
"""
The laws by their tags (dict of str to `DensityLaw`).

That of King (1962, AJ 67, 471, equations 14 and 18) has a concentration, the decimal
logarithm of tidal over core radius. That of Plummer (1911, MNRAS 71, 460) has no
further parameter, and its core radius holds half of the members.
"""


class NoFitError(Exception):
    """Nothing can be fitted; the message says why."""


@dataclass(frozen=True, eq=False)
class Rings:
    """
    Sources counted in rings.

    Parameters
    ----------
    edges : (n + 1,) array
        Radii in arcsec between which they lie.
    counts : (n,) array
        Sources in them.
    coverage : (n,) array
        Fractions of them that can be used.
    """

    edges: np.ndarray
    counts: np.ndarray
    coverage: np.ndarray

    @property
    def areas(self):
        """Usable areas in arcsec2, (n,)."""
        return self.coverage * np.pi * np.diff(self.edges**2)


class DensityFit:
    r"""
    A density law and a constant field, fitted to the counts in rings.

    The parameters are the logarithm of half-number over outer radius, the members and
    the field in units of all sources, and those of the law.

    Parameters
    ----------
    rings : `Rings`
        Narrow ones.
    model : str
        A key of `DENSITY_LAWS`.

    Raises
    ------
    NoFitError
        If there are too few sources, no excess over the field, or no half-number radius
        between the width of a ring and half of the outer radius.

    Notes
    -----
    The Poisson likelihood of the counts :math:`k`, :math:`\sum_i k_i \ln \mu_i - \mu_i`
    (Cash 1979, ApJ 228, 939), is at its maximum, where :math:`\mu_i` is the integral of
    the law and the field over the usable part of a ring. The covariance is the inverse
    of the Fisher information there.
    """

    NAMES = ("background", "r_core", "r_tidal", "r50_counts", "n_counts")
    """What `values` and `errors` are of, in arcsec; the background in 1 / arcsec2."""

    def __init__(self, rings, model):
        self.rings = rings
        self.law = DENSITY_LAWS[model]
        self.reach = rings.edges[-1]
        self.area = rings.areas.sum()
        self.total = rings.counts.sum()
        if self.total < MIN_SOURCES:
            raise NoFitError(
                f"{self.total:.0f} sources within {self.reach:.3g} arcsec are too few; "
                f"{MIN_SOURCES} are the least"
            )
        half = np.log([1 / len(rings.counts), MAX_HALF])
        self.bounds = np.array([half, (0, np.inf), (0, np.inf), *self.law.bounds])
        self._check_fit()

    def _check_fit(self):
        if self.parameters[1] < ON_BOUND:
            raise NoFitError("there are no more sources than in the field")
        if not self._inside[0]:
            low, high = self.reach * np.exp(self.bounds[0])
            raise NoFitError(
                "the sources do not constrain the half-number radius between "
                f"{low:.3g} and {high:.3g} arcsec"
            )

    @cached_property
    def parameters(self):
        """The best of the fits from several starts, (n,) array."""
        fits = [self._fitted_from(start) for start in STARTS]
        return min(fits, key=lambda fit: fit.fun).x

    @property
    def _inside(self):
        """Which parameters are not on a bound; zero members or field are allowed."""
        low, high = self.bounds.T
        inside = np.minimum(self.parameters - low, high - self.parameters) > ON_BOUND
        inside[1:3] = True
        return inside

    @property
    def is_constrained(self):
        """Whether the sources constrain the parameters of the law (bool)."""
        return bool(self._inside.all())

    @property
    def values(self):
        """Values of `NAMES`, (5,); the tidal radius is NaN where the law has none."""
        return self._derived(self.parameters)

    @property
    def errors(self):
        """Standard deviations of `NAMES`, (5,); NaN for what is not constrained."""
        free = self._inside
        slopes = approx_fprime(self.parameters, self._expected)[:, free]
        expected = self._expected(self.parameters)
        covariance = np.linalg.pinv(slopes.T @ (slopes / expected[:, np.newaxis]))
        gradient = approx_fprime(self.parameters, self._derived)[:, free]
        errors = np.sqrt(np.sum(gradient @ covariance * gradient, axis=1))
        if not self.is_constrained:
            errors[self.NAMES.index("r_tidal")] = np.nan
        return errors

    def _fitted_from(self, start):
        parameters = [np.log(start), 0.5, 0.5, *self.bounds[3:].mean(axis=1)]
        return minimize(
            self._cost, parameters, jac=True, bounds=self.bounds, method="L-BFGS-B"
        )

    def _cost(self, parameters):
        """Return minus the logarithm of the likelihood, and its gradient."""
        counts, expected = self.rings.counts, self._expected(parameters)
        slopes = approx_fprime(parameters, self._expected)
        cost = np.sum(expected - xlogy(counts, expected))
        return cost, (1 - counts / expected) @ slopes

    def _expected(self, parameters):
        """Return the expected counts of the rings, (n,), all positive."""
        _, members, field, *shape = parameters
        radii = self.rings.edges / self._core_radius(parameters)
        enclosed = self.law.enclosed(radii, *shape) / self.law.enclosed(np.inf, *shape)
        cluster = members * self.rings.coverage * np.diff(enclosed)
        field = field * self.rings.areas / self.area
        return self.total * (cluster + field) + MIN_EXPECTED

    def _core_radius(self, parameters):
        log_half, _, _, *shape = parameters
        return self.reach * np.exp(log_half) / self.law.half(*shape)

    def _derived(self, parameters):
        """Return the values of `NAMES`, (5,)."""
        log_half, members, field, *shape = parameters
        core = self._core_radius(parameters)
        tidal = core * 10 ** shape[0] if shape else np.nan
        half = self.reach * np.exp(log_half)
        density = self.total * field / self.area
        return np.array([density, core, tidal, half, self.total * members])
