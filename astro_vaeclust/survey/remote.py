# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Images on the network: asked for again, kept on disk, and read ahead."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import lzma
import time
import zlib
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from astropy.io import fits

from ..images.hdus import quietly
from ..utils.optional import import_optional

__all__ = [
    "ImageCache",
    "cache_size",
    "is_remote",
    "opened_object",
    "read_ahead",
    "read_through",
    "stamp_of",
]

SMALL = 32_000_000
"""Bytes below which an object is read by one request."""

BLOCK = 1 << 20
"""Bytes of a larger object that are read at a time."""

HEADER = 1 << 16
"""Bytes that are read at a time where only headers are wanted."""

PACKED = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
}
"""How packed objects begin, and how they are unpacked."""

SUFFIXES = (".gz", ".bz2", ".xz")
"""Names of packed objects, which cannot be read in parts."""

TRIES = 4
"""Requests for a part of an object before it counts as unreadable."""

PAUSE = 1.0
"""Seconds before the second request, twice as many before the third, and so on."""

LONGEST = 60.0
"""Seconds that a server may ask to wait for."""

SILENCE = 30.0
"""Seconds without a byte after which a request is given up."""

TIMEOUT = 300.0
"""Seconds after which a request is given up."""

FINAL = frozenset(range(400, 500)) - {408, 425, 429}
"""Answers of a server of HTTP that it will give again."""

FORBIDDEN = FileNotFoundError, PermissionError
"""What clients raise that they will raise again."""

LOCKS = 256
"""Locks for what is being read; objects that share one wait for each other."""

THREADS = 4
"""Objects that a process reads ahead at a time."""


def is_remote(path):
    """Whether a path is a URL (bool)."""
    return "://" in path


@dataclass(frozen=True)
class ImageCache:
    """
    Objects of the network as files, for all processes that see a folder.

    Parameters
    ----------
    folder : `~pathlib.Path`
        The folder; it exists.
    limit : int
        Bytes to which `shrink` brings it.
    """

    folder: Path
    limit: int

    @functools.cached_property
    def _memory(self):
        return import_optional("joblib", "survey").Memory(self.folder, verbose=0)

    @functools.cached_property
    def _read(self):
        return self._memory.cache(_content)

    def __reduce__(self):
        return ImageCache, (self.folder, self.limit)

    def content(self, url, stamp, size):
        """Return an object (bytes), read by one process even if several want it."""
        filelock = import_optional("filelock", "survey")
        number = zlib.crc32(url.encode()) % LOCKS
        with filelock.FileLock(self.folder / f"{number}.lock"):
            return self._read(url, stamp, size)

    def shrink(self):
        """Remove what was used least recently, down to the limit."""
        self._memory.reduce_size(bytes_limit=self.limit)


_state = {"cache": None}
"""The cache of this process."""


def read_through(cache):
    """Let this process read objects through an `ImageCache`, or none."""
    _known.cache_clear()
    _state["cache"] = cache


def stamp_of(url):
    """Return what changes when an object does: size and ETag, or time (str)."""
    return _stamp(_info(url))


@functools.lru_cache(maxsize=10_000)
def _known(url):
    """Return size and stamp of an object, which is asked for once in a run."""
    info = _info(url)
    return info.get("size") or 0, _stamp(info)


def _stamp(info):
    changes = (info.get(key) for key in ("ETag", "Last-Modified", "LastModified"))
    return f"{info.get('size')} {next(filter(None, changes), '')}"


def _info(url):
    filesystem, name = _filesystem(url)
    return _repeated(url, lambda: filesystem.info(name))


@contextmanager
def opened_object(url, *, header_only=False):
    """
    Open an object of the network as an `~astropy.io.fits.HDUList`.

    It is read whole if it is small, else in the parts that are asked for; of one whose
    pixels are not wanted, with ``header_only``, little more than the header is read.
    Raises an OSError that names ``url`` if the network fails.
    """
    size, stamp = _known(url)
    whole = urlsplit(url).path.endswith(SUFFIXES) or not size
    whole = whole or (size < SMALL and not header_only)
    if whole:
        file = io.BytesIO(_unpacked(_kept(url, stamp, size)))
    else:
        file = _file(url, HEADER if header_only else BLOCK)
    with file:
        with quietly() if whole else nullcontext():  # nobody waits for the network
            hdulist = fits.open(file, lazy_load_hdus=not whole)
        with hdulist:
            yield hdulist


