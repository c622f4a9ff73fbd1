# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
VizieR as the local server plays it.

The answers are made here in the format of VizieR; they are no recordings.
"""

import time

import astropy.units as u
import numpy as np
import pytest
from astropy.config import set_temp_cache
from astropy.io import votable
from astropy.io.votable.tree import VOTableFile
from astropy.table import Table
from numpy.testing import assert_allclose

from astro_vaeclust.archives import ArchiveError, NoDataError
from astro_vaeclust.archives.exceptions import ArchiveFormatError
from astro_vaeclust.matching import KNOWN_LISTS, KnownList
from astro_vaeclust.matching.vizier import fetch_from_vizier

from .examples import CENTER, clusters, position

pytest.importorskip("astroquery")

from ..archives import test_faults as faults

PATH = "/viz-bin/votable"


def vizier_answer(tmp_path, *tables):
    """Return a VOTable with tables of VizieR, a resource each (bytes)."""
    file = VOTableFile()
    for number, table in enumerate(tables):
        part = votable.from_table(table)
        part.get_first_table().name = f"J/X/table{number}"
        file.resources.append(part.resources[0])
    file.to_xml(str(tmp_path / "answer.vot"))
    return (tmp_path / "answer.vot").read_bytes()


def listed(east, north, names, column="Name"):
    sky = position(east, north)
    return Table({"_RAJ2000": sky.ra.deg, "_DEJ2000": sky.dec.deg, column: names})


@pytest.fixture
def server(tmp_path):
    from ..archives.server import serve_archives

    cache = tmp_path / "cache"
    cache.mkdir()
    with set_temp_cache(cache), serve_archives() as archives, archives.configured():
        yield archives


def test_a_list_of_two_tables(server, tmp_path):
    references = Table({"Ref": [1, 2], "BibCode": ["a", "b"]})
    answer = vizier_answer(
        tmp_path,
        listed([3, 900], [0, 0], [815, 816], "FSR"),
        references,
        listed([400], [0], ["900"], "FSR"),
    )
    server.play(PATH, answer)
    catalog = clusters((0, 0, 30), (400, 0, 30), (-400, 0, 30))
    catalog = catalog.crossmatch("froebrich2007")
    assert list(catalog.table["name"]) == ["FSR 815", "FSR 900", ""]
    assert list(catalog.table["known_list"]) == ["froebrich2007"] * 2 + [""]
    assert_allclose(catalog.table["offset"].value[:2], [3, 0], atol=1e-3)


@pytest.mark.parametrize(
    ("tag", "column", "listed_as", "name"),
    [
        ("bica2003", "__BDS2003_", 82, "[BDS2003] 82"),
        ("dutra2003", "Seq", 121, "[DBS2003] 121"),
        ("mercer2005", "__MCM2005b_", 81, "[MCM2005b] 81"),
        ("froebrich2007", "FSR", "815", "FSR 815"),
        ("borissova2011", "Seq", 74, "VVV CL 74"),
        ("solin2012", "Name", "G105.834+00.325", "G105.834+00.325"),
        ("bica2019", "name", "FSR 815, Teutsch 1", "FSR 815, Teutsch 1"),
        ("hunt2023", "Name", "HSC_1234", "HSC_1234"),
    ],
)
def test_names_are_those_of_each_list(server, tmp_path, tag, column, listed_as, name):
    # columns of names as the CDS documents them, under the IDs that VizieR gives
    server.play(PATH, vizier_answer(tmp_path, listed([3], [0], [listed_as], column)))
    table = clusters((0, 0, 30), (-4000, 0, 30)).crossmatch(tag).table
    assert list(table["name"]) == [name, ""]
    assert list(table["status"]) == ["known", "new"]
    assert list(table["known_list"]) == [tag, ""]
    assert_allclose(table["offset"].to_value(u.arcsec), [3, np.nan], atol=1e-3)
    assert f"-source={KNOWN_LISTS[tag].vizier[0]}" in server.asked(PATH)[0].body


def test_what_is_asked(server, tmp_path):
    server.play(PATH, vizier_answer(tmp_path, listed([3], [0], ["A"])))
    clusters((0, 0, 30)).crossmatch("solin2012")
    (request,) = server.asked(PATH)
    lines = request.body.splitlines()
    asked = dict(line.split("=", 1) for line in lines if "=" in line)
    assert asked["-source"] == "J/A+A/542/A3/table1"
    assert asked["-out.max"] == "unlimited"
    assert asked["-out.add"] == "_RAJ2000,_DEJ2000"
    ra, dec = asked["-c"].split("+")
    assert_allclose([float(ra), float(dec)], [CENTER.ra.deg, CENTER.dec.deg], atol=1e-4)
    (unit,) = (key for key in asked if key.startswith("-c.r"))
    radius = u.Quantity(float(asked[unit]), {"d": "deg", "m": "arcmin"}[unit[-1]])
    assert_allclose(radius.to_value(u.arcsec), 60.6, rtol=1e-3)
    # the answer is kept
    clusters((0, 0, 30)).crossmatch("solin2012")
    assert len(server.asked(PATH)) == 1


def test_the_whole_list(server, tmp_path):
    server.play(PATH, vizier_answer(tmp_path, listed([3], [0], ["A"])))
    rows = fetch_from_vizier(KNOWN_LISTS["hunt2023"], None)
    assert list(rows["name"]) == ["A"]
    (request,) = server.asked(PATH)
    assert "-c=" not in request.body


def test_nothing_there(server, tmp_path):
    nothing = vizier_answer(tmp_path)
    somewhere = vizier_answer(tmp_path, listed([90_000], [0], ["A"]))
    server.play(PATH, lambda request: nothing if "-c=" in request.body else somewhere)
    catalog = clusters((0, 0, 30)).crossmatch("solin2012")
    assert list(catalog.table["status"]) == ["new"]
    _, check = server.asked(PATH)
    assert "-source=J/A+A/542/A3/table1" in check.body
    assert "-out.max=1\n" in check.body + "\n"


def test_a_list_that_is_not_there_makes_nothing_new(server, tmp_path):
    server.play(PATH, vizier_answer(tmp_path))
    catalog = clusters((0, 0, 30))
    with pytest.raises(NoDataError, match="no list J/A"):
        catalog.crossmatch("solin2012")
    with pytest.raises(NoDataError, match="no list J/A"):
        fetch_from_vizier(KNOWN_LISTS["solin2012"], None)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("RAJ2000", "DEJ2000"), True),
        (("RA_ICRS", "DE_ICRS"), False),
        (("_RA_icrs", "_DE_icrs"), False),
        (("_raj2000", "_dej2000"), False),
        (("RAdeg", "DEdeg"), False),
    ],
)
def test_positions_under_other_names(server, tmp_path, names, words):
    sky = position([3, 500], [0, 0])
    ra, dec = sky.ra.deg, sky.dec.deg
    if words:
        ra = sky.ra.to_string(u.hourangle, sep=" ", precision=3)
        dec = sky.dec.to_string(u.deg, sep=" ", precision=2, alwayssign=True)
        ra[1] = dec[1] = ""
    part = Table({names[0]: ra, names[1]: dec, "NAME": ["A", "B"]})
    server.play(PATH, vizier_answer(tmp_path, part))
    table = clusters((0, 0, 30), (500, 0, 30)).crossmatch("solin2012").table
    assert list(table["name"]) == ["A", "" if words else "B"]
    assert_allclose(table["offset"].value[0], 3, atol=0.02)


def test_wrong_columns(server, tmp_path):
    server.play(PATH, vizier_answer(tmp_path, Table({"Name": ["A"], "x": [1.0]})))
    with pytest.raises(ArchiveFormatError, match=r"_RAJ2000.*got.*'Name', 'x'"):
        clusters((0, 0, 30)).crossmatch("solin2012")


def test_names_are_kept_for_the_list_that_gave_them(server, tmp_path):
    server.play(PATH, vizier_answer(tmp_path, listed([3], [0], [7], "Seq")))
    for prefix in ("One", "Other"):
        known = KnownList("mine", ("J/X/1",), "", "", 1 * u.arcmin, ("Seq",), prefix)
        table = clusters((0, 0, 30)).crossmatch(known).table
        assert list(table["name"]) == [f"{prefix} 7"]


@pytest.mark.parametrize("fault", faults.FAULTS)
def test_faults_are_typed_and_leave_nothing(server, tmp_path, fault):
    server.play(PATH, vizier_answer(tmp_path, listed([3], [0], ["A"])))
    server.misbehave(PATH, fault)
    slow = fault in faults.SLOW_FAULTS
    settings = faults.IMPATIENT if slow else {"timeout": 20, "deadline": 30}
    catalog = clusters((0, 0, 30))
    start = time.monotonic()
    with server.configured(**settings), pytest.raises(faults.EXPECTED[fault]) as caught:
        catalog.crossmatch("solin2012")
    assert time.monotonic() - start < 2 * settings["deadline"] + faults.SLACK
    assert isinstance(caught.value, ArchiveError)
    assert caught.value.service == "VizieR"
    assert "J/A+A/542/A3/table1" in caught.value.query
    server.behave()
    assert list(catalog.crossmatch("solin2012").table["name"]) == ["A"]


@pytest.mark.remote_data
@pytest.mark.parametrize("tag", KNOWN_LISTS)
def test_every_list_is_there(tag, tmp_path):
    with set_temp_cache(tmp_path):
        rows = fetch_from_vizier(KNOWN_LISTS[tag], None)
    assert len(rows) > 10
    assert np.isfinite(rows["ra"]).all()
    assert len(set(rows["name"])) > 0.8 * len(rows)
    assert KNOWN_LISTS[tag].radius < 10 * u.arcmin
