# Licensed under a 3-clause BSD style license - see LICENSE.rst
import json
import os
import sys
from contextlib import nullcontext
from dataclasses import replace

import dask
import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.catalog import ClusterCatalog
from astro_vaeclust.embeddings.pca import PCAEmbedding
from astro_vaeclust.measure.flags import ClusterFlags
from astro_vaeclust.survey import merge, run_survey
from astro_vaeclust.survey.field import FieldSearch
from astro_vaeclust.survey.folder import SurveyFolder
from astro_vaeclust.survey.grid import SurveyGrid
from astro_vaeclust.survey.outputs import status_of, write_outputs
from astro_vaeclust.survey.pool import PLUGIN, FieldPool, joined

from .examples import SIDE, QuickFinder, places, sky, write, write_cut
from .test_grid import make_wcs


def candidates(folder):
    write_outputs(folder)
    return (folder / "candidates.parquet").read_bytes()


@pytest.fixture(scope="module")
def expected(client, tiles, tmp_path_factory):
    """What a run gives that nothing disturbs."""
    folder = tmp_path_factory.mktemp("expected") / "out"
    rows = list(
        run_survey(f"{tiles}/*", folder, finder=QuickFinder(), client=client, side=SIDE)
    )
    return rows, candidates(folder)


def test_every_cluster_is_found_once(expected, tiles):
    rows, _ = expected
    assert {row.status for row in rows} == {"done"}
    assert all(row.worker.startswith("tcp://127.0.0.1") for row in rows)
    pixels, _ = sky()
    area = pixels.size / 3600**2
    assert sum(row.area for row in rows) == pytest.approx(area, rel=0.01)
    middle = max(rows, key=lambda row: row.area)
    assert middle.noise == pytest.approx(1, abs=0.2)
    assert [path for path, _ in middle.inputs] == sorted(map(str, tiles.glob("*")))


@pytest.mark.parametrize("n", [1, 3])
def test_the_catalogue_does_not_depend_on_the_cut(survey, tmp_path, expected, n):
    write_cut(tmp_path / "tiles", *sky(), n)
    survey(str(tmp_path / "tiles" / "*"))
    assert candidates(tmp_path / "out") == expected[1]
    catalog = merge(tmp_path / "out")
    pixels, wcs = sky()
    y, x = places(pixels.shape).T
    truth = wcs.pixel_to_world(x, y)
    primary = catalog["sky_center"][np.asarray(catalog["is_primary"])]
    assert len(primary) == 12
    assert primary.match_to_catalog_sky(truth)[1].max().arcsec < 3


def test_tiles_on_grids_of_their_own_give_one_catalogue(survey, tmp_path):
    shape = (300, 320)
    found = []
    for cut in (1, 3):
        folder = tmp_path / f"cut{cut}"
        for turn in (0.0, 0.5):
            wcs = make_wcs(275.12, -16.18 + turn / 4, shape=shape, turn=turn)
            pixels, _ = sky(shape=shape, seed=int(10 * turn) + 1)
            write_cut(folder / f"turn{turn}", pixels, wcs, cut)
        out = tmp_path / f"out{cut}"
        survey(str(folder / "*" / "*.fits"), out)
        assert SurveyFolder(out).settings["grid"]["pixels"] is None
        found.append(candidates(out))
    assert found[0] == found[1]


@pytest.mark.parametrize("center", [(0.0, 0.01), (40.0, 89.95)])
def test_right_ascension_0_and_the_pole(survey, tmp_path, center):
    pixels, _ = sky()
    wcs = make_wcs(*center, shape=pixels.shape)
    survey([write(tmp_path / "a.fits", pixels, wcs)])
    assert np.sum(merge(tmp_path / "out")["is_primary"]) == 12
    status = status_of(tmp_path / "out")
    assert status["area"] == pytest.approx(pixels.size / 3600**2, rel=0.02)


def test_outputs_of_a_survey(expected, survey, tiles, tmp_path):
    survey(f"{tiles}/*")
    write_outputs(tmp_path / "out")
    table = Table.read(tmp_path / "out" / "candidates.fits")
    assert len(table) == len(merge(tmp_path / "out"))
    assert {"ra", "dec", "is_primary", "field", "depth"} <= set(table.colnames)
    read = ClusterCatalog.read(tmp_path / "out" / "candidates.fits")
    assert read.table.meta == merge(tmp_path / "out").table.meta
    assert read.table.meta["survey"]["finder"]["settings"]["threshold"] == 200
    circles = (tmp_path / "out" / "candidates.reg").read_text().count("circle(")
    assert circles == np.sum(table["is_primary"])
    log = pq.read_table(tmp_path / "out" / "fields.parquet")
    assert np.sum(log["n_candidates"].to_numpy()) == len(table)
    mocpy = pytest.importorskip("mocpy")
    moc = mocpy.MOC.from_fits(str(tmp_path / "out" / "area.moc.fits"))
    area = moc.sky_fraction * 4 * 180**2 / np.pi
    assert area == pytest.approx(status_of(tmp_path / "out")["area"], rel=0.5)
    assert area > status_of(tmp_path / "out")["area"]
    assert moc.contains_skycoords(SkyCoord(275.12, -16.18, unit="deg")).all()


