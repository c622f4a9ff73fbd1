# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Images over HTTP, from a server that does what servers do."""

import bz2
import gzip
import lzma
import pickle
import sys
import threading
import time
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

pytest.importorskip("aiohttp")

from astro_vaeclust.survey import remote
from astro_vaeclust.survey.images import describe_image, opened, stamps_of
from astro_vaeclust.survey.outputs import write_outputs
from astro_vaeclust.survey.remote import ImageCache, read_ahead, read_through

from .examples import sky, write

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


class Handler(BaseHTTPRequestHandler):
    """Serves files under names that say how: in full, ``cut`` in the middle, ..."""

    def log_message(self, *_):
        """Say nothing."""

    def do_HEAD(self):
        """Answer with the size."""
        self.answer(body=False)

    def do_GET(self):
        """Answer with a file, or a part of it."""
        self.answer(body=True)

    def answer(self, body):
        name = self.path.strip("/")
        kind = name.partition(".")[0]
        self.server.asked[self.command, kind] += 1
        if kind == "hang":
            self.server.ended.wait(5)
        status = {"gone": 404, "secret": 403, "broken": 500, "busy": 429}.get(kind, 200)
        if kind == "tired" and body and self.server.asked[self.command, kind] < 3:
            status = 503
        if status != 200:
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "7")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = self.ranged(self.server.files.get(name, self.server.content))
        self.end_headers()
        if body and kind == "drip":
            for first in range(0, len(content), 1 << 18):
                self.wfile.write(content[first : first + (1 << 18)])
                time.sleep(0.05)
        elif body:
            sent = content[: len(content) // 2] if kind == "cut" else content
            self.server.sent += len(sent)
            self.wfile.write(sent)

    def ranged(self, content):
        """Send the header, and return what was asked for of a content."""
        part = self.headers.get("Range")
        total = len(content)
        self.send_response(206 if part else 200)
        if part:
            first, last = part.removeprefix("bytes=").split("-")
            content = content[int(first) : int(last) + 1]
            self.send_header("Content-Range", f"bytes {first}-{last}/{total}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", self.server.tag)
        self.send_header("Content-Length", str(len(content)))
        return content


@contextmanager
def serving():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.ended, server.files = Counter(), threading.Event(), {}
    server.tag, server.sent = '"one"', 0
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def waits(monkeypatch):
    """The pauses between requests, which are not waited for."""
    waits = []
    monkeypatch.setattr(remote.time, "sleep", waits.append)
    return waits


@pytest.fixture
def server(tmp_path, waits):
    with serving() as server, open(write(tmp_path / "a.fits", *sky()), "rb") as file:
        server.content = file.read()
        read_through(None)
        yield server
    read_through(None)


def url(server, kind):
    return f"http://127.0.0.1:{server.server_port}/{kind}.fits"


@pytest.mark.parametrize("kind", ["good", "drip", "tired"])
def test_an_image_is_read_by_one_request_that_is_repeated(server, kind):
    with opened(url(server, kind)) as source:
        np.testing.assert_array_equal(source.read().data, sky()[0])
    assert server.asked["GET", kind] == (3 if kind == "tired" else 1)


@pytest.mark.parametrize("kind", ["good", "tired"])
def test_parts_of_a_large_object_are_read_alone(server, monkeypatch, kind):
    monkeypatch.setattr(remote, "SMALL", 1000)
    monkeypatch.setattr(remote, "BLOCK", 1 << 14)
    part = np.s_[10:12, 5:9]
    with opened(url(server, kind)) as source:
        np.testing.assert_array_equal(source.pixels[part], sky()[0][part])
    assert 1 < server.asked["GET", kind] < 10
    assert server.sent < len(server.content) / 2


@pytest.mark.parametrize(
    ("kind", "requests"),
    [("gone", 1), ("secret", 1), ("broken", 2), ("busy", 2), ("cut", 2), ("hang", 2)],
)
def test_what_cannot_be_read_is_one_error_that_names_it(
    server, monkeypatch, kind, requests
):
    monkeypatch.setattr(remote, "SILENCE", 0.5)
    monkeypatch.setattr(remote, "TRIES", 2)
    with pytest.raises(OSError, match=f"/{kind}.fits"), opened(url(server, kind)):
        pass
    verb = "GET" if kind == "cut" else "HEAD"
    assert server.asked[verb, kind] >= requests
    if requests == 1:
        assert server.asked[verb, kind] == 1


def test_a_large_object_that_breaks_off_is_an_error_that_names_it(server, monkeypatch):
    monkeypatch.setattr(remote, "SMALL", 1000)
    monkeypatch.setattr(remote, "TRIES", 2)
    with (
        pytest.raises((OSError, ValueError), match=r"/cut\.fits"),
        opened(url(server, "cut")) as source,
    ):
        _ = source.pixels[:]


def test_the_pauses_grow_and_a_server_may_ask_for_longer_ones(server, waits):
    for kind in ("broken", "busy"):
        with pytest.raises(OSError, match=kind):
            remote.stamp_of(url(server, kind))
    assert waits == [1, 2, 4, 7, 7, 7]


def test_a_server_that_is_not_there_is_an_error(monkeypatch):
    monkeypatch.setattr(remote, "TRIES", 1)
    address = "http://127.0.0.1:9/a.fits"
    with pytest.raises(OSError, match=address), opened(address):
        pass


def test_a_package_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(ImportError, match=r"^s3://sky/a.fits: .*s3fs"):
        stamps_of(["s3://sky/a.fits"])


def test_the_stamp_follows_the_object(server):
    address = url(server, "good")
    (first,) = stamps_of([address])
    server.tag = '"two"'
    (second,) = stamps_of([address])
    assert first != second
    assert stamps_of([url(server, "gone")]) == [""]


def test_of_an_image_that_is_described_only_the_header_is_read(server):
    image = describe_image(url(server, "good"), "", None)
    assert image.band == "Ks"
    assert server.sent <= 3 * remote.HEADER < len(server.content)


@pytest.mark.parametrize("pack", [gzip, bz2, lzma])
def test_a_packed_image(server, pack):
    suffix = {gzip: ".gz", bz2: ".bz2", lzma: ".xz"}[pack]
    server.files[f"packed.fits{suffix}"] = pack.compress(server.content)
    address = url(server, "packed") + suffix
    assert describe_image(address, "", None).band == "Ks"
    assert server.asked["GET", "packed"] == 1
    with opened(address) as source:
        np.testing.assert_array_equal(source.read().data, sky()[0])


def test_a_packed_image_that_breaks_off_is_an_error(server):
    server.files["packed.fits.gz"] = gzip.compress(server.content)[:-5000]
    with pytest.raises(OSError, match="cannot be unpacked"):
        describe_image(url(server, "packed") + ".gz", "", None)


def test_astropy_warns_of_nothing_on_the_way(server):
    server.files["short.fits"] = server.content[:-5000]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with opened(url(server, "short")) as source:
            assert source.band == "Ks"


def test_what_is_kept_is_not_asked_for_again_until_it_changes(server, tmp_path):
    cache = pickle.loads(pickle.dumps(ImageCache(tmp_path, 10**9)))
    address = url(server, "good")
    for tag, requests in (('"one"', 1), ('"one"', 1), ('"two"', 2)):
        server.tag = tag
        read_through(cache)
        with opened(address) as source:
            np.testing.assert_array_equal(source.read().data, sky()[0])
        assert server.asked["GET", "good"] == requests


def test_what_has_not_the_right_size_is_not_kept(server, tmp_path):
    cache, size = ImageCache(tmp_path, 10**9), len(server.content)
    for _ in range(2):
        with pytest.raises(OSError, match=rf"/a.fits: {size} of {size + 1} bytes"):
            cache.content(url(server, "a"), "", size + 1)
    assert server.asked["GET", "a"] == 2 * remote.TRIES


def test_what_several_want_is_read_once(server, tmp_path):
    cache = ImageCache(tmp_path, 10**9)
    with ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(lambda _: cache.content(url(server, "drip"), "", 0), "abcd")
        )
    assert found == 4 * [server.content]
    assert server.asked["GET", "drip"] == 1


