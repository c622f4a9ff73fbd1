# Licensed under a 3-clause BSD style license - see LICENSE.rst
import json
import os
import sys
from dataclasses import replace

import astropy.units as u
import numpy as np
import PIL.Image
import pytest
from astropy.coordinates import SkyCoord
from astropy.nddata import NDData
from astropy.table import QTable, vstack

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
    assert first["view"]["frames"][2] == pytest.approx([50, 50, 900], abs=0.1)
    assert first["view"]["north"] == pytest.approx([0, -1], abs=1e-3)
    assert len(first["view"]["profile"]["radius"]) == 16


def star_image(sky, *, turned, scale):
    """Return an image of noise with a star at a position."""
    wcs = make_wcs()
    turn = np.radians(turned)
    wcs.wcs.pc = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    wcs.wcs.cdelt = np.array([-scale, scale]) / 3600
    pixels = np.random.default_rng(3).normal(size=SHAPE)
    x, y = map(int, np.rint(wcs.world_to_pixel(sky)))
    pixels[y - 1 : y + 2, x - 1 : x + 2] += 500
    return NDData(pixels, wcs=wcs)


def test_other_bands_show_the_same_place(candidates, tile, tmp_path):
    star = make_wcs().pixel_to_world(37.0, 27.0)
    write_image(star_image(star, turned=40, scale=0.8), tmp_path / "h.fits")
    write_image(star_image(star, turned=-90, scale=1.5), tmp_path / "j.fits")
    bands = {"H": [tmp_path / "h.fits"], "J": [tmp_path / "j.fits"]}
    table = candidates.table.copy()
    table["sky_center"][0] = make_wcs().pixel_to_world(35.0, 30.0)
    table["radius"][0] = 7 * u.arcsec
    catalog = ClusterCatalog(table)
    write_report(catalog, [tile], tmp_path / "report", bands=bands)
    view = data_of(tmp_path / "report")["candidates"][0]["view"]
    names = [name for name, _ in view["bands"]]
    assert names == ["H", "J", "searched image, H, J as red to blue"]
    for _, url in view["bands"]:
        picture = np.asarray(PIL.Image.open(tmp_path / "report" / url).convert("RGB"))
        light = picture[..., 2].astype(float) > 200  # blue: not in the searched image
        y, x = np.argwhere(light).mean(axis=0)
        assert picture.shape == (28, 28, 3)
        assert (x, y) == pytest.approx((16, 16), abs=0.6)


def test_a_candidate_that_only_a_band_shows_is_shown_there(outside, tile, tmp_path):
    pixels = np.random.default_rng(4).normal(size=SHAPE)
    wcs = make_wcs()
    wcs.wcs.crval = make_wcs().pixel_to_world_values(5000, 30)
    far = tmp_path / "j.fits"
    write_image(NDData(pixels, wcs=wcs, meta={"FILTER": "J"}), far)
    assert write_report(outside, [tile], tmp_path / "one") == [5]
    assert write_report(outside, [tile], tmp_path / "two", bands={"J": [far]}) == []
    *_, last = data_of(tmp_path / "two")["candidates"]
    assert last["view"]["image"] == "j.fits"
    assert last["view"]["bands"] == []


def test_sources_give_profiles_and_luminosity_functions(candidates, tile, tmp_path):
    rng = np.random.default_rng(1)
    around = SkyCoord(make_wcs().pixel_to_world(*rng.uniform(-20, 100, (2, 2000))))
    inside = candidates["sky_center"][0].directional_offset_by(
        rng.uniform(0, 360, 200) * u.deg, rng.uniform(0, 3, 200) * u.arcsec
    )
    sky = SkyCoord([*around, *inside])
    mag = np.where(np.arange(2200) < 2000, 14.2, 12.2)
    sources = QTable({"sky": sky, "mag": mag * u.mag})
    write_report(candidates[:1], [tile], tmp_path / "report", sources=sources)
    view = data_of(tmp_path / "report")["candidates"][0]["view"]
    members = np.array(view["luminosity"]["n_members"])
    edges = np.array(view["luminosity"]["edges"])
    bright = members[np.searchsorted(edges, 12.2) - 1]
    faint = members[np.searchsorted(edges, 14.2) - 1]
    assert bright == 200
    assert abs(faint) < 4 * view["luminosity"]["n_members_err"][-1]
    density = view["profile"]["density"]
    assert density[0] > 10 * density[-1]


