# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Catalogues as tables in ECSV, FITS, VOTable and Parquet."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from astropy.utils.masked import Masked

from ..catalog import ClusterCatalog
from ..measure.columns import COLUMNS, MEASURED_COLUMNS, cluster_table
from ..measure.verdicts import VERDICT_COLUMNS
from ..utils import provenance
from ..utils.optional import import_optional

__all__ = []

_SKY_DESCRIPTIONS = {
    "ra": "Right ascension of the centre (ICRS)",
    "dec": "Declination of the centre (ICRS)",
}


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
    return _catalog(table, meta)


def write_fits(catalog, path):
    """
    Write the table with ra and dec; ``.fits, .fit, .fits.gz``.

    The metadata are JSON under VAECLUST in the header.
    """
    table = _with_ra_dec(catalog.table)
    table.meta = provenance.header_cards(catalog.table.meta)
    table.write(path, format="fits")


def read_votable(file, filename=None):
    """Read what `write_votable` wrote."""
    from astropy.io.votable import parse

    votable = parse(file, filename=filename)
    table = votable.get_first_table().to_table(use_names_over_ids=True)
    texts = {info.name: info.value for info in votable.resources[0].infos}
    return _catalog(QTable(table), provenance.from_text(texts.get(provenance.KEYWORD)))


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


def _catalog(table, meta=None):
    """Return a table that was read as a catalogue, with the declared columns."""
    columns = {name: _unmasked(table[name]) for name in table.colnames}
    for name in VERDICT_COLUMNS & columns.keys():  # ECSV has no empty texts
        columns[name] = np.ma.filled(columns[name], "")
    if "ra" in columns and "sky_center" not in columns:
        columns["sky_center"] = SkyCoord(columns.pop("ra"), columns.pop("dec"))
    meta = table.meta if meta is None else meta
    return ClusterCatalog(cluster_table(columns, meta))


def _unmasked(values):
    """Turn masked numbers back into NaN."""
    if isinstance(values, Masked):
        return values.filled(np.nan)
    return values
