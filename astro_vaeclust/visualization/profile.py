# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A plot of the radial profile of a cluster."""

from __future__ import annotations

import astropy.units as u
import numpy as np

from .axes import pyplot_figure

__all__ = ["plot_profile"]


def plot_profile(profile, *, title="", ax=None):
    """
    Plot densities of sources in rings with their errors, the fit and the field.

    Parameters
    ----------
    profile : `~astro_vaeclust.measure.profiles.RadialProfile`
        The densities. Where nothing could be fitted, the legend says why.
    title : str, optional
        Stands above.
    ax : `~matplotlib.axes.Axes`, optional
        Where to plot; by default on a new figure of pyplot.

    Returns
    -------
    ax : `~matplotlib.axes.Axes`
        The axes.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    """
    if ax is None:
        ax = pyplot_figure().add_subplot()
    edges = profile.edges.to_value(u.arcsec)
    ax.errorbar(
        (edges[1:] + edges[:-1]) / 2,
        profile.density.value,
        profile.density_err.value,
        np.diff(edges) / 2,
        fmt="o",
        color="#0072b2",
        label="sources",
    )
    radius = np.linspace(0, edges[-1], 200)
    fitted = profile.fitted(radius * u.arcsec).value
    ax.plot(radius, fitted, color="#d55e00", label=_fit_label(profile))
    field = profile.background.value
    ax.axhline(field, color="0.3", ls="--", label=f"field {field:.1f}")
    ax.set(
        title=title,
        xlabel="Radius (arcsec)",
        ylabel="Sources per arcmin$^2$",
        ylim=(0, None),
    )
    ax.legend()
    return ax


def _fit_label(profile):
    """Return members and half-number radius of a fit, or why there is none (str)."""
    if np.isnan(profile.n_counts):
        return f"no fit: {profile.message}"
    half, error = profile.r50_counts.value, profile.r50_counts_err.value
    return (
        f"{profile.model.capitalize()}, {profile.n_counts:.0f} $\\pm$ "
        f"{profile.n_counts_err:.0f} members, half in {half:.0f} $\\pm$ {error:.0f}$''$"
    )