def test_nothing_to_find_and_next_to_nothing_to_see(survey, tmp_path):
    pixels, wcs = sky(n_blobs=0)
    pixels[40:] = np.nan
    rows = survey([write(tmp_path / "a.fits", pixels, wcs)])
    assert {row.status for row in rows} <= {"done", "empty"}
    assert len(write_outputs(tmp_path / "out")) == 0


def test_resume_searches_what_is_missing(client, survey, tiles, tmp_path, expected):
    options = {"folder": tmp_path / "out", "finder": QuickFinder()}
    begun = run_survey(f"{tiles}/*", client=client, side=SIDE, **options)
    first = {next(begun).field for _ in range(3)}
    begun.close()
    assert SurveyFolder(tmp_path / "out").read_rows(["status"]).num_rows == 3
    rest = survey(f"{tiles}/*", resume=True)
    assert first.isdisjoint(row.field for row in rest)
    assert len(first) + len(rest) == len(expected[0])
    assert candidates(tmp_path / "out") == expected[1]
    assert survey(f"{tiles}/*", resume=True) == []


def test_changed_and_new_images_are_searched_again(survey, tmp_path):
    folder = write_cut(tmp_path / "tiles", *sky(), 2)
    held = folder / "tile_1_1.fits"
    late = held.rename(tmp_path / "late.fits")
    survey(f"{folder}/*")
    late.rename(held)
    again = survey(f"{folder}/*", resume=True)
    assert all(str(held) in dict(row.inputs) for row in again)
    assert again
    os.utime(held, ns=(1, 1))
    assert {row.field for row in survey(f"{folder}/*", resume=True)} == {
        row.field for row in again
    }


def test_fields_that_no_image_shows_any_more_do_not_count(survey, tmp_path, expected):
    folder = write_cut(tmp_path / "tiles", *sky(), 2)
    survey(f"{folder}/*")
    survey(f"{folder}/tile_0_*", resume=True)
    survey(f"{folder}/tile_0_*", tmp_path / "fewer")
    assert candidates(tmp_path / "out") == candidates(tmp_path / "fewer")
    status, fewer = (status_of(tmp_path / name) for name in ("out", "fewer"))
    for name in ("planned", "done", "missing", "area", "candidates"):
        assert status[name] == fewer[name]
    assert status["planned"] < len(expected[0])
    log = pq.read_table(tmp_path / "out" / "fields.parquet")
    assert len(log) == status["planned"]
    back = survey(f"{folder}/*", resume=True)
    assert len(back) < len(expected[0])  # the rows of others are still there
    assert candidates(tmp_path / "out") == expected[1]


@pytest.mark.parametrize("skip", [False, True])
def test_a_bad_image_fails_the_fields_that_need_it(survey, tmp_path, skip):
    write(tmp_path / "a.fits", *sky())
    bad = tmp_path / "b.fits"
    write(bad, *sky(center=(275.12, -15.95)))
    bad.write_bytes(bad.read_bytes()[:30_000])
    rows = survey(f"{tmp_path}/*.fits", skip_bad=skip)
    touched = [row for row in rows if str(bad) in dict(row.inputs)]
    assert 0 < len(touched) < len(rows)
    for row in touched:
        assert "b.fits" in row.reason
        assert row.status == ("failed" if not skip else row.status)
    failed = {row.field for row in rows if row.status == "failed"}
    assert failed == (set() if skip else {row.field for row in touched})
    reasons = status_of(tmp_path / "out")["remarks" if skip else "failures"]
    assert any("b.fits" in reason for reason in reasons)


def test_failed_fields_are_tried_again_when_asked(survey, tiles, tmp_path, expected):
    trap = tmp_path / "trap"
    trap.write_text("raise -16.17 0")
    finder = QuickFinder(trap=str(trap))
    failed = [
        row for row in survey(f"{tiles}/*", finder=finder) if row.status == "failed"
    ]
    assert {row.reason for row in failed} == {"RuntimeError: sprung"}
    trap.unlink()
    assert survey(f"{tiles}/*", finder=finder, resume=True) == []
    again = survey(f"{tiles}/*", finder=finder, retry_failed=True)
    assert {row.field for row in again} == {row.field for row in failed}
    assert len(merge(tmp_path / "out").table) == sum(
        len(row.candidates) for row in expected[0]
    )


