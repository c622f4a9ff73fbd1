# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The interface of all archives."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.nddata import NDDataBase

from . import cuts
from .areas import Box, Cone, Footprint
from .names import resolve
from .standard_columns import standardise

if TYPE_CHECKING:
    from collections.abc import Callable

    from astropy.nddata import CCDData, NDData
    from astropy.table import QTable

__all__ = ["Archive"]


class Archive(abc.ABC):
    """
    Images and catalogues of one survey, from an archive or from files.

    An instance holds settings only: it can be pickled and shared by threads.

    Subclasses set the class attributes and write `_find_image` and `_find_sources`.

    Parameters
    ----------
    progress_bar : callable, optional
        Shows the progress of downloads; called as
        ``progress_bar(iterable, desc=..., total=...)``, like `tqdm.tqdm`.

    Attributes
    ----------
    name : str
        Name of the survey.
    bands : tuple of str
        The bands that can be asked for.
    default_band : str
        The band where none is named.
    largest_image : `~astropy.units.Quantity`
        Longest side of an image that can be asked for.
    largest_radius : `~astropy.units.Quantity`
        Largest radius of a catalogue that can be asked for.
    """

    name = ""
    bands = ()
    default_band = ""
    largest_image = 1 * u.deg
    largest_radius = 1.5 * u.deg

    def __init__(self, *, progress_bar: Callable | None = None):
        if progress_bar is not None and not callable(progress_bar):
            raise TypeError(f"progress_bar must be callable, got {progress_bar!r}")
        self.progress_bar = progress_bar

    def __repr__(self):
        return f"{type(self).__name__}()"

    def get_image(
        self, position: SkyCoord | str, *, size: u.Quantity, band: str | None = None
    ) -> CCDData:
        """
        Get an image of a part of the sky.

        Parameters
        ----------
        position : `~astropy.coordinates.SkyCoord` or str
            The centre: a single coordinate or a name, see `resolve`.
        size : `~astropy.units.Quantity`
            Side of the image on the sky, or (width, height).
        band : str, optional
            One of ``bands``; ``"K"`` and ``"Ks"`` are taken for each other.

        Returns
        -------
        image : `~astropy.nddata.CCDData`
            The image, of shape (ny, nx), with its WCS; pixels without data are masked.
            ``meta`` is a FITS header, with ``SURVEY`` and ``BAND``.

        Raises
        ------
        TypeError, ValueError
            If an argument cannot be used; the message names it.
        `~astro_vaeclust.archives.ArchiveError`
            If the archive does not give it; a
            `~astro_vaeclust.archives.NoDataError` if it has no image there.
        """
        band = self.check_band(band)
        box = Box.from_center(resolve(position).coordinates, size)
        _check_size("size", max(box.width, box.height), self.largest_image)
        image, service = self._find_image(box, band)
        image.meta["SURVEY"] = self.name
        image.meta["BAND"] = band
        image.meta["SERVICE"] = service
        return image

    def get_catalog(
        self,
        region: NDData | SkyCoord | str,
        *,
        radius: u.Quantity | None = None,
        size: u.Quantity | None = None,
        band: str | None = None,
        cut: str | Callable | None = None,
    ) -> QTable:
        """
        Get the sources of an image or about a position.

        Parameters
        ----------
        region : `~astropy.nddata.NDData`, `~astropy.coordinates.SkyCoord` or str
            An image with its WCS, for the sources on its pixels; or the centre.
        radius : `~astropy.units.Quantity`, optional
            For a centre: sources within this angle of it.
        size : `~astropy.units.Quantity`, optional
            For a centre, instead of ``radius``: sources in a box of this angle, or pair
            of angles (width, height), whose sides lie along right ascension and
            declination.
        band : str, optional
            Band of ``mag``, ``mag_err`` and ``quality``; by default that of the image
            if it says so, or ``default_band``.
        cut : str or callable, optional
            Which sources are kept, by default all: one of
            `~astro_vaeclust.archives.cuts.CUTS`, or a function of the table that
            returns an array of bool. Those seen on two frames are there once anyway.

        Returns
        -------
        catalog : `~astropy.table.QTable`
            A row per source, with ``ra`` and ``dec`` (ICRS), ``mag`` and ``mag_err``
            (Vega; NaN where there is none), ``band``, ``quality`` and ``source_class``
            (words, see :doc:`/archives`), ``sky``, ``j_mag``, ``j_mag_err``, ...,
            ``k_mag_err``, and the columns of the survey that cuts need, under names in
            lower case such as ``rd_flg`` or ``mergedclass``. ``meta`` has the survey,
            band, service, region and cut.

        Raises
        ------
        TypeError, ValueError
            If an argument cannot be used; the message names it.
        `~astro_vaeclust.archives.ArchiveError`
            If the archive does not give it; a
            `~astro_vaeclust.archives.NoDataError` if it has no source there. A cut that
            leaves no row is no error.
        """
        band = self.check_band(self._band_of(region) if band is None else band)
        cut_name, cut = cuts.resolve_cut(cut)
        area = _area(region, radius, size)
        cone = area.cone()
        argument = "region" if radius is None else "radius"
        _check_size(argument, cone.radius, self.largest_radius)
        table, service = self._find_sources(cone)
        catalog = standardise(table, band=band, cone=cone, service=service)
        catalog = catalog[area.contains(catalog["sky"]) & cuts.primary(catalog)]
        catalog = catalog[cuts.checked_mask(cut(catalog), catalog)]
        asked = {"survey": self.name, "band": band, "service": service}
        catalog.meta.update(asked, region=str(area), cut=cut_name)
        return catalog

    def check_band(self, band: str | None) -> str:
        """
        Return the survey's own name of a band, in any case, or the default for None.

        Raises TypeError unless it is a str, and ValueError if the survey has no such
        band.
        """
        if band is None:
            return self.default_band
        if not isinstance(band, str):
            raise TypeError(f"band must be a str, got {band!r}")
        for own in self.bands:
            if _plain_band(own) == _plain_band(band):
                return own
        raise ValueError(
            f"band must be one of {', '.join(map(repr, self.bands))} for {self.name}, "
            f"got {band!r}"
        )

    def _progress(self, items, description):
        """Iterate over items, showing the progress if asked to."""
        items = list(items)
        if self.progress_bar is None:
            return items
        return self.progress_bar(items, desc=description, total=len(items))

    def _band_of(self, region):
        """Return the band that an image says it is in, if the survey has it."""
        meta = getattr(region, "meta", None) if isinstance(region, NDDataBase) else None
        named = meta.get("BAND") if meta is not None else None
        plain = {_plain_band(own) for own in self.bands}
        return named if isinstance(named, str) and _plain_band(named) in plain else None

    @abc.abstractmethod
    def _find_image(self, box, band):
        """
        Return an image of a `Box` as far as there is one, and the service that gave it.

        It is a new `~astropy.nddata.CCDData` with the pixels of the box, whose ``meta``
        is a FITS header. Raises `ArchiveError` if there is none.
        """

    @abc.abstractmethod
    def _find_sources(self, cone):
        """
        Return the sources in a `Cone` or more, and the service that gave them.

        They are a `~astropy.table.Table` with the columns of the archive. Raises
        `ArchiveError` if there are none.
        """


def _plain_band(band):
    """Reduce the names of a band to one: K, Ks and KS are the same."""
    plain = band.strip().casefold()
    return "k" if plain == "ks" else plain


def _check_size(argument, angle, largest):
    """Raise a ValueError that names the argument if an angle is too large."""
    if angle > largest:
        raise ValueError(
            f"{argument} must be at most {largest.to_string(precision=4)} for this "
            f"survey, got {angle.to(largest.unit).to_string(precision=4)}"
        )


def _area(region, radius, size):
    """Return the area that a catalogue is asked for."""
    if isinstance(region, NDDataBase):
        if radius is not None or size is not None:
            raise ValueError(
                "radius and size are for a position; for an image its pixels count"
            )
        return Footprint.from_image(region)
    if (radius is None) == (size is None):
        raise ValueError(
            "give either radius or size with a position, got "
            f"radius={radius!r} and size={size!r}"
        )
    if not isinstance(region, (str, SkyCoord)):
        raise TypeError(
            "region must be an NDData with a WCS, a SkyCoord, or a name, got a "
            f"{type(region).__name__}"
        )
    center = resolve(region).coordinates
    if size is not None:
        return Box.from_center(center, size)
    return Cone.from_center(center, radius)
