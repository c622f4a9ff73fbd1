# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Catalogues as tables in ECSV, FITS, VOTable and Parquet; CSV is read only."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable
from astropy.utils.data import get_readable_fileobj
from astropy.utils.masked import Masked

from ..catalog import ClusterCatalog
from ..images.hdus import quietly
from ..measure.columns import COLUMNS, MEASURED_COLUMNS, cluster_table
from ..measure.verdicts import VERDICT_COLUMNS
from ..sources.columns import as_numbers, as_words
from ..sources.table import angles
from ..utils import provenance
from ..utils.optional import import_optional

__all__ = []

_SKY_DESCRIPTIONS = {
    "ra": "Right ascension of the centre (ICRS)",
    "dec": "Declination of the centre (ICRS)",
}

_ANGLES = ("ra", "dec", "sky_center.ra", "sky_center.dec")

_NAMES = {*_ANGLES, *(column.name for column in (*COLUMNS, *MEASURED_COLUMNS))}


def read_ecsv(file):
    """Read what `write_ecsv` wrote."""
    return _catalog(QTable.read(file, format="ascii.ecsv"))


def write_ecsv(catalog, path):
    """Write the table with units and nested metadata, as text; ``.ecsv``."""
    catalog.table.write(path, format="ascii.ecsv")


def read_fits(file):
    """Read what `write_fits` wrote."""
    table = QTable.read(file, format="fits", mask_invalid=False)
    meta = provenance.from_text(table.meta.get(provenance.KEYWORD))
    return _catalog(_without_empty_texts(table), meta)


def write_fits(catalog, path):
    """
    Write the table with ra and dec; ``.fits, .fit, .fits.gz``.

    The metadata are JSON under VAECLUST in the header.
    """
    table = _with_ra_dec(catalog.table)
    table.meta = provenance.header_cards(catalog.table.meta)
    for name in table.colnames:
        column = table[name]
        if column.dtype.kind == "b" and np.any(getattr(column, "mask", False)):
            table[name] = column.astype(np.uint8)  # a missing one would be true
    try:
        table.write(path, format="fits")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"FITS holds ASCII texts only, and the table has {error.object!r:.60}; "
            "write .ecsv, .vot or .parquet"
        ) from error


def read_votable(file, filename=None):
    """Read what `write_votable` wrote."""
    from astropy.io.votable import parse

    votable = parse(file, filename=filename)
    table = votable.get_first_table().to_table(use_names_over_ids=True)
    texts = {info.name: info.value for info in votable.resources[0].infos}
    meta = provenance.from_text(texts.get(provenance.KEYWORD))
    return _catalog(_without_empty_texts(QTable(table)), meta)


def write_votable(catalog, path):
    """
    Write the table with ra and dec; ``.vot, .xml, .votable``.

    The metadata are JSON in the INFO VAECLUST.
    """
    from astropy.io.votable import from_table
    from astropy.io.votable.tree import CooSys, Info

    table = _with_ra_dec(catalog.table)
    table.meta = {}
    votable = from_table(table)
    votable.coordinate_systems.append(CooSys(ID="ICRS", system="ICRS"))
    text = provenance.to_text(catalog.table.meta)
    votable.resources[0].infos.append(Info(name=provenance.KEYWORD, value=text))
    _describe_fields(votable.get_first_table().fields)
    votable.to_xml(str(path))


def read_parquet(file):
    """Read what `write_parquet` wrote; needs pyarrow."""
    import_optional("pyarrow", "survey")
    return _catalog(QTable.read(file, format="parquet"))


def write_parquet(catalog, path):
    """Write the table with units and nested metadata; ``.parquet``; needs pyarrow."""
    import_optional("pyarrow", "survey")
    catalog.table.write(path, format="parquet")


