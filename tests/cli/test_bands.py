# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Several bands of one field on the command line."""

import json

import numpy as np
import pytest
from astropy.io import fits

from astro_vaeclust.catalog import ClusterCatalog
from astro_vaeclust.cli import main
from astro_vaeclust.images.write import write_image
from astro_vaeclust.simulation import simulate_tile

pytestmark = pytest.mark.usefixtures("search_in_bands")


@pytest.fixture(scope="module")
def tile():
    surveys = ("2mass-j", "2mass-h", "2mass-ks")
    return simulate_tile(survey=surveys, shape=(120, 100), seed=1)


@pytest.fixture
def folder(tile, tmp_path, monkeypatch):
    """Return a folder with one file for each band, where we are."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w3").mkdir()
    for band, image in tile.images.items():
        write_image(image, tmp_path / "w3" / f"{band.lower()}.fits")
    return tmp_path


def test_a_folder_is_one_field_in_several_bands(folder, capsys):
    assert main(["detect", "w3/", "--output", "c.ecsv"]) == 0
    shown = capsys.readouterr()
    line = "vaeclust: w3/: J from j.fits, H from h.fits, Ks from ks.fits"
    assert shown.err.splitlines() == [line, "vaeclust: wrote c.ecsv"]
    assert "J,H,Ks" in shown.out
    assert "0.75 +- 0.10" in shown.out
    catalog = ClusterCatalog.read("c.ecsv")
    assert catalog["bands"].tolist() == ["J,H,Ks"]
    assert catalog.meta["bands"] == {"J": "j.fits", "H": "h.fits", "Ks": "ks.fits"}


def test_bands_are_given_one_by_one(folder, capsys):
    bands = ["--band", "J=w3/j.fits", "--band", "k=w3/ks.fits"]
    assert main(["detect", *bands, "--reference", "j", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["clusters"][0]["bands"] == "J,Ks"
    assert content["units"]["a_k"] == "mag"
    assert content["meta"]["reference"] == "J"


def test_pictures_and_heat_maps_of_a_folder_are_written(folder, capsys):
    files = ["--heatmap", "w3/heat.fits", "--plot", "plot.png", "--overwrite"]
    assert main(["detect", "w3", *files]) == 0
    assert fits.getdata("w3/heat.fits").shape == (120, 100)
    capsys.readouterr()
    assert main(["detect", "w3", *files]) == 0
    warning = "warning: w3/heat.fits is left out: neither its header nor its name"
    assert warning in capsys.readouterr().err


def test_inputs_in_a_folder_are_not_overwritten(folder, capsys):
    assert main(["detect", "w3", "--output", "w3/j.fits", "--overwrite"]) == 2
    assert "w3/j.fits is the input or another output" in capsys.readouterr().err


def test_folders_and_files_make_one_table(folder, capsys):
    (folder / "empty").mkdir()
    images = ["w3", "empty", "w3/ks.fits"]
    assert main(["detect", *images, "--output", "all.fits"]) == 1
    assert "warning: empty failed: empty has no FITS image" in capsys.readouterr().err
    catalog = ClusterCatalog.read("all.fits")
    assert catalog["image"].tolist() == ["w3", "w3/ks.fits"]
    assert catalog["bands"].tolist() == ["J,H,Ks", ""]
    assert np.isnan(catalog["a_k"][1])


def test_a_folder_of_one_band_is_its_image(folder, capsys):
    for name in ("j.fits", "h.fits"):
        (folder / "w3" / name).unlink()
    assert main(["detect", "w3", "--json"]) == 0
    shown = capsys.readouterr()
    assert shown.err == "vaeclust: w3: Ks from ks.fits\n"
    assert "bands" not in json.loads(shown.out)["clusters"][0]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ([], "give either IMAGE, a file or a folder, or --band for each band"),
        (["w3", "--band", "J=w3/j.fits"], "give either IMAGE, a file or a folder, or"),
        (["--band", "J"], "--band: takes a band and its file such as J=j.fits, got"),
        (["--band", "Y=y.fits"], "--band: takes one of J, H, Ks, got 'Y'"),
        (["--band", "K=a", "--band", "Ks=b"], "--band must be given once for each"),
        (["w3", "--reference", "Y"], "--reference: takes one of J, H, Ks, got 'Y'"),
        (["w3/ks.fits", "--reference", "J"], "--reference is for several bands"),
        (["w3", "--block-size", "64"], "--block-size is for one band: several are"),
        (["w3", "--mixture", "gmm"], "data in several bands is for the search with a"),
        (["empty"], "empty has no FITS image whose header, as FILTER, or name"),
        (["--band", "J=lost.fits", "--band", "H=w3/h.fits"], "no such file: lost.fits"),
    ],
)
def test_what_cannot_be_is_one_line(folder, capsys, options, reason):
    (folder / "empty").mkdir()
    assert main(["detect", *options, "--quiet"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert reason in line
