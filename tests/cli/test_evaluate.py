# Licensed under a 3-clause BSD style license - see LICENSE.rst

import pytest
from astropy.table import QTable

import astro_vaeclust
from astro_vaeclust.cli import main

from ..evaluation.examples import PeakFinder

QUICK = ["--tiles", "4", "--shape", "160", "160", "--quiet"]


@pytest.fixture
def finders(monkeypatch):
    """Let the presets be stubs."""

    class Stub(PeakFinder):
        made = []  # noqa: RUF012

        def __init__(
            self, seed=0, device="cpu", smoothing=10.0, max_false_alarm_rate=None
        ):
            super().__init__(smoothing)
            self.made.append((seed, device, smoothing))

        @classmethod
        def paper(cls, **settings):
            return cls(smoothing=4.0, **settings)

    monkeypatch.setattr(astro_vaeclust, "VAEClusterFinder", Stub, raising=False)
    return Stub.made


def run(folder, *options):
    return main(["evaluate", *QUICK, "--folder", str(folder), "--finders", *options])


def test_tables_are_printed_and_written(finders, tmp_path, capsys):
    folder = tmp_path / "new"
    assert run(folder, "default", "paper", "--device", "cuda") == 0
    assert finders == [(0, "cuda", 10.0), (0, "cuda", 4.0)]
    captured = capsys.readouterr()
    assert captured.err == ""
    for text in ("2 clusters on 4 tiles", "by kind", "Errors", "default", "paper"):
        assert text in captured.out
    summary = QTable.read(folder / "summary.ecsv")
    assert list(summary["finder"]) == ["default", "paper"]
    assert (folder / "froc.png").stat().st_size > 5000
    assert "at 1 " in (folder / "summary.rst").read_text()


def test_completeness_is_given_by_least_number_of_members(finders, tmp_path, capsys):
    assert run(tmp_path, "default", "paper", "--tiles-for", "paper=2") == 0
    printed = capsys.readouterr().out
    assert "at least 20 members" in printed
    assert "at least 10 members" in printed
    summary = QTable.read(tmp_path / "members_20" / "summary.ecsv")
    assert list(summary["n_tiles"]) == [4, 2]
    assert run(tmp_path, "default", "--tiles-for", "paper") == 2
    assert "--tiles-for takes NAME=N" in capsys.readouterr().err
    assert run(tmp_path, "default", "--nulls-for", "default=few") == 2
    assert "--nulls-for takes NAME=N" in capsys.readouterr().err


def test_a_model_of_ones_own_is_for_the_default(tmp_path, capsys):
    lost = str(tmp_path / "lost.pt")
    assert run(tmp_path / "new", "default", "--model", lost) == 2
    assert f"--model {lost!r} does not exist" in capsys.readouterr().err
    assert run(tmp_path / "new", "star-counts", "--model", lost) == 2
    assert "--model is for the finder default" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_the_same_command_goes_on(finders, tmp_path, capsys):
    assert run(tmp_path, "default") == 0
    first = capsys.readouterr().out
    paths = sorted((tmp_path / "default").iterdir())
    times = [path.stat().st_mtime_ns for path in paths]
    assert run(tmp_path, "default") == 0
    assert capsys.readouterr().out == first
    assert [path.stat().st_mtime_ns for path in paths] == times
    assert run(tmp_path, "default", "--seed", "5") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "seed is 1000000 there and 5 here" in line
    assert run(tmp_path, "default", "--survey", "vvv-ks") == 2
    line = capsys.readouterr().err
    assert "settings: survey is '2mass-ks' there and 'vvv-ks' here; take" in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["best"], "--finders: invalid choice: 'best' (choose from 'default'"),
        (
            ["default", "--survey", "dss"],
            "--survey: takes 2mass-j",
        ),
        (["default", "--tiles", "0"], "--tiles: takes a whole number from 2"),
        (["default", "--workers", "0"], "--workers: takes a whole number from 1"),
    ],
)
def test_bad_options_are_one_line(finders, tmp_path, capsys, options, message):
    assert run(tmp_path / "new", *options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("vaeclust: error: ")
    assert message in line
