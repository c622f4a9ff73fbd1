# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Clients of astroquery, at the addresses of the configuration and behind the guard.

Importing this module needs the extra ``archives``; `import_clients` says so.
"""

from __future__ import annotations

import re
import time
from contextlib import contextmanager

import requests
from astroquery.ipac.irsa import IrsaClass
from astroquery.simbad import SimbadClass
from astroquery.ukidss import UkidssClass
from astroquery.vizier import VizierClass
from astroquery.vsa import VsaClass
from pyvo.dal import SIAService, TAPService
from pyvo.dal.exceptions import (
    DALFormatError,
    DALOverflowWarning,
    DALQueryError,
    DALServiceError,
)

from ..images.hdus import first_line, quietly
from .configuration import conf
from .contents import read_table
from .exceptions import (
    ArchiveError,
    ArchiveFormatError,
    ArchiveServerError,
    ArchiveSizeError,
    ArchiveTimeoutError,
    NoDataError,
    with_service,
)
from .transport import LATEST, guard, raise_for_status

__all__ = [
    "IrsaClient",
    "SimbadClient",
    "UkidssClient",
    "VistaClient",
    "VizierClient",
    "asking",
    "download",
    "old_sia",
]


@contextmanager
def asking(service, query):
    """Turn whatever happens while a service is asked into an `ArchiveError`."""
    LATEST.error = None
    try:
        yield
    except Exception as error:
        own = error if isinstance(error, ArchiveError) else LATEST.error
        raise with_service(own or _translate(error), service, query) from error


def _translate(error):
    """Turn an error of astroquery or pyvo into one of ours."""
    text = first_line(error)
    if isinstance(error, DALOverflowWarning):  # where warnings are errors
        return ArchiveSizeError("the service cut the result off at its row limit")
    if isinstance(error, (DALServiceError, DALQueryError)):
        return ArchiveServerError(text)
    if isinstance(error, DALFormatError):
        return ArchiveFormatError(f"the answer cannot be read: {text}")
    return ArchiveFormatError(f"{type(error).__name__}: {text}")


class IrsaClient(IrsaClass):
    """astroquery's client of IRSA."""

    def __init__(self):
        super().__init__()
        guard(self._session)
        self.tap_url = conf.irsa_tap_url
        self.sia_url = conf.irsa_sia_url

    def query_tap(self, query, *, async_job=False, maxrec=None):
        """Query as astroquery does, but do not take a part for the whole."""
        result = super().query_tap(query, async_job=async_job, maxrec=maxrec)
        if str(result.query_status).upper() == "OVERFLOW":
            raise ArchiveSizeError("the service cut the result off at its row limit")
        return result


def old_sia():
    """Return pyvo's client of the older image service of IRSA, behind the guard."""
    return SIAService(conf.irsa_old_sia_url, session=guard(requests.Session()))


def download(url):
    """Return what is at a URL that a service gave (bytes)."""
    with guard(requests.Session()) as session:
        return raise_for_status(session.get(url)).content


class SimbadClient(SimbadClass):
    """astroquery's client of SIMBAD; without the request for its row limit."""

    hardlimit = 2_000_000

    def __init__(self):
        super().__init__(ROW_LIMIT=2)
        guard(self._session)

    def query_name(self, name):
        """Query an object as ``query_object`` does, without warning of no result."""
        return self.query_tap(self.query_object(name, get_query_payload=True)["QUERY"])

    @property
    def tap(self):
        """The TAP service (`~pyvo.dal.TAPService`)."""
        if self._tap is None:
            self._tap = TAPService(conf.simbad_url, session=self._session)
        return self._tap


class VizierClient(VizierClass):
    """astroquery's client of VizieR: all rows, and no cache of its own."""

    def __init__(self, columns):
        super().__init__(columns=columns, row_limit=-1, timeout=conf.timeout)
        guard(self._session)

    def _server_to_url(self, return_type="votable"):
        return f"{conf.vizier_url.rstrip('/')}/viz-bin/{return_type}"

    def _request(self, *args, **kwargs):
        return raise_for_status(super()._request(*args, **{**kwargs, "cache": False}))

    def _parse_result(self, response, **kwargs):
        with quietly():  # astroquery changes the filters for warnings
            tables = super()._parse_result(response, **kwargs)
        if tables is None:
            read_table(response.content)  # says what it is instead
        _raise_votable_error(response.text)
        return tables


