# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
A local server that plays IRSA, WSA, VSA, VizieR and SIMBAD, and can misbehave.

Its answers are made by `sky`, in the formats of the services. With `ArchiveServer.play`
it gives recorded answers instead.
"""

import functools
import gzip
import re
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import astropy.units as u
from astropy.coordinates import SkyCoord

from astro_vaeclust.archives import conf

from . import sky

FAULTS = (
    "breaks off",
    "hangs",
    "drips header",
    "drips body",
    "cuts off",
    "truncates",
    "500",
    "429",
    "404",
    "html",
    "empty",
    "garbage",
    "announces too much",
    "sends too much",
    "gzip bomb",
    "broken gzip",
    "redirects away",
    "wrong columns",
    "no rows",
)
"""What the server can do instead of giving an answer."""

WAVELENGTHS = {"J": 1.235e-6, "H": 1.662e-6, "K": 2.159e-6}
"""Centres of the bands of 2MASS in metres."""

FILTERS = {"3": "J", "4": "H", "5": "K"}
"""Bands by their numbers in the archives in Edinburgh."""

CAPABILITIES = """<?xml version="1.0" encoding="UTF-8"?>
<vosi:capabilities xmlns:vosi="http://www.ivoa.net/xml/VOSICapabilities/v1.0"
 xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<capability standardID="ivo://ivoa.net/std/SIA#query-2.0">
