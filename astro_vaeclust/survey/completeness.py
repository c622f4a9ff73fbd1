# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How complete a survey is, from clusters that are painted into some of its fields."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.nddata import NDData
from astropy.table import QTable, vstack

from ..images.celestial import wcs_of_part
from ..utils.warning import muted

__all__ = ["REFERENCES", "choose_fields", "completeness_table", "inject_into_field"]

REFERENCES = ((30, 15), (100, 15), (30, 40), (100, 40), (100, 90))
"""Members and half-number radii in arcsec of the clusters that fields are told of."""

CUT = 768
"""Side in pixels of the middle of a field into which clusters are painted."""

PER_FIELD = 8
"""Clusters that are painted into a field, one at a time."""

QUANTILES = 3
"""Strata of the density, and of the noise within each."""


def choose_fields(rows, n_fields, *, seed=0):
    """
    Return at most so many fields at random, as many from each stratum.

    ``rows`` are dicts with ``field``, and ``density`` and ``noise`` that make strata.
    """
    rows = sorted(rows, key=lambda row: row["field"])
    rows = [row for row in rows if np.isfinite([row["density"], row["noise"]]).all()]
    order = np.random.default_rng(seed).permutation(len(rows))
    density, noise = (
        _ranks([rows[n][name] for n in order]) for name in ("density", "noise")
    )
    turn = np.zeros(len(rows), dtype=int)  # the first of every stratum, then the second
    counts = {}
    for position, stratum in enumerate(zip(density, noise, strict=True)):
        turn[position] = counts[stratum] = counts.get(stratum, -1) + 1
    return [rows[order[n]] for n in np.argsort(turn, kind="stable")[:n_fields]]


def _ranks(values):
    """Return the stratum of each value, (n,) int array."""
    edges = np.quantile(values, np.arange(1, QUANTILES) / QUANTILES) if values else []
    return np.searchsorted(edges, values)


def inject_into_field(row, search, imitated):
    """
    Paint clusters into the middle of a field and search each; called in a worker.

    Parameters
    ----------
    row : dict
        The field, with ``field``, ``inputs``, ``seeing`` and ``density``.
    search : `~astro_vaeclust.survey.field.FieldSearch`
        The search, in one band.
    imitated : str
        Tag of `~astro_vaeclust.simulation.SURVEYS`: what the images are like.

    Returns
    -------
    injections : `~astropy.table.QTable` or None
        Outcomes, as `~astro_vaeclust.evaluation.selection_function` has them, with
        the density of the field; None if there are too few pixels.
    """
    from ..evaluation import selection_function

    grid = search.grid
    frame = grid.frame(grid.sky.field(row["field"]))
    paths = [entry["path"] for entry in row["inputs"]]
    (pixels,) = search.assembled(paths, frame).pixels.values()
    part = tuple(
        slice(max(side - CUT, 0) // 2, (side + CUT) // 2) for side in frame.shape
    )
    image = NDData(pixels[part], wcs=wcs_of_part(frame.wcs, part))
    if np.isfinite(image.data).mean() < 0.5:
        return None
    zero_point = grid.zero_point
    with muted(Warning):
        outcome = selection_function(
            search.finder,
            image,
            n_injections=PER_FIELD,
            survey=imitated,
            fwhm=row["seeing"] * u.arcsec,
            zero_point=None if zero_point is None else zero_point * u.mag,
            seed=row["field"] % 2**32,
        ).injections
    outcome["local_density"][:] = row["density"] / u.arcmin**2
    return outcome


def completeness_table(injections, rows):
    """
    Fit one selection function, and tell the completeness of every field.

    Parameters
    ----------
    injections : list of `~astropy.table.QTable`
        What `inject_into_field` returned.
    rows : list of dict
        The fields, with ``name`` and ``density``.

    Returns
    -------
    table : `~astropy.table.QTable`
        ``field``, and for each of ``REFERENCES`` the completeness and half the width
        of its interval of one standard deviation; NaN where the density is unknown.
    selection : `~astro_vaeclust.evaluation.SelectionFunction`
        The fit.

    Raises
    ------
    ValueError
        If there are no injections.
    """
    from ..evaluation import SelectionFunction

    if not injections:
        raise ValueError(
            "completeness: no field has enough pixels to paint clusters in"
        )
    for table in injections:
        table.meta.clear()
    selection = SelectionFunction.fit(vstack(injections))
    density = np.array([row["density"] for row in rows], dtype=float)
    known = density > 0
    columns = {"field": [row["name"] for row in rows]}
    for members, radius in REFERENCES:
        place = (members, radius * u.arcsec, density[known] / u.arcmin**2)
        value = selection.completeness(*place, extrapolate=True)
        low, high = selection.interval(*place, extrapolate=True)
        for suffix, values in (("", value), ("_err", (high - low) / 2)):
            column = columns[f"n{members}_r{radius}{suffix}"] = np.full(
                len(rows), np.nan
            )
            column[known] = values
    return QTable(columns), selection
