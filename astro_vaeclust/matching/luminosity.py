# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Luminosity functions of a region, its field and its members."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.table import QTable

from ..sources.columns import as_magnitudes
from .areas import ARCSEC2

__all__ = ["luminosity_table"]

BIN = 0.5
"""Width of a bin in mag."""


def luminosity_table(sources, sample, bins=None):
    """Return the table of `ClusterMatch.luminosity_function` for a `Sample`."""
    if "mag" not in sources.colnames:
        raise ValueError(
            f"sources must have the column mag for this, got {sources.colnames}"
        )
    magnitudes = as_magnitudes(sources["mag"])
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
