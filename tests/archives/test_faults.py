# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Whatever a service does wrong is a typed error, in time, and leaves nothing behind.

Each test makes the call again once the service behaves: it must then work.
"""

import time
import warnings

import astropy.units as u
import pytest
from astropy.table import Table
from urllib3 import HTTPResponse

from astro_vaeclust.archives import (
    UKIDSS,
    VISTA,
    ArchiveError,
    NoDataError,
    TwoMASS,
    UnknownNameError,
    conf,
    resolve,
    transport,
)
from astro_vaeclust.archives.cache import cache_size
from astro_vaeclust.archives.exceptions import (
    ArchiveConnectionError,
    ArchiveFormatError,
    ArchiveRateLimitError,
    ArchiveServerError,
    ArchiveSizeError,
    ArchiveTimeoutError,
)

from . import sky
from .server import FAULTS
from .sky import CENTER

IMPATIENT = {"timeout": 0.6, "deadline": 1.2}
SLACK = 8.0
"""Seconds that a loaded machine may need on top of what is configured."""

EXPECTED = {
    "breaks off": ArchiveConnectionError,
    "hangs": ArchiveTimeoutError,
    "drips header": ArchiveTimeoutError,
    "drips body": ArchiveTimeoutError,
    "cuts off": ArchiveConnectionError,
    "truncates": ArchiveFormatError,
    "500": ArchiveServerError,
    "404": ArchiveServerError,
    "429": ArchiveRateLimitError,
    "html": ArchiveFormatError,
    "empty": ArchiveFormatError,
    "garbage": ArchiveFormatError,
    "announces too much": ArchiveSizeError,
    "sends too much": ArchiveSizeError,
    "gzip bomb": ArchiveSizeError,
    "broken gzip": ArchiveFormatError,
    "redirects away": ArchiveFormatError,
    "wrong columns": ArchiveFormatError,
    "no rows": (NoDataError, UnknownNameError),
}
SLOW_FAULTS = ("hangs", "drips header", "drips body")


def sources_of_irsa():
    return TwoMASS()._sources_of_archive(cone())


def sources_of_vizier():
    return TwoMASS()._sources_of_vizier(cone())


def sources_of_wsa():
    return UKIDSS()._sources_of_archive(cone())


def sources_of_vsa():
    return VISTA()._sources_of_archive(cone())


def image_of_vsa():
    return VISTA().get_image(CENTER, size=2 * u.arcmin)


def image_of_wsa():
    return UKIDSS().get_image(CENTER, size=2 * u.arcmin)


def image_of_irsa():
    return TwoMASS()._image_by_sia2(box(), "Ks")


def image_of_old_sia():
    return TwoMASS()._image_by_old_sia(box(), "Ks")


def place_of_simbad():
    return resolve("M 17")


def cone():
    from astro_vaeclust.archives import Cone

    return Cone.from_center(CENTER, 4 * u.arcmin)


def box():
    from astro_vaeclust.archives.areas import Box

    return Box.from_center(CENTER, 2 * u.arcmin)


CALLS = {
    "irsa sources": (sources_of_irsa, "/TAP", "IRSA TAP"),
    "irsa capabilities": (image_of_irsa, "/SIA/capabilities", "IRSA SIA2"),
    "irsa images": (image_of_irsa, "/SIA/query", "IRSA SIA2"),
    "irsa tile": (image_of_irsa, "/tiles", "IRSA SIA2"),
    "old sia": (image_of_old_sia, "/oldsia", "IRSA SIA1"),
    "vizier": (sources_of_vizier, "/viz-bin", "VizieR"),
    "wsa page": (sources_of_wsa, "/wsa/WSASQL", "WSA"),
    "wsa table": (sources_of_wsa, "/wsa/tmp", "WSA"),
    "wsa images": (image_of_wsa, "/wsa/GetImage", "WSA"),
    "wsa cutout": (image_of_wsa, "/cgi-bin", "WSA"),
    "vsa page": (sources_of_vsa, "/vdfs/WSASQL", "VSA"),
    "vsa table": (sources_of_vsa, "/vdfs/tmp", "VSA"),
    "vsa images": (image_of_vsa, "/vdfs/GetImage", "VSA"),
    "simbad": (place_of_simbad, "/simbad", "SIMBAD"),
}
"""What is asked, the path that goes wrong, and the service that the error names."""

AFTER_A_LIST = ("/SIA/capabilities", "/SIA/query", "/tiles", "/cgi-bin")
"""Paths that are asked for after a list of something, which was good and is kept."""

PAGES = ("wsa page", "wsa images", "vsa page", "vsa images")
"""Calls that get a page of HTML, which the archive may still be writing."""


def assert_fails_in_time(call, error, settings):
    """The call raises the error within the configured time; return the error."""
    start = time.monotonic()
    with pytest.raises(error) as caught:
        call()
    longest = settings["deadline"] + 2 * settings["timeout"] + SLACK
    assert time.monotonic() - start < longest
    assert isinstance(caught.value, ArchiveError)
    assert caught.value.service
    assert caught.value.query
    assert caught.value.service in str(caught.value)
    return caught.value


def misconduct():
    """Every fault of every service; files and pages have no rows in any case."""
    rowless = (*PAGES, "irsa capabilities", "irsa tile", "wsa cutout")
    for name in CALLS:
        for fault in FAULTS:
            if fault == "no rows" and name in rowless:
                continue
            yield pytest.param(name, fault, id=f"{name}-{fault}")


@pytest.mark.parametrize(("name", "fault"), misconduct())
def test_a_fault_is_a_typed_error_and_the_next_call_works(server, name, fault):
    call, path, service = CALLS[name]
    server.misbehave(path, fault)
    settings = IMPATIENT if fault in SLOW_FAULTS else {"timeout": 20, "deadline": 30}
    expected = EXPECTED[fault]
    if fault in ("truncates", "wrong columns") and name in PAGES:
        expected = ArchiveTimeoutError  # as a page that is still being written
        settings = IMPATIENT
    with server.configured(**settings):
        before = cache_size()
        error = assert_fails_in_time(call, expected, settings)
        assert service in error.service
        kept = cache_size() - before
        assert kept == 0 or path in AFTER_A_LIST
    server.behave()
    assert call() is not None


@pytest.mark.parametrize(
    ("item", "call"),
    [
        ("irsa_tap_url", sources_of_irsa),
        ("irsa_sia_url", image_of_irsa),
        ("irsa_old_sia_url", image_of_old_sia),
        ("vizier_url", sources_of_vizier),
        ("wsa_url", sources_of_wsa),
        ("wsa_url", image_of_wsa),
        ("vsa_url", sources_of_vsa),
        ("vsa_url", image_of_vsa),
        ("simbad_url", place_of_simbad),
    ],
)
def test_a_closed_port_is_a_connection_error(server, closed_port, item, call):
    with conf.set_temp(item, f"http://127.0.0.1:{closed_port}/x?"):
        error = assert_fails_in_time(
            call, ArchiveConnectionError, {"timeout": 20, "deadline": 30}
        )
    assert "refused" in error.cause
    assert "Impatient" not in error.cause
    assert call() is not None


def test_a_host_without_address_is_a_connection_error(server):
    with conf.set_temp("irsa_tap_url", "http://archive.invalid/TAP"):
        error = assert_fails_in_time(
            sources_of_irsa, ArchiveConnectionError, {"timeout": 20, "deadline": 30}
        )
    assert error.cause.startswith("Failed to resolve 'archive.invalid'")
    assert sources_of_irsa() is not None


@pytest.mark.parametrize("fault", ["breaks off", "cuts off", "500", "hangs"])
def test_a_passing_fault_is_forgiven(server, fault):
    server.misbehave("/TAP", fault, times=2)
    patience = {"timeout": 1.0} if fault == "hangs" else {}
    with server.configured(retries=2, **patience):
        assert sources_of_irsa() is not None
    assert len(server.asked("/TAP")) == 3


def test_retries_end(server):
    server.misbehave("/TAP", "500")
    with server.configured(retries=2), pytest.raises(ArchiveServerError, match="500"):
        sources_of_irsa()
    assert len(server.asked("/TAP")) == 3


def test_retries_end_at_the_deadline(server):
    server.misbehave("/TAP", "hangs")
    settings = {"timeout": 0.4, "deadline": 1.0}
    with server.configured(retries=100, **settings):
        assert_fails_in_time(sources_of_irsa, ArchiveTimeoutError, settings)
    assert 2 <= len(server.asked("/TAP")) <= 4


def test_what_retry_after_asks_for_is_waited_for_or_told(server, monkeypatch):
    waits = []
    monkeypatch.setattr("astro_vaeclust.archives.transport.time.sleep", waits.append)
    server.misbehave("/TAP", "429", times=1)
    with server.configured(retries=1, deadline=60.0):
        assert sources_of_irsa() is not None
    assert 7.0 in waits
    server.misbehave("/viz-bin", "429")
    with (
        server.configured(retries=1, deadline=3.0),
        pytest.raises(ArchiveRateLimitError, match="come back in 7 s"),
    ):
        sources_of_vizier()
    assert len(server.asked("/viz-bin")) == 1


@pytest.mark.parametrize(("words", "seconds"), [("7", 7), ("soon", None), ("", None)])
def test_a_retry_after_that_makes_no_sense_is_ignored(words, seconds):
    response = HTTPResponse(headers={"Retry-After": words})
    assert transport._Retry().get_retry_after(response) == seconds


def test_requests_to_a_host_keep_their_distance(server):
    with server.configured(interval=0.4):
        start = time.monotonic()
        UKIDSS().get_catalog(CENTER, radius=4 * u.arcmin)  # a page and its table
        assert time.monotonic() - start > 0.4
    assert len(server.asked("/wsa")) == 2


def test_wrong_columns_are_a_format_error(server):
    wrong = sky.votable_bytes(Table({"ra": [1.0], "price": [2.0]}), status="OK")
    server.play("/TAP/sync", wrong)
    with pytest.raises(ArchiveFormatError, match=r"declination.*ra, price"):
        sources_of_irsa()
    server.play("/SIA/query", wrong)
    server.recorded.pop("/TAP/sync")
    with pytest.raises(ArchiveFormatError, match=r"access_url.*ra, price"):
        image_of_irsa()
    server.recorded.clear()
    assert sources_of_irsa() is not None
    assert image_of_irsa() is not None


def test_no_rows_are_an_error(server, stars):
    for path in ("/TAP/sync", "/viz-bin/votable"):
        none = sky.irsa_psc(stars)[:0]
        server.play(path, sky.votable_bytes(none, status="OK"))
    with pytest.raises(NoDataError, match="IRSA TAP: no source there; and VizieR"):
        TwoMASS().get_catalog(CENTER, radius=4 * u.arcmin)
    server.recorded.clear()
    assert len(TwoMASS().get_catalog(CENTER, radius=4 * u.arcmin)) > 5


def test_sources_of_another_place_are_an_error(server, stars):
    elsewhere = sky.irsa_psc(stars)
    elsewhere["dec"] = elsewhere["dec"] - 40
    server.play("/TAP/sync", sky.votable_bytes(elsewhere, status="OK"))
    with pytest.raises(ArchiveFormatError, match="none of its 900 sources lies in"):
        sources_of_irsa()
    server.recorded.clear()
    assert sources_of_irsa() is not None


@pytest.mark.parametrize("action", ["error", "ignore"])
def test_a_result_that_was_cut_off_is_not_taken_for_the_whole(server, action):
    server.row_limit = 5
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        with pytest.raises(ArchiveSizeError, match="row limit"):
            sources_of_irsa()
    server.row_limit = 10**9
    assert len(sources_of_irsa()) > 5


def test_an_error_that_vizier_reports_is_raised(server):
    report = b"""<?xml version="1.0" encoding="UTF-8"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">
