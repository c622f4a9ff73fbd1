# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Errors of archives; each names service, query and cause."""

from __future__ import annotations

__all__ = [
    "ArchiveConnectionError",
    "ArchiveError",
    "ArchiveFormatError",
    "ArchiveRateLimitError",
    "ArchiveServerError",
    "ArchiveSizeError",
    "ArchiveTimeoutError",
    "NoDataError",
    "UnknownNameError",
]


class ArchiveError(OSError):
    """
    An archive did not give what was asked for.

    Parameters
    ----------
    cause : str
        What happened.
    service : str, optional
        The service that was asked, such as ``"IRSA TAP"``.
    query : str, optional
        What it was asked.

    Attributes
    ----------
    cause, service, query : str
        As given; empty where it is not known.
    """

    def __init__(self, cause: object, *, service: str = "", query: str = ""):
        super().__init__(cause)
        self.cause = str(cause)
        self.service = str(service)
        self.query = str(query)

    def __str__(self):
        asked = f" [{self.query}]" if self.query else ""
        return f"{self.service or 'archive'}: {self.cause}{asked}"


class ArchiveConnectionError(ArchiveError, ConnectionError):
    """The service cannot be reached, or it broke off before its answer ended."""


class ArchiveTimeoutError(ArchiveError, TimeoutError):
    """The service was silent for too long, or its answer took too long in all."""


class ArchiveServerError(ArchiveError):
    """The service answered with an HTTP error, or reported an error of its own."""


class ArchiveRateLimitError(ArchiveServerError):
    """The service asks to come back later (HTTP 429 or 503 with Retry-After)."""


class ArchiveFormatError(ArchiveError):
    """The answer is not what the service is documented to send."""


class ArchiveSizeError(ArchiveError):
    """The answer is larger than allowed, or the service cut it off at its limit."""


class NoDataError(ArchiveError):
    """The archive has no image or no source there."""


class UnknownNameError(ArchiveError):
    """Nobody knows this name of an object."""


def with_service(error, service, query=""):
    """Return an `ArchiveError` with the service and the query where it lacks them."""
    named = type(error)(
        error.cause, service=error.service or service, query=error.query or query
    )
    named.__cause__ = error.__cause__ or error
    return named