def read_csv(file):
    """
    Read what other programs make of a table; without units, those of `COLUMNS`.

    What the header has most of separates the columns: commas, tabulators, or
    semicolons, as spreadsheets put where a comma is the decimal point.
    """
    with get_readable_fileobj(file, encoding="utf-8-sig") as opened:
        text = opened.read()
    separator = max(",;\t", key=text.partition("\n")[0].count)
    if separator != ",":
        text = text.replace(",", ".")
    lines = text.splitlines()
    return _catalog(QTable.read(lines, format="ascii.csv", delimiter=separator))


def _with_ra_dec(table):
    """Return a copy with ra and dec in degrees instead of the positions."""
    column = table.colnames.index("sky_center")
    sky = table["sky_center"]
    flat = table.copy()
    flat.remove_column("sky_center")
    flat.add_columns(
        [u.Quantity(sky.ra, u.deg), u.Quantity(sky.dec, u.deg)],
        indexes=[column, column],
        names=["ra", "dec"],
    )
    for name, description in _SKY_DESCRIPTIONS.items():
        flat[name].info.description = description
    return flat


def _describe_fields(fields):
    ucds = {column.name: column.ucd for column in (*COLUMNS, *MEASURED_COLUMNS)}
    ucds |= {"ra": "pos.eq.ra;meta.main", "dec": "pos.eq.dec;meta.main"}
    for field in fields:
        field.ucd = ucds.get(field.name) or None
        if field.name in _SKY_DESCRIPTIONS:
            field.ref = "ICRS"


def _catalog(table, meta=None):
    """Return a table that was read as a catalogue, with the declared columns."""
    for name in set(table.colnames) - _NAMES:
        if name.lower() in _NAMES.difference(table.colnames):
            table.rename_column(name, name.lower())
    columns = {name: _unmasked(table[name]) for name in table.colnames}
    for name in VERDICT_COLUMNS & columns.keys():  # ECSV has no empty texts
        columns[name] = np.ma.filled(columns[name], "")
    if "sky_center" not in columns:
        columns |= _sky_center(table)
        for name in _ANGLES:
            columns.pop(name, None)
    for column in (*COLUMNS, *MEASURED_COLUMNS):
        if column.name in columns and column.dtype is not SkyCoord:
            columns[column.name] = _declared(column, table[column.name])
    meta = table.meta if meta is None else meta
    return ClusterCatalog(cluster_table(columns, meta))


def _sky_center(table):
    """Return the positions from columns of angles, nothing where there are none."""
    with quietly():
        found = angles(table, "catalog")
    if found is None:
        return {}
    n_missing = np.count_nonzero(np.isnan(found[0]))
    if n_missing:
        raise ValueError(
            f"catalog: {n_missing} of {len(table)} rows have no possible position"
        )
    return {"sky_center": SkyCoord(*found, unit=u.deg, frame="icrs")}


def _declared(column, values):
    """Return a column as declared, which programs write without unit or as floats."""
    if column.unit is None and getattr(values, "unit", None) is not None:
        return values
    numbers = as_numbers(values, column.unit)
    if values.dtype.kind in "OSU":
        words = as_words(values)
        bad = (words != "") & (np.char.lower(words) != "nan") & np.isnan(numbers)
        if bad.any():
            raise _bad_value(column, "numbers", words[bad][0])
    if column.dtype is np.int64:
        bad = ~np.isfinite(numbers) | (numbers != np.rint(numbers))
        if bad.any():
            raise _bad_value(column, "whole numbers", numbers[bad][0])
        return numbers.astype(np.int64)
    return numbers if column.unit is None else u.Quantity(numbers, column.unit)


def _without_empty_texts(table):
    """Return a table with masks for empty texts, as formats without masks mean them."""
    for name in table.colnames:
        dtype = getattr(table[name], "dtype", None)
        if dtype is not None and dtype.kind in "OSU":
            texts = as_words(table[name])
            if (texts == "").any():
                table[name] = MaskedColumn(texts, mask=texts == "")
    return table


def _bad_value(column, takes, got):
    return ValueError(f"catalog: column {column.name!r} must hold {takes}, got {got}")


def _unmasked(values):
    """Turn masked numbers back into NaN."""
    return values.filled(np.nan) if isinstance(values, Masked) else values
