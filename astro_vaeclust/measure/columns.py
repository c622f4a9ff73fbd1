# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The columns of a table of clusters, declared once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from .flags import ClusterFlags

__all__ = [
    "BAND_COLUMNS",
    "COLUMNS",
    "DECLARED_COLUMNS",
    "MEASURED_COLUMNS",
    "ClusterColumn",
    "cluster_table",
    "table_digest",
]


@dataclass(frozen=True)
class ClusterColumn:
    """
    Declaration of one column of the table of clusters.

    Parameters
    ----------
    name : str
        Name of the column.
    description : str
        What the column holds.
    dtype : type
        Type of the values; `~astropy.coordinates.SkyCoord` for positions.
    unit : `~astropy.units.Unit`, optional
        Unit of the values.
    ucd : str, optional
        Unified Content Descriptor of the IVOA, for VOTables and FITS.
    format : str, optional
        How the values are printed.
    """

    name: str
    description: str
    dtype: type = np.float64
    unit: u.UnitBase | None = None
    ucd: str | None = None
    format: str | None = None

    def convert(self, values):
        """
        Turn values into what the table holds.

        Parameters
        ----------
        values : array_like, `~astropy.units.Quantity` or SkyCoord
            One value per cluster. A column with a unit takes quantities only.

        Returns
        -------
        column : `~numpy.ndarray`, `~astropy.units.Quantity` or SkyCoord
            The values with the declared type and unit, 1-dimensional, and positions
            rounded to 1e-10 deg.

        Raises
        ------
        TypeError
            If the values are of another kind, or a quantity has no unit.
        ValueError
            If they are not 1-dimensional, or their unit does not convert.
        """
        column = self._to_declared_kind(values)
        if column.ndim != 1:
            raise ValueError(
                f"column {self.name!r} must be 1-dimensional, got shape {column.shape}"
            )
        return column

    def empty(self):
        """Return the column of a table without rows."""
        if self.dtype is SkyCoord:
            return SkyCoord([] * u.deg, [] * u.deg, frame="icrs")
        values = np.empty(0, self.dtype)
        return values if self.unit is None else u.Quantity(values, self.unit)

    def _to_declared_kind(self, values):
        if self.dtype is SkyCoord:
            if not isinstance(values, SkyCoord):
                raise TypeError(f"column {self.name!r} must be a SkyCoord")
            sky = values.icrs
            ra, dec = (np.round(angle.deg, 10) for angle in (sky.ra, sky.dec))
            return SkyCoord(ra, dec, unit=u.deg, frame="icrs")
        if self.unit is None:
            if isinstance(values, u.Quantity):
                raise TypeError(f"column {self.name!r} has no unit, got {values.unit}")
            return self._to_array(values)
        if not isinstance(values, u.Quantity):
            raise TypeError(f"column {self.name!r} must be a Quantity in {self.unit}")
        return u.Quantity(self._to_array(values.to_value(self.unit)), self.unit)

    def _to_array(self, values):
        array = np.asarray(values)
        if array.size == 0:
            return np.empty(0, self.dtype)
        return array.astype(self.dtype, casting="same_kind")


COLUMNS = (
    ClusterColumn(
        "id", "Number of the cluster, from 1", np.int64, ucd="meta.id;meta.main"
    ),
    ClusterColumn("sky_center", "Centre of the cluster (ICRS)", SkyCoord),
    ClusterColumn(
        "x_center",
        "Centre in pixels along the first axis, 0 at the centre of the first pixel",
        ucd="pos.cartesian.x;instr.det",
        format=".2f",
    ),
    ClusterColumn(
        "y_center",
        "Centre in pixels along the second axis, 0 at the centre of the first pixel",
        ucd="pos.cartesian.y;instr.det",
        format=".2f",
    ),
    ClusterColumn(
        "radius",
        "Radius with 80 % of the members, or of a circle with the area of the region",
        unit=u.arcsec,
        ucd="phys.angSize",
        format=".1f",
    ),
    ClusterColumn(
        "radius_err",
        "Standard deviation of the radius",
        unit=u.arcsec,
        ucd="stat.error;phys.angSize",
        format=".1f",
    ),
    ClusterColumn(
        "area",
        "Area within the radius",
        unit=u.arcsec**2,
        ucd="phys.angArea",
        format=".0f",
    ),
    ClusterColumn(
        "score",
        "How sure the detection is; larger is surer",
        ucd="stat.likelihood",
        format=".3f",
    ),
    ClusterColumn(
        "false_alarm_rate",
        "False detections with at least this score per area of sky; "
        "NaN without a calibration",
        unit=u.deg**-2,
        format=".3g",
    ),
    ClusterColumn(
        "n_sources",
        "Sources within the radius: of the given ones, or else of those that are found "
        "in the image at 4 times the noise",
        np.int64,
        ucd="meta.number",
    ),
    ClusterColumn(
        "flags", f"Bits: {ClusterFlags.legend()}", np.int64, ucd="meta.code.qual"
    ),
)


