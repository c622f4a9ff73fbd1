# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tables of clusters as ECSV, FITS, VOTable and Parquet."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from astropy.utils.masked import Masked

from ..measure.columns import COLUMNS, MEASURED_COLUMNS, cluster_table
from ..utils import provenance
from ..utils.optional import import_optional
from .formats import FORMATS

__all__ = []

_SKY_DESCRIPTIONS = {
    "ra": "Right ascension of the centre (ICRS)",
    "dec": "Declination of the centre (ICRS)",
}


def _read_ecsv(path):
    return _declared(QTable.read(path, format="ascii.ecsv"))


@FORMATS.register(
    "ecsv",
    suffixes=(".ecsv",),
    description="the table with units and nested metadata, as text",
    read=_read_ecsv,
)
def _write_ecsv(catalog, path):
    catalog.table.write(path, format="ascii.ecsv")


def _read_fits(path):
    table = QTable.read(path, format="fits", mask_invalid=False)
    meta = provenance.from_text(table.meta.get(provenance.KEYWORD))
    return _declared(table, meta)


@FORMATS.register(
    "fits",
    suffixes=(".fits", ".fit", ".fits.gz"),
    description="the table with ra and dec; metadata as JSON in the header",
    read=_read_fits,
)
def _write_fits(catalog, path):
    table = _with_ra_dec(catalog.table)
    table.meta = provenance.header_cards(catalog.table.meta)
    table.write(path, format="fits")


def _read_votable(path):
    from astropy.io.votable import parse

    votable = parse(path)
    table = votable.get_first_table().to_table(use_names_over_ids=True)
    texts = {info.name: info.value for info in votable.resources[0].infos}
    return _declared(QTable(table), provenance.from_text(texts.get(provenance.KEYWORD)))


@FORMATS.register(
    "votable",
    suffixes=(".vot", ".xml", ".votable"),
    description="the table with ra and dec; metadata as JSON in an INFO",
    read=_read_votable,
)
def _write_votable(catalog, path):
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


def _read_parquet(path):
    import_optional("pyarrow", "survey")
    return _declared(QTable.read(path, format="parquet"))


@FORMATS.register(
    "parquet",
    suffixes=(".parquet", ".parq"),
    description="the table with units and nested metadata; needs pyarrow",
    read=_read_parquet,
)
def _write_parquet(catalog, path):
    import_optional("pyarrow", "survey")
    catalog.table.write(path, format="parquet")


def _with_ra_dec(table):
    """Copy a table with two columns of degrees in the place of the positions."""
    place = table.colnames.index("sky_center")
    sky = table["sky_center"]
    flat = table.copy()
    flat.remove_column("sky_center")
    flat.add_columns(
        [u.Quantity(sky.ra, u.deg), u.Quantity(sky.dec, u.deg)],
        indexes=[place, place],
        names=["ra", "dec"],
    )
    for name, description in _SKY_DESCRIPTIONS.items():
        flat[name].info.description = description
    return flat


def _describe_fields(fields):
    ucds = {
        column.name: column.ucd
        for column in (*COLUMNS, *MEASURED_COLUMNS)
        if column.ucd
    }
    ucds |= {"ra": "pos.eq.ra;meta.main", "dec": "pos.eq.dec;meta.main"}
    for field in fields:
        field.ucd = ucds.get(field.name)
        if field.name in _SKY_DESCRIPTIONS:
            field.ref = "ICRS"


def _declared(table, meta=None):
    """Give a table that was read the declared columns."""
    columns = {name: _unmasked(table[name]) for name in table.colnames}
    if "ra" in columns and "sky_center" not in columns:
        columns["sky_center"] = SkyCoord(columns.pop("ra"), columns.pop("dec"))
    return cluster_table(columns, table.meta if meta is None else meta)


def _unmasked(values):
    """Turn masked numbers back into NaN."""
    if isinstance(values, Masked):
        return values.filled(np.nan)
    return values