def test_another_setting_or_model_is_refused_and_named(survey, tiles, tmp_path):
    finder = QuickFinder()
    survey(f"{tiles}/*", finder=finder)
    with pytest.raises(ValueError, match="resume=True"):
        survey(f"{tiles}/*", finder=finder)
    for changed, what in (
        ({"threshold": 300.0}, "threshold is 200.0 there and 300.0 here"),
        ({"identity": "other"}, "model.identity is 'quick' there and 'other' here"),
    ):
        with pytest.raises(ValueError, match=what):
            survey(f"{tiles}/*", finder=replace(finder, **changed), resume=True)
    with pytest.raises(ValueError, match=r"side is 0.0625 deg in this survey"):
        survey(f"{tiles}/*", finder=finder, resume=True, side=0.125)


def test_two_runs_in_one_folder(survey, tiles, tmp_path):
    survey(f"{tiles}/*")
    for name, options in (("out", {"resume": True}), ("new", {})):
        folder = tmp_path / name
        with (
            SurveyFolder(folder).locked(),
            pytest.raises(BlockingIOError, match="another run"),
        ):
            survey(f"{tiles}/*", folder, **options)
    assert not (tmp_path / "new").exists()
    assert status_of(tmp_path / "out")["run"] is None


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"workers": 0}, "workers must be"),
        ({"timeout": 0}, "timeout must be"),
        ({"cache": "much"}, "cache must be"),
        ({"side": 0.3}, "^side must be one of"),
        ({"band": "J"}, "none has the band 'J'"),
        ({"hdu": 7}, "hdu=7 is not in"),
        ({"finder": VAEClusterFinder(embedding=PCAEmbedding())}, "trained model"),
    ],
)
def test_bad_settings_leave_nothing_behind(survey, tiles, tmp_path, options, error):
    (tmp_path / "empty").mkdir()
    for name in ("out", "empty"):
        with pytest.raises(ValueError, match=error):
            survey(f"{tiles}/*", tmp_path / name, **options)
    assert not (tmp_path / "out").exists()
    assert not list((tmp_path / "empty").iterdir())


def test_images_unlike_the_others_are_named(survey, tmp_path):
    pixels, wcs = sky()
    coarse = make_wcs(275.12, -16.18, scale=1.5, shape=pixels.shape)
    write(tmp_path / "a.fits", pixels, wcs)
    write(tmp_path / "b.fits", pixels, coarse)
    write(tmp_path / "c.fits", pixels, wcs, FILTER="J")
    write(tmp_path / "d.fits", pixels, wcs, CTYPE1="", CTYPE2="")
    (tmp_path / "0.fits").write_bytes(b"no FITS")
    with pytest.raises(ValueError, match="images: ") as error:
        survey(f"{tmp_path}/*.fits")
    text = str(error.value)
    for part in (
        "0.fits is truncated or not",
        "b.fits (pixels of 1.5",
        "c.fits (band 'J'",
        "d.fits: wcs",
    ):
        assert part in text
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("band", ["j", "J"])
def test_the_images_of_a_band_are_those_of_their_headers(survey, tmp_path, band):
    pixels, wcs = sky()
    write(tmp_path / "a.fits", pixels, wcs)
    write(tmp_path / "b.fits", pixels, wcs, FILTER="open", FILTER2="Ks")
    write(tmp_path / "c.fits", pixels, wcs, FILTER="open", FILTER2="J98")
    write(tmp_path / "d.fits", pixels, wcs, FILTER="j + clear")
    with pytest.raises(ValueError, match=r"images: .*d\.fits \(band 'J', not 'Ks'"):
        survey(f"{tmp_path}/[abd].fits")
    rows = survey(f"{tmp_path}/*.fits", band=band)
    inputs = {path for row in rows for path, _ in row.inputs}
    assert inputs == {str(tmp_path / name) for name in ("c.fits", "d.fits")}


def test_the_first_image_may_be_unlike_the_others(survey, tiles, tmp_path):
    pixels, _ = sky()
    coarse = make_wcs(275.12, -16.18, scale=1.5, shape=pixels.shape)
    first = write(tmp_path / "first.fits", pixels, coarse, FILTER="J")
    images = [first, f"{tiles}/*"]
    with pytest.raises(ValueError, match="images: ") as error:
        survey(images)
    assert str(error.value) == f"images: {first} (pixels of 1.5, not of 1)"
    for name, options, warned in (
        (
            "skip",
            {"skip_bad": True},
            pytest.warns(UserWarning, match="left out: .*1.5"),
        ),
        ("band", {"band": "Ks"}, nullcontext()),
    ):
        with warned:
            rows = survey(images, tmp_path / name, **options)
        assert len(rows) == 9
        assert first not in {path for row in rows for path, _ in row.inputs}
        assert SurveyFolder(tmp_path / name).grid.pixel_scale == 1


