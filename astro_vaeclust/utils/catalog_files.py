# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Reading and writing of catalogues by astropy's unified I/O, whole or not at all."""

from __future__ import annotations

import os

from astropy.io import registry

from .files import atomic_path

__all__ = ["CatalogRead", "CatalogWrite"]


class CatalogRead(registry.UnifiedReadWrite):
    """
    Read a catalogue from a file that `~astro_vaeclust.ClusterCatalog.write` wrote.

    Also after another program edited it, such as TOPCAT, pandas or a spreadsheet: from
    columns without units, which are then those of
    `~astro_vaeclust.measure.columns.cluster_table`, with the positions
    in ``ra`` and ``dec`` or ``sky_center.ra`` and ``sky_center.dec``, and from CSV.

    Parameters
    ----------
    path : str or path-like
        The file.
    format : str, optional
        Its format; by default that of the suffix. Region files cannot be read, since
        they do not hold all columns.
    **options
        Options of the reader of a format; ours have none.

    Returns
    -------
    catalog : `~astro_vaeclust.ClusterCatalog`
        The clusters, without heat map, segmentation and image.

    Raises
    ------
    `~astropy.io.registry.IORegistryError`
        If the format is unknown or cannot be read; the message lists those that can.
    ValueError
        If a column is missing or cannot be what it should; the message names it.
    OSError
        If the file cannot be read.
    ImportError
        If the format needs a package that is missing.

    Notes
    -----
    ``ClusterCatalog.read.help("fits")`` describes a format of astropy's unified I/O.
    """

    def __init__(self, instance, cls):
        super().__init__(instance, cls, "read")

    def __call__(self, path, *, format=None, **options):
        """Read a file."""
        return self.registry.read(self._cls, path, format=format, **options)


class CatalogWrite(registry.UnifiedReadWrite):
    """
    Write the clusters to a file, whole or not at all.

    Parameters
    ----------
    path : str or path-like
        The file.
    format : str, optional
        Its format; by default that of the suffix.
    overwrite : bool, optional
        Whether an existing file may be replaced.
    **options
        Options of the writer of a format; ours have none.

    Raises
    ------
    `~astropy.io.registry.IORegistryError`
        If there is no such format; the message lists those there are.
    OSError
        If the file cannot be written, or exists and may not be replaced.
    ImportError
        If the format needs a package that is missing.

    Notes
    -----
    ``catalog.write.help("fits")`` describes a format of astropy's unified I/O.
    """

    def __init__(self, instance, cls):
        super().__init__(instance, cls, "write")

    def __call__(self, path, *, format=None, overwrite=False, **options):
        """Write a file."""
        with atomic_path(os.path.expanduser(path), overwrite) as temporary:
            self.registry.write(self._instance, temporary, format=format, **options)