MEASURED_COLUMNS = (
    ClusterColumn(
        "center_err",
        "Standard deviation of the centre along each axis",
        unit=u.arcsec,
        ucd="stat.error;pos",
        format=".1f",
    ),
    ClusterColumn(
        "r50",
        "Radius with half of the members",
        unit=u.arcsec,
        ucd="phys.angSize",
        format=".1f",
    ),
    ClusterColumn(
        "r50_err",
        "Standard deviation of r50",
        unit=u.arcsec,
        ucd="stat.error;phys.angSize",
        format=".1f",
    ),
    ClusterColumn(
        "n_members",
        "Estimated members brighter than ten times the noise, also those that blend, "
        "without the field; n_sources counts separate sources with the field",
        ucd="meta.number",
        format=".0f",
    ),
    ClusterColumn(
        "n_members_err",
        "Standard deviation of n_members",
        ucd="stat.error",
        format=".0f",
    ),
    ClusterColumn(
        "nebulosity",
        "Median over noise within r50 minus that of the surroundings",
        ucd="stat.snr",
        format=".2f",
    ),
    ClusterColumn(
        "p_cluster",
        "Mean probability of the component cluster",
        ucd="stat.probability",
        format=".3f",
    ),
    ClusterColumn(
        "p_nebula",
        "Mean probability of the component nebula",
        ucd="stat.probability",
        format=".3f",
    ),
    ClusterColumn(
        "p_artefact",
        "Mean probability of the components artefact and bright star",
        ucd="stat.probability",
        format=".3f",
    ),
    ClusterColumn(
        "part_of",
        "Number of the larger cluster of which it is a part; 0 for none",
        np.int64,
        ucd="meta.id.parent",
    ),
    ClusterColumn(
        "level",
        "Size of a pixel of the network on the level that measured it",
        unit=u.arcsec,
        ucd="phys.angSize;instr.pixel",
        format=".2f",
    ),
)
"""Columns that trained models add (tuple of `ClusterColumn`)."""

BAND_COLUMNS = (
    ClusterColumn(
        "bands",
        "Bands that show half or more of the pixels within the radius, from short to "
        "long wavelengths",
        str,
        ucd="instr.bandpass",
    ),
    ClusterColumn(
        "a_k",
        "Extinction of the members in Ks, from their colours",
        unit=u.mag,
        ucd="phys.absorption;em.IR.K",
        format=".2f",
    ),
    ClusterColumn(
        "a_k_err",
        "Standard deviation of a_k",
        unit=u.mag,
        ucd="stat.error;phys.absorption;em.IR.K",
        format=".2f",
    ),
)
"""Columns that a search of several bands adds (tuple of `ClusterColumn`)."""

DECLARED_COLUMNS = (*COLUMNS, *MEASURED_COLUMNS, *BAND_COLUMNS)
"""All of them (tuple of `ClusterColumn`)."""


def cluster_table(columns=None, meta=None):
    """
    Build the table of clusters.

    Parameters
    ----------
    columns : mapping, optional
        One entry for each of `COLUMNS`, with one value per cluster: quantities where
        a unit is declared, a `~astropy.coordinates.SkyCoord` for ``sky_center``.
        Further entries become further columns, after the declared ones. Empty or
        None: no clusters.
    meta : mapping, optional
        Where the table comes from, such as versions, date, seed and settings. It may
        be nested; whatever a file cannot hold becomes text.

    Returns
    -------
    table : `~astropy.table.QTable`
        The declared columns in their order, with units, types and descriptions.

    Raises
    ------
    ValueError
        If a column is missing or has the wrong shape, length or unit.
    TypeError
        If a column is of the wrong kind.

    Examples
    --------
    >>> from astro_vaeclust.measure.columns import cluster_table
    >>> table = cluster_table()
    >>> len(table)
    0
    >>> table["radius"].unit
    Unit("arcsec")
    """
    table = QTable(_converted(columns) if columns else _no_rows())
    for column in DECLARED_COLUMNS:
        if column.name in table.colnames:
            table[column.name].info.description = column.description
            table[column.name].info.format = column.format
    table.meta.update(_plain(meta or {}))
    return table


def check_columns(names):
    """Raise ValueError if one of the declared columns is not among the names."""
    missing = [column.name for column in COLUMNS if column.name not in names]
    if missing:
        raise ValueError(f"the columns {missing} are missing, got {list(names)}")


def table_digest(table):
    """
    Identify a list of clusters by their ids and positions, in whatever file it is.

    Parameters
    ----------
    table : `~astropy.table.QTable`
        The clusters.

    Returns
    -------
    digest : str
        Sixteen hexadecimal digits.
    """
    sky = table["sky_center"].icrs
    rows = zip(table["id"], sky.ra.deg, sky.dec.deg, strict=True)
    text = "".join(f"{number} {ra:.6f} {dec:.6f}\n" for number, ra, dec in rows)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _no_rows():
    return {column.name: column.empty() for column in COLUMNS}


def _converted(columns):
    check_columns(columns)
    converted = {
        column.name: column.convert(columns[column.name])
        for column in DECLARED_COLUMNS
        if column.name in columns
    }
    lengths = {name: len(values) for name, values in converted.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"the columns differ in length: {lengths}")
    return converted | {
        name: values for name, values in columns.items() if name not in converted
    }


def _plain(value):
    """Reduce a value to dicts, lists, text, numbers, booleans and None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, u.Quantity):
        return str(value)
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain(value.tolist())
    if value is None or type(value) in (bool, int, float, str):
        return value
    return str(value)
