# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Archives on the network: their cache, and the second service to ask."""

from __future__ import annotations

import logging
from abc import abstractmethod

from .base import Archive
from .configuration import conf
from .contents import read_image, read_table, table_bytes
from .exceptions import (
    ArchiveError,
    ArchiveFormatError,
    NoDataError,
    with_service,
)
from .services import import_clients, remembered
from .standard_columns import standardise

__all__ = ["RemoteArchive"]

LOGGER = logging.getLogger(__name__)


class RemoteArchive(Archive):
    """
    An archive whose services are asked over the network.

    Subclasses also set the class attributes below and write `_sources_of_archive`.
    """

    service = ""
    vizier_catalog = ""
    vizier_columns = ("*",)

    @abstractmethod
    def _sources_of_archive(self, cone):
        """Return the native table of the ``service`` that is asked first."""

    def _find_sources(self, cone):
        return self._ask_in_turn(
            {
                self.service: lambda: self._sources_of_archive(cone),
                "VizieR": lambda: self._sources_of_vizier(cone),
            }
        )

    def _ask_in_turn(self, askers):
        """
        Return the first answer of several services, and the service that gave it.

        ``askers`` has the services in the order of preference (dict of str to
        callable); each returns an answer or raises an `ArchiveError`.
        """
        failures = []
        for service, ask in askers.items():
            try:
                answer = ask()
            except ArchiveError as error:
                failures.append(with_service(error, service))
            else:
                for failure in failures:
                    LOGGER.warning("%s: %s", self.name, failure)
                return answer, service
        raise _summary(failures) from failures[-1]

    def _remembered_sources(self, service, query, cone, ask):
        """
        Return the native table of a catalogue, checked, from cache or service.

        ``query`` has all that the answer depends on besides the cone, and ``ask``
        returns a `~astropy.table.Table`.
        """

        def produce():
            table = ask()
            if table is None or len(table) == 0:
                raise NoDataError("no source there")
            return table_bytes(table)

        def decode(content):
            table = read_table(content)
            catalog = standardise(table, band=self.default_band, cone=cone)
            if not cone.contains(catalog["sky"]).any():
                raise ArchiveFormatError(
                    f"none of its {len(table)} sources lies in the {cone}"
                )
            return table

        return remembered(service, f"{query} {cone}", produce, decode)

    def _sources_of_vizier(self, cone):
        """Return the native table of a catalogue of VizieR; the largest if several."""

        def ask():
            client = import_clients().VizierClient(list(self.vizier_columns))
            tables = client.query_region(
                cone.center,
                radius=cone.radius,
                catalog=self.vizier_catalog,
                frame="icrs",
            )
            return max(tables, key=len, default=None)

        query = f"{conf.vizier_url} {self.vizier_catalog}"
        return self._remembered_sources("VizieR", query, cone, ask)

    def _remembered_images(self, service, urls):
        """Iterate over the images at URLs, checked, from cache or service."""
        for url in self._progress(urls, f"{self.name} images"):
            yield remembered(
                service, url, lambda url=url: import_clients().download(url), read_image
            )


def _summary(failures):
    """Return one error for those of all services that were asked."""
    if len(failures) == 1:
        return failures[0]
    nothing = [isinstance(error, NoDataError) for error in failures]
    kind = type(failures[0])
    if all(nothing):
        kind = NoDataError
    elif nothing[0]:  # one has nothing there, the other could not be asked
        kind = type(failures[nothing.index(False)])
    return kind(
        "; and ".join(f"{error.service}: {error.cause}" for error in failures),
        service=" and ".join(error.service for error in failures),
        query=failures[0].query,
    )
