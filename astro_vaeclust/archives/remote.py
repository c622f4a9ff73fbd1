# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What all archives on the network share: the cache, and the second place to ask."""

from __future__ import annotations

import json
import logging

from .base import Answer, Survey
from .cache import remember
from .configuration import conf
from .contents import read_image, read_table, table_bytes
from .exceptions import (
    ArchiveError,
    ArchiveFormatError,
    NoDataError,
    with_service,
)
from .services import import_clients
from .standardise import standardise

__all__ = ["RemoteSurvey"]

LOGGER = logging.getLogger(__name__)


class RemoteSurvey(Survey):
    """A survey whose archives are asked over the network."""

    def _ask_in_turn(self, askers):
        """
        Ask one service after the other until one answers.

        Parameters
        ----------
        askers : dict of str to callable
            The services in the order of preference; each returns an answer or raises
            an `ArchiveError`.

        Returns
        -------
        answer : `Answer`
            The first answer, with the service that gave it.
        """
        failures = []
        for service, ask in askers.items():
            try:
                return Answer(ask(), service)
            except ArchiveError as error:
                named = with_service(error, service)
                LOGGER.warning("%s: %s", self.name, named)
                failures.append(named)
        raise _summary(failures) from failures[-1]

    def _remembered_sources(self, service, query, cone, ask):
        """
        Return the native table of a catalogue, checked, from cache or service.

        Parameters
        ----------
        service : str
            The service.
        query : dict
            All that decides about the answer.
        cone : `Cone`
            Where the sources should be.
        ask : callable
            Returns a `~astropy.table.Table`.
        """
        clients = import_clients()
        text = _query_text(query)

        def produce():
            with clients.asking(service, text):
                return table_bytes(_some_rows(ask()))

        def decode(content):
            with clients.asking(service, text):
                table = read_table(content)
                self._check_sources(table, cone)
                return table

        return remember(service, text, produce, decode)

    def _vizier_sources(self, cone, catalog, columns):
        """Return the native table of a catalogue of VizieR; the largest if several."""

        def ask():
            tables = (
                import_clients()
                .VizierClient(columns)
                .query_region(
                    cone.center, radius=cone.radius, catalog=catalog, frame="icrs"
                )
            )
            return max(tables, key=len, default=None)

        query = {"url": conf.vizier_url, "catalog": catalog, "region": cone}
        return self._remembered_sources("VizieR", query, cone, ask)

    def _check_sources(self, table, cone):
        """Raise unless a native table has all columns and sources in the cone."""
        catalog = standardise(table, band=self.default_band, cone=cone)
        if not cone.contains(catalog["sky"]).any():
            raise ArchiveFormatError(
                f"none of its {len(table)} sources lies in the {cone}"
            )

    def _remembered_image(self, service, query, ask):
        """Return one image, checked, from cache or service; ``ask`` returns bytes."""
        clients = import_clients()
        text = _query_text(query)

        def produce():
            with clients.asking(service, text):
                return ask()

        def decode(content):
            with clients.asking(service, text):
                return read_image(content)

        return remember(service, text, produce, decode)

    def _remembered_list(self, service, query, ask):
        """Return a list of plain values, from cache or service."""
        clients = import_clients()
        text = _query_text(query)

        def produce():
            with clients.asking(service, text):
                return json.dumps(ask()).encode()

        return remember(service, text, produce, _decode_list)


def _decode_list(content):
    try:
        return json.loads(content)
    except ValueError as error:
        raise ArchiveFormatError(f"no list: {error}") from error


def _some_rows(table):
    if table is None or len(table) == 0:
        raise NoDataError("no source there")
    return table


def _query_text(query):
    return " ".join(f"{name}={value}" for name, value in query.items())


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
