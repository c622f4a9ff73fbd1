# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The formats of `~astro_vaeclust.ClusterCatalog` in astropy's unified I/O."""

from __future__ import annotations

from functools import partial, wraps

from astropy.io import registry

from ..utils.warning import WARNINGS_LOCK
from . import region_files, tables

__all__ = ["register_formats"]

FORMATS = {
    "ecsv": ((".ecsv",), tables.write_ecsv, tables.read_ecsv),
    "fits": ((".fits", ".fit", ".fits.gz"), tables.write_fits, tables.read_fits),
    "votable": (
        (".vot", ".xml", ".votable"),
        tables.write_votable,
        tables.read_votable,
    ),
    "parquet": ((".parquet", ".parq"), tables.write_parquet, tables.read_parquet),
    "csv": ((".csv",), tables.write_csv, tables.read_csv),
    "ds9": ((".reg", ".ds9"), region_files.write_ds9, None),
    "crtf": ((".crtf",), region_files.write_crtf, None),
}
"""Suffixes, writer and reader of each format; region files cannot be read."""


def register_formats(cls):
    """Register the formats of a class of catalogues, which is made of a table."""
    with registry.delay_doc_updates(cls):
        for name, (suffixes, writer, reader) in FORMATS.items():
            registry.register_identifier(name, cls, partial(_has_suffix, suffixes))
            registry.register_writer(name, cls, _with_lock(writer))
            if reader is not None:
                registry.register_reader(name, cls, _reader(cls, reader))


def _with_lock(function):
    """Return a function that holds the lock, as astropy catches warnings in it."""

    @wraps(function)
    def call(*args, **options):
        with WARNINGS_LOCK:
            return function(*args, **options)

    return call


def _reader(cls, read_table):
    """Return a reader of catalogues with the description of that of their tables."""

    @wraps(read_table)
    def read(*args, **options):
        return cls(read_table(*args, **options))

    return _with_lock(read)


def _has_suffix(suffixes, origin, path, fileobj, *args, **kwargs):
    """Identify a file by its name, as `register_identifier` wants it."""
    return path is not None and str(path).lower().endswith(suffixes)
