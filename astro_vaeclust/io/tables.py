# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Catalogues as tables in ECSV, FITS, VOTable, Parquet and CSV.

All files have the positions in ``ra`` and ``dec``, so that any program can read them,
and nine significant digits, all that single precision holds.
Writers take a catalogue, readers return its table.
"""

from __future__ import annotations

import io
import json
import re

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from astropy.utils.data import get_readable_fileobj
from astropy.utils.masked import Masked

from ..images.hdus import quietly
from ..measure.columns import DECLARED_COLUMNS, cluster_table
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

_UCDS = {column.name: column.ucd for column in DECLARED_COLUMNS} | {
    "ra": "pos.eq.ra;meta.main",
    "dec": "pos.eq.dec;meta.main",
}

EXTENSION = "CLUSTERS"
"""Name of the HDU of the table."""

_ANGLES = ("ra", "dec", "sky_center.ra", "sky_center.dec")

_NAMES = {*_ANGLES, *(column.name for column in DECLARED_COLUMNS)}


def read_ecsv(file):
    """Read what `write_ecsv` wrote."""
    return _clusters(QTable.read(file, format="ascii.ecsv"))


def write_ecsv(catalog, path):
    """Write the table with units and nested metadata, as text; ``.ecsv``."""
    table = Table(_flat(catalog.table))  # columns with units need no description of it
    table.write(path, format="ascii.ecsv")


def read_fits(file):
    """Read what `write_fits` wrote."""
    table = QTable.read(file, format="fits", mask_invalid=False)
    meta = provenance.from_text(table.meta.get(provenance.KEYWORD))
    return _clusters(_without_empty_texts(table), meta)


def write_fits(catalog, path):
    """
    Write the HDU CLUSTERS with descriptions and UCDs; ``.fits, .fit, .fits.gz``.

    The metadata are JSON under VAECLUST in the header.
    """
    table = _flat(catalog.table)
    table.meta = {}
    for name in table.colnames:
        column = table[name]
        if column.dtype.kind == "b" and np.any(getattr(column, "mask", False)):
            table[name] = column.astype(np.uint8)  # a missing one would be true
    try:
        hdu = fits.table_to_hdu(table)
    except UnicodeEncodeError as error:
        raise ValueError(
            f"FITS holds ASCII texts only, and the table has {error.object!r:.60}; "
            "write .ecsv, .vot or .parquet"
        ) from error
    hdu.name = EXTENSION
    hdu.header.update(provenance.header_cards(catalog.table.meta))
    for number, name in enumerate(table.colnames, 1):
        if table[name].info.description:
            hdu.header[f"TCOMM{number}"] = _ascii(table[name].info.description)
        if _UCDS.get(name):
            hdu.header[f"TUCD{number}"] = _UCDS[name]
    hdu.writeto(path)


def _ascii(text):
    """Return a text as the header of a FITS file can hold it."""
    return " ".join(text.split()).encode("ascii", "backslashreplace").decode()


def read_votable(file, filename=None):
    """Read what `write_votable` wrote."""
    from astropy.io.votable import parse

    votable = parse(file, filename=filename)
    table = votable.get_first_table().to_table(use_names_over_ids=True)
    texts = {info.name: info.value for info in votable.resources[0].infos}
    meta = provenance.from_text(texts.get(provenance.KEYWORD))
    return _clusters(_without_empty_texts(QTable(table)), meta)


def write_votable(catalog, path):
    """
    Write the table with descriptions and UCDs; ``.vot, .xml, .votable``.

    The metadata are JSON in the INFO VAECLUST.
    """
    from astropy.io.votable import from_table
    from astropy.io.votable.tree import CooSys, Info

    table = _flat(catalog.table)
    table.meta = {}
    votable = from_table(table)
    votable.coordinate_systems.append(CooSys(ID="ICRS", system="ICRS"))
    text = provenance.to_text(catalog.table.meta)
    votable.resources[0].infos.append(Info(name=provenance.KEYWORD, value=text))
    for field in votable.get_first_table().fields:
        field.ucd = _UCDS.get(field.name)
        if field.name in _SKY_DESCRIPTIONS:
            field.ref = "ICRS"
    votable.to_xml(str(path))


def read_parquet(file):
    """Read what `write_parquet` wrote; needs pyarrow."""
    import_optional("pyarrow", "survey")
    return _clusters(QTable.read(file, format="parquet"))


def write_parquet(catalog, path):
    """Write the table with units and nested metadata; ``.parquet``; needs pyarrow."""
    import_optional("pyarrow", "survey")
    _flat(catalog.table).write(path, format="parquet")


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
        text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    lines = text.splitlines()
    return _clusters(QTable.read(lines, format="ascii.csv", delimiter=separator))


def write_csv(catalog, path):
    """Write the columns without units and metadata, as plain text; ``.csv``."""
    _plain(catalog.table).write(path, format="ascii.csv")


def csv_text(table):
    """Return the rows of a table of clusters as CSV (str)."""
    text = io.StringIO()
    _plain(table).write(text, format="ascii.csv")
    return text.getvalue()


def json_text(table):
    """Return the rows of a table of clusters and its metadata as JSON (str)."""
    flat = _plain(table)
    columns = [_json_values(flat[name]) for name in flat.colnames]
    rows = [
        dict(zip(flat.colnames, values, strict=True))
        for values in zip(*columns, strict=True)
    ]
    units = {name: str(flat[name].unit) for name in flat.colnames if flat[name].unit}
    content = {"clusters": rows, "units": units, "meta": dict(table.meta)}
    return json.dumps(content, indent=1, allow_nan=False)


def _plain(table):
    """Return a copy whose numbers are written with all of their digits."""
    flat = Table(_flat(table))
    for name in flat.colnames:
        flat[name].info.format = None
    return flat


def _json_values(column):
    """Return the values of a column, with None for NaN and for masked ones (list)."""
    values = column.tolist()
    if column.dtype.kind != "f":
        return values
    return [None if one is None or np.isnan(one) else one for one in values]


def _round(column):
    """Round the numbers of a column, masked or with a unit, in place."""
    values = getattr(column, "unmasked", column)
    values = np.ma.getdata(getattr(values, "value", values))
    values[...] = [float(f"{value:.9g}") for value in values]


def _flat(table):
    """Return a copy with rounded numbers, and ra and dec instead of the positions."""
    column = table.colnames.index("sky_center")
    sky = table["sky_center"]
    flat = table.copy()
    flat.remove_column("sky_center")
    for one in DECLARED_COLUMNS:
        if one.dtype is np.float64 and one.name in flat.colnames:
            _round(flat[one.name])
    flat.add_columns(
        [u.Quantity(sky.ra, u.deg), u.Quantity(sky.dec, u.deg)],
        indexes=[column, column],
        names=["ra", "dec"],
    )
    for name, description in _SKY_DESCRIPTIONS.items():
        flat[name].info.description = description
        flat[name].info.format = ".5f"
    return flat


def _clusters(table, meta=None):
    """Return a table that was read with the declared columns."""
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
    for column in DECLARED_COLUMNS:
        if column.name in columns and column.dtype is not SkyCoord:
            columns[column.name] = _declared(column, table[column.name])
    meta = table.meta if meta is None else meta
    return cluster_table(columns, meta)


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
    if column.dtype is str:
        return as_words(values)
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