def test_the_cache_keeps_to_its_limit(server, tmp_path):
    size = len(server.content)
    cache = ImageCache(tmp_path / "cache", 3.5 * size)
    cache.folder.mkdir()
    for name in "abcde":
        cache.content(url(server, name), "", size)
        cache.shrink()
    kept = sum(
        path.stat().st_size for path in cache.folder.rglob("*") if path.is_file()
    )
    assert 2 * size < kept < 3.5 * size
    cache.content(url(server, "e"), "", size)
    assert server.asked["GET", "e"] == 1
    cache.content(url(server, "a"), "", size)
    assert server.asked["GET", "a"] == 2


def test_reading_ahead_fills_the_cache_and_is_silent(server, tmp_path):
    read_through(ImageCache(tmp_path, 10**9))
    read_ahead([url(server, kind) for kind in ("a", "gone", "b")] + ["/a/file"])
    kept = []
    while len(kept) < 2:
        kept = list(tmp_path.rglob("output.pkl"))
    for kind in "ab":
        with opened(url(server, kind)) as source:
            np.testing.assert_array_equal(source.read().data, sky()[0])
        assert server.asked["GET", kind] == 1


def test_a_survey_over_the_network_reads_each_image_once(
    survey, server, tiles, tmp_path
):
    survey(f"{tiles}/*", tmp_path / "local")
    for path in tiles.glob("*"):
        server.files[path.name] = path.read_bytes()
    size = sum(map(len, server.files.values()))
    addresses = [url(server, name.partition(".")[0]) for name in server.files]
    rows = survey(addresses)
    assert {row.status for row in rows} == {"done"}
    assert server.sent < size + 4 * len(addresses) * remote.HEADER
    write_outputs(tmp_path / "local")
    write_outputs(tmp_path / "out")
    here, there = (
        (tmp_path / folder / "candidates.parquet").read_bytes()
        for folder in ("local", "out")
    )
    assert here == there


def test_without_a_cache_images_are_read_for_every_field(survey, server, tmp_path):
    survey([url(server, "good")], cache=0)
    assert not (tmp_path / "out" / "cache").exists()
    assert server.asked["GET", "good"] > 9


def test_a_survey_that_does_not_begin_leaves_no_cache(survey, server, tmp_path):
    with pytest.raises(ValueError, match="images: "):
        survey([url(server, kind) for kind in ("good", "gone")])
    assert not (tmp_path / "out").exists()
