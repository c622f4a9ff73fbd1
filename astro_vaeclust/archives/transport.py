# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
A guard between requests and the network.

astroquery and pyvo do the talking; what they send goes through the adapter of this
module. It bounds time and size of every answer, sends again what failed in passing,
keeps a polite distance between requests, and asks trusted hosts only. An answer is
handed on when all of it is there, from memory.
"""

from __future__ import annotations

import io
import re
import socket
import threading
import time
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    DecodeError,
    HTTPError,
    InvalidHeader,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
)
from urllib3.exceptions import TimeoutError as HTTPTimeoutError

from ..version import __version__
from .configuration import ADDRESSES, conf
from .exceptions import (
    ArchiveConnectionError,
    ArchiveError,
    ArchiveFormatError,
    ArchiveRateLimitError,
    ArchiveServerError,
    ArchiveSizeError,
    ArchiveTimeoutError,
)

__all__ = ["LATEST", "guard", "is_trusted", "raise_for_status"]

CHUNK = 2**14
"""Bytes that are read at once; bounds what a compressed piece can grow to."""

PASSING_STATUS = (429, 500, 502, 503, 504)
"""HTTP errors that may go away by themselves."""

MAX_REDIRECTS = 5


class _Request(threading.local):
    """The latest request of a thread: its deadline, and its error if it had one."""

    deadline = 0.0
    error = None


LATEST = _Request()
"""pyvo replaces what it catches by errors of its own, without the cause."""


def guard(session):
    """Send everything of a `requests.Session` through the guard; return the same."""
    session.max_redirects = MAX_REDIRECTS
    session.headers["User-Agent"] = (
        f"astro_vaeclust/{__version__} {session.headers.get('User-Agent', '')}".strip()
    )
    for prefix in ("http://", "https://"):
        session.mount(prefix, _GuardedAdapter())
    return session


def is_trusted(url):
    """Whether a URL is http or https at a host of the configuration."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not host:
        return False
    own = {urlsplit(getattr(conf, name)).hostname for name in ADDRESSES}
    return host in own or any(
        host == name or host.endswith("." + name)
        for name in map(str.lower, conf.trusted_hosts)
    )


def raise_for_status(response):
    """Raise an `ArchiveServerError` if a response has an HTTP error."""
    if response.status_code < 400:
        return response
    status = f"HTTP {response.status_code} {response.reason or ''}".strip()
    wait = _Retry().get_retry_after(response)
    if response.status_code == 429 or wait is not None:
        come_back = "" if wait is None else f", come back in {wait:.0f} s"
        raise ArchiveRateLimitError(f"too many requests ({status}{come_back})")
    words = " ".join(response.content[:800].decode("utf-8", "replace").split())
    raise ArchiveServerError(f"{status}: {words[:200]}")


class _Retry(Retry):
    """Retries of a request, until its deadline."""

    def increment(self, method=None, url=None, response=None, error=None, **kwargs):
        if isinstance(error, NameResolutionError):  # no network; not soon either
            raise MaxRetryError(kwargs.get("_pool"), url, error)
        retries = super().increment(method, url, response, error, **kwargs)
        asked = None if response is None else self.get_retry_after(response)
        if (asked or retries.get_backoff_time()) >= _remaining():
            raise MaxRetryError(kwargs.get("_pool"), url, error)
        return retries

    def get_retry_after(self, response):
        """Return the seconds that a service asks to wait, None if it does not."""
        try:
            return super().get_retry_after(response)
        except InvalidHeader:
            return None


class _GuardedAdapter(HTTPAdapter):
    """Sends a request; the contract is that of `requests.adapters.BaseAdapter`."""

    def __init__(self):
        super().__init__(
            max_retries=_Retry(
                conf.retries,
                other=0,  # a bad certificate stays so
                allowed_methods=None,
                status_forcelist=PASSING_STATUS,
                backoff_factor=conf.backoff,
                raise_on_status=False,
            )
        )

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args, **kwargs):
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(self, request, stream=False, timeout=None, **kwargs):
        LATEST.error = None
        LATEST.deadline = time.monotonic() + conf.deadline
        try:
            return self._send(request, kwargs)
        except ArchiveError as error:
            LATEST.error = error
            raise

    def _send(self, request, kwargs):
        if not is_trusted(request.url):
            raise ArchiveFormatError(
                f"refers to {request.url[:200]!r}, which is not at one of the trusted "
                "hosts; see the item trusted_hosts of the configuration"
            )
        try:
            response = super().send(
                request, timeout=min(conf.timeout, conf.deadline), **kwargs
            )
        except (requests.RequestException, HTTPError) as error:
            raise _translate(error) from error
        if response.status_code in PASSING_STATUS:
            raise_for_status(response)
        return response


