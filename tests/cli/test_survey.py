# Licensed under a 3-clause BSD style license - see LICENSE.rst
import json
import sys
import urllib.request
import warnings

import numpy as np
import pytest
from astropy.table import Table

pytest.importorskip("distributed")

from astro_vaeclust.cli import main
from astro_vaeclust.survey.field import FieldRow
from astro_vaeclust.survey.folder import SurveyFolder
from astro_vaeclust.survey.pool import joined

from ..survey.examples import SIDE, QuickFinder, sky, write


@pytest.fixture(scope="module")
def scheduler():
    with joined(None, 1) as client:
        yield client.scheduler.address


@pytest.fixture
def command(scheduler, tmp_path, monkeypatch):
    """Run a command in a folder with one image; the search is a quick one."""
    finder = QuickFinder(trap=str(tmp_path / "trap"))
    monkeypatch.setattr("astro_vaeclust.cli.survey.make_finder", lambda _: finder)
    write(tmp_path / "a.fits", *sky())
    monkeypatch.chdir(tmp_path)

    def run(*words):
        if words[0] == "survey":
            words = (*words, "--scheduler", scheduler, "--side", str(SIDE))
        return main([*words])

    return run


def error_line(capsys):
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_bands_may_be_given_one_by_one(command, capsys):
    bands = ["--band", "J,Ks", "--band", "j"]
    assert command("survey", "a.fits", "--output", "plane", *bands) == 2
    assert "band must have each band once, got J twice" in error_line(capsys)


def test_from_an_image_to_a_catalogue(command, tmp_path, capsys):
    assert command("survey", "a.fits", "--output", "plane") == 0
    said = error_line(capsys)
    assert "9 fields searched: 9 done" in said
    assert "vaeclust merge plane" in said
    assert command("status", "plane") == 0
    assert "9 fields, not running" in capsys.readouterr().out
    assert command("status", "plane", "--json") == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["planned"], status["done"], status["missing"]) == (9, 9, 0)
    assert command("merge", "plane") == 0
    assert "12 clusters" in error_line(capsys)
    for name in (
        "candidates.parquet",
        "candidates.fits",
        "candidates.reg",
        "fields.parquet",
        "area.moc.fits",
    ):
        assert (tmp_path / "plane" / name).exists()


def test_cells_are_counted_beside_fields(command, capsys, monkeypatch):
    rows = [FieldRow(n, f"{n}", "done") for n in range(3)]
    rows += [FieldRow(0, "0", status, tier=1) for status in ("done", "failed")]
    monkeypatch.setattr("astro_vaeclust.survey.run_survey", lambda *_, **__: rows)
    assert command("survey", "a.fits", "--output", "plane") == 1
    assert "3 fields and 2 cells searched: 4 done, 0 empty, 1 f" in error_line(capsys)


def test_a_field_that_failed_is_code_1_and_is_tried_again(command, tmp_path, capsys):
    (tmp_path / "trap").write_text("raise -16.17 0")
    assert command("survey", "a.fits", "--output", "plane") == 1
    assert "failed" in error_line(capsys)
    assert command("status", "plane") == 0
    assert "RuntimeError: sprung" in capsys.readouterr().out
    (tmp_path / "trap").unlink()
    assert command("survey", "a.fits", "--output", "plane", "--retry-failed") == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("survey b.fits --output plane", "no such file"),
        ("survey a.fits --output plane --hdu 3", "--hdu 3 is not in"),
        ("survey a.fits --output .", "other things than a survey"),
        ("survey a.fits --output a.fits", "no folder"),
        ("survey a.fits --output plane --workers 0", "takes a whole number from 1"),
        ("survey a.fits --output plane --cache much", "--cache must be a size"),
        ("status .", "other things"),
        ("merge gone", "holds no survey"),
    ],
)
def test_bad_input_is_one_line_and_code_2(command, capsys, tmp_path, words, says):
    assert command(*words.split()) == 2
    assert says in error_line(capsys)
    assert not (tmp_path / "plane").exists()


@pytest.mark.parametrize(
    ("where", "code"),
    [(("--scheduler", "tcp://127.0.0.1:1"), 3), (("--scheduler-file", "gone.json"), 2)],
)
def test_a_cluster_out_of_reach(command, capsys, tmp_path, monkeypatch, where, code):
    monkeypatch.setattr("astro_vaeclust.survey.pool.ANSWER", 1)
    assert main(["survey", "a.fits", "--output", "plane", *where]) == code
    assert where[1] in error_line(capsys)
    assert not (tmp_path / "plane").exists()


def test_the_dashboard_needs_bokeh(command, capsys, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "bokeh", None)
    assert main(["survey", "a.fits", "--output", "plane", "--dashboard"]) == 3
    assert "astro_vaeclust[dashboard]" in error_line(capsys)
    assert not (tmp_path / "plane").exists()


@pytest.mark.slow
def test_the_dashboard(command, capsys, monkeypatch):
    pytest.importorskip("bokeh")
    pages = []

    def read(self, rows):
        if pages:
            return
        address = capsys.readouterr().err.split("dashboard at ")[-1].split()[0]
        with urllib.request.urlopen(address) as page:
            pages.append(page.read())

    monkeypatch.setattr(SurveyFolder, "write_rows", read)
    options = ("--output", "plane", "--dashboard", "--side", str(SIDE))
    assert main(["survey", "a.fits", *options]) == 0
    assert b"Dask" in pages[0]


@pytest.mark.slow
def test_a_hats_collection(command, capsys, tmp_path):
    lsdb = pytest.importorskip("lsdb")
    from hats.io.validation import is_valid_collection

    assert command("survey", "a.fits", "--output", "plane") == 0
    for _ in range(2):
        assert command("merge", "plane", "--hats") == 0
    assert "plane" in capsys.readouterr().err
    folder = tmp_path / "plane" / "hats"
    with warnings.catch_warnings(action="ignore"):
        assert is_valid_collection(folder, strict=True)
        catalog = lsdb.open_catalog(folder)
        rows = catalog.compute()
    assert catalog.margin is not None
    table = Table.read(tmp_path / "plane" / "candidates.parquet")
    assert sorted(rows["id"]) == list(table["id"])
    np.testing.assert_array_equal(rows.index, np.sort(table["_healpix_29"]))
    assert not list((tmp_path / "plane").glob(".hats*"))


def test_a_hats_collection_takes_a_candidate(command, capsys, tmp_path):
    write(tmp_path / "a.fits", *sky(n_blobs=0))
    assert command("survey", "a.fits", "--output", "plane") == 0
    capsys.readouterr()
    assert command("merge", "plane", "--hats") == 2
    assert "--hats: the survey has no candidate" in error_line(capsys)
    assert (tmp_path / "plane" / "candidates.fits").exists()


def test_an_interrupt_says_how_to_go_on(command, capsys, tmp_path, monkeypatch):
    write_rows = SurveyFolder.write_rows

    def interrupted(self, rows):
        write_rows(self, rows)
        raise KeyboardInterrupt

    monkeypatch.setattr("astro_vaeclust.survey.run.SEGMENT_ROWS", 3)
    monkeypatch.setattr(SurveyFolder, "write_rows", interrupted)
    assert command("survey", "a.fits", "--output", "plane") == 130
    assert "--resume goes on" in error_line(capsys)
    monkeypatch.undo()
    assert SurveyFolder(tmp_path / "plane").read_rows(["status"]).num_rows == 3
