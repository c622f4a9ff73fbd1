# Licensed under a 3-clause BSD style license - see LICENSE.rst
import logging
import types
import warnings
from dataclasses import replace

import astropy
import astropy.units as u
import pytest
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.table import QTable
from regions import Regions

import astro_vaeclust
from astro_vaeclust import HeatmapRegions, VAEClusterFinder
from astro_vaeclust.catalog import ClusterCatalog
from astro_vaeclust.cli import main
from astro_vaeclust.detector.embedding import ConvVAE
from astro_vaeclust.exceptions import LossyDataWarning, NoDetectionsWarning
from astro_vaeclust.measure.flags import ClusterFlags

from ..example_catalog import make_catalog, make_pixels, make_wcs


class StubFinder(VAEClusterFinder):
    """Finds what it is told to, and keeps what it was asked for."""

    n_clusters = 3
    calls = None  # a list, per test

    def detect(self, data, **choice):
        self.calls.append((self, data, choice))
        if isinstance(data, str):
            with open(data, "rb"):
                pass
        self.happen()
        if self.n_clusters == 0:
            warnings.warn("nothing found", NoDetectionsWarning, stacklevel=2)
        return make_catalog(self.n_clusters)

    def happen(self):
        """Do what a test wants to happen during detection."""


@pytest.fixture
def finder(monkeypatch):
    stub = type("Stub", (StubFinder,), {"calls": []})
    monkeypatch.setattr(astro_vaeclust, "VAEClusterFinder", stub, raising=False)
    return stub


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "tile.fits"
    fits.PrimaryHDU(make_pixels(), make_wcs().to_header()).writeto(path)
    return str(path)


def error_line(capsys):
    """Return the only line on the standard error."""
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_detect_prints_the_table_and_the_flags_in_words(finder, image, capsys):
    assert main(["detect", image]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[0].split()[:4] == ["id", "ra", "dec", "radius"]
    assert lines[1].split()[:3] == ["deg", "deg", "arcsec"]
    assert " +- " in lines[3]
    assert [line.split()[0] for line in lines[3:6]] == ["1", "2", "3"]
    for flag in ClusterFlags:
        shown = f"flag {flag.value}: {flag.meaning}" in lines
        assert shown == (flag.value in (1, 16, 4))


def test_only_given_settings_reach_the_finder(finder, image):
    assert main(["detect", image, "--quiet"]) == 0
    ((given, data, choice),) = finder.calls
    assert given.settings == VAEClusterFinder().settings
    assert given.progress_bar is None
    assert data == image
    assert choice == {}


def test_all_settings_reach_the_finder(finder, image):
    options = (
        "--hdu 1 --preset paper --mixture gmm --patch-sizes 16,32 --overlap 0.25 "
        "--n-seeds 2 --threshold 0.7 --seed 5 --device auto --quiet"
    )
    assert main(["detect", image, *options.split()]) == 0
    ((given, _, choice),) = finder.calls
    assert choice == {"hdu": 1}
    paper = VAEClusterFinder.paper()
    expected = replace(
        paper,
        embedding=replace(
            paper.embedding, patch_sizes=(16, 32), overlap=0.25, n_seeds=2
        ),
        mixture="gmm",
        regions=replace(paper.regions, threshold=0.7),
        seed=5,
        device="auto",
    )
    assert given.settings == expected.settings


def test_the_settings_of_a_trained_model_reach_the_finder(finder, image, tmp_path):
    model = tmp_path / "mine.pt"
    model.touch()
    options = ["--model", str(model), "--max-false-alarm-rate", "0.1"]
    assert main(["detect", image, *options]) == 0
    ((given, _, _),) = finder.calls
    assert given.embedding == ConvVAE(model=str(model))
    assert given.max_false_alarm_rate == 0.1 / u.deg**2
    assert given.mixture is given.regions is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--patch-sizes 16", "--patch-sizes is for --embedding dense-vae or pca; got"),
        ("--overlap 0.2", "--overlap is for --embedding dense-vae or pca; got"),
        ("--mixture gmm --overlap 0.2", "--overlap is for"),
        ("--n-seeds 2 --embedding pca", "--n-seeds is for --embedding dense-vae; got"),
        ("--threshold 0.5", "--threshold is for searches that learn on the image"),
        ("--preset paper --model m.pt", "--model is for --embedding conv-vae; got"),
        (
            "--preset paper --max-false-alarm-rate 1",
            "--max-false-alarm-rate is for the search with a trained model; got "
            "--preset paper",
        ),
        ("--mixture gmm --max-false-alarm-rate 1", "--max-false-alarm-rate is for"),
        ("--mixture prior", "--mixture 'prior' is for an embedding whose prior"),
        ("--mixture gmm --model nothing.pt", "--model 'nothing.pt' does not exist"),
    ],
)
def test_options_that_cannot_matter_are_refused(
    finder, image, capsys, options, message
):
    assert main(["detect", image, *options.split()]) == 2
    assert message in error_line(capsys)
    assert finder.calls == []


