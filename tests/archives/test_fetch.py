# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust fetch`` against the local server of the archives."""

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits

from astro_vaeclust.archives import LocalArchive, cuts, read_catalog
from astro_vaeclust.cli import main
from astro_vaeclust.images.read import read_image

from .sky import CENTER, ZERO_POINT, make_cutout, make_tile

NAME = "IRAS 06055+2039"


def test_fetch_writes_image_and_sources(server, tmp_path, capsys):
    folder = tmp_path / "field"
    options = ["--survey", "2mass", "--band", "Ks", "--size", "12arcmin"]
    assert main(["fetch", NAME, *options, "--output", str(folder)]) == 0
    shown = capsys.readouterr()
    assert "2MASS Ks image of 720 x 720 pixels from IRSA SIA2" in shown.out
    assert "sources from IRSA TAP" in shown.out
    assert {path.name for path in folder.iterdir()} == {"image.fits", "psc.vot"}
    image = read_image(folder / "image.fits")
    assert image.shape == (720, 720)
    with fits.open(folder / "image.fits") as hdulist:
        assert np.isfinite(hdulist[0].data).mean() > 0.99
        header = hdulist[0].header
    assert (header["MAGZP"], header["SKYVAL"]) == (ZERO_POINT, 500.0)
    assert (header["SURVEY"], header["BAND"]) == ("2MASS", "Ks")
    assert (header["SERVICE"], header["NTILES"]) == ("IRSA SIA2", 2)
    archive = LocalArchive(images=folder, catalog=folder / "psc.vot")
    again = archive.get_image(NAME, size=11 * u.arcmin)
    sources = archive.get_catalog(again)
    assert len(sources) > 50
    assert 0 < cuts.paper(sources).sum() < len(sources)


@pytest.mark.parametrize(
    ("survey", "band", "service"), [("ukidss", "K", "WSA"), ("vista", "Ks", "VSA")]
)
def test_the_other_surveys(server, tmp_path, capsys, survey, band, service):
    options = ["--survey", survey, "--size", "2arcmin", "--output", str(tmp_path)]
    assert main(["fetch", "92.133 20.65", *options, "--cut", "include_extended"]) == 0
    shown = capsys.readouterr().out
    assert f"{survey.upper()} {band} image of" in shown
    assert f"pixels from {service}" in shown
    sources = read_catalog(tmp_path / "psc.vot")
    assert f"{len(sources)} sources from {service}" in shown
    assert len(sources) > 0
    assert set(sources["mergedclass"]) <= {-2, -1, 1}


BANDS = {"J": "j", "H": "h", "K": "k"}
"""Bands of the server, and the columns of their magnitudes."""


@pytest.fixture
def all_bands(server, stars):
    """A server with one tile and one cutout of each band."""
    server.tiles.clear()
    server.cutouts.clear()
    for seed, (band, column) in enumerate(BANDS.items()):
        tile = make_tile(CENTER, stars, seed=seed, band=column)
        server.add_tile(CENTER, tile, band=band)
        width = 2.2 * u.arcmin
        cutout = make_cutout(CENTER, stars, width=width, seed=seed, band=column)
        server.add_cutout(CENTER, cutout, band=band)
    return server


@pytest.mark.usefixtures("search_in_bands", "all_bands")
@pytest.mark.parametrize(
    ("survey", "bands"),
    [("2mass", "J,H,Ks"), ("ukidss", "J,H,K"), ("vista", "j,ks")],
)
def test_several_bands_make_a_folder_that_is_searched(tmp_path, capsys, survey, bands):
    folder = str(tmp_path / "w3")
    options = ["--survey", survey, "--band", bands, "--size", "2arcmin"]
    assert main(["fetch", "92.133 20.65", *options, "--output", folder]) == 0
    shown = capsys.readouterr().out.splitlines()
    expected = [band.capitalize() for band in bands.split(",")]
    assert [line.split()[1] for line in shown[:-1]] == expected
    names = {path.name for path in (tmp_path / "w3").iterdir()}
    assert names == {f"{band.lower()}.fits" for band in expected} | {"psc.vot"}
    colors = [np.nanmax(fits.getdata(f"{folder}/{name}")) for name in sorted(names)[:2]]
    assert colors[0] != colors[1]
    sources = read_catalog(f"{folder}/psc.vot")
    assert set(sources["band"]) == {expected[-1]}
    assert main(["detect", folder]) == 0
    shown = capsys.readouterr()
    assert all(f" from {name}" in shown.err for name in names - {"psc.vot"})
    assert ",".join(expected).replace("K", "Ks").replace("Kss", "Ks") in shown.out


def test_a_band_is_asked_for_once(server, tmp_path, capsys):
    options = ["--band", "K,J,Ks", "--output", str(tmp_path)]
    assert main(["fetch", NAME, *options]) == 2
    text = "--band must have each band once, got Ks, J, Ks"
    assert text in capsys.readouterr().err
    assert server.requests == []


def test_a_band_that_is_missing_leaves_nothing(all_bands, tmp_path, capsys):
    del all_bands.tiles[1]
    options = ["--band", "J,H,Ks", "--size", "3arcmin"]
    assert main(["fetch", NAME, *options, "--output", str(tmp_path / "w3")]) == 2
    assert not (tmp_path / "w3").exists()


def test_existing_files_stay_unless_told(server, tmp_path, capsys):
    (tmp_path / "psc.vot").write_text("mine")
    command = ["fetch", NAME, "--size", "3arcmin", "--output", str(tmp_path)]
    assert main(command) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "psc.vot").read_text() == "mine"
    assert server.requests == []
    assert main([*command, "--overwrite"]) == 0
    assert (tmp_path / "psc.vot").read_bytes().startswith(b"<?xml")


def test_a_failing_archive_is_one_line(server, tmp_path, capsys):
    server.misbehave("/", "500")
    command = ["fetch", NAME, "--output", str(tmp_path / "a" / "new"), "--quiet"]
    assert main(command) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("vaeclust: error: IRSA")
    assert list(tmp_path.iterdir()) == [tmp_path / "cache"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--band", "Z"], "band must be one of 'J', 'H', 'Ks'"),
        (["--cut", "none"], "--cut: invalid choice: 'none' (choose from"),
        (["--size", "12"], "angle such as 12arcmin"),
        (["--size", "5deg"], "size must be at most"),
    ],
)
def test_bad_options_ask_nobody(server, tmp_path, capsys, options, reason):
    assert main(["fetch", NAME, *options, "--output", str(tmp_path)]) == 2
    assert reason in " ".join(capsys.readouterr().err.split())
    assert server.requests == []
