# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""2MASS: Atlas images and the Point Source Catalog."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord

from .areas import Box
from .configuration import conf
from .exceptions import ArchiveFormatError, NoDataError
from .mosaic import MARGIN, choose_tiles, combine, crop
from .remote import RemoteArchive
from .services import import_clients, remembered_list

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TwoMASS"]

TILE_SIZE = u.Quantity([512, 1024], u.arcsec)
"""Width and height of an Atlas image."""

CATALOG = "fp_psc"

COLUMNS = (
    "ra,dec,designation,j_m,j_cmsig,j_msigcom,h_m,h_cmsig,h_msigcom,k_m,k_cmsig,"
    "k_msigcom,ph_qual,rd_flg,bl_flg,cc_flg"
)
"""What is asked of the Point Source Catalog at IRSA."""

WAVELENGTHS = {"J": 1.235 * u.um, "H": 1.662 * u.um, "Ks": 2.159 * u.um}
"""Centres of the bands (Cohen, Wheaton & Megeath 2003)."""

_COLLECTION = re.compile(r"(2|two)_?mass", re.IGNORECASE)
_OTHER_COLLECTION = re.compile(r"6x|sixx|lga|large|xsc|extended|cal", re.IGNORECASE)


class TwoMASS(RemoteArchive):
    """
    Images and point sources of the Two Micron All Sky Survey.

    Images come from IRSA by the Simple Image Access protocol: from the collection of
    2MASS that version 2 of the service lists, or from the older service of 2MASS if
    that fails. Sources are those of the Point Source Catalog, from IRSA or, if that
    fails, from VizieR (II/246).

    Parameters
    ----------
    mosaic : bool, optional
        Whether tiles are put together where one does not show all that is asked for.
        Without, the image is what the tile with the nearest centre shows, and its
        pixels are those of the tile in any case.
    progress_bar : callable, optional
        Shows the progress of downloads, see `Archive`.

    Notes
    -----
    An Atlas image is 8.5 by 17 arcmin. The values of a mosaic are counts at the zero
    point ``MAGZP`` of its header, with the sky of the first tile.

    References
    ----------
    Skrutskie et al. 2006, AJ 131, 1163.

    Examples
    --------
    >>> import astropy.units as u
    >>> from astro_vaeclust.archives import TwoMASS
    >>> survey = TwoMASS()
    >>> image = survey.get_image(
    ...     "IRAS 06055+2039", size=12 * u.arcmin, band="Ks"
    ... )  # doctest: +REMOTE_DATA
    >>> sources = survey.get_catalog(image)  # doctest: +REMOTE_DATA
    """

    name = "2MASS"
    bands = ("J", "H", "Ks")
    default_band = "Ks"
    service = "IRSA TAP"
    vizier_catalog = "II/246"

    def __init__(self, *, mosaic: bool = True, progress_bar: Callable | None = None):
        super().__init__(progress_bar=progress_bar)
        if not isinstance(mosaic, (bool, np.bool_)):
            raise TypeError(f"mosaic must be True or False, got {mosaic!r}")
        self.mosaic = bool(mosaic)

    def _find_image(self, box, band):
        return self._ask_in_turn(
            {
                "IRSA SIA2": lambda: self._image_by_sia2(box, band),
                "IRSA SIA1": lambda: self._image_by_old_sia(box, band),
            }
        )

    def _image_by_sia2(self, box, band):
        client = import_clients().IrsaClient()
        collection = _collection(client)
        cone = box.cone()

        def ask():
            table = client.query_sia(
                pos=(cone.center, cone.radius),
                collection=collection,
                band=WAVELENGTHS[band].to_value(u.m),  # pyvo asks if it is true
                data_type="image",
            )
            return _tiles_of_obscore(table)

        query = f"{conf.irsa_sia_url} {collection} {band} {box}"
        tiles = remembered_list("IRSA SIA2", query, ask)
        return self._image_of_tiles("IRSA SIA2", tiles, box)

    def _image_by_old_sia(self, box, band):
        cone = box.cone()

        def ask():
            service = import_clients().old_sia()
            found = service.search(
                cone.center, size=2 * cone.radius, format="image/fits"
            )
            return _tiles_of_old_sia(found.to_table(), band)

        query = f"{conf.irsa_old_sia_url} {band} {box}"
        tiles = remembered_list("IRSA SIA1", query, ask)
        return self._image_of_tiles("IRSA SIA1", tiles, box)

    def _image_of_tiles(self, service, tiles, box):
        """Download the tiles that are needed and make one image of them."""
        centers = SkyCoord(
            [tile["ra"] for tile in tiles], [tile["dec"] for tile in tiles], unit="deg"
        )
        distances = centers.separation(box.center).deg
        shown = [Box(center, *(TILE_SIZE - 2 * MARGIN)) for center in centers]
        covered = np.array([tile.contains(box.grid(17)) for tile in shown])
        if not covered.any():
            raise NoDataError("no tile shows this position", service=service)
        if self.mosaic:
            chosen = choose_tiles(covered, distances)
        else:
            chosen = [int(np.argmin(np.where(covered.any(axis=1), distances, np.inf)))]
        urls = [tiles[index]["url"] for index in chosen]
        images = list(self._remembered_images(service, urls))
        return combine(images, box) if self.mosaic else crop(images[0], box)

    def _sources_of_archive(self, cone):
        def ask():
            client = import_clients().IrsaClient()
            return client.query_region(
                cone.center, catalog=CATALOG, radius=cone.radius, columns=COLUMNS
            )

        query = f"{conf.irsa_tap_url} {CATALOG}"
        return self._remembered_sources(self.service, query, cone, ask)


