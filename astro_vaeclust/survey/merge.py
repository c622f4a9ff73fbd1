# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""One catalogue from the rows of all fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ..catalog import ClusterCatalog
from ..detector.merging import merge_rows
from ..measure.columns import COLUMNS, DECLARED_COLUMNS, cluster_table
from ..measure.stacking import part_numbers
from ..utils.optional import import_optional
from ..utils.validation import check_rate
from .folder import SurveyFolder
from .geometry import TangentPlane, vectors

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["candidates_of", "link", "link_levels", "merge"]

REACH = 20.0
"""Arcsec within which candidates of different fields are one, whatever their size."""

MERGED = ("radius", "r50", "n_members", "level", "score", "false_alarm_rate")
"""Columns that tell what several levels see of one cluster."""

ORDER = 29
"""Order of the HEALPix cells by which candidates are sorted."""


def merge(
    folder: str | PathLike, *, max_false_alarm_rate: u.Quantity | float | None = None
) -> ClusterCatalog:
    """
    Merge the fields of a survey into one catalogue.

    Candidates of different fields, or cells of one size, are one if their centres are
    within 20 arcsec, or half the smaller radius where that is more. Of these, the one
    deepest inside its own field is primary, then that with the higher score. What is
    left of fields and cells is merged as the levels of one image are, see
    `~astro_vaeclust.detector.merging.merge_rows`: of what is one cluster, the row whose
    level measures it best is primary and gets the lowest rate of all, and a part of a
    larger one has its id in ``part_of``. All rows are kept.

    Parameters
    ----------
    folder : str or path-like
        The folder that `run_survey` wrote. It may still be written to.
    max_false_alarm_rate : `~astropy.units.Quantity`, optional
        Only candidates with at most this many false detections per area; by default the
        limit of the finder of the survey, which is the highest.

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
        If the rate is none, or above that of the survey, or something else is in the
        folder.
    """
    check_rate("max_false_alarm_rate", max_false_alarm_rate)
    survey = existing(folder)
    settings = survey.settings
    limit = _limit(settings["max_false_alarm_rate"], max_false_alarm_rate)
    names = ["name", "status", "candidates"]
    tiers = [candidates_of(tier.read_rows(names)) for tier in survey.tiers]
    _flag_as_fields(tiers[1:], survey)
    columns = link_levels(tiers)
    settings["grid"].pop("pixels")  # a whole header
    meta = {"survey": settings}
    if max_false_alarm_rate is not None:
        meta["max_false_alarm_rate"] = f"{limit:g} / deg2"
    if limit is not None:
        chosen = columns["false_alarm_rate"] <= limit
        columns = {name: values[chosen] for name, values in columns.items()}
    return ClusterCatalog(_table(columns, meta))


