# Licensed under a 3-clause BSD style license - see LICENSE.rst

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable, Table
from regions import CirclePixelRegion, PixCoord, Regions

from astro_vaeclust.cli import main

from ..matching.examples import circle, clusters, make_wcs, position


@pytest.fixture
def files(tmp_path):
    """Return a folder with clusters, sources on a line, and references."""
    clusters((0, 0, 35), (100, 0, 15)).write(tmp_path / "clusters.ecsv")
    east = np.arange(-200, 201, 10)
    sky = position(east, 0)
    flags = np.where(np.abs(east) < 45, "222", "220")
    table = Table({"ra": sky.ra.deg, "dec": sky.dec.deg, "k_m": 0.0 * east + 12})
    table["rd_flg"] = flags
    table.write(tmp_path / "psc.vot", format="votable")
    regions = Regions([circle(30, 0, 35), circle(100, 0, 15)])
    regions.write(tmp_path / "reference.reg", format="ds9")
    return tmp_path


def score(
    folder,
    *options,
    clusters="clusters.ecsv",
    reference="reference.reg",
    catalog="psc.vot",
):
    arguments = ["score", str(folder / clusters)]
    arguments += ["--catalog", str(folder / catalog)]
    arguments += ["--reference", str(folder / reference), "--quiet", *options]
    return main(arguments)


def test_each_reference_has_a_row(files, capsys):
    output = files / "scores.ecsv"
    code = score(files, "--cut", "everything", "--output", str(output))
    assert code == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "41 sources of psc.vot count (cut: everything)" in captured.out
    table = QTable.read(output)
    assert list(table["id"]) == [1, 2]
    assert list(table["iou"]) == [0.4, 1]
    assert list(table["n_union"]) == [10, 3]
    assert table["offset"].unit == u.arcsec
    assert table.meta == {"cut": "everything", "n_sources": 41}
    assert "0.4" in captured.out


def test_the_cut_of_the_paper_is_the_default(files, capsys):
    assert score(files) == 0
    assert "9 sources of psc.vot count (cut: paper)" in capsys.readouterr().out


def test_one_cluster_is_chosen(files, capsys):
    output = files / "scores.ecsv"
    assert score(files, "--id", "2", "--output", str(output)) == 0
    assert list(QTable.read(output)["id"]) == [2, 2]


def test_references_in_pixels(files):
    wcs = make_wcs()
    region = Regions([CirclePixelRegion(PixCoord(99.5, 99.5), 35)])
    region.write(files / "pixels.reg", format="ds9")
    image = np.random.default_rng(1).normal(size=(200, 200)).astype(np.float32)
    fits.writeto(files / "image.fits", image, wcs.to_header())
    output = str(files / "scores.ecsv")
    options = ["--image", str(files / "image.fits"), "--output", output]
    assert score(files, *options, reference="pixels.reg") == 0
    assert QTable.read(output)["iou"][0] == 1
    labels = np.zeros((200, 200), np.int16)
    labels[80:120, 65:135] = 4
    fits.writeto(files / "labels.fits", labels, wcs.to_header())
    assert score(files, "--overwrite", "--output", output, reference="labels.fits") == 0
    assert QTable.read(output)["n_reference"][0] == 7


def label_hdus(labels, kind):
    """Return HDUs that hold labels, and the option that names them."""
    header = make_wcs().to_header()
    if kind == "compressed":
        return [fits.PrimaryHDU(), fits.CompImageHDU(labels, header)], []
    if kind == "NaN":
        return [fits.PrimaryHDU(np.where(labels, labels, np.nan), header)], []
    if kind == "one label":
        return [fits.PrimaryHDU(np.where(labels, 1.0, np.nan), header)], []
    if kind == "CCDData":
        mask = fits.ImageHDU((labels == 0).astype(np.uint8), name="MASK")
        return [fits.PrimaryHDU(labels + (labels == 0), header), mask], []
    science = fits.ImageHDU(np.ones_like(labels), header, name="SCI")
    named = fits.ImageHDU(labels, header, name="LABELS")
    return [fits.PrimaryHDU(), science, named], ["--reference-hdu", "LABELS"]