def _collection(client):
    """Return the name of the collection of Atlas images at IRSA."""

    def ask():
        names = map(str, client.list_collections(servicetype="SIA")["collection"])
        fitting = [
            name
            for name in names
            if _COLLECTION.search(name) and not _OTHER_COLLECTION.search(name)
        ]
        if not fitting:
            raise NoDataError("none of its image collections is that of 2MASS")
        # of several, the one for all the sky; the shortest name is the least special
        return [
            min(fitting, key=lambda name: ("sky" not in name.lower(), len(name), name))
        ]

    return remembered_list("IRSA TAP", f"collections of {conf.irsa_tap_url}", ask)[0]


def _tiles_of_obscore(table):
    """Return position and URL of the tiles in an answer of version 2."""
    _require(table, ("access_url", "s_ra", "s_dec"))
    return _some(
        _tile(row["access_url"], row["s_ra"], row["s_dec"])
        for row in table
        if _is_fits(_word(row, "access_format"), row["access_url"])
        and _word(row, "dataproduct_subtype") in ("", "--", "science")
    )


def _tiles_of_old_sia(table, band):
    """Return position and URL of the tiles of a band in an answer of version 1."""
    _require(table, ("download", "center_ra", "center_dec", "band", "format"))
    return _some(
        _tile(row["download"], row["center_ra"], row["center_dec"])
        for row in table
        if _word(row, "band").upper().startswith(band[0].upper())
        and _is_fits(_word(row, "format"), row["download"])
    )


def _tile(url, ra, dec):
    return {"url": str(url), "ra": float(ra), "dec": float(dec)}


def _word(row, name):
    return str(row[name]) if name in row.colnames else ""


def _is_fits(kind, url):
    if kind.lower() in ("", "--", "none"):
        return re.search(r"\.fits?(\.gz)?$", str(url)) is not None
    return "fits" in kind.lower()


def _require(table, names):
    missing = [name for name in names if name not in table.colnames]
    if missing:
        raise ArchiveFormatError(
            f"the list of images has no columns {', '.join(missing)}, but "
            f"{', '.join(table.colnames) or 'none'}"
        )


def _some(tiles):
    usable = [
        tile for tile in tiles if np.isfinite(tile["ra"]) and abs(tile["dec"]) <= 90
    ]
    if not usable:
        raise NoDataError("it has no image there")
    return usable
