# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Plots of the evaluation; importing this does not import matplotlib."""

from __future__ import annotations

import astropy.units as u
import numpy as np

from .axes import new_figure

__all__ = ["plot_froc", "plot_selection"]

_COLORS = ("#0072b2", "#d55e00", "#009e73")

_LOWEST = 0.05
"""Rate per deg2 at the left of the plot; what lies below is drawn from there."""


def plot_froc(result, ax=None, **keywords):
    """Plot completeness over the rate of false positives: `FROC.plot`."""
    if ax is None:
        ax = new_figure().add_subplot()
    rate = np.maximum(result.rate.to_value(u.deg**-2), _LOWEST)
    ax.step(rate, result.completeness, where="post", **keywords)
    ax.set_xscale("log")
    ax.set_ylim(-0.02, 1.02)
    ax.set_xlabel("false positives per deg$^2$")
    ax.set_ylabel("completeness")
    return ax


def plot_selection(selection, ax=None):
    """Plot completeness over members: `SelectionFunction.plot`."""
    if ax is None:
        ax = new_figure().add_subplot()
    table = selection.injections
    radius = table["r50"].to_value(u.arcsec)
    bounds = np.quantile(radius, [0, 1 / 3, 2 / 3, 1])
    members = np.geomspace(*selection.ranges["n_members"], 100)
    for low, high, color in zip(bounds[:-1], bounds[1:], _COLORS, strict=True):
        group = table[(radius >= low) & (radius <= high)]
        middle = np.median(group["r50"])
        label = f"r50 {low:.0f}-{high:.0f} arcsec"
        completeness = selection.completeness(members, middle, extrapolate=True)
        ax.plot(members, completeness, color=color, label=label)
        interval = selection.interval(members, middle, extrapolate=True)
        ax.fill_between(members, *interval, color=color, alpha=0.2, linewidth=0)
        ax.plot(*_found_fractions(group), "o", color=color)
    ax.set_xscale("log")
    ax.set_ylim(-0.02, 1.02)
    ax.set_xlabel("members brighter than the limit")
    ax.set_ylabel("completeness")
    ax.legend(frameon=False)
    return ax


def _found_fractions(group, n_bins=5):
    """Return the mean members and the fraction found of groups of equal size."""
    order = np.argsort(np.asarray(group["n_members"]), kind="stable")
    parts = [part for part in np.array_split(order, n_bins) if part.size]
    return tuple(
        [float(np.mean(np.asarray(group[name], dtype=float)[part])) for part in parts]
        for name in ("n_members", "is_found")
    )
