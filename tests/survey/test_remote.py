# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Images over HTTP, from a server that does what servers do."""

import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

pytest.importorskip("aiohttp")

from astro_vaeclust.survey import images
from astro_vaeclust.survey.images import opened, stamps_of

from .examples import sky, write

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


class Handler(BaseHTTPRequestHandler):
    """Serves one image under names that say how."""

    def log_message(self, *_):
        """Say nothing."""

    def do_HEAD(self):
        """Answer with the size."""
        self.answer(body=False)

    def do_GET(self):
        """Answer with the image, or a part of it."""
        self.answer(body=True)

    def answer(self, body):
        content, asked = self.server.content, self.server.asked
        kind = self.path.strip("/").partition(".")[0]
        asked[self.command, kind] += 1
        if kind == "hang":
            self.server.ended.wait(5)
        status = {"gone": 404, "broken": 500, "busy": 429}.get(kind, 200)
        if kind == "tired" and body and asked[self.command, kind] < 3:
            status = 503
        if status != 200:
            self.send_error(status)
            return
        part = self.headers.get("Range")
        if part:
            first, last = part.removeprefix("bytes=").split("-")
            content = content[int(first) : int(last) + 1]
            self.send_response(206)
            total = len(self.server.content)
            self.send_header("Content-Range", f"bytes {first}-{last}/{total}")
        else:
            self.send_response(200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", self.server.tag)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body and kind == "drip":
            for first in range(0, len(content), 1 << 18):
                self.wfile.write(content[first : first + (1 << 18)])
                time.sleep(0.05)
        elif body:
            self.wfile.write(content[: len(content) // 2] if kind == "cut" else content)


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setattr(images.time, "sleep", lambda _: None)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    path = write(tmp_path / "a.fits", *sky())
    with open(path, "rb") as file:
        server.content = file.read()
    server.asked, server.tag, server.ended = Counter(), '"one"', threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.ended.set()
    server.shutdown()
    thread.join()
    server.server_close()


def url(server, kind):
    return f"http://127.0.0.1:{server.server_port}/{kind}.fits"


@pytest.mark.parametrize("kind", ["good", "drip", "tired"])
def test_an_image_is_read_by_one_request_that_is_repeated(server, kind):
    with opened(url(server, kind)) as source:
        np.testing.assert_array_equal(source.read().data, sky()[0])
    assert server.asked["GET", kind] == (3 if kind == "tired" else 1)


def test_parts_of_a_large_object_are_read_alone(server, monkeypatch):
    monkeypatch.setattr(images, "SMALL", 1000)
    monkeypatch.setattr(images, "BLOCK", 1 << 14)
    part = np.s_[10:12, 5:9]
    with opened(url(server, "good")) as source:
        np.testing.assert_array_equal(source.pixels[part], sky()[0][part])
    assert 1 < server.asked["GET", "good"] < 10


@pytest.mark.parametrize("kind", ["gone", "broken", "busy", "cut", "hang"])
def test_what_cannot_be_read_is_one_error_that_names_it(server, monkeypatch, kind):
    monkeypatch.setattr(images, "TIMEOUT", 1.0)
    monkeypatch.setattr(images, "TRIES", 2)
    with pytest.raises(OSError, match=kind), opened(url(server, kind)):
        pass
    assert server.asked["GET", kind] <= 4


def test_a_server_that_is_not_there_is_an_error(monkeypatch):
    monkeypatch.setattr(images, "TRIES", 1)
    address = "http://127.0.0.1:9/a.fits"
    with pytest.raises(OSError, match=address), opened(address):
        pass


def test_the_stamp_follows_the_object(server):
    address = url(server, "good")
    (first,) = stamps_of([address])
    server.tag = '"two"'
    images.import_optional("fsspec", "survey").filesystem("http").clear_instance_cache()
    (second,) = stamps_of([address])
    assert first != second
    assert stamps_of([url(server, "gone")]) == [""]


def test_a_survey_of_urls(server, survey, tmp_path):
    rows = survey([url(server, "good")])
    assert {row.status for row in rows} == {"done"}
    assert {path for row in rows for path, _ in row.inputs} == {url(server, "good")}