class _Guarded:
    """A connection that waits for its turn and reads answers within the limits."""

    def request(self, *args, **kwargs):
        _await_turn(self.host)
        super().request(*args, **kwargs)

    def getresponse(self):
        with _until_deadline(self.sock), super().getresponse() as response:
            body = _read(response)
        for name in ("Content-Encoding", "Content-Length", "Transfer-Encoding"):
            response.headers.discard(name)
        return urllib3.HTTPResponse(
            body=io.BytesIO(body),
            headers=response.headers,
            status=response.status,
            reason=response.reason,
            preload_content=False,
            original_response=response._original_response,  # gives the connection back
        )


class _HTTPPool(HTTPConnectionPool):
    class ConnectionCls(_Guarded, HTTPConnection):
        """Guarded."""


class _HTTPSPool(HTTPSConnectionPool):
    class ConnectionCls(_Guarded, HTTPSConnection):
        """Guarded."""


_POOLS = {"http": _HTTPPool, "https": _HTTPSPool}

_TURNS = {}
"""When each host may be asked next."""

_TURNS_LOCK = threading.Lock()


def _await_turn(host):
    """Keep requests to one host apart, over all threads."""
    with _TURNS_LOCK:
        turn = max(_TURNS.get(host, 0.0), time.monotonic())
        _TURNS[host] = turn + conf.interval
    time.sleep(max(0.0, min(turn, LATEST.deadline) - time.monotonic()))


def _remaining():
    """Return the seconds until the deadline of the request of this thread."""
    return LATEST.deadline - time.monotonic()


@contextmanager
def _until_deadline(sock):
    """
    Shut a socket down unless the body of the ``with`` statement ends in time.

    The timeout of a socket is for one read; a service that sends a byte now and then
    never meets it.
    """

    def shut_down():
        with suppress(OSError, TypeError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = threading.Timer(_remaining(), shut_down)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if _remaining() <= 0:  # the end may have been taken for that of the answer
        raise TimeoutError("no complete answer in time")


class _TooLarge(HTTPError):
    """An answer is larger than allowed; urllib3 does not ask for it again."""


def _read(response):
    """Read a body (bytes) within the limit of size."""
    limit = int(conf.largest_answer * 1e6)
    if (response.length_remaining or 0) > limit:
        raise _TooLarge(f"announces {response.length_remaining} bytes")
    body = bytearray()
    for piece in response.stream(CHUNK, decode_content=True):
        body += piece
        if len(body) > limit:
            raise _TooLarge(f"sent more than {limit} bytes")
    return bytes(body)


def _translate(error):
    """Turn an error of requests or urllib3 into one of ours."""
    if isinstance(error, _TooLarge):
        return ArchiveSizeError(
            f"{error}, but the largest answer taken has {conf.largest_answer:g} MB; "
            "see the item largest_answer of the configuration"
        )
    if _remaining() <= 0:
        return ArchiveTimeoutError(
            f"its answer was not complete after {conf.deadline:g} s"
        )
    if isinstance(error, DecodeError):
        return ArchiveFormatError(f"the answer cannot be decompressed ({error})")
    cause = _first_cause(error)
    refused = isinstance(cause, NewConnectionError)  # a timeout too, to urllib3
    if isinstance(cause, HTTPTimeoutError) and not refused:
        return ArchiveTimeoutError(f"silent for {conf.timeout:.3g} s")
    words = re.sub(r"^\S*Connection.*?[)>]: ", "", str(cause))
    return ArchiveConnectionError(words or type(cause).__name__)


def _first_cause(error):
    """Return the error that those of requests and urllib3 are wrapped around."""
    for inner in (*error.args, getattr(error, "reason", None)):
        if isinstance(inner, Exception):
            return _first_cause(inner)
    return error
