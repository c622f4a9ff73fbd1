# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""From catalogues and truths to completeness against false positives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np
from astropy.table import QTable

from .assignment import UNITS, judge_tile
from .result import FROC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astropy.table import Table

    from ..catalog import ClusterCatalog

__all__ = ["froc"]


def froc(
    catalogs: Sequence[ClusterCatalog | Table],
    truths: Sequence[Table],
    areas: u.Quantity,
    *,
    nulls: Sequence[Table] | None = None,
    sky: str = "cluster-free",
    n_bootstrap: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> FROC:
    """
    Measure completeness against false positives per area of sky.

    Detections are matched with true clusters tile by tile, see `match_clusters`.
    Whatever matches no cluster is a false positive, a second detection of the same
    cluster too.

    Parameters
    ----------
    catalogs : sequence of `~astro_vaeclust.ClusterCatalog` or `~astropy.table.Table`
        The detections of each tile, with ``sky_center`` and ``score``.
    truths : sequence of `~astropy.table.Table`
        The true clusters of each tile, with ``sky_center`` and ``r50``; a table
        without rows for a tile without clusters.
    areas : `~astropy.units.Quantity`
        Usable sky of each tile.
    nulls : sequence of `~astropy.table.Table`, optional
        The hard negatives of each tile, with ``sky_center``, ``kind`` and ``radius``.
    sky : {'cluster-free', 'all'}
        Where false positives are counted for the rate: on tiles without clusters, or
        on all tiles, where fragments of clusters count as well. Average precision
        always counts all.
    n_bootstrap : int
        Samples of the bootstrap over tiles.
    confidence : float
        Probability that the intervals hold.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    result : FROC
        The curve and what follows from it.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If the numbers of tiles differ, an area is not positive, no tile is free of
        clusters though ``sky`` asks for it, or a table lacks a column.
    """
    areas = _checked_areas(areas)
    tables = {"catalogs": list(catalogs), "truths": list(truths)}
    if nulls is not None:
        tables["nulls"] = list(nulls)
    for name, entries in tables.items():
        if len(entries) != len(areas):
            raise ValueError(
                f"{name} must have one entry for each of the {len(areas)} areas, got "
                f"{len(entries)}"
            )
    n_clusters = np.array([len(truth) for truth in tables["truths"]])
    n_before = np.cumsum(n_clusters) - n_clusters
    judged = [
        judge_tile(number, *entries, n_before=n_before[number])
        for number, entries in enumerate(zip(*tables.values(), strict=True))
    ]
    detections, clusters = map(_joined, zip(*judged, strict=True))
    tiles = QTable(
        {
            "tile": np.arange(len(areas)),
            "area": areas,
            "n_clusters": n_clusters,
            "n_detections": [len(found["score"]) for found, _ in judged],
        }
    )
    return FROC(
        detections,
        clusters,
        tiles,
        nulls=tables.get("nulls"),
        sky=sky,
        n_bootstrap=n_bootstrap,
        confidence=confidence,
        seed=seed,
    )


def _checked_areas(areas):
    if not isinstance(areas, u.Quantity) or not areas.unit.is_equivalent(u.deg**2):
        raise TypeError(f"areas must be a Quantity in deg2, got {areas!r}")
    areas = np.atleast_1d(areas.to(u.deg**2))
    if areas.ndim != 1 or areas.size == 0:
        raise ValueError(f"areas must hold one area per tile, got {areas!r}")
    if not np.all((areas.value > 0) & np.isfinite(areas.value)):
        raise ValueError(f"areas must be positive and finite, got {areas!r}")
    return areas


def _joined(parts):
    """Join the columns of all tiles, and give them their units."""
    table = QTable(
        {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    )
    for name in UNITS.keys() & set(table.colnames):
        table[name] = table[name] * UNITS[name]
    return table
