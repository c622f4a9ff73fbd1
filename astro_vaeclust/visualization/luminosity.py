# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A plot of luminosity functions."""

from __future__ import annotations

import numpy as np

from .axes import new_figure, pyplot_figure

__all__ = ["plot_cluster_luminosity", "plot_luminosity"]


def plot_luminosity(table, *, ax=None):
    """Plot the table of `luminosity_table`: `ClusterMatch.plot_luminosity_function`."""
    if ax is None:
        ax = new_figure().add_subplot()
    edges = np.append(table["low"].value, table["high"].value[-1:])
    ax.stairs(table["n_sources"], edges, color="0.6", fill=True, label="all sources")
    ax.stairs(table["n_field"], edges, color="#e69f00", lw=1.8, label="field expected")
    ax.errorbar(
        (edges[:-1] + edges[1:]) / 2,
        table["n_members"],
        table["n_members_err"],
        fmt="o",
        color="#0072b2",
        label="members",
    )
    ax.axhline(0, color="0.3", lw=0.8)
    ax.set_xlabel(f"{table.meta['band'] or 'Magnitude'} (mag)")
    ax.set_ylabel("Number per bin")
    ax.legend()
    return ax


def plot_cluster_luminosity(match, id, *, region, ax=None):
    """Plot one cluster of a match as `plot_luminosity`, on a figure of pyplot."""
    table = match.luminosity_function(id, region=region)
    ax = pyplot_figure().add_subplot() if ax is None else ax
    return plot_luminosity(table, ax=ax)