def _limit(searched, wanted):
    """Return the rate per deg2 up to which candidates are wanted (float or None)."""
    if wanted is None:
        return searched
    limit = wanted.to_value(u.deg**-2)
    if searched is not None and limit > searched:
        raise ValueError(
            f"max_false_alarm_rate takes at most {searched:g} / deg2, up to which this "
            f"survey was searched; got {limit:g}"
        )
    return limit


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
        ``id`` from 1, ``field``, ``ra``, ``dec``, ``depth`` and what candidates have,
        by the name of the field and then as found.
    """
    compute = import_optional("pyarrow.compute", "survey")
    rows = rows.filter(compute.equal(rows["status"], "done")).sort_by("name")
    lists = rows["candidates"].combine_chunks()
    parents = compute.list_parent_indices(lists)
    flat = compute.list_flatten(lists)
    columns = {"field": rows["name"].take(parents).to_numpy().astype(str)}
    for entry in flat.type:
        values = compute.struct_field(flat, entry.name).to_numpy(zero_copy_only=False)
        columns[entry.name] = values.astype(str) if values.dtype == object else values
    columns["id"] = np.arange(1, len(flat) + 1)
    first = np.searchsorted(parents, parents)  # of the field of each
    number = np.nan_to_num(columns["part_of"]).astype(np.int64)
    columns["part_of"] = np.where(number > 0, number + first, 0)
    return columns


def _flag_as_fields(cells, survey):
    """Give candidates of cells the flags of the fields in which their centres lie."""
    rows, sky = survey.read_rows(["flags"]), survey.grid.sky
    field, flags = (rows[name].to_numpy() for name in ("field", "flags"))
    for columns in cells:
        owner = sky.locate(columns["ra"], columns["dec"])
        known = np.isin(owner, field)
        there = np.where(known, np.searchsorted(field, owner), 0)
        columns["flags"] = columns["flags"] | np.where(known, flags[there], 0)


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


def link_levels(tiers):
    """
    Tell which candidates of fields, of cells and so on are primary.

    Parameters
    ----------
    tiers : list of dict of (n,) array
        What `candidates_of` returns of each.

    Returns
    -------
    columns : dict of (n,) array
        Those of all, with ``is_primary``; ``part_of``, and ``score`` and
        ``false_alarm_rate`` of primary ones, are those of all levels.
    """
    before, parts = 0, []
    for columns in tiers:
        columns = columns | {"is_primary": link(columns)}
        columns["id"] = columns["id"] + before
        columns["part_of"] = np.where(
            columns["part_of"] > 0, columns["part_of"] + before, 0
        )
        before += len(columns["id"])
        parts.append(columns)
    numbers = np.repeat(np.arange(len(parts)), [len(part["id"]) for part in parts])
    columns = {
        name: np.concatenate([part[name] for part in parts]) for name in parts[0]
    }
    for group in _near_cells(columns, numbers):
        _merge_levels(columns, group)
    return columns


def _near_cells(columns, tier):
    """Yield rows of primary candidates of several tiers of which one is in another."""
    rows = np.flatnonzero(columns["is_primary"])
    coarse = rows[tier[rows] > 0]
    if not len(coarse):
        return
    place = vectors(np.column_stack([columns["ra"], columns["dec"]]))
    chord = 2 * np.sin(np.radians(columns["radius"] / 3600) / 2)
    pairs = []
    for these, those in ((coarse, rows), (rows, coarse)):
        found = cKDTree(place[those]).query_ball_point(place[these], chord[these])
        first = np.repeat(these, [len(near) for near in found])
        second = those[np.concatenate([*found, []]).astype(int)]
        pairs.append(np.stack([first, second]))
    first, second = np.concatenate(pairs, axis=1)
    other = tier[first] != tier[second]
    shape = (len(tier), len(tier))
    graph = coo_array((np.ones(other.sum()), (first[other], second[other])), shape)
    _, label = connected_components(graph, directed=False)
    joined = np.unique(np.concatenate([first[other], second[other]]))
    joined = joined[np.argsort(label[joined], kind="stable")]
    _, starts = np.unique(label[joined], return_index=True)
    yield from np.split(joined, starts[1:]) if len(joined) else ()


def _merge_levels(columns, group):
    """Merge rows as those of the levels of one image, in place."""
    rows = {name: columns[name][group] for name in ("id", *MERGED)}
    sky = np.column_stack([columns["ra"][group], columns["dec"][group]])
    plane = 3600 * TangentPlane(*sky[0]).project(vectors(sky))
    merged = merge_rows(Table(rows | dict(zip("xy", plane.T, strict=True))), 1.0)
    primary = np.asarray(merged["id"]) - 1
    owner = np.asarray(merged["part_of"])
    columns["is_primary"][group] = False
    columns["is_primary"][primary] = True
    for name in ("score", "false_alarm_rate"):
        columns[name][primary] = merged[name]
    inside = np.isin(columns["part_of"][primary], rows["id"])
    outer = np.where(inside, 0, columns["part_of"][primary])
    ids = np.concatenate([[0], merged["id"]])
    columns["part_of"][primary] = np.where(owner > 0, ids[owner], outer)


def _table(columns, meta):
    """Return the table of a catalogue from columns of plain numbers."""
    healpix = import_optional("astropy_healpix", "survey")
    ra, dec = columns.pop("ra") * u.deg, columns.pop("dec") * u.deg
    cell = np.asarray(healpix.lonlat_to_healpix(ra, dec, 2**ORDER, order="nested"))
    order = np.lexsort((columns["field"], -columns["score"], cell))
    units = {column.name: column.unit for column in DECLARED_COLUMNS}
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
