# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The measures of the candidates of one level, as the network makes them."""

from __future__ import annotations

import numpy as np

from .network import CELL, CLASSES, MEASURES

__all__ = ["measured_columns"]

LN10 = np.log(10)

ANNULUS = (1.5, 2.5)
"""Radii in `radius` between which the surroundings of a cluster are measured."""


def measured_columns(network_image, maps, candidates, *, calibration=None, level=0):
    """
    Measure candidates.

    Parameters
    ----------
    network_image : `~astro_vaeclust.detector.grid.NetworkImage`
        The image as the network gets it.
    maps : `~astro_vaeclust.detector.inference.NetworkMaps`
        What the network says of it.
    candidates : `~astro_vaeclust.detector.candidates.Candidates`
        The candidates.
    calibration : `~astro_vaeclust.detector.calibration.Calibration`, optional
        Biases and errors of the measures; without it, as the network states them.
    level : int
        Number of the level, for its biases and errors.

    Returns
    -------
    columns : dict of (n,) array
        ``radius``, ``r50``, their errors and ``center_err`` in arcsec, ``n_members``
        with its error, ``nebulosity``, ``p_cluster``, ``p_nebula``, ``p_artefact``;
        ``a_k`` in mag with its error, NaN for one band, and on coarser levels.
    """
    grid = network_image.grid

    def corrected(name):
        value, error = candidates.measures[name], candidates.errors[name]
        if calibration is None:
            return value, error
        return calibration.corrected(name, value, error, grid.is_fine, level)

    def antilog(name, unit=1.0):
        logarithm, error = corrected(name)
        return 10**logarithm * unit, 10**logarithm * LN10 * error * unit

    columns = {}
    for column, name, unit in (
        ("radius", "log_r80", grid.scale),
        ("r50", "log_r50", grid.scale),
        ("n_members", "log_members", 1.0),
    ):
        columns[column], columns[f"{column}_err"] = antilog(name, unit)
    columns["a_k"] = columns["a_k_err"] = np.full(len(candidates), np.nan)
    if "a_k" in candidates.measures:
        columns["a_k"], columns["a_k_err"] = corrected("a_k")
    offsets = [corrected(name)[1] for name in ("dx", "dy")]
    columns["center_err"] = CELL * np.sqrt(np.mean(np.square(offsets), axis=0))
    columns["center_err"] *= grid.scale
    everyone = range(len(candidates))
    columns["nebulosity"] = np.array(
        [_nebulosity(network_image, candidates, row) for row in everyone]
    )
    probabilities = _class_probabilities(maps, candidates)
    columns["p_cluster"] = probabilities["cluster"]
    columns["p_nebula"] = probabilities["nebula"]
    columns["p_artefact"] = probabilities["artefact"] + probabilities["bright-star"]
    return columns


def _class_probabilities(maps, candidates):
    """Mean probability of each component within the radii, dict of (n,) arrays."""
    classes = np.stack([maps.class_map(name) for name in CLASSES])
    means = np.empty((len(candidates), len(CLASSES)))
    for row in range(len(means)):
        at = (
            (candidates.y[row] + 0.5) / CELL - 0.5,
            (candidates.x[row] + 0.5) / CELL - 0.5,
        )
        y, x = np.clip(at, 0, np.array(classes.shape[1:]) - 1)
        radius = max(10 ** candidates.measures["log_r80"][row] / CELL, 1.0)
        part, distance = _around(classes.shape[1:], x, y, radius)
        means[row] = classes[:, *part][:, distance <= radius].mean(axis=1)
    return dict(zip(CLASSES, means.T, strict=True))


def _nebulosity(network_image, candidates, row):
    """Median significance within r50 minus that of the surroundings."""
    x, y = candidates.x[row], candidates.y[row]
    r50, r80 = (10 ** candidates.measures[n][row] for n in MEASURES[2:4])
    reach = max(ANNULUS[1] * r80, CELL)
    part, distance = _around(network_image.significance.shape, x, y, reach)
    significance = network_image.significance[part]
    usable = network_image.channels[2][part] > 0
    inner = usable & (distance <= max(r50, CELL))
    outer = usable & (distance > ANNULUS[0] * r80) & (distance <= ANNULUS[1] * r80)
    if not inner.any() or not outer.any():
        return np.nan
    return float(np.median(significance[inner]) - np.median(significance[outer]))


def _around(shape, x, y, reach):
    """Return the part of an array around a position, and the distances from it."""
    part = tuple(
        slice(max(int(at - reach), 0), min(int(at + reach) + 2, side))
        for at, side in zip((y, x), shape, strict=True)
    )
    rows, columns = np.ogrid[part]
    return part, np.hypot(columns - x, rows - y)
