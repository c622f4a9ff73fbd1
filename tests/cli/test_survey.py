# Licensed under a 3-clause BSD style license - see LICENSE.rst
import json

import pytest

pytest.importorskip("distributed")

from astro_vaeclust.cli import main
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
        ("survey a.fits --output plane --hdu 3", "hdu=3"),
        ("survey a.fits --output .", "other things than a survey"),
        ("survey a.fits --output a.fits", "no folder"),
        ("survey a.fits --output plane --workers 0", "workers must be"),
        ("status .", "other things"),
        ("merge gone", "holds no survey"),
    ],
)
def test_bad_input_is_one_line_and_code_2(command, capsys, tmp_path, words, says):
    assert command(*words.split()) == 2
    assert says in error_line(capsys)
    assert not (tmp_path / "plane").exists()


@pytest.mark.parametrize(
    "where", [("--scheduler", "tcp://127.0.0.1:1"), ("--scheduler-file", "gone.json")]
)
def test_a_cluster_out_of_reach_is_code_2(
    command, capsys, tmp_path, monkeypatch, where
):
    monkeypatch.setattr("astro_vaeclust.survey.pool.ANSWER", 1)
    assert main(["survey", "a.fits", "--output", "plane", *where]) == 2
    assert where[1] in error_line(capsys)
    assert not (tmp_path / "plane").exists()


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