def test_names_of_hdus_and_thresholds_stay_text(finder, image):
    options = ["--hdu", "SCI", "--mixture", "gmm", "--threshold", "peak-fraction"]
    assert main(["detect", image, *options]) == 0
    ((given, _, choice),) = finder.calls
    assert choice == {"hdu": "SCI"}
    assert given.regions == HeatmapRegions(threshold="peak-fraction")


@pytest.mark.parametrize(
    ("suffix", "form"),
    [("ecsv", None), ("fits", None), ("csv", None), ("vot", "votable")],
)
def test_a_table_of_sources_reaches_the_finder(finder, image, tmp_path, suffix, form):
    path = tmp_path / f"sources.{suffix}"
    QTable({"ra": [275.1, 275.2], "dec": [-16.1, -16.2]}).write(path, format=form)
    assert main(["detect", image, "--sources", str(path), "--block-size", "64"]) == 0
    ((_, _, choice),) = finder.calls
    assert choice["sources"].colnames == ["ra", "dec"]
    assert choice["sources"]["ra"].tolist() == [275.1, 275.2]
    assert choice["block_size"] == 64


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("s.fits", None, "no such file"),
        ("s.fits", "no table", "cannot be read"),
        ("s.odd", "no table", "must end in one of .csv, .ecsv"),
    ],
)
def test_bad_tables_of_sources_are_one_line(
    finder, image, tmp_path, capsys, name, content, problem
):
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    assert main(["detect", image, "--sources", str(path)]) == 2
    line = error_line(capsys)
    assert "sources" in line
    assert problem in line
    assert not finder.calls


def test_sources_are_not_overwritten(finder, image, tmp_path, capsys):
    path = tmp_path / "sources.ecsv"
    QTable({"x": [1.0], "y": [2.0]}).write(path)
    options = ["--sources", str(path), "--output", str(path), "--overwrite"]
    assert main(["detect", image, *options]) == 2
    assert "is the input" in error_line(capsys)


def test_progress_is_silent_outside_a_terminal(finder, image, capsys):
    def happen(self):
        assert list(self.progress_bar(range(3), desc="x", total=3))

    finder.happen = happen
    assert main(["detect", image]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("n_clusters", [0, 3])
def test_all_files_are_written(finder, image, tmp_path, capsys, n_clusters):
    finder.n_clusters = n_clusters
    files = ["clusters.ecsv", "clusters.reg", "heat.fits", "overlay.png"]
    options = ["--output", "--regions", "--heatmap", "--plot"]
    arguments = ["detect", image]
    for option, name in zip(options, files, strict=True):
        arguments += [option, str(tmp_path / name)]
    assert main(arguments) == 0
    assert len(ClusterCatalog.read(tmp_path / files[0])) == n_clusters
    assert len(Regions.read(tmp_path / files[1])) == n_clusters
    assert fits.getdata(tmp_path / files[2]).max() == 1
    assert (tmp_path / files[3]).stat().st_size > 1000
    captured = capsys.readouterr()
    assert [line.split("/")[-1] for line in captured.err.splitlines()] == files
    assert ("No clusters found." in captured.out) == (n_clusters == 0)


def test_nothing_found_is_said_once(finder, image, capsys):
    finder.n_clusters = 0
    assert main(["detect", image]) == 0
    captured = capsys.readouterr()
    assert captured.out == "No clusters found.\n"
    assert captured.err == ""


@pytest.mark.parametrize(
    "option", ["--output c.ecsv", "--regions c.reg", "--heatmap h.fits", "--plot p.png"]
)
def test_existing_file_is_refused_before_the_work(
    finder, image, tmp_path, capsys, monkeypatch, option
):
    monkeypatch.chdir(tmp_path)
    name = option.split()[1]
    (tmp_path / name).write_text("precious")
    assert main(["detect", image, *option.split()]) == 2
    assert error_line(capsys) == (
        f"vaeclust: error: {name} exists; give --overwrite to replace it"
    )
    assert finder.calls == []
    assert (tmp_path / name).read_text() == "precious"
    assert main(["detect", image, *option.split(), "--overwrite"]) == 0
    assert (tmp_path / name).read_bytes() != b"precious"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--output nowhere/c.ecsv", "nowhere"),
        ("--output c.txt", "--output takes a file that ends in one of .ecsv, .fits"),
        ("--output c.reg", "--output takes a file that ends in one of .ecsv, .fits"),
        ("--regions c.ecsv", "--regions takes a file that ends in one of .reg, .ds9"),
        ("--heatmap h.ecsv", "--heatmap takes a file that ends in one of .fits"),
        ("--model c.log", "is no model of astro_vaeclust; 'vaeclust train' makes one"),
        ("--plot c.txt", ".png"),
        ("--output c.fits --heatmap c.fits", "c.fits is the input or another output"),
        ("--output tile.fits --overwrite", "tile.fits is the input or another output"),
        ("--embedding unheard-of", "available: conv-vae, dense-vae, pca"),
    ],
)
def test_bad_options_are_refused_before_the_work(
    finder, image, tmp_path, capsys, monkeypatch, options, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.log").write_text("no model")
    options += " --heatmap heat.fits" * ("--model" in options)  # which reads the model
    assert main(["detect", "tile.fits", *options.split()]) == 2
    line = error_line(capsys)
    assert line.startswith("vaeclust: error: ")
    assert message in line
    assert finder.calls == []
    assert {path.name for path in tmp_path.iterdir()} == {"tile.fits", "c.log"}


def test_missing_image_is_one_line(finder, capsys):
    assert main(["detect", "nowhere.fits"]) == 2
    assert "nowhere.fits" in error_line(capsys)


def test_verbose_error_has_a_traceback(finder, capsys):
    assert main(["detect", "nowhere.fits", "--verbose"]) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["unheard-of"],
        ["detect"],
        ["detect", "x.fits", "--preset", "best"],
        ["detect", "x.fits", "--overlap", "half"],
        ["detect", "x.fits", "--quiet", "--verbose"],
    ],
)
def test_wrong_usage(arguments, capsys):
    assert main(arguments) == 2
    line = error_line(capsys)
    assert line.startswith("vaeclust: error: ")
    assert line.endswith("--help'")


