# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Catalogues of sources in files."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from astropy.io import votable
from astropy.table import Table

from ..images.hdus import first_line, quietly
from ..utils.files import atomic_path
from .exceptions import ArchiveFormatError
from .standard_columns import standardise

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["read_catalog", "standard_catalog", "write_catalog"]

_FORMATS = {
    **dict.fromkeys((".vot", ".xml", ".votable"), "votable"),
    **dict.fromkeys((".fits", ".fit"), "fits"),
    ".ecsv": "ascii.ecsv",
    ".csv": "ascii.csv",
    ".tbl": "ascii.ipac",
    ".parquet": "parquet",
}
_FLAGS = ("rflg", "rd_flg", "bflg", "bl_flg", "cflg", "cc_flg")


def read_catalog(path: str | PathLike, *, name: str = "catalog") -> Table:
    """
    Read a table of sources with the columns that its file has.

    Parameters
    ----------
    path : str or path-like
        VOTable (``.vot``, ``.xml``), ECSV, FITS, IPAC table (``.tbl``), CSV or Parquet;
        all but Parquet may end in ``.gz``.
    name : str, optional
        The argument, for messages.

    Returns
    -------
    table : `~astropy.table.Table`
        The table. Flags of digits are str, with leading zeros.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    `~astro_vaeclust.archives.exceptions.ArchiveFormatError`
        If it cannot be read.
    """
    path = Path(os.path.expanduser(path))
    if not path.is_file():
        raise FileNotFoundError(f"{name}: no such file: {path}")
    kind = Path(path.name.lower().removesuffix(".gz")).suffix
    if kind not in _FORMATS:
        raise ArchiveFormatError(
            f"{name} {path.name!r} must end in one of {', '.join(sorted(_FORMATS))}, "
            "or that and .gz",
            service="files",
        )
    try:
        with quietly():
            if kind == ".csv":
                return _read_csv(path)
            if _FORMATS[kind] == "votable":
                table = votable.parse_single_table(str(path))
                return table.to_table(use_names_over_ids=True)
            return Table.read(path, format=_FORMATS[kind])
    except (OSError, EOFError, ValueError, TypeError, LookupError, zlib.error) as error:
        raise ArchiveFormatError(
            f"{name} {path.name!r} cannot be read: {first_line(error)}",
            service="files",
        ) from error


def standard_catalog(table, *, band="Ks", cone=None):
    """
    Give a table of sources the standard columns.

    Parameters
    ----------
    table : `~astropy.table.Table`, str or path-like
        A table with the columns of an archive or with the standard ones, or its file.
    band : str, optional
        Band of ``mag``, ``mag_err`` and ``quality``.
    cone : `~astro_vaeclust.archives.Cone`, optional
        Where the sources should be; decides whether positions without a unit are in
        degrees or in radians.

    Returns
    -------
    catalog : `~astropy.table.QTable`
        As `~astro_vaeclust.archives.Archive.get_catalog` returns it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    `~astro_vaeclust.archives.exceptions.ArchiveFormatError`
        If it cannot be read, or lacks positions or magnitudes in the band.
    """
    if not isinstance(table, Table):
        table = read_catalog(table)
    catalog = standardise(table, band=band, cone=cone)
    catalog.meta.update(band=band)
    return catalog


def write_catalog(
    catalog: Table, path: str | PathLike, *, overwrite: bool = False
) -> None:
    """
    Write a catalogue of sources as a VOTable.

    Parameters
    ----------
    catalog : `~astropy.table.QTable`
        As `~astro_vaeclust.archives.Archive.get_catalog` returns it. The column ``sky``
        is left out, since a VOTable has no such columns; ``ra`` and ``dec`` say it.
    path : str or path-like
        The file.
    overwrite : bool, optional
        Whether an existing file may be replaced.

    Raises
    ------
    OSError
        If it cannot be written, or exists and may not be replaced.
    """
    plain = Table({name: catalog[name] for name in catalog.colnames if name != "sky"})
    tree = votable.from_table(plain)
    table = tree.get_first_table()
    for key, value in catalog.meta.items():
        table.infos.append(votable.tree.Info(name=str(key), value=str(value)))
    table.format = "binary2"
    with atomic_path(path, overwrite) as place:
        tree.to_xml(str(place))


def _read_csv(path):
    """Read comma-separated values; flags stay str, so that leading zeros are kept."""
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig") as file:  # as spreadsheets write
        names = file.readline().strip().split(",")
    flags = [name for name in names if name.lower() in _FLAGS]
    return Table.read(
        path,
        format="ascii.csv",
        encoding="utf-8-sig",
        converters=dict.fromkeys(flags, str),
    )