def _raise_votable_error(text):
    """Raise an `ArchiveServerError` if VizieR reports an error inside a VOTable."""
    pattern = (
        r'<(?:\w+:)?INFO[^>]*name="(?:Errors?|QUERY_STATUS)"[^>]*value="(?!OK")([^"]*)"'
    )
    error = re.search(pattern, text, re.IGNORECASE)
    if error:
        raise ArchiveServerError(f"it reports an error: {error[1][:200]}")


class _Repaired:
    """
    What astroquery's clients of the archives in Edinburgh need to work.

    The addresses are those of the configuration and not frozen at import. Every request
    goes through the session of the client and its guard, with its timeout and without
    astroquery's cache. A page is asked for once and not twice. The link to the table is
    known by its ending. Errors that the archive writes on its pages are raised.
    Images are downloaded one by one, by `download`, from what `get_image_list` gives;
    ``get_images`` would print and use astropy's downloads, past the guard.
    """

    POLL_PAUSE = 1.0  # seconds; doubles with each look

    def __init__(self, address, *, database, programme_id):
        super().__init__(database=database, programme_id=programme_id)
        guard(self._session)
        base = address.rstrip("/") + "/"
        self.BASE_URL = base
        self.IMAGE_URL = base + "GetImage"
        self.ARCHIVE_URL = base + "ImageList"
        self.REGION_URL = base + "WSASQL"
        self.TIMEOUT = conf.timeout
        self._page = None

    def _request(self, *args, **kwargs):
        return raise_for_status(super()._request(*args, **{**kwargs, "cache": False}))

    def _verify_programme_id(self, pid, *, query_type="catalog"):
        programme = super()._verify_programme_id(pid, query_type=query_type)
        if programme is None:
            raise ArchiveFormatError(f"programme {pid!r} is not known")
        return programme

    def _wfau_send_request(self, url, request_payload):
        self._page = super()._wfau_send_request(url, request_payload)
        return self._page

    def _check_page(self, url, keyword, *, wait_time=None, max_attempts=30):
        """Return a page once it has the keyword; the first look is at the answer."""
        give_up = time.monotonic() + conf.deadline
        pause = self.POLL_PAUSE
        page, self._page = self._page, None
        while True:
            if page is None:
                page = self._request("GET", url=url, timeout=self.TIMEOUT)
            _raise_page_error(page.text)
            if re.search(keyword, page.text, re.IGNORECASE):
                return page
            if not _is_unfinished(page.text):
                raise _unexpected(page.text, f"the page has no {keyword!r}")
            if time.monotonic() + pause > give_up:
                raise ArchiveTimeoutError(
                    f"its page was not complete after {conf.deadline:g} s"
                )
            time.sleep(pause)
            pause, page = 2 * pause, None

    def _parse_result(self, response, *, verbose=False):
        return read_table(download(self._table_link(response.text)))

    def _table_link(self, page):
        links = self.extract_urls(page)
        tables = [link for link in links if re.search(r"\.(vot|xml)(\.gz)?$", link)]
        direct = [link for link in tables if "launch" not in link]
        if not direct:
            raise _unexpected(page, "the page has no link to a VOTable")
        return direct[0]


class UkidssClient(_Repaired, UkidssClass):
    """astroquery's client of the WFCAM Science Archive, repaired."""

    def __init__(self, *, database):
        super().__init__(conf.wsa_url, database=database, programme_id="GPS")


class VistaClient(_Repaired, VsaClass):
    """astroquery's client of the VISTA Science Archive, repaired."""

    def __init__(self, *, database):
        super().__init__(conf.vsa_url, database=database, programme_id="VVV")


def _raise_page_error(page):
    """Raise what the archive writes on its page in the class ``error``."""
    error = re.search(r'<p[^>]*class="error"[^>]*>(.*?)</p>', page, re.DOTALL | re.I)
    if error or re.search(r"<h1[^>]*>\s*Error Message", page, re.IGNORECASE):
        words = _plain_text(error[1] if error else page)
        raise ArchiveServerError(f"it reports an error: {words[:300]}")


def _unexpected(page, what):
    """Return the error for a page without what is needed."""
    words = _plain_text(page)
    nothing = r"returned\s+(0|no)\s+result|\b(0|no)\s+(rows|images|frames)\b"
    if re.search(nothing, words, re.IGNORECASE):
        return NoDataError("it has nothing there")
    return ArchiveFormatError(f"{what}: {words[-200:]!r}")


def _is_unfinished(page):
    """Whether a page of the archive is still being written."""
    ends = ("</html>", "rows returned")
    is_page = page.lstrip().startswith("<")
    return is_page and not any(end in page.lower() for end in ends)


def _plain_text(page):
    """Return the words of a page of HTML."""
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())