def test_interrupt_leaves_no_file(finder, image, tmp_path, capsys):
    def happen(self):
        raise KeyboardInterrupt

    finder.happen = happen
    assert main(["detect", image, "--output", str(tmp_path / "c.ecsv")]) == 130
    assert error_line(capsys) == "vaeclust: interrupted"
    assert [path.name for path in tmp_path.iterdir()] == ["tile.fits"]


def test_mistakes_of_the_package_are_not_hidden(finder, image):
    def happen(self):
        raise RuntimeError("a bug")

    finder.happen = happen
    with pytest.raises(RuntimeError, match="a bug"):
        main(["detect", image])


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("option", [[], ["--quiet"]])
def test_warnings_are_one_line_each(finder, image, capsys, option):
    def happen(self):
        warnings.warn("the image\nis lossy", LossyDataWarning, stacklevel=1)

    finder.happen = happen
    assert main(["detect", image, *option]) == 0
    expected = "" if option else "vaeclust: warning: the image is lossy\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize(
    ("option", "shown"), [([], False), (["--quiet"], False), (["--verbose"], True)]
)
def test_log_of_the_package_is_for_verbose(finder, image, capsys, option, shown):
    package = logging.getLogger("astro_vaeclust")
    before = package.level, list(package.handlers)

    def happen(self):
        logging.getLogger("astro_vaeclust.embeddings").info("12 active units")

    finder.happen = happen
    assert main(["detect", image, *option]) == 0
    assert ("12 active units" in capsys.readouterr().err) == shown
    assert (package.level, package.handlers) == before


@pytest.fixture
def tile(monkeypatch):
    import astro_vaeclust.simulation

    def demo_tile(seed=0):
        return types.SimpleNamespace(
            image=CCDData(make_pixels(), unit="adu", wcs=make_wcs()),
            clusters=make_catalog(1).table["sky_center", "radius"],
        )

    monkeypatch.setattr(
        astro_vaeclust.simulation, "demo_tile", demo_tile, raising=False
    )


def test_demo_writes_and_prints(finder, tile, tmp_path, capsys):
    folder = tmp_path / "new"
    assert main(["demo", "--folder", str(folder), "--seed", "4"]) == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "clusters.ecsv",
        "clusters.reg",
        "overlay.png",
        "tile.fits",
    ]
    out = capsys.readouterr().out
    assert out.index("Found:") < out.index("In the mock image:")
    ((given, data, _),) = finder.calls
    assert given.seed == 4
    assert CCDData.read(folder / "tile.fits").shape == data.shape
    assert main(["demo", "--folder", str(folder)]) == 2
    assert "give --overwrite" in capsys.readouterr().err
    assert main(["demo", "--folder", str(folder), "--overwrite"]) == 0


@pytest.mark.parametrize("options", [[], ["--quiet"], ["--verbose"]])
def test_only_the_table_is_on_the_standard_output(finder, image, capsys, options):
    """Notices of astropy go to the standard error, if anywhere."""
    finder.happen = lambda self: astropy.log.info("16 lines about SIP")
    handlers, level = astropy.log.handlers, astropy.log.level
    assert main(["detect", image, *options]) == 0
    captured = capsys.readouterr()
    assert "SIP" not in captured.out
    assert ("16 lines about SIP" in captured.err) == (options == ["--verbose"])
    assert (astropy.log.handlers, astropy.log.level) == (handlers, level)


def test_a_lack_of_memory_is_one_line(finder, image, capsys):
    def happen(self):
        raise MemoryError("Unable to allocate 198. GiB")

    finder.happen = happen
    assert main(["detect", image]) == 2
    assert error_line(capsys) == (
        "vaeclust: error: not enough memory: Unable to allocate 198. GiB; cut the image"
    )
