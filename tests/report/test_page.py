# Licensed under a 3-clause BSD style license - see LICENSE.rst
import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.nddata import NDData
from astropy.table import vstack

from astro_vaeclust.catalog import ClusterCatalog
from astro_vaeclust.cli import main
from astro_vaeclust.images.write import write_image
from astro_vaeclust.measure.columns import table_digest
from astro_vaeclust.report.page import write_report

from ..example_catalog import SHAPE, make_catalog, make_wcs


def data_of(folder):
    text = (folder / "data.js").read_text(encoding="ascii")
    return json.loads(text.removeprefix("const REPORT=").removesuffix(";"))


def test_folder_holds_page_data_and_pictures(report):
    names = {str(path.relative_to(report)) for path in report.rglob("*.*")}
    pictures = {f"images/{row}-{scale}.webp" for row in range(5) for scale in range(3)}
    assert names == {"index.html", "data.js"} | pictures
    page = (report / "index.html").read_bytes()
    assert len(page) < 60_000
    assert b"default-src 'none'" in page


def test_data_are_plain_and_cannot_end_the_script(report, candidates):
    text = (report / "data.js").read_text(encoding="ascii")
    assert "<" not in text
    data = data_of(report)
    assert data["digest"] == table_digest(candidates.table)
    first, second, *_ = data["candidates"]
    assert first["values"]["false_alarm_rate"] is None
    assert second["flags"][0] == "its circle crosses the edge of the image"
    assert first["view"]["sides"][2] == 900
    assert first["view"]["north"] == pytest.approx([0, -1], abs=1e-3)
    assert len(first["view"]["profile"]["radius"]) == 12


def test_shuffle_is_reproducible(candidates, tile, tmp_path):
    for name in "ab":
        write_report(candidates, [tile], tmp_path / name, shuffle=3)
    one, other = data_of(tmp_path / "a"), data_of(tmp_path / "b")
    assert one == other
    ids = [candidate["values"]["id"] for candidate in one["candidates"]]
    assert sorted(ids) == [1, 2, 3, 4, 5]
    assert ids != sorted(ids)


def test_candidate_on_two_tiles_is_shown_where_it_is_deepest(tmp_path):
    table = make_catalog(1).table
    x, _ = make_wcs().world_to_pixel(table["sky_center"][0])
    noise = np.random.default_rng(0).normal(size=SHAPE)
    for name, shift in {"a": 0, "b": x - 2, "c": -3}.items():
        wcs = make_wcs()
        wcs.wcs.crpix -= [shift, 0]
        write_image(NDData(noise, wcs=wcs), tmp_path / f"{name}.fits")
    tiles = sorted(tmp_path.glob("*.fits"))
    write_report(ClusterCatalog(table), tiles, tmp_path / "report")
    (candidate,) = data_of(tmp_path / "report")["candidates"]
    depth = {"a": min(x, SHAPE[1] - x), "b": 2, "c": min(x + 3, SHAPE[1] - x - 3)}
    assert candidate["view"]["image"] == f"{max(depth, key=depth.get)}.fits"


@pytest.mark.parametrize("place", [(0.0, 0.0), (359.9999, 5.0), (10.0, 90.0)])
def test_right_ascension_zero_and_the_pole(tmp_path, place):
    wcs = make_wcs()
    wcs.wcs.crval = place
    table = make_catalog(1).table.copy()
    table["sky_center"] = SkyCoord(wcs.pixel_to_world([40.0], [30.0]))
    noise = np.random.default_rng(0).normal(size=SHAPE)
    write_image(NDData(noise, wcs=wcs), tmp_path / "tile.fits")
    report = tmp_path / "report"
    assert write_report(ClusterCatalog(table), [tmp_path / "tile.fits"], report) == []


def test_nothing_is_replaced_without_being_asked(report, candidates, tile, tmp_path):
    with pytest.raises(FileExistsError, match="overwrite=True"):
        write_report(candidates, [tile], report)
    work = tmp_path / "work"
    work.mkdir()
    (work / "thesis.txt").write_text("years")
    with pytest.raises(OSError, match="is no report"):
        write_report(candidates, [tile], work, overwrite=True)
    assert (work / "thesis.txt").read_text() == "years"


