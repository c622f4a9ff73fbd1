# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""UKIDSS and VISTA, from the archives of the Wide-Field Astronomy Unit in Edinburgh."""

from __future__ import annotations

from typing import TYPE_CHECKING

import astropy.units as u

from ..utils.validation import check_choice
from .exceptions import NoDataError
from .mosaic import combine, crop, shows_all
from .remote import RemoteArchive
from .services import import_clients, remembered_list

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["UKIDSS", "VISTA"]

BAND_COLUMNS = ("AperMag3", "AperMag3Err", "ppErrBits")
COLUMNS = (
    *("sourceID", "framesetID", "ra", "dec", "mergedClass", "priOrSec", "pStar"),
    *(f"{band}{name}" for band in "jh" for name in BAND_COLUMNS),
)
"""Columns of sources that are asked for besides those in K."""

MAX_IMAGES = 12
"""Most cutouts that are downloaded for one image."""


class _Edinburgh(RemoteArchive):
    """
    A survey in an archive of the Wide-Field Astronomy Unit.

    Subclasses set the class attributes below those of `Archive`.
    """

    databases = ()
    client_name = ""
    programme = ""
    k_prefix = ""
    vizier_columns = ("**",)
    frame_type = "stack"
    largest_image = 15 * u.arcmin

    def __init__(
        self, *, database: str | None = None, progress_bar: Callable | None = None
    ):
        super().__init__(progress_bar=progress_bar)
        if database is None:
            database = self.databases[0]
        check_choice("database", database, self.databases)
        self.database = database

    def __repr__(self):
        return f"{type(self).__name__}(database={self.database!r})"

    def _client(self):
        return getattr(import_clients(), self.client_name)(database=self.database)

    def _find_image(self, box, band):
        return self._ask_in_turn(
            {self.service: lambda: self._image_of_archive(box, band)}
        )

    def _image_of_archive(self, box, band):
        def ask():
            urls = self._client().get_image_list(
                box.center,
                waveband=band,
                frame_type=self.frame_type,
                image_width=box.width,
                image_height=box.height,
                programme_id=self.programme,
            )
            if not urls:
                raise NoDataError("it has no image there")
            return urls[:MAX_IMAGES]

        urls = remembered_list(self.service, f"{self.database} {band} {box}", ask)
        images = []
        for image in self._remembered_images(self.service, urls):
            images.append(image)
            if shows_all(image, box):
                return crop(image, box)
        return combine(images, box)

    def _sources_of_archive(self, cone):
        k_columns = [f"{self.k_prefix}{name}" for name in BAND_COLUMNS]

        def ask():
            return self._client().query_region(
                cone.center,
                radius=cone.radius,
                programme_id=self.programme,
                attributes=[*COLUMNS, *k_columns],
            )

        query = f"{self.database} {self.programme}"
        return self._remembered_sources(self.service, query, cone, ask)


class UKIDSS(_Edinburgh):
    """
    Images and sources of the UKIDSS Galactic Plane Survey.

    Images come from the WFCAM Science Archive as cutouts of stacked frames. So do
    sources, or from VizieR if that fails (II/316, which is the older release 6).

    Parameters
    ----------
    database : {"UKIDSSDR11PLUS", "UKIDSSDR10PLUS"}, optional
        Release of the survey.
    progress_bar : callable, optional
        Shows the progress of downloads, see `Archive`.

    Notes
    -----
    Sources that lie on two frames are in the archive twice; they are returned once, see
    `cuts.primary`. A catalogue from VizieR is taken as it is.

    References
    ----------
    Lucas et al. 2008, MNRAS 391, 136; http://wsa.roe.ac.uk/.
    """

    name = "UKIDSS"
    bands = ("J", "H", "K")
    default_band = "K"
    databases = ("UKIDSSDR11PLUS", "UKIDSSDR10PLUS")
    service = "WSA"
    client_name = "UkidssClient"
    programme = "GPS"
    vizier_catalog = "II/316"
    k_prefix = "k_1"


class VISTA(_Edinburgh):
    """
    Images and sources of VVV, the VISTA survey of the bulge and the southern disc.

    Images come from the VISTA Science Archive as cutouts of tiles. So do sources, or
    from VizieR if that fails (II/348, which is the older release 2).

    Parameters
    ----------
    database : {"VVVDR4", "VVVDR2"}, optional
        Release of the survey.
    progress_bar : callable, optional
        Shows the progress of downloads, see `Archive`.

    References
    ----------
    Minniti et al. 2010, NewA 15, 433; http://vsa.roe.ac.uk/.
    """

    name = "VISTA"
    bands = ("J", "H", "Ks")
    default_band = "Ks"
    databases = ("VVVDR4", "VVVDR2")
    service = "VSA"
    client_name = "VistaClient"
    programme = "VVV"
    vizier_catalog = "II/348"
    frame_type = "tilestack"
    k_prefix = "ks"
