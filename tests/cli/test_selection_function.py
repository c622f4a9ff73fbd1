# Licensed under a 3-clause BSD style license - see LICENSE.rst

import pytest
from astropy.io import fits

from astro_vaeclust.cli import main
from astro_vaeclust.evaluation import SelectionFunction
from astro_vaeclust.simulation import simulate_tile

from ..evaluation.examples import PeakFinder

QUICK = ["--injections", "14", "--r50", "8", "20", "--quiet"]


@pytest.fixture
def finder(monkeypatch):
    class Stub(PeakFinder):
        calls_before_interrupt = None

        def __init__(self, arguments):
            super().__init__(calls_left=self.calls_before_interrupt)

    monkeypatch.setattr("astro_vaeclust.cli.selection_function.make_finder", Stub)
    return Stub


@pytest.fixture
def image(tmp_path):
    tile = simulate_tile(shape=(200, 200), density=3.6, seed=4)
    header = tile.image.wcs.to_header()
    header["MAGZP"] = tile.image.meta["MAGZP"]
    path = tmp_path / "tile.fits"
    fits.PrimaryHDU(tile.image.data, header).writeto(path)
    return path


def run(image, *options):
    output = ["--output", str(image.parent / "sf.ecsv")]
    return main(["selection-function", str(image), *output, *QUICK, *options])


@pytest.mark.filterwarnings("ignore:.*injections were found")
def test_interrupted_run_goes_on_and_writes_all(finder, image, capsys):
    folder = image.parent
    finder.calls_before_interrupt = 5
    assert run(image, "--seed", "1") == 130
    assert (folder / "sf.ecsv.injections").is_dir()
    assert not (folder / "sf.ecsv").exists()
    finder.calls_before_interrupt = 11
    plot = str(folder / "sf.png")
    assert run(image, "--seed", "1", "--plot", plot) == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "sf.ecsv",
        "sf.png",
        "tile.fits",
    ]
    selection = SelectionFunction.read(folder / "sf.ecsv")
    assert len(selection.injections) == 14
    out = capsys.readouterr().out
    found = selection.injections["is_found"].sum()
    assert f"{found} of 14 injected clusters found" in out
    assert "log10 members" in out


@pytest.mark.filterwarnings("ignore:.*injections were found")
def test_what_is_injected_is_said(finder, image, capsys, monkeypatch):
    monkeypatch.setattr(finder, "calls_before_interrupt", 0)
    options = ["--zero-point", "21.5", "--survey", "vvv-ks", "--members", "20", "90"]
    command = ["selection-function", str(image), *QUICK[:-1], *options]
    assert main([*command, "--output", str(image.parent / "sf.ecsv")]) == 130
    line = capsys.readouterr().err.splitlines()[0]
    assert "clusters of vvv-ks: 20 to 90 members brighter than Ks = 17.2 mag" in line
    assert "zero point of 21.5 mag" in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--output", "nowhere/sf.ecsv"], "nowhere"),
        (["--plot", "sf.txt"], ".png"),
        (["--members", "300", "10"], "--members takes two rising"),
        (["--survey", "dss"], "--survey: invalid choice: 'dss' (choose from '2mass-j'"),
        (["--injections", "0"], "--injections: takes a whole number from 1"),
    ],
)
def test_bad_options_are_one_line(finder, image, capsys, options, message):
    assert run(image, *options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("vaeclust: error: ")
    assert message in line
    assert [path.name for path in image.parent.iterdir()] == ["tile.fits"]


def test_existing_file_is_refused(finder, image, capsys):
    (image.parent / "sf.ecsv").write_text("precious")
    assert run(image) == 2
    assert "give --overwrite" in capsys.readouterr().err
    assert (image.parent / "sf.ecsv").read_text() == "precious"


def test_zero_point_is_needed(finder, image, capsys):
    with fits.open(image, mode="update") as files:
        del files[0].header["MAGZP"]
    assert run(image) == 2
    assert "MAGZP" in capsys.readouterr().err
