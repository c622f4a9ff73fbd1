# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
A guard between requests and the network.

astroquery and pyvo do the talking; what they send goes through the adapter of this
module. It bounds time and size of every answer, sends again what failed in passing,
keeps a polite distance between requests, and asks trusted hosts only. An answer is
handed on when all of it is there, from memory.
"""

from __future__ import annotations

import email.utils
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
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

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

__all__ = [
    "find_archive_error",
    "forget_error",
    "guard",
    "is_trusted",
    "latest_error",
    "raise_for_status",
]

CHUNK = 2**14
"""Bytes that are read at once; bounds what a compressed piece can grow to."""

PASSING_STATUS = (429, 500, 502, 503, 504)
"""HTTP errors that may go away by themselves."""

MAX_REDIRECTS = 5


def guard(session):
    """
    Send everything of a session through the guard.

    Parameters
    ----------
    session : `requests.Session`
        That of a client of astroquery.

    Returns
    -------
    session : `requests.Session`
        The same.
    """
    session.max_redirects = MAX_REDIRECTS
    session.headers["User-Agent"] = (
        f"astro_vaeclust/{__version__} {session.headers.get('User-Agent', '')}".strip()
    )
    for prefix in ("http://", "https://"):
        session.mount(prefix, _GuardedAdapter())
    return session


def is_trusted(url):
    """
    Whether a URL may be asked for.

    Parameters
    ----------
    url : str
        A URL, perhaps from the answer of a service.

    Returns
    -------
    trusted : bool
        True for http and https at a host of the configuration.
    """
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


class _GuardedAdapter(HTTPAdapter):
    """Sends a request; the contract is that of `requests.adapters.BaseAdapter`."""

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args, **kwargs):
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(self, request, stream=False, timeout=None, **kwargs):
        forget_error()
        try:
            return self._send_with_retries(request, kwargs)
        except ArchiveError as error:
            _LATEST.error = error
            raise

    def _send_with_retries(self, request, kwargs):
        if not is_trusted(request.url):
            raise ArchiveFormatError(
                f"refers to {request.url[:200]!r}, which is not at one of the trusted "
                "hosts; see the item trusted_hosts of the configuration"
            )
        attempt = _Attempt(time.monotonic() + conf.deadline)
        while True:
            try:
                return self._send_once(request, attempt, kwargs)
            except _Passing as failure:
                attempt.wait_or_give_up(failure)

    def _send_once(self, request, attempt, kwargs):
        _TURNS.wait(urlsplit(request.url).netloc, attempt.deadline)
        silence = max(min(conf.timeout, attempt.remaining), 0.001)
        try:
            response = super().send(
                request, stream=True, timeout=(silence, silence), **kwargs
            )
            with response:
                body = _read(response.raw, attempt.deadline)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _translate(error, silence) from error
        if response.status_code in PASSING_STATUS:
            raise _Passing(_refusal(response, body), _retry_after(response.headers))
        return self._from_memory(request, response, body)

    def _from_memory(self, request, response, body):
        headers = response.raw.headers.copy()
        for name in ("Content-Encoding", "Content-Length", "Transfer-Encoding"):
            headers.pop(name, None)
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(body),
            headers=headers,
            status=response.status_code,
            reason=response.reason,
            preload_content=False,
        )
        return self.build_response(request, raw)


_LATEST = threading.local()


def latest_error():
    """
    Return the `ArchiveError` of the latest request of this thread, None without one.

    pyvo replaces what it catches by an error of its own that no longer tells the cause.
    """
    return getattr(_LATEST, "error", None)


def forget_error():
    """Forget what `latest_error` returns."""
    _LATEST.error = None


class _Passing(Exception):
    """A failure after which the request can be sent again."""

    def __init__(self, error, retry_after=None):
        super().__init__(error)
        self.error = error
        self.retry_after = retry_after


class _Attempt:
    """How long and how often a request may still be tried."""

    def __init__(self, deadline):
        self.deadline = deadline
        self.failures = 0

    @property
    def remaining(self):
        return self.deadline - time.monotonic()

    def wait_or_give_up(self, failure):
        """Wait before the next attempt, or raise what the failure says."""
        pause = failure.retry_after
        if pause is None:
            pause = conf.backoff * 2**self.failures
        self.failures += 1
        if self.failures > conf.retries or pause >= self.remaining:
            raise failure.error from failure.__cause__
        time.sleep(pause)


class _Turns:
    """Keeps requests to one host apart, over all threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self._next = {}

    def wait(self, host, deadline):
        """Wait for the turn of a request."""
        with self._lock:
            turn = max(self._next.get(host, 0.0), time.monotonic())
            self._next[host] = turn + conf.interval
        time.sleep(max(0.0, min(turn, deadline) - time.monotonic()))