<INFO ID="Error" name="Error" value="The database is not currently reachable."/>
</VOTABLE>"""
    server.play("/viz-bin/votable", report)
    with pytest.raises(ArchiveServerError, match="not currently reachable"):
        sources_of_vizier()
    server.recorded.clear()
    assert sources_of_vizier() is not None


def test_a_query_that_wsa_refuses_is_told(server):
    server.play("/wsa/WSASQL", sky.wsa_error_page())
    with pytest.raises(ArchiveServerError, match="permission was denied"):
        sources_of_wsa()
    server.recorded.clear()
    assert sources_of_wsa() is not None


def test_an_unknown_name_is_told(server):
    with pytest.raises(UnknownNameError, match="'M 9999'"):
        resolve("M 9999")
    with pytest.raises(UnknownNameError, match="Barnard's"):
        resolve("Barnard's tile")
    assert resolve("M 17").coordinates.separation(CENTER) < 1 * u.arcsec


@pytest.mark.parametrize(
    "link",
    ["file:///etc/passwd", "http://archive.invalid/x.fits", "ftp://127.0.0.1/x.fits"],
)
def test_a_link_to_elsewhere_is_not_followed(server, link):
    table = sky.obscore(server.tiles[:1], server.url)
    table["access_url"] = [link]
    server.play("/SIA/query", sky.votable_bytes(table, status="OK"))
    with pytest.raises(ArchiveError, match=r"trusted|adapters|No connection"):
        TwoMASS()._image_by_sia2(box_on(server.tiles[0]), "Ks")
    server.recorded.clear()


def box_on(tile):
    from astro_vaeclust.archives.areas import Box

    return Box.from_center(tile.center, 2 * u.arcmin)


def test_the_summary_is_the_error_of_the_first_service(server):
    server.misbehave("/TAP", "500")
    server.misbehave("/viz-bin", "html")
    with pytest.raises(ArchiveServerError) as caught:
        TwoMASS().get_catalog(CENTER, radius=4 * u.arcmin)
    assert "IRSA TAP: HTTP 500" in caught.value.cause
    assert "VizieR: not a VOTable but a page of HTML" in caught.value.cause
    server.behave()
    assert len(TwoMASS().get_catalog(CENTER, radius=4 * u.arcmin)) > 5