def _unpacked(content):
    """Return the FITS file that bytes are, packed or not (bytes)."""
    for beginning, unpack in PACKED.items():
        if content.startswith(beginning):
            try:
                return unpack(content)
            except (EOFError, zlib.error, lzma.LZMAError) as error:
                raise OSError(f"cannot be unpacked: {error}") from error
    return content


def _file(url, block):
    """Return a file whose parts are read when they are needed."""
    filesystem, name = _filesystem(url)
    file = _repeated(url, lambda: filesystem.open(name, block_size=block))
    fetch = file.cache.fetcher
    file.cache.fetcher = lambda *part: _repeated(url, lambda: fetch(*part))
    return file


def _kept(url, stamp, size):
    read = _content if _state["cache"] is None else _state["cache"].content
    return read(url, stamp, size)


def _content(url, stamp, size):
    """
    Return an object (bytes); ``stamp`` tells its versions apart in a cache.

    It is read again if it has not the right size, where that is known.
    """
    filesystem, name = _filesystem(url)

    def request():
        content = filesystem.cat_file(name)
        if size and len(content) != size:
            raise OSError(f"{len(content)} of {size} bytes came")
        return content

    return _repeated(url, request)


def read_ahead(urls):
    """Begin to read small objects, which will be opened soon, into the cache."""
    if _state["cache"] is None:
        return
    for url in filter(is_remote, urls):
        _readers().submit(_fetch, url)


@functools.cache
def _readers():
    """Return threads that do not keep the process from ending."""
    pool = import_optional("distributed.threadpoolexecutor", "survey")
    return pool.ThreadPoolExecutor(THREADS, thread_name_prefix="read-ahead")


def _fetch(url):
    """Put an object into the cache; what is wrong with it is said when it is opened."""
    with suppress(OSError):
        size, stamp = _known(url)
        if size < SMALL:
            _kept(url, stamp, size)


def _filesystem(url):
    """Return the filesystem of a URL of fsspec, and the name of the object in it."""
    core = import_optional("fsspec.core", "survey")
    options = {}
    if url.startswith("http"):
        aiohttp = import_optional("aiohttp", "survey")
        timeout = aiohttp.ClientTimeout(
            total=TIMEOUT, sock_connect=SILENCE, sock_read=SILENCE
        )
        options["client_kwargs"] = {"timeout": timeout}
    try:
        return core.url_to_fs(url, **options)
    except ImportError as error:
        raise ImportError(f"{url}: {error}") from error


def _repeated(url, request):
    """Return the answer to a request, which is repeated if that may help."""
    for number in range(1, TRIES + 1):
        try:
            return request()
        except ImportError:
            raise
        except Exception as error:  # drivers of fsspec have no error in common
            cause = error
            if url.startswith("http"):  # fsspec says "no such file" of all failures
                cause = error.__cause__ or error
            status = getattr(cause, "status", None)
            final = status in FINAL or isinstance(cause, FORBIDDEN)
            if number == TRIES or final:
                said = f"the server says {status}" if status else str(cause)
                raise OSError(f"{url}: {said or type(cause).__name__}") from error
            time.sleep(_pause(number, cause))
    raise AssertionError


def _pause(number, error):
    """Return the seconds to wait after a request has failed for the nth time."""
    asked = (getattr(error, "headers", None) or {}).get("Retry-After", "")
    asked = float(asked) if asked.isdecimal() else 0.0
    return max(PAUSE * 2.0 ** (number - 1), min(asked, LONGEST))


def cache_size(cache):
    """Return the size of the cache (int)."""
    parse_bytes = import_optional("dask.utils", "survey").parse_bytes
    try:
        size = parse_bytes(cache)
    except (TypeError, ValueError, AttributeError):
        size = -1
    if size < 0:
        raise ValueError(f"cache must be a size such as '20GB', or 0, got {cache!r}")
    return size