@pytest.mark.parametrize(
    "kind", ["compressed", "NaN", "one label", "CCDData", "several images"]
)
def test_labels_of_every_kind(files, kind):
    labels = np.zeros((200, 200), np.int16)
    labels[80:120, 65:135] = 4
    labels[150:160, 65:135] = 7
    hdus, options = label_hdus(labels, kind)
    name = "labels.fits.fz" if kind == "compressed" else "labels.fits"
    fits.HDUList(hdus).writeto(files / name)
    output = str(files / "scores.ecsv")
    assert score(files, *options, "--output", output, reference=name) == 0
    assert QTable.read(output)["n_reference"][0] == 7


def test_the_image_that_places_pixels_is_chosen(files, capsys):
    region = Regions([CirclePixelRegion(PixCoord(99.5, 99.5), 35)])
    region.write(files / "pixels.reg", format="ds9")
    image = np.random.default_rng(1).normal(size=(200, 200)).astype(np.float32)
    other = fits.ImageHDU(image, make_wcs(scale=2).to_header(), name="COARSE")
    named = fits.ImageHDU(image, make_wcs().to_header(), name="SCI")
    fits.HDUList([fits.PrimaryHDU(), other, named]).writeto(files / "image.fits")
    output = str(files / "scores.ecsv")
    options = ["--image", str(files / "image.fits"), "--output", output]
    assert score(files, *options, reference="pixels.reg") == 2
    assert "hdu: choose one of the 2 images" in capsys.readouterr().err
    assert score(files, *options, "--hdu", "SCI", reference="pixels.reg") == 0
    assert QTable.read(output)["iou"][0] == 1


@pytest.mark.filterwarnings("default:reference")
def test_excluded_regions_count_and_texts_do_not(files, capsys, monkeypatch):
    monkeypatch.chdir(files)
    there = circle(0, 0, 1).center.to_string("decimal", precision=6).replace(" ", ",")
    lines = [f'circle({there},35")', f"# text({there}) text={{a}}"]
    lines += [f'-circle({there},15")', f'circle({there},25") # text={{b}}']
    (files / "excluded.reg").write_text("\n".join(["icrs", *lines, ""]))
    output = str(files / "scores.ecsv")
    options = ["--catalog", "psc.vot", "--reference", "excluded.reg"]
    assert main(["score", "clusters.ecsv", *options, "--output", output]) == 0
    (line,) = (
        line for line in capsys.readouterr().err.splitlines() if "warning" in line
    )
    assert "reference: region 2 of 4 is left out, since text has no extent" in line
    table = QTable.read(output)
    assert list(table["reference"]) == ["1", "4 b"]
    assert list(table["n_reference"]) == [4, 2]
    lines = [f"# text({there}) text={{a}}"]
    (files / "text.reg").write_text("\n".join(["icrs", *lines, ""]))
    assert score(files, reference="text.reg") == 2
    assert "has no regions" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "given", "message"),
    [
        ([], {"reference": "none.reg"}, "reference: no such file"),
        ([], {"catalog": "none.vot"}, "no such file"),
        ([], {"clusters": "empty.reg"}, "of a format of catalogues: csv, ecsv, fits, "),
        ([], {"catalog": "clusters.txt"}, "must end in one of"),
        ([], {"clusters": "psc.vot"}, "psc.vot: the columns ['id', "),
        ([], {"reference": "empty.reg"}, "has no regions"),
        ([], {"reference": "psc.vot"}, "cannot be read"),
        ([], {"reference": "global.reg"}, "write -circle(...) instead"),
        ([], {"reference": "pixels.reg"}, "--image is needed"),
        ([], {"reference": "image.fits"}, "must hold labels: whole numbers from 0"),
        (["--cut", "nice"], {}, "--cut: invalid choice: 'nice' (choose from 'paper'"),
        (["--id", "7"], {}, "--id must be one of [1, 2], got 7"),
        (["--output", "clusters.ecsv"], {}, "give --overwrite to replace it"),
    ],
)
def test_bad_input_is_one_line(files, capsys, monkeypatch, options, given, message):
    monkeypatch.chdir(files)
    (files / "empty.reg").write_text("")
    (files / "global.reg").write_text('global include=0\nicrs\ncircle(1,2,3")\n')
    (files / "clusters.txt").write_text("")
    region = Regions([CirclePixelRegion(PixCoord(99.5, 99.5), 35)])
    region.write(files / "pixels.reg", format="ds9")
    noise = np.random.default_rng(1).normal(size=(200, 200))
    fits.writeto(files / "image.fits", noise, make_wcs().to_header())
    assert score(files, *options, **given) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("vaeclust: error: ")
    assert message in line
