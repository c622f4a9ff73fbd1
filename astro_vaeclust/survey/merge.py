# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""One catalogue from the rows of all fields."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from scipy.spatial import cKDTree

from ..catalog import ClusterCatalog
from ..measure.columns import COLUMNS, cluster_table
from ..measure.stacking import part_numbers
from ..utils.optional import import_optional
from ..utils.validation import check_rate
from .field import CANDIDATE_COLUMNS
from .folder import SurveyFolder
from .geometry import vectors

__all__ = ["candidates_of", "link", "merge"]

REACH = 20.0
"""Arcsec within which candidates of different fields are one, whatever their size."""

ORDER = 29
"""Order of the HEALPix cells by which candidates are sorted."""


def merge(folder, *, max_false_alarm_rate=None):
    """
    Merge the fields of a survey into one catalogue.

    Candidates of different fields are one if their centres are within 20 arcsec, or
    half the smaller radius where that is more. Of these, the one deepest inside its own
    field is primary, then that with the higher score. All are kept.

    Parameters
    ----------
    folder : str or path-like
        The folder that `run_survey` wrote. It may still be written to.
    max_false_alarm_rate : `~astropy.units.Quantity`, optional
        Only candidates with at most this many false detections per area.

    Returns
    -------
    catalog : `~astro_vaeclust.ClusterCatalog`
        The candidates by their HEALPix cell and score, a function of the rows alone.
        Beside the columns of a catalogue it has ``is_primary`` (bool), ``field``,
        ``depth`` of the centre in its field (arcsec, negative outside) and
        ``_healpix_29``. ``x_center`` and ``y_center`` are pixels of the field.

    Raises
    ------
    FileNotFoundError
        If there is no survey.
    TypeError, ValueError
        If the rate is none, or something else is in the folder.
    """
    check_rate("max_false_alarm_rate", max_false_alarm_rate)
    survey = existing(folder)
    columns = candidates_of(survey.read_rows(["name", "status", "candidates"]))
    columns["is_primary"] = link(columns)
    meta = {"survey": survey.settings}
    meta["survey"].get("grid", {}).pop("pixels", None)  # a whole header
    if max_false_alarm_rate is not None:
        limit = max_false_alarm_rate.to_value(u.deg**-2)
        chosen = columns["false_alarm_rate"] <= limit
        columns = {name: values[chosen] for name, values in columns.items()}
        meta["max_false_alarm_rate"] = f"{limit:g} / deg2"
    return ClusterCatalog(_table(columns, meta))


def existing(folder):
    """Return the `SurveyFolder` of a survey; raises FileNotFoundError without one."""
    survey = SurveyFolder(folder)
    if not survey.exists:
        raise FileNotFoundError(f"folder={str(folder)!r} holds no survey")
    return survey


def candidates_of(rows):
    """
    Return the candidates of all fields that are done, as columns.

    Parameters
    ----------
    rows : `pyarrow.Table`
        Rows with ``name``, ``status`` and ``candidates``.

    Returns
    -------
    columns : dict of (n,) array
        ``id`` from 1, ``field``, ``ra``, ``dec``, ``depth`` and ``CANDIDATE_COLUMNS``,
        by the name of the field and then as found.
    """
    compute = import_optional("pyarrow.compute", "survey")
    rows = rows.filter(compute.equal(rows["status"], "done")).sort_by("name")
    lists = rows["candidates"].combine_chunks()
    parents = compute.list_parent_indices(lists)
    flat = compute.list_flatten(lists)
    columns = {"field": rows["name"].take(parents).to_numpy().astype(str)}
    for entry in flat.type:
        values = compute.struct_field(flat, entry.name)
        columns[entry.name] = values.to_numpy(zero_copy_only=False)
    columns["id"] = np.arange(1, len(flat) + 1)
    first = np.searchsorted(parents, parents)  # of the field of each
    number = np.nan_to_num(columns["part_of"]).astype(np.int64)
    columns["part_of"] = np.where(number > 0, number + first, 0)
    return columns


def link(columns):
    """
    Tell which candidates are primary.

    Parameters
    ----------
    columns : dict of (n,) array
        What `candidates_of` returns.

    Returns
    -------
    is_primary : (n,) bool array
        False for a candidate that is one with a primary one of another field.
    """
    is_primary = np.ones(len(columns["ra"]), dtype=bool)
    reach = np.fmax(REACH, columns["radius"] / 2)
    outside = -columns["depth"].min(initial=0)
    near_border = np.flatnonzero(columns["depth"] <= reach + outside)
    if near_border.size < 2:
        return is_primary
    field, depth, score = (columns[n][near_border] for n in ("field", "depth", "score"))
    order = np.lexsort((field, -score, -depth))
    near_border, field = near_border[order], field[order]
    reach = np.radians(reach[near_border] / 3600)
    tree = cKDTree(
        vectors(np.column_stack([columns[name][near_border] for name in ("ra", "dec")]))
    )
    chord = 2 * np.sin(reach / 2)
    for row, around in enumerate(tree.query_ball_point(tree.data, chord)):
        others = np.array([other for other in around if other < row], dtype=int)
        others = others[is_primary[near_border[others]] & (field[others] != field[row])]
        apart = np.linalg.norm(tree.data[others] - tree.data[row], axis=1)
        if np.any(apart <= chord[others]):
            is_primary[near_border[row]] = False
    return is_primary


def _table(columns, meta):
    """Return the table of a catalogue from columns of plain numbers."""
    healpix = import_optional("astropy_healpix", "survey")
    ra, dec = columns.pop("ra") * u.deg, columns.pop("dec") * u.deg
    cell = np.asarray(healpix.lonlat_to_healpix(ra, dec, 2**ORDER, order="nested"))
    order = np.lexsort((columns["field"], -columns["score"], cell))
    units = {column.name: column.unit for column in CANDIDATE_COLUMNS}
    units["depth"] = u.arcsec
    before, columns["part_of"] = columns.pop("id")[order], columns["part_of"].copy()
    ids = np.arange(1, len(order) + 1)
    columns["part_of"][order] = part_numbers(columns["part_of"][order], before, ids)
    whole = {column.name for column in COLUMNS if column.dtype is np.int64}
    table = {
        "id": ids,
        "sky_center": SkyCoord(ra[order], dec[order], frame="icrs"),
    }
    for name, values in columns.items():
        values = values[order]
        if name in whole:
            values = values.astype(np.int64)
        unit = units.get(name)
        table[name] = values if unit is None else u.Quantity(values, unit)
    table["_healpix_29"] = cell[order].astype(np.int64)
    return cluster_table(table, meta)