_TURNS = _Turns()


class _Impatient:
    """Ends a connection whose header does not come within its timeout."""

    def getresponse(self):
        with _ended_after(self.sock, self.timeout):
            return super().getresponse()


class _ImpatientHTTPConnection(_Impatient, HTTPConnection):
    pass


class _ImpatientHTTPSConnection(_Impatient, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _ImpatientHTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _ImpatientHTTPSConnection


_POOLS = {"http": _HTTPPool, "https": _HTTPSPool}


@contextmanager
def _ended_after(sock, seconds):
    """
    Shut a socket down unless the body of the ``with`` statement ends in time.

    The timeout of a socket is for one read; a service that sends a byte now and then
    never meets it.
    """
    late = threading.Event()

    def shut_down():
        late.set()
        with suppress(OSError, TypeError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, shut_down)
    timer.daemon = True
    timer.start()
    cause = None
    try:
        yield
    except Exception as error:
        if not late.is_set():
            raise
        cause = error
    finally:
        timer.cancel()
    if late.is_set():  # also where the end was taken for that of the header
        raise TimeoutError("no complete header in time") from cause


def _read(raw, deadline):
    """Read a body within the limits of time and size."""
    limit = int(conf.largest_answer * 1e6)
    announced = raw.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(f"announces {int(announced)} bytes", limit)
    pieces, size = [], 0
    while piece := raw.read1(CHUNK, decode_content=True):
        size += len(piece)
        if size > limit:
            raise _too_large(f"sent more than {limit} bytes", limit)
        if time.monotonic() > deadline:
            raise ArchiveTimeoutError(
                f"its answer was not complete after {conf.deadline:g} s "
                f"({size} bytes came)"
            )
        pieces.append(piece)
    return b"".join(pieces)


def _too_large(what, limit):
    return ArchiveSizeError(
        f"{what}, but the largest answer taken has {limit}; see the item "
        "largest_answer of the configuration"
    )


def _translate(error, silence):
    """Turn an error of requests or urllib3 into one of ours."""
    kinds = (requests.Timeout, urllib3.exceptions.TimeoutError)
    if isinstance(error, kinds) or _is_caused_by(error, kinds):
        return _Passing(ArchiveTimeoutError(f"silent for {silence:.3g} s"))
    decoding = (
        requests.exceptions.ContentDecodingError,
        urllib3.exceptions.DecodeError,
    )
    if isinstance(error, decoding):
        return ArchiveFormatError(f"the answer cannot be decompressed ({error})")
    failure = ArchiveConnectionError(_innermost(error))
    if isinstance(error, (requests.exceptions.SSLError, ValueError)):
        return failure  # a bad certificate or a URL that makes no sense stays so
    return _Passing(failure)


def _is_caused_by(error, kinds):
    reasons = [*error.args, getattr(error, "reason", None)]
    return any(isinstance(reason, kinds) for reason in reasons)


def _innermost(error):
    """Return the words of the first cause that urllib3 gives."""
    for reason in (*error.args, getattr(error, "reason", None)):
        if isinstance(reason, Exception) and reason is not error:
            return _innermost(reason)
    words = re.sub(r"^\w*Connection\w*\([^)]*\): ", "", str(error))
    return words or type(error).__name__


def _refusal(response, body):
    status = f"HTTP {response.status_code} {response.reason or ''}".strip()
    wait = _retry_after(response.headers)
    if response.status_code == 429 or wait is not None:
        come_back = "" if wait is None else f", come back in {wait:.0f} s"
        return ArchiveRateLimitError(f"too many requests ({status}{come_back})")
    return ArchiveServerError(f"{status}: {_excerpt(body)}")


def _excerpt(body, length=200):
    """Return the beginning of a body as one line of text."""
    return " ".join(body[: 4 * length].decode("utf-8", "replace").split())[:length]


def _retry_after(headers):
    """Return the seconds that a service asks to wait, None if it does not."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        date = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return max(0.0, date.timestamp() - time.time())


def raise_for_status(response):
    """Raise an `ArchiveServerError` if a response has an HTTP error."""
    if response.status_code >= 400:
        raise _refusal(response, response.content)
    return response


def find_archive_error(error):
    """Return the `ArchiveError` behind an exception, None if there is none."""
    seen = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, ArchiveError):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None
