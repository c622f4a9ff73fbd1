# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The probability that a finder finds a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np
from astropy.table import QTable
from astropy.utils.exceptions import AstropyUserWarning
from scipy.special import expit
from scipy.stats import norm

from ..matching.pairs import checked_table
from ..utils.files import atomic_path
from ..utils.statistics import fit_logistic
from ..utils.warning import warn

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

__all__ = ["SelectionFunction"]

UNITS = {
    "n_members": u.dimensionless_unscaled,
    "r50": u.arcsec,
    "local_density": u.arcmin**-2,
}
"""The variables of the model, by the names of their columns."""

MIN_OUTCOMES = 5
"""Fewer clusters found, or missed, than this make the fit a limit."""

META = "selection_function"


class SelectionFunction:
    """
    Completeness of a finder as a function of a cluster and its surroundings.

    The probability of detection is logistic in the decimal logarithms of the number of
    members, the half-number radius in arcsec and the local density of sources per
    arcmin2. The form is that of Hunt et al. (2026), who use other quantities.

    Parameters
    ----------
    injections : `~astropy.table.QTable`
        One row per injected cluster, with ``n_members``, ``r50``, ``local_density``,
        ``sky_center`` and ``is_found``.
    coefficients : (4,) array
        Intercept, and the coefficients of the three logarithms.
    covariance : (4, 4) array
        Their covariance.
    ranges : dict of str to tuple of float
        Ranges of the three variables in which the fit holds, in members, arcsec and
        1 / arcmin2.
    meta : dict, optional
        Where the injections come from.
    """

    def __init__(
        self,
        injections: QTable,
        coefficients: np.ndarray,
        covariance: np.ndarray,
        ranges: dict,
        meta: dict | None = None,
    ):
        self.injections = injections
        self.coefficients = np.asarray(coefficients, dtype=float)
        self.covariance = np.asarray(covariance, dtype=float)
        self.ranges = {name: tuple(map(float, ranges[name])) for name in UNITS}
        self.meta = dict(meta or {})

    @classmethod
    def fit(
        cls, injections: QTable, *, ranges: dict | None = None, meta: dict | None = None
    ) -> SelectionFunction:
        """
        Fit a selection function to injections.

        Parameters
        ----------
        injections : `~astropy.table.QTable`
            With the columns that the class describes.
        ranges : dict, optional
            Ranges in which the fit shall hold; by default those of the injections.
        meta : dict, optional
            Where the injections come from.

        Returns
        -------
        selection : SelectionFunction
            The fit.

        Raises
        ------
        ValueError
            If a column is missing, there are no injections, or a variable is not
            positive.

        Warns
        -----
        AstropyUserWarning
            If fewer than five were found, or missed: the fit is a limit then.
        """
        names = (*UNITS, "sky_center", "is_found")
        injections = checked_table("injections", injections, names)
        if len(injections) == 0:
            raise ValueError("injections must have rows, got none")
        values = {name: _plain(name, injections[name]) for name in UNITS}
        found = np.asarray(injections["is_found"], dtype=bool)
        if min(found.sum(), (~found).sum()) < MIN_OUTCOMES:
            warn(
                f"{found.sum()} of {len(found)} injections were found: fewer than "
                f"{MIN_OUTCOMES} were found, or missed, and the fit is only a limit",
                AstropyUserWarning,
            )
        variables = np.column_stack([np.log10(values[name]) for name in UNITS])
        limits = {name: (v.min(), v.max()) for name, v in values.items()}
        return cls(
            injections, *fit_logistic(variables, found), limits | (ranges or {}), meta
        )

    def __repr__(self):
        found = int(np.sum(self.injections["is_found"]))
        return f"<SelectionFunction: {found} of {len(self.injections)} found>"

    @property
    def errors(self) -> np.ndarray:
        """Standard errors of the coefficients, (4,) array."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def median_density(self) -> u.Quantity:
        """Median local density of the injections (Quantity, 1 / arcmin2)."""
        return np.median(self.injections["local_density"])

    @property
    def accuracy(self) -> float:
        """Fraction of the injections whose outcome the fit predicts (float)."""
        columns = (self.injections[name] for name in UNITS)
        predicted = self.completeness(*columns, extrapolate=True) > 0.5
        return float(np.mean(predicted == self.injections["is_found"]))

    def completeness(
        self,
        n_members: ArrayLike,
        r50: u.Quantity,
        local_density: u.Quantity | None = None,
        *,
        extrapolate: bool = False,
    ) -> float | np.ndarray:
        """
        Return the probability that a cluster is found.

        Parameters
        ----------
        n_members : array_like
            Members brighter than the limit of the survey.
        r50 : `~astropy.units.Quantity`
            Half-number radius, an angle.
        local_density : `~astropy.units.Quantity`, optional
            Sources per area around it; by default the median of the injections.
        extrapolate : bool
            Whether values outside of ``ranges`` are allowed.

        Returns
        -------
        completeness : float or array
            In the shape of the arguments after broadcasting.

        Raises
        ------
        TypeError
            If a value that needs a unit has none.
        ValueError
            If a value is not positive, or outside of its range.
        """
        return expit(self._logit(n_members, r50, local_density, extrapolate)[0])[()]

    def interval(
        self,
        n_members: ArrayLike,
        r50: u.Quantity,
        local_density: u.Quantity | None = None,
        *,
        confidence: float = 0.6827,
        extrapolate: bool = False,
    ) -> tuple:
        """
        Return the interval of the completeness from the errors of the fit.

        Parameters
        ----------
        n_members, r50, local_density, extrapolate
            As in `completeness`.
        confidence : float
            Probability that the interval holds; one standard deviation by default.

        Returns
        -------
        low, high : float or array
            Its bounds, symmetric in the logit.
        """
        logit, error = self._logit(n_members, r50, local_density, extrapolate)
        width = norm.ppf((1 + confidence) / 2) * error
        return expit(logit - width)[()], expit(logit + width)[()]

    def plot(self, ax: Axes | None = None) -> Axes:
        """
        Plot completeness over members, for three radii at the median density.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`, optional
            Where to plot; by default a new figure outside pyplot.

        Returns
        -------
        ax : `~matplotlib.axes.Axes`
            The axes: lines with the interval of the fit, and the fractions of the
            injections that were found.
        """
        from ..visualization.evaluation import plot_selection

        return plot_selection(self, ax)

    def write(self, path: str | PathLike, overwrite: bool = False) -> None:
        """
        Write the fit and its injections to an ECSV file, whole or not at all.

        Parameters
        ----------
        path : str or path-like
            The file.
        overwrite : bool
            Whether an existing file may be replaced.

        Raises
        ------
        OSError
            If the file cannot be written, or exists and may not be replaced.
        """
        table = self.injections.copy()
        table.meta = {
            META: {
                "coefficients": self.coefficients.tolist(),
                "covariance": self.covariance.tolist(),
                "ranges": {name: list(ends) for name, ends in self.ranges.items()},
                "meta": self.meta,
            }
        }
        with atomic_path(path, overwrite) as temporary:
            table.write(temporary, format="ascii.ecsv")

    @classmethod
    def read(cls, path: str | PathLike) -> SelectionFunction:
        """
        Read what `write` wrote.

        Parameters
        ----------
        path : str or path-like
            The file.

        Returns
        -------
        selection : SelectionFunction
            The fit and its injections.

        Raises
        ------
        ValueError
            If the file holds something else.
        OSError
            If it cannot be read.
        """
        table = QTable.read(path, format="ascii.ecsv")
        if META not in table.meta:
            raise ValueError(f"path: {path} holds no selection function")
        return cls(table, **table.meta.pop(META))

    def _logit(self, n_members, r50, local_density, extrapolate):
        """Return the logit of the completeness and its standard error."""
        if local_density is None:
            local_density = self.median_density
        values = {"n_members": n_members, "r50": r50, "local_density": local_density}
        plain = {name: _plain(name, value) for name, value in values.items()}
        if not extrapolate:
            for name, value in plain.items():
                self._refuse_outside(name, value)
        logs = np.broadcast_arrays(*(np.log10(value) for value in plain.values()))
        design = np.stack([np.ones_like(logs[0]), *logs], axis=-1)
        variance = np.einsum("...i,ij,...j->...", design, self.covariance, design)
        return design @ self.coefficients, np.sqrt(np.maximum(variance, 0))

    def _refuse_outside(self, name, value):
        low, high = self.ranges[name]
        slack = 1e-9 * high
        if np.any((value < low - slack) | (value > high + slack)):
            unit = "" if UNITS[name] == u.dimensionless_unscaled else f" {UNITS[name]}"
            raise ValueError(
                f"{name} must lie in the range of the injections, {low:g} to {high:g}"
                f"{unit}, got {value.min():g} to {value.max():g}; extrapolate=True "
                "goes beyond"
            )


def _plain(name, value):
    """Return a variable in its unit as floats, or raise TypeError or ValueError."""
    unit = UNITS[name]
    if unit != u.dimensionless_unscaled and not (
        isinstance(value, u.Quantity) and value.unit.is_equivalent(unit)
    ):
        raise TypeError(f"{name} must be a Quantity in {unit}, got {value!r}")
    value = np.asarray(u.Quantity(value).to_value(unit), dtype=float)
    if not np.all(np.isfinite(value) & (value > 0)):
        raise ValueError(f"{name} must be positive and finite, got {value}")
    return value
