# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Luminosity functions of a region, its field and its members."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.table import QTable

from ..evaluation.plots import new_axes
from .areas import ARCSEC2
from .sources import finite_magnitudes

__all__ = ["luminosity_table", "plot_luminosity"]

BIN = 0.5
"""Width of a bin in mag."""


def luminosity_table(sources, sample, bins=None):
    """
    Count sources by magnitude, in a region and in its field.

    Parameters
    ----------
    sources : `~astropy.table.Table`
        All sources, with ``mag``.
    sample : Sample
        The region and its field.
    bins : array_like, optional
        Edges of the bins in mag; by default every half magnitude.

    Returns
    -------
    table : `~astropy.table.QTable`
        As `ClusterMatch.luminosity_function` says.

    Raises
    ------
    ValueError
        If the sources have no magnitudes, or the bins do not rise.
    """
    if "mag" not in sources.colnames:
        raise ValueError(
            f"sources must have the column mag for this, got {sources.colnames}"
        )
    magnitudes = finite_magnitudes(sources["mag"])
    here, around = magnitudes[sample.inside], magnitudes[sample.in_field]
    edges = _edges(here, around) if bins is None else _checked(bins)
    n_sources, n_around = (np.histogram(m, edges)[0] for m in (here, around))
    field_area = sample.field.area.to_value(ARCSEC2)
    scale = sample.area.to_value(ARCSEC2) / field_area if field_area > 0 else np.nan
    return QTable(
        {
            "low": edges[:-1] * u.mag,
            "high": edges[1:] * u.mag,
            "n_sources": n_sources,
            "n_field": scale * n_around,
            "n_members": n_sources - scale * n_around,
            "n_members_err": np.sqrt(n_sources + scale**2 * n_around),
        },
        meta={"cluster_id": sample.id, "band": _band(sources)},
    )


def plot_luminosity(table, *, ax=None):
    """
    Plot a luminosity function.

    Parameters
    ----------
    table : `~astropy.table.QTable`
        What `luminosity_table` returned.
    ax : `~matplotlib.axes.Axes`, optional
        Where to plot; without it, on a new figure, outside pyplot.

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
        ax = new_axes()
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


def _edges(*samples):
    values = np.concatenate(samples)
    values = values[np.isfinite(values)]
    if not values.size:
        raise ValueError("no source of the region and its field has a magnitude")
    first, last = np.floor(values.min() / BIN), np.floor(values.max() / BIN) + 1
    return np.arange(first, last + 1) * BIN


def _checked(bins):
    edges = np.asarray(u.Quantity(bins, u.mag).value, dtype=float)
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError(f"bins takes two rising magnitudes or more, got {bins!r}")
    return edges


def _band(sources):
    """Return the name of the band if all sources have one and the same (str)."""
    names = set(sources["band"]) if "band" in sources.colnames else set()
    return str(names.pop()) if len(names) == 1 else ""