def test_a_field_and_its_candidates_have_the_flags_of_the_image(tmp_path, monkeypatch):
    path = write(tmp_path / "a.fits", *sky())
    grid = SurveyGrid.from_scale(1.0, 0.6, side=SIDE)
    search = FieldSearch(QuickFinder(), grid)
    index = grid.sky.locate(275.12, -16.18)
    assert search(index, ((path, ""),)).flags == 0
    flag, table_of = ClusterFlags.OUT_OF_CALIBRATION.value, FieldSearch._table

    def unlike(self, image):
        table = table_of(self, image)
        table.meta["outside_of_calibration"] = ["noise"]
        return table

    monkeypatch.setattr(FieldSearch, "_table", unlike)
    row = search(index, ((path, ""),))
    assert row.flags == flag
    assert {one["flags"] for one in row.candidates} == {flag}


def test_status_tells_what_a_run_would_search_and_who_is_at_work(survey, tmp_path):
    folder = write_cut(tmp_path / "tiles", *sky(), 2)
    survey(f"{folder}/*")
    out = SurveyFolder(tmp_path / "out")
    status = status_of(out.path)
    assert (status["run"], status["done"], status["missing"]) == (None, 9, 0)
    with out.locked():
        run = status_of(out.path)["run"]
        assert run["process"] == os.getpid()
        gone = run | {"began": run["began"] - 1}  # of a process with the same number
        for other, there in ((gone, None), (far := gone | {"host": "far"}, far)):
            (out.path / "run.json").write_text(json.dumps(other))
            assert out.run == there
    os.utime(folder / "tile_1_1.fits", ns=(1, 1))
    status = status_of(out.path)
    again = survey(f"{folder}/*", resume=True)
    assert 0 < status["missing"] == len(again)
    assert status["done"] == 9 - len(again)
    assert status_of(out.path)["missing"] == 0


def test_a_full_disk_ends_the_run_and_resume_goes_on(
    client, survey, tiles, tmp_path, expected, monkeypatch
):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("astro_vaeclust.survey.run.SEGMENT_ROWS", 3)
        options = {"folder": tmp_path / "out", "finder": QuickFinder(), "side": SIDE}
        rows = run_survey(f"{tiles}/*", client=client, **options)
        for _ in range(3):
            next(rows)
        patch.setattr("astro_vaeclust.survey.folder.os.fsync", full)
        with pytest.raises(OSError, match=r"No space left.*can be resumed"):
            list(rows)
    assert SurveyFolder(tmp_path / "out").read_rows(["status"]).num_rows == 3
    assert not list(tmp_path.rglob("*.part"))
    survey(f"{tiles}/*", resume=True)
    assert candidates(tmp_path / "out") == expected[1]


def test_workers_of_another_version_or_model_are_refused(
    survey, tiles, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr("astro_vaeclust.survey.plugin.__version__", "0.0.1")
        with pytest.raises(ValueError, match=r"version .* for the worker tcp://"):
            survey(f"{tiles}/*")
    with pytest.raises(ValueError, match=r"the model is .* for the worker tcp://"):
        survey(f"{tiles}/*", finder=QuickFinder(identity="own"))
    assert not (tmp_path / "out").exists()


def test_workers_that_are_started_spend_their_time_on_fields(client):
    assert set(client.run(os.getenv, "OMP_NUM_THREADS").values()) == {"1"}
    assert set(client.run(os.getenv, "MALLOC_TRIM_THRESHOLD_").values()) == {None}
    profile = client.run(dask.config.get, "distributed.worker.profile.enabled")
    assert set(profile.values()) == {False}


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_workers_that_do_not_see_the_images_are_refused(client):
    ours = f"/proc/self/task/{os.getpid()}"
    with (
        joined(client, 1),
        pytest.raises(ValueError, match=rf"the existence of {ours} is False for"),
    ):
        FieldPool(client, QuickFinder(), sample=ours, timeout=1)
    assert PLUGIN not in client.run_on_scheduler(
        lambda dask_scheduler: dask_scheduler.worker_plugins
    )


def test_each_field_is_read_ahead_once():
    pool = object.__new__(FieldPool)
    pool.cache, pool._n_workers = True, lambda: 3
    found = [number for job in range(40) for number in pool._ahead(job, 40)]
    assert sorted(found) == list(range(3, 40))
    pool.cache = None
    assert not pool._ahead(0, 40)
