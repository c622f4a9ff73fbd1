# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The formats of `~astro_vaeclust.ClusterCatalog` in astropy's unified I/O."""

from __future__ import annotations

from functools import partial

from astropy.io import registry

from ..catalog import ClusterCatalog
from . import region_files, tables

__all__ = []


def _register(name, suffixes, writer, reader=None):
    registry.register_identifier(name, ClusterCatalog, partial(_has_suffix, suffixes))
    registry.register_writer(name, ClusterCatalog, writer)
    if reader is not None:
        registry.register_reader(name, ClusterCatalog, reader)


def _has_suffix(suffixes, origin, path, fileobj, *args, **kwargs):
    """Identify a file by its name, as `register_identifier` wants it."""
    return path is not None and str(path).lower().endswith(suffixes)


with registry.delay_doc_updates(ClusterCatalog):
    _register("ecsv", (".ecsv",), tables.write_ecsv, tables.read_ecsv)
    _register(
        "fits", (".fits", ".fit", ".fits.gz"), tables.write_fits, tables.read_fits
    )
    _register(
        "votable",
        (".vot", ".xml", ".votable"),
        tables.write_votable,
        tables.read_votable,
    )
    _register(
        "parquet", (".parquet", ".parq"), tables.write_parquet, tables.read_parquet
    )
    _register("csv", (".csv",), tables.write_csv, tables.read_csv)
    _register("ds9", (".reg", ".ds9"), region_files.write_ds9)
    _register("crtf", (".crtf",), region_files.write_crtf)