def test_failure_leaves_the_old_report_and_nothing_else(candidates, tile, tmp_path):
    target = tmp_path / "report"
    write_report(candidates[:1], [tile], target)
    with pytest.raises(FileNotFoundError):
        write_report(candidates, [tile, "missing.fits"], target, overwrite=True)
    assert len(data_of(target)["candidates"]) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
    write_report(candidates, [tile], target, overwrite=True)
    assert len(data_of(target)["candidates"]) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_ids_must_be_unique_and_one_file_small(candidates, tile, tmp_path):
    twice = vstack([candidates.table] * 2, metadata_conflicts="silent")
    with pytest.raises(ValueError, match=r"\[1, 2, 3, 4, 5\] twice"):
        write_report(ClusterCatalog(twice), [tile], tmp_path / "a")
    many = vstack([candidates.table] * 101, metadata_conflicts="silent")
    many["id"] = np.arange(505)
    with pytest.raises(ValueError, match="up to 500 candidates, got 505"):
        write_report(replace(candidates, table=many), [tile], "a", single_file=True)


def test_contours_of_the_heat_map(candidates, tile, tmp_path):
    catalog = make_catalog(1)
    catalog.write_heatmap(tmp_path / "heat.fits")
    heatmaps = [tmp_path / "heat.fits"]
    write_report(candidates, [tile], tmp_path / "report", heatmaps=heatmaps)
    views = [c["view"] for c in data_of(tmp_path / "report")["candidates"]]
    for view, sky in zip(views, candidates["sky_center"], strict=True):
        line = max(view["contours"][2], key=len)  # the peak is at 32, 22
        x, y = np.reshape(line, (-1, 2)).mean(axis=0)
        at = make_wcs().world_to_pixel(sky)
        assert x == pytest.approx(50 + (32 - at[0]) / 9, abs=1)
        assert y == pytest.approx(50 - (22 - at[1]) / 9, abs=1)


@pytest.mark.parametrize("module", ["jinja2", "PIL"])
def test_missing_package_is_named(candidates, tile, tmp_path, monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"{module}.*astro_vaeclust\[report\]"):
        write_report(candidates, [tile], tmp_path / "a")


def test_command_line(candidates, outside, tile, tmp_path, capsys):
    candidates.write(tmp_path / "c.ecsv")
    (tmp_path / "r.reg").write_text('icrs\ncircle(275.125,-16.179,8")\n')
    target = tmp_path / "report"
    command = ["report", str(tmp_path / "c.ecsv"), str(tile.parent)]
    options = ["--output", str(target), "--references", str(tmp_path / "r.reg")]
    assert main([*command, *options]) == 0
    view = data_of(target)["candidates"][0]["view"]
    assert view["references"][0][2] == 8
    assert main([*command, *options]) == 2
    assert "--overwrite" in capsys.readouterr().err
    outside.write(tmp_path / "c.ecsv", overwrite=True)
    assert main([*command, *options, "--overwrite"]) == 1
    assert "on no image: 1 candidates (5)" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "c.ecsv"), "no", *options]) == 2
    assert "there is no image no" in capsys.readouterr().err


def test_vet_on_the_command_line(candidates, tmp_path, capsys):
    candidates.write(tmp_path / "c.ecsv")
    digest = table_digest(candidates.table)
    for person, word in {"Ada": "accept", "Bo": "reject"}.items():
        text = "id,ra,dec,digest,verdict,note,person,time\n"
        text += f"1,,,{digest},accept,,{person},1\n2,,,{digest},{word},,{person},1\n"
        (tmp_path / f"{person}.csv").write_text(text)
    files = [str(tmp_path / name) for name in ("c.ecsv", "Ada.csv", "Bo.csv")]
    assert main(["vet", *files, "--output", str(tmp_path / "v.fits")]) == 0
    out = capsys.readouterr().out
    assert "accept: 1" in out
    assert "Ada and Bo: 50% of 2 equal, Cohen's kappa 0.00" in out
    assert len(ClusterCatalog.read(tmp_path / "v.fits")) == 5
    (tmp_path / "Ada.csv").write_text("nonsense\n1\n")
    assert main(["vet", *files, "--output", str(tmp_path / "w.fits")]) == 2
    assert not (tmp_path / "w.fits").exists()