def test_the_column_image_chooses_among_images(candidates, tile, tmp_path):
    paths = [tmp_path / "large.fits", tmp_path / "small.fits"]
    noise = np.random.default_rng(0).normal(size=SHAPE)
    for path, cut in zip(paths, (0, 8), strict=True):
        wcs = make_wcs()
        wcs.wcs.crpix -= [cut, 0]
        write_image(NDData(noise[:, cut:], wcs=wcs), path)
    table = candidates.table.copy()
    table["image"] = ["small.fits", "large.fits", "none.fits", "", "tiles/small.fits"]
    write_report(ClusterCatalog(table), paths, tmp_path / "report")
    shown = [c["view"]["image"] for c in data_of(tmp_path / "report")["candidates"]]
    assert shown[:2] == ["small.fits", "large.fits"]
    assert shown[4] == "small.fits"


def test_several_processes_make_the_same_page(candidates, tile, tmp_path):
    noise = np.random.default_rng(0).normal(size=SHAPE)
    wcs = make_wcs()
    wcs.wcs.crpix -= [20, 0]
    write_image(NDData(noise, wcs=wcs), tmp_path / "b.fits")
    for n in (1, 2):
        paths = [tile, tmp_path / "b.fits"]
        write_report(candidates, paths, tmp_path / str(n), workers=n)
    one, other = (
        {p.name: p.read_bytes() for p in (tmp_path / n).rglob("*.*")} for n in "12"
    )
    assert one == other
    assert len({c["view"]["image"] for c in data_of(tmp_path / "1")["candidates"]}) == 2


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
    with pytest.raises(OSError, match="is not a report"):
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
        assert (x, y) == pytest.approx((32 - at[0], at[1] - 22), abs=5)


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


def test_a_folder_of_bands_is_one_image_in_colour(candidates, tmp_path):
    field = tmp_path / "field"
    field.mkdir()
    star = make_wcs().pixel_to_world(37.0, 27.0)
    for number, band in enumerate(("h", "j", "ks")):
        image = star_image(star, turned=10 * number, scale=1.0)
        write_image(image, field / f"{band}.fits")
    table = candidates.table.copy()
    table["bands"] = ["J,H,Ks"] * len(table)
    columns = ("name", "p_cluster")
    table.remove_columns([name for name in columns if name in table.colnames])
    for reference, shown in ((None, ["H", "J"]), ("J", ["Ks", "H"])):
        table.meta["reference"] = reference
        ClusterCatalog(table).write(tmp_path / "a.ecsv", overwrite=True)
        command = ["report", str(tmp_path / "a.ecsv"), str(field), "--overwrite"]
        assert main([*command, "--output", str(tmp_path / "out")]) == 0
        view = data_of(tmp_path / "out")["candidates"][0]["view"]
        assert view["image"] == ("ks.fits" if reference is None else "j.fits")
        assert [name for name, _ in view["bands"]][:2] == shown


def test_folder_of_a_survey_with_other_bands(candidates, tile, tmp_path, capsys):
    table = make_catalog(5).table.copy()
    table["image"] = [os.path.relpath(tile, tmp_path)] * 5
    ClusterCatalog(table).write(tmp_path / "candidates.fits")
    command = ["report", str(tmp_path), "--output", str(tmp_path / "report")]
    assert main([*command, "--band", f"H={tile}"]) == 0
    view = data_of(tmp_path / "report")["candidates"][4]["view"]
    assert view["image"] == tile.name
    assert view["bands"][0][0] == "H"
    (tmp_path / "empty").mkdir()
    assert main(["report", str(tmp_path / "empty"), *command[2:]]) == 2
    assert "candidates.parquet" in capsys.readouterr().err
    candidates.write(tmp_path / "c.ecsv")
    assert main(["report", str(tmp_path / "c.ecsv"), *command[2:]]) == 2
    assert "IMAGE must be given" in capsys.readouterr().err
    assert main([*command, "--band", "h.fits"]) == 2
    assert "NAME=PATH" in capsys.readouterr().err


def test_images_are_named_from_the_folder_that_one_is_in(tile, tmp_path, monkeypatch):
    table = make_catalog(5).table.copy()
    table["image"] = [os.path.relpath(tile, tmp_path)] * 5
    (tmp_path / "tables").mkdir()
    ClusterCatalog(table).write(tmp_path / "tables" / "c.ecsv")
    monkeypatch.chdir(tmp_path)
    assert main(["report", "tables/c.ecsv", "--output", "page"]) == 0


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