<interface xsi:type="vs:ParamHTTP" role="std">
<accessURL use="base">{url}/SIA/query</accessURL>
</interface></capability></vosi:capabilities>"""


@dataclass(frozen=True)
class Tile:
    """A file that the server has: where its centre is, its band and its content."""

    path: str
    center: SkyCoord
    band: str
    content: bytes


@dataclass(frozen=True)
class Request:
    """What came in: method, path, and parameters of the query or the form."""

    method: str
    path: str
    parameters: dict
    body: str = ""


@dataclass
class ArchiveServer:
    """
    The server; use `serve_archives`.

    `stars` is a table as `sky.make_stars` returns, or None; `tiles` and `cutouts` are
    images of 2MASS and of the archives in Edinburgh; `names` are what SIMBAD knows.
    """

    stars: object = None
    tiles: list = field(default_factory=list)
    cutouts: list = field(default_factory=list)
    names: dict = field(default_factory=dict)
    collections: tuple = (
        "spitzer_seip",
        "twomass_lga",
        "twomass_allsky",
        "wise_allsky",
    )
    requests: list = field(default_factory=list)
    faults: dict = field(default_factory=dict)
    recorded: dict = field(default_factory=dict)
    row_limit: int = 10**9
    stopped: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def add_tile(self, center, content, band="K"):
        """Add an Atlas image (bytes of a FITS file)."""
        self.tiles.append(Tile(f"/tiles/{len(self.tiles)}.fits", center, band, content))

    def add_cutout(self, center, content, band="K"):
        """Add a cutout of WSA and VSA (bytes of a FITS file)."""
        path = f"/cgi-bin/getFImage.cgi?file={len(self.cutouts)}&band={band}"
        self.cutouts.append(Tile(path, center, band, content))

    def play(self, path, content):
        """
        Give a recorded answer to all requests of a path.

        The answer is bytes, or a function that makes them of a request.
        """
        self.recorded[path] = content

    def misbehave(self, path, fault, times=10**9):
        """Let requests whose path begins with ``path`` go wrong, some times."""
        assert fault in FAULTS, fault
        self.faults[path] = (fault, times)

    def behave(self):
        """Let everything go right again."""
        self.faults.clear()

    def asked(self, path):
        """Return the requests whose path begins with ``path``."""
        return [request for request in self.requests if request.path.startswith(path)]

    def fault_of(self, path):
        """Return how a request goes wrong, None if it does not."""
        for prefix, (fault, times) in list(self.faults.items()):
            if path.startswith(prefix) and times > 0:
                self.faults[prefix] = (fault, times - 1)
                return fault
        return None

    @contextmanager
    def configured(self, **items):
        """Point the configuration at this server, with little patience."""
        settings = {
            "irsa_tap_url": f"{self.url}/TAP",
            "irsa_sia_url": f"{self.url}/SIA",
            "irsa_old_sia_url": f"{self.url}/oldsia?type=at&ds=asky&",
            "wsa_url": f"{self.url}/wsa/",
            "vsa_url": f"{self.url}/vdfs/",
            "vizier_url": self.url,
            "simbad_url": f"{self.url}/simbad",
            "timeout": 20.0,
            "deadline": 30.0,
            "retries": 0,
            "backoff": 0.01,
            "interval": 0.0,
            "largest_answer": 30.0,
        }
        with ExitStack() as stack:
            for name, value in (settings | items).items():
                stack.enter_context(conf.set_temp(name, value))
            yield self

    def answer(self, request):
        """Return content type and body of the answer to a request, None for 404."""
        path = request.path
        if path in self.recorded:
            content = self.recorded[path]
            return "text/xml", content(request) if callable(content) else content
        for pattern, make in _ROUTES.items():
            if re.fullmatch(pattern, path):
                return make(self, request)
        return None


def _tap(server, request):
    query = " ".join(request.parameters["QUERY"].split())
    if "collection" in query:
        table = sky.Table({"collection": list(server.collections)})
        return "text/xml", sky.votable_bytes(table, status="OK")
    circle = re.search(r"CIRCLE\('ICRS',([^,]+),([^,]+),([^)]+)\)", query)
    stars = _in_cone(server, *(float(part) for part in circle.groups()))
    status = "OVERFLOW" if len(stars) > server.row_limit else "OK"
    table = sky.irsa_psc(stars[: server.row_limit])
    return "text/xml", sky.votable_bytes(table, status=status)


def _capabilities(server, request):
    return "text/xml", CAPABILITIES.format(url=server.url).encode()


def _sia2(server, request):
    wavelength = float(request.parameters["BAND"].split()[0])
    band = min(WAVELENGTHS, key=lambda one: abs(WAVELENGTHS[one] - wavelength))
    table = sky.obscore(
        [tile for tile in server.tiles if tile.band == band], server.url
    )
    return "text/xml", sky.votable_bytes(table, status="OK")


def _old_sia(server, request):
    return "text/xml", sky.old_sia_votable(sky.old_sia(server.tiles, server.url))


def _tile(server, request):
    (tile,) = (tile for tile in server.tiles if tile.path == request.path)
    return "image/fits", tile.content


def _vizier(server, request):
    parameters = dict(
        line.split("=", 1) for line in request.body.splitlines() if "=" in line
    )
    center = re.fullmatch(r"([\d.]+)([+-][\d.]+)", parameters["-c"])
    unit, size = next(
        (unit, float(parameters[f"-c.r{unit}"]))
        for unit in "dms"
        if f"-c.r{unit}" in parameters
    )
    radius = size / {"d": 1, "m": 60, "s": 3600}[unit]
    stars = _in_cone(server, float(center[1]), float(center[2]), radius)
    make = {
        "II/246": sky.vizier_psc,
        "II/316": sky.vizier_gps,
        "II/348": sky.vizier_vvv,
    }
    return "text/xml", sky.votable_bytes(make[parameters["-source"]](stars))


def _simbad(server, request):
    name = re.search(r"id = '(.*)'", request.parameters["QUERY"])[1].replace("''", "'")
    table = sky.simbad(name, server.names)
    return "text/xml", sky.votable_bytes(table, status="OK")


def _get_image(server, request):
    band = FILTERS[request.parameters["filterID"]]
    links = [
        server.url + cutout.path.replace("getFImage", "getImage")
        for cutout in server.cutouts
        if cutout.band == band
    ]
    return "text/html", sky.wsa_image_page(links)


def _cutout(server, request):
    index = int(request.parameters["file"])
    return "image/fits", server.cutouts[index].content


def _wsa_sql(server, request):
    stars = _wsa_stars(server, request)
    key = "{ra}_{dec}_{radius}".format(**request.parameters)
    archive = request.path.split("/")[1]
    link = f"{server.url}/{archive}/tmp/tmp_sql/results{key}.xml"
    return "text/html", sky.wsa_result_page(link, len(stars))


def _wsa_table(server, request):
    key = re.search(r"results(.*)\.xml", request.path)[1].split("_")
    parameters = dict(zip(("ra", "dec", "radius"), key, strict=True))
    stars = _wsa_stars(server, Request("GET", "", parameters))
    make = sky.vsa_sources if request.path.startswith("/vdfs") else sky.wsa_sources
    return "text/xml", sky.votable_bytes(make(stars))


def _wsa_stars(server, request):
    ra, dec, radius = (
        float(request.parameters[key]) for key in ("ra", "dec", "radius")
    )
    return _in_cone(server, ra, dec, radius / 60)


def _in_cone(server, ra, dec, radius):
    return sky.inside(server.stars, SkyCoord(ra, dec, unit="deg"), radius * u.deg)


_ROUTES = {
    r"/TAP/sync": _tap,
    r"/SIA/capabilities": _capabilities,
    r"/SIA/query": _sia2,
    r"/oldsia": _old_sia,
    r"/tiles/\d+\.fits": _tile,
    r"/viz-bin/votable": _vizier,
    r"/simbad/sync": _simbad,
    r"/(wsa|vdfs)/GetImage": _get_image,
    r"/(wsa|vdfs)/WSASQL": _wsa_sql,
    r"/(wsa|vdfs)/tmp/tmp_sql/results.*\.xml": _wsa_table,
    r"/cgi-bin/getFImage.cgi": _cutout,
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    archives = None  # an ArchiveServer

    def do_GET(self):
        parts = urlsplit(self.path)
        parameters = {key: values[0] for key, values in _parsed(parts.query).items()}
        self._answer(Request("GET", unquote(parts.path), parameters))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        parameters = {key: values[0] for key, values in _parsed(body).items()}
        path = unquote(urlsplit(self.path).path)
        self._answer(Request("POST", path, parameters, body))

    def _answer(self, request):
        self.archives.requests.append(request)
        answer = self.archives.answer(request)
        fault = self.archives.fault_of(request.path)
        if fault is not None:
            self._misbehave(fault, answer)
        elif answer is None:
            self._send(404, b"no such thing")
        else:
            self._send(200, answer[1], kind=answer[0])

    def _misbehave(self, fault, answer):
        """Do one of `FAULTS`; the connection is over afterwards."""
        body = b"" if answer is None else answer[1]
        self.close_connection = True
        if fault == "breaks off":
            pass
        elif fault == "hangs":
            self.archives.stopped.wait(30)
        elif fault == "drips header":
            self._drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10000)
        elif fault == "drips body":
            self._head(200, len(body))
            self._drip(body)
        elif fault == "cuts off":
            self._head(200, len(body))
            self.wfile.write(body[: len(body) // 2])
        elif fault == "truncates":
            self._head(200, None)
            self.wfile.write(body[: len(body) // 2])
        elif fault == "429":
            self._send(429, b"slow down", extra={"Retry-After": "7"})
        elif fault in ("500", "404"):
            self._send(int(fault), b"<html><body>Sorry, an error.</body></html>")
        elif fault == "html":
            self._send(200, b"<html><body>Down for maintenance.</body></html>")
        elif fault == "empty":
            self._send(200, b"")
        elif fault == "garbage":
            self._send(200, bytes(range(256)) * 4)
        elif fault == "announces too much":
            self._head(200, 10**12)
        elif fault == "sends too much":
            self._flood()
        elif fault == "gzip bomb":
            self._send(200, _bomb(), extra={"Content-Encoding": "gzip"})
        elif fault == "broken gzip":
            self._send(200, b"no gzip", extra={"Content-Encoding": "gzip"})
        elif fault == "redirects away":
            self._send(302, b"", extra={"Location": "http://archive.invalid/x.fits"})
        elif fault == "wrong columns":
            wrong = sky.Table({"ra": [1.0], "price": [2.0]})
            self._send(200, sky.votable_bytes(wrong, status="OK"), kind="text/xml")
        elif fault == "no rows":
            rows = re.compile(rb"<TABLEDATA>.*</TABLEDATA>", re.DOTALL)
            self._send(200, rows.sub(b"<TABLEDATA/>", body), kind="text/xml")

    def _send(self, status, body, kind="text/html", extra=None):
        self._head(status, len(body), kind, extra)
        self.wfile.write(body)

    def _head(self, status, length, kind="text/xml", extra=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        if length is None or self.close_connection:
            self.send_header("Connection", "close")
        for name, value in (extra or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def _drip(self, content):
        """Send a byte now and then."""
        for start in range(len(content)):
            if self.archives.stopped.wait(0.05):
                return
            try:
                self.wfile.write(content[start : start + 1])
            except OSError:
                return

    def _flood(self):
        self._head(200, None)
        end = time.monotonic() + 20
        while time.monotonic() < end and not self.archives.stopped.is_set():
            try:
                self.wfile.write(bytes(2**20))
            except OSError:
                return

    def log_message(self, *args):
        pass


@functools.cache
def _bomb():
    """Return 100 MB of nothing with gzip (bytes)."""
    return gzip.compress(bytes(10**8))


def _parsed(text):
    return parse_qs(text, keep_blank_values=True)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 32

    def handle_error(self, request, client_address):
        """Say nothing: a client that hangs up is what some tests are about."""


@contextmanager
def serve_archives(**settings):
    """Run an `ArchiveServer` for the length of a ``with`` block."""
    archives = ArchiveServer(**settings)
    handler = type("Handler", (_Handler,), {"archives": archives})
    with _Server(("127.0.0.1", 0), handler) as server:
        archives.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(
            target=server.serve_forever, args=(0.02,), daemon=True
        )
        thread.start()
        try:
            yield archives
        finally:
            archives.stopped.set()
            server.shutdown()
            thread.join()
