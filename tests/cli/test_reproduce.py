# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The paper's table on mock tiles that stand in for its fields."""

import dataclasses
import re
import sys

import astropy.units as u
import numpy as np
import pytest
from astropy.config import set_temp_cache
from astropy.table import QTable, Table, vstack

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.archives import LocalArchive
from astro_vaeclust.archives.exceptions import ArchiveConnectionError
from astro_vaeclust.cli import main
from astro_vaeclust.evaluation import Reproduction
from astro_vaeclust.evaluation.paper_table import TABLE_I
from astro_vaeclust.images.write import write_image
from astro_vaeclust.simulation import MockCluster, simulate_tile

QUICK = ["--embedding", "pca", "--patch-sizes", "8,16", "--size", "6arcmin"]
SHAPE = (240, 240)
MISSING = "IRAS 05345+3157"


def mock_field(field, seed):
    """Return image and sources of a mock tile instead of a field."""
    cluster = MockCluster(n_members=60, half_number_radius=10 * u.arcsec)
    tile = simulate_tile(shape=SHAPE, center=field.center, clusters=cluster, seed=seed)
    stars = tile.stars[tile.stars["mag"] < 15.5 * u.mag]
    flags = np.where(np.arange(len(stars)) % 10, "222", "220")
    sky = stars["sky"]
    table = Table({"ra": sky.ra.deg, "dec": sky.dec.deg, "k_m": stars["mag"].value})
    table["rd_flg"] = flags
    return tile.image, table


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Folder with images and sources of all fields but one."""
    folder = tmp_path_factory.mktemp("archive")
    tables = []
    for seed, field in enumerate(TABLE_I):
        image, table = mock_field(field, seed)
        tables.append(table)
        if field.name != MISSING:
            write_image(image, folder / f"{seed}.fits")
    vstack(tables).write(folder / "sources.vot", format="votable")
    return folder


def reproduce(archive, folder, *options):
    arguments = ["reproduce", "--images", str(archive), "--folder", str(folder)]
    arguments += ["--catalog", str(archive / "sources.vot"), "--quiet"]
    return main([*arguments, *QUICK, *options])


def test_it_runs_to_the_end_and_says_what_it_used(archive, tmp_path, capsys):
    folder = tmp_path / "new"
    assert reproduce(archive, folder, "--no-plots") == 1  # one field has no image
    output = capsys.readouterr().out
    table = QTable.read(folder / "table.ecsv")
    done = table["status"] == "done"
    assert set(table["field"][~done]) == {MISSING}
    in_table = table["reference"] == "Table I"
    assert in_table.sum() == 16
    assert (done & in_table).sum() == 14
    assert list(table["finder"][in_table][:2]) == ["paper", "default"]
    assert ((table["iou"][done] >= 0) & (table["iou"][done] <= 1)).all()
    found = table[done & in_table & (table["finder"] == "paper")]
    assert (found["n_clusters"] == 1).all()
    assert (found["radius"] > 3 * u.arcsec).all()
    assert np.isfinite(found["centred_iou"]).all()
    assert list(found["paper_iou"][:2]) == [0.8595, 0.7968]
    # what failed and what was used
    assert f"{MISSING}, paper: failed: local archive" in output
    assert "sources from local archive" in output
    assert str(archive) in output
    assert "paper: mean IoU" in output
    assert "on these fields the paper has 77.4 %" in output


def test_every_published_circle_has_its_row(archive, tmp_path):
    options = ["--no-plots", "--preset", "paper", "--fields", "05358+3543"]
    assert reproduce(archive, tmp_path, *options) == 0
    table = QTable.read(tmp_path / "table.ecsv")
    assert list(table["reference"]) == ["Table I", "Sh2-233SE", "[DB2001] 24"]
    radii = table["reference_radius"].to_value(u.arcsec)
    np.testing.assert_allclose(radii, [130, 33, 36])
    assert len(set(table["n_reference"])) == 3
    assert len(set(table["radius"])) == 1


def test_stand_ins_need_no_network(tmp_path, capsys):
    options = ["--mock", "--no-plots", "--fields", "06055+2039", "--quiet"]
    options += ["--preset", "default", "--folder", str(tmp_path)]
    assert main(["reproduce", *options]) == 0
    table = QTable.read(tmp_path / "table.ecsv")
    assert table["iou"][0] > 0.6
    assert list(table["reference"]) == ["Table I"]
    assert "mock stand-ins for the fields" in capsys.readouterr().out


def test_without_a_network_it_says_so_at_once(tmp_path, capsys, monkeypatch):
    asked = []

    def unreachable(self, *args, **kwargs):
        asked.append(args)
        raise ArchiveConnectionError("no route to host", service="IRSA")

    monkeypatch.setattr("astro_vaeclust.archives.TwoMASS.get_image", unreachable)
    folder = tmp_path / "a" / "new"
    assert main(["reproduce", "--folder", str(folder), "--quiet"]) == 3
    assert len(asked) == 1
    assert list(tmp_path.iterdir()) == []
    (line,) = capsys.readouterr().err.splitlines()
    assert "IRSA: no route to host; without a network take --mock" in line


def test_it_goes_on_from_where_it_was(archive, tmp_path, capsys, monkeypatch):
    options = ["--no-plots", "--preset", "paper", "--fields", "06055+2039"]
    assert reproduce(archive, tmp_path, *options) == 0
    first = capsys.readouterr().out
    kept = tmp_path / "IRAS_06055+2039" / "paper.json"
    time = kept.stat().st_mtime_ns

    def fail(*args, **kwargs):
        raise AssertionError("it was asked again")

    monkeypatch.setattr("astro_vaeclust.archives.LocalArchive.get_image", fail)
    assert reproduce(archive, tmp_path, *options) == 0
    assert capsys.readouterr().out == first
    assert kept.stat().st_mtime_ns == time
    # the data are kept as well: another finder needs no archive
    options[2] = "default"
    assert reproduce(archive, tmp_path, *options) == 0
    # other settings need another folder
    assert reproduce(archive, tmp_path, *options, "--cut", "everything") == 2
    assert "take another folder" in capsys.readouterr().err


def test_a_failed_field_is_tried_again(archive, tmp_path, capsys, monkeypatch):
    options = ["--no-plots", "--preset", "paper", "--fields", "06055+2039"]
    with monkeypatch.context() as patch:

        def fail(*args, **kwargs):
            raise OSError("the line is down")

        patch.setattr("astro_vaeclust.archives.LocalArchive.get_catalog", fail)
        assert reproduce(archive, tmp_path, *options) == 2
        captured = capsys.readouterr()
        assert "failed: the line is down" in captured.out
        assert "no field could be done" in captured.err
    assert reproduce(archive, tmp_path, *options) == 0
    assert "failed" not in capsys.readouterr().out


def test_a_failing_finder_does_not_end_the_run(archive, tmp_path, capsys, monkeypatch):
    detect = VAEClusterFinder.detect

    def detect_or_fail(self, *args, **kwargs):
        if self.n_largest == 1:
            raise RuntimeError("out of luck")
        return detect(self, *args, **kwargs)

    monkeypatch.setattr(VAEClusterFinder, "detect", detect_or_fail)
    options = ["--no-plots", "--fields", "06055+2039"]
    assert reproduce(archive, tmp_path, *options) == 1
    table = QTable.read(tmp_path / "table.ecsv")
    assert list(table["status"]) == ["failed: out of luck", "done", "done"]
    assert table["n_detected"][0] == -1


def test_pictures(archive, tmp_path):
    pytest.importorskip("matplotlib")
    options = ["--preset", "paper", "--fields", "IRAS 06055+2039"]
    assert reproduce(archive, tmp_path, *options) == 0
    field = tmp_path / "IRAS_06055+2039"
    for path in (
        tmp_path / "table.png",
        field / "paper.png",
        field / "paper_magnitudes.png",
    ):
        assert path.stat().st_size > 5000
    assert {path.name for path in field.iterdir()} == {
        *("image.fits", "sources.vot", "data.txt"),
        *("paper.ecsv", "paper.json", "paper.png", "paper_magnitudes.png"),
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fields", "12345+6789"], "--fields takes some of 06055+2039"),
        (["--catalog", "nothing.vot"], "no such file or folder: nothing.vot"),
        (["--cut", "nice"], "--cut: invalid choice: 'nice' (choose from"),
        (["--patch-sizes", "1"], "--patch-sizes"),
    ],
)
def test_bad_options_are_one_line(archive, tmp_path, capsys, options, message):
    assert reproduce(archive, tmp_path / "new", *options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("vaeclust: error: ")
    assert message in line
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".x", "a\x00", 3, "x" * 200])
def test_names_become_no_paths(archive, tmp_path, name):
    images = LocalArchive(images=archive, catalog=archive / "sources.vot")
    settings = {"survey": images, "folder": tmp_path / "new"}
    finder = VAEClusterFinder.paper()
    field = dataclasses.replace(TABLE_I[0], name=name)
    with pytest.raises(ValueError, match="fields must have names of letters"):
        Reproduction(**settings, finders={"paper": finder}, fields=(field,))
    with pytest.raises(ValueError, match="finders must have names of letters"):
        Reproduction(**settings, finders={name: finder})
    assert not (tmp_path / "new").exists()


def test_stand_ins_and_images_exclude_each_other(archive, tmp_path, capsys):
    assert reproduce(archive, tmp_path / "new", "--mock") == 2
    assert "--mock replaces --images" in capsys.readouterr().err


def test_images_need_their_catalogue(archive, tmp_path, capsys):
    code = main(["reproduce", "--images", str(archive), "--folder", str(tmp_path)])
    assert code == 2
    assert "--images and --catalog belong together" in capsys.readouterr().err


def test_size_must_be_an_angle(capsys):
    assert main(["reproduce", "--size", "12"]) == 2
    assert "takes an angle such as 12arcmin" in capsys.readouterr().err


def test_through_the_network(tmp_path, capsys):
    """The local server plays the archives of 2MASS, mock tiles are the eight fields."""
    pytest.importorskip("astroquery")
    from ..archives import sky
    from ..archives.server import serve_archives

    fields = {
        field: sky.make_stars(150, center=field.center, radius=4 * u.arcmin, seed=seed)
        for seed, field in enumerate(TABLE_I)
    }
    cache = tmp_path / "cache"
    cache.mkdir()
    stars = vstack(list(fields.values()))
    with set_temp_cache(cache), serve_archives(stars=stars) as server:
        for field, own in fields.items():
            tile = sky.make_tile(field.center, own, shape=(300, 300))
            server.add_tile(field.center, tile)
        with server.configured():
            options = ["--size", "4arcmin", "--patch-sizes", "8", "--embedding", "pca"]
            arguments = ["reproduce", "--folder", str(tmp_path / "out"), "--quiet"]
            assert main([*arguments, *options]) == 0
            assert len(server.asked("/TAP")) == len(server.asked("/tiles")) + 1 == 9
    table = QTable.read(tmp_path / "out" / "table.ecsv")
    in_table = table[table["reference"] == "Table I"]
    assert list(in_table["field"]) == [f.name for f in TABLE_I for _ in range(2)]
    assert list(in_table["finder"]) == ["paper", "default"] * 8
    assert (table["status"] == "done").all()
    assert (in_table["n_reference"] > 0).all()
    output = capsys.readouterr().out
    host = server.url.removeprefix("http://")
    for field in TABLE_I:
        used = r"2MASS Ks: image of 24[01] x 24[01] pixels from IRSA SIA2"
        asked = rf"\d+ sources from IRSA TAP \(asked at {host}\)"
        assert re.search(f"{re.escape(field.name)}: {used}, {asked}", output)
    pictures = sorted((tmp_path / "out").glob("IRAS_*/*.png"))
    assert len(pictures) >= 16
    assert (tmp_path / "out" / "table.png").exists()


def test_images_may_be_what_ccddata_writes(archive, tmp_path):
    image, table = mock_field(TABLE_I[0], 0)
    image.mask = np.zeros(SHAPE, dtype=bool)
    (tmp_path / "images").mkdir()
    image.write(tmp_path / "images" / "ccd.fits")
    table.write(tmp_path / "sources.vot", format="votable")
    command = ["reproduce", "--images", str(tmp_path / "images"), "--no-plots"]
    command += ["--catalog", str(tmp_path / "sources.vot"), "--preset", "default"]
    command += ["--fields", "06055+2039", "--size", "3arcmin", "--quiet"]
    folder = str(tmp_path / "work")
    assert main([*command, "--folder", folder]) == 0
    assert main([*command, "--folder", folder + "0", "--hdu", "0"]) == 0
    assert main([*command, "--folder", folder + "9", "--hdu", "9"]) == 2


def test_without_its_packages_it_says_so_at_once(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "astroquery", None)
    assert main(["reproduce", "--folder", str(tmp_path / "new")]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip install 'astro_vaeclust[archives]'" in line
    assert list(tmp_path.iterdir()) == []
