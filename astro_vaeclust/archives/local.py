# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Files and tables with the interface of an archive."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from astropy.nddata import CCDData, NDDataBase
from astropy.table import Table

from ..images.hdus import FITS_SUFFIXES
from ..images.read import read_image
from .base import Archive
from .exceptions import NoDataError
from .mosaic import combine
from .source_tables import read_catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike

    from astropy.nddata import NDData

__all__ = ["LocalArchive"]


class LocalArchive(Archive):
    """
    Images and a catalogue of your own, with the interface of an archive.

    Needs no network: for a field that was fetched before, or own observations.

    Parameters
    ----------
    images : path-like, NDData, or list of these, optional
        FITS files, folders of FITS files, or images with their WCS, all in ``band``.
        Those that show a position are combined as tiles are.
    hdu : int, str or (str, int), optional
        Which HDU of each file holds the image, where several do; see
        `~astro_vaeclust.images.read.read_image`.
    catalog : path-like or `~astropy.table.Table`, optional
        The sources: a table in one of the formats that astropy reads, with the columns
        of 2MASS (IRSA or VizieR), UKIDSS, VISTA, or the standard ones.
    name : str, optional
        Name of the survey.
    band : str, optional
        Band of the images, and of ``mag`` unless another one is asked for.
    progress_bar : callable, optional
        Shows the progress of reading, see `Archive`.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.

    Examples
    --------
    >>> import astropy.units as u
    >>> from astropy.coordinates import SkyCoord
    >>> from astropy.table import Table
    >>> from astro_vaeclust.archives import LocalArchive
    >>> table = Table(
    ...     {
    ...         "ra": [10.0, 10.1],
    ...         "dec": [5.0, 5.0],
    ...         "k_m": [11.0, 12.5],
    ...         "rd_flg": ["222", "200"],
    ...     }
    ... )
    >>> archive = LocalArchive(catalog=table)
    >>> sources = archive.get_catalog("10.0 5.0", radius=0.5 * u.deg, cut="paper")
    >>> print(sources["mag"])
    [11.] mag
    """

    bands = ("J", "H", "Ks")
    default_band = "Ks"

    def __init__(
        self,
        *,
        images: str | PathLike | NDData | Sequence | None = None,
        hdu: int | str | tuple[str, int] | None = None,
        catalog: Table | str | PathLike | None = None,
        name: str = "local",
        band: str = "Ks",
        progress_bar: Callable | None = None,
    ):
        super().__init__(progress_bar=progress_bar)
        for argument, value in (("name", name), ("band", band)):
            if not isinstance(value, str):
                raise TypeError(f"{argument} must be a str, got {value!r}")
        self.images = _as_list(images)
        self.hdu = hdu
        self.catalog = _checked_catalog(catalog)
        self.name = name
        self.default_band = self.check_band(band)

    def __repr__(self):
        return f"{type(self).__name__}(name={self.name!r}, band={self.default_band!r})"

    @property
    def _service(self):
        return f"local archive {self.name!r}"

    def _find_image(self, box, band):
        if band != self.default_band:
            raise NoDataError(
                f"its images are in {self.default_band}, not {band}",
                service=self._service,
            )
        sources = [source for item in self.images for source in _expand(item)]
        images = [
            _read(source, self.hdu)
            for source in self._progress(sources, f"{self.name} images")
        ]
        try:
            return combine(images, box), self._service
        except NoDataError as error:
            raise NoDataError(
                f"none of its {len(images)} images shows this position",
                service=self._service,
                query=str(box),
            ) from error

    def _find_sources(self, cone):
        if self.catalog is None:
            raise NoDataError("it has no catalogue", service=self._service)
        is_table = isinstance(self.catalog, Table)
        return self.catalog if is_table else read_catalog(self.catalog), self._service


def _as_list(images):
    kinds = (str, os.PathLike, NDDataBase)
    items = [images] if isinstance(images, kinds) else list(images or ())
    for item in items:
        if not isinstance(item, kinds):
            raise TypeError(
                "images must be paths or NDData, or a list of these, got a "
                f"{type(item).__name__}"
            )
    return items


def _checked_catalog(catalog):
    if catalog is None or isinstance(catalog, (str, os.PathLike, Table)):
        return catalog
    raise TypeError(
        f"catalog must be a path or a Table, got a {type(catalog).__name__}"
    )


def _expand(item):
    """Return the files of a folder in the order of their names, or the item."""
    if isinstance(item, NDDataBase) or not Path(item).is_dir():
        return [item]
    files = (path for path in Path(item).iterdir() if path.is_file())
    return sorted(path for path in files if path.name.lower().endswith(FITS_SUFFIXES))


def _read(source, hdu):
    """Return an image file or NDData as CCDData."""
    image = read_image(source, hdu=None if isinstance(source, NDDataBase) else hdu)
    pixels = np.where(image.mask, np.float32(np.nan), image.data)
    unit, wcs = image.unit or "adu", image.wcs
    return CCDData(pixels, unit=unit, wcs=wcs, mask=image.mask, meta=image.header)
