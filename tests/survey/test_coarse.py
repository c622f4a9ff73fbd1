# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Levels that no field can hold are searched on cells of several fields."""

from dataclasses import replace
from types import SimpleNamespace

import astropy.units as u
import numpy as np
import pytest
import torch
from astropy.nddata import NDData, block_reduce

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.detector.calibration import LevelCalibration
from astro_vaeclust.detector.embedding import ConvVAE
from astro_vaeclust.detector.grid import MIN_SIDE
from astro_vaeclust.detector.levels import level_fractions
from astro_vaeclust.detector.network import MEASURES
from astro_vaeclust.detector.search import DetectorSearch
from astro_vaeclust.images.read import read_image
from astro_vaeclust.survey import merge, run_survey
from astro_vaeclust.survey.coarse import (
    CellSearch,
    check_folder_is_seen,
    fields_of_cells,
)
from astro_vaeclust.survey.field import FieldRow, FieldSearch, binned
from astro_vaeclust.survey.folder import SurveyFolder
from astro_vaeclust.survey.geometry import in_pixels, vectors
from astro_vaeclust.survey.grid import BINNING, SurveyGrid
from astro_vaeclust.survey.outputs import status_of, write_outputs

from ..detector.examples import CALIBRATION, INTENSITY, tiny_model
from .examples import SIDE, sky, write

LEVELS = replace(CALIBRATION, levels=((LevelCalibration(INTENSITY),) * 5,) * 2)


def model_of_large_clusters():
    """Return a model that has learned nothing, but for radii of 30 pixels."""
    model = tiny_model(LEVELS)
    with torch.no_grad():
        for name in ("log_r50", "log_r80"):
            model.network.measures[-1].bias[MEASURES.index(name)] += 1.5
    return model


@pytest.fixture(scope="module")
def finder(tmp_path_factory):
    """A finder that reports a lot on all six levels."""
    path = tmp_path_factory.mktemp("model") / "tiny.pt"
    model_of_large_clusters().save(path)
    return VAEClusterFinder(embedding=ConvVAE(model=path), max_false_alarm_rate=None)


@pytest.fixture
def grid():
    return SurveyGrid.from_scale(1.0, 0.6, side=SIDE)


def test_binned_pixels_are_means_of_what_can_be_used():
    pixels = np.arange(10 * 14, dtype=np.float32).reshape(10, 14)
    pixels[1:4, 2:4] = np.nan  # 6 of 16
    pixels[5, 2:6] = pixels[6:9, 2:5] = np.nan  # 13 of 16
    part = (slice(1, 9, BINNING), slice(2, 14, BINNING))
    found = binned(pixels, part)
    assert found.shape == (2, 3)
    assert found.dtype == np.float32
    assert found[0, 0] == np.nanmean(pixels[1:5, 2:6])
    assert found[1, 2] == pixels[5:9, 10:14].mean()
    assert np.isnan(found[1, 0])
    assert np.isnan(found).sum() == 1


def test_pixels_that_are_binned_already_are_searched_on_their_level():
    pixels, wcs = sky(shape=(640, 768))
    model = model_of_large_clusters()
    whole = DetectorSearch(
        read_image(NDData(pixels, wcs=wcs)), model, max_false_alarm_rate=None
    )
    coarse = block_reduce(pixels, 4, func=np.mean)
    search = DetectorSearch(
        read_image(NDData(coarse, wcs=wcs[::4, ::4])),
        model,
        max_false_alarm_rate=None,
        levels=range(2, 4),
    )
    (level,) = search.levels  # of the other, it is too small
    other = whole.levels[2]
    assert (level.level, other.level) == (2, 2)
    assert level.grid.scale == pytest.approx(other.grid.scale)
    np.testing.assert_allclose(level.maps.center, other.maps.center, atol=1e-3)
    ratio = level.candidate_rates / other.candidate_rates
    assert len(ratio)
    everything = level_fractions([level.grid] * 6)
    np.testing.assert_allclose(
        ratio, whole.levels[0].fractions[2] / everything[2], 1e-3
    )
    columns = search.columns()
    assert set(columns["n_sources"]) <= {-1}


@pytest.mark.parametrize("center", [(275.12, -16.18), (0.0, 0.01), (40.0, 89.7)])
def test_cells_see_every_field_that_is_on_their_frame(center):
    grid = SurveyGrid.from_scale(1.0, 0.6, side=SIDE)
    indices = np.unique(grid.sky.near(*center, 0.3))
    found = fields_of_cells(indices, grid)
    assert fields_of_cells([], grid) == {}
    fields = [grid.sky.field(index) for index in indices]
    owners = {
        int(grid.cells.sky.locate(ra, dec))
        for field in fields
        for ra in np.linspace(*field.ra, 5)[1:-1]
        for dec in np.linspace(*field.dec, 5)[1:-1]
    }
    assert owners == set(found)
    for cell, numbers in found.items():
        frame = grid.cells.frame(grid.cells.sky.field(cell))
        middle = vectors(np.array([grid.cells.sky.field(cell).center]))[0]
        for number, field in enumerate(fields):
            outline = field.outline()
            if (vectors(outline) @ middle).min() < 0.9:
                continue  # behind the tangent plane
            x, y = in_pixels(frame.wcs, outline).T
            on_frame = (x > 0) & (y > 0) & (x < frame.shape[1]) & (y < frame.shape[0])
            if on_frame.any():
                assert number in numbers


@pytest.mark.parametrize("scale", [1.0, 0.2])
def test_frames_of_cells_are_as_large_as_those_of_fields(scale):
    grid = SurveyGrid.from_scale(scale, 0.6)
    shape = grid.frame(grid.sky.field(grid.sky.locate(275.12, -16.18))).shape
    for tier in (1, 2):
        grid = grid.cells
        cell = grid.sky.field(grid.sky.locate(275.12, -16.18))
        assert np.ptp(cell.dec) == grid.side
        assert grid.tier == tier
        np.testing.assert_allclose(grid.frame(cell).shape, shape, rtol=0.1)
    assert grid.is_fine == (scale < 0.5)
    assert list(grid.levels(6)) == [4, 5]
    assert list(grid.levels(3)) == []


def test_small_islands_are_too_small_for_a_level(grid):
    search = CellSearch(None, grid.cells)
    pixels = np.full((300, 400), np.nan, dtype=np.float32)
    pixels[:MIN_SIDE, :200] = 1
    pixels[150 : 150 + MIN_SIDE - 1, 210:] = 2
    assert set(np.unique(search._searchable(pixels)[np.isfinite(pixels)])) >= {1.0}
    assert np.nanmax(search._searchable(pixels)) == 1


@pytest.mark.parametrize(("limit", "met"), [(1.0, 10.0), (30.0, 30.0), (None, None)])
def test_fields_report_what_may_meet_candidates_of_cells(
    finder, grid, monkeypatch, limit, met
):
    class Asked(Exception):
        """Has the limit of a search."""

    def search(*_, max_false_alarm_rate, **__):
        raise Asked(max_false_alarm_rate)

    monkeypatch.setattr("astro_vaeclust.detector.search.DetectorSearch", search)
    rate = None if limit is None else limit / u.deg**2
    field = FieldSearch(replace(finder, max_false_alarm_rate=rate), grid)
    pixels, wcs = sky()
    with pytest.raises(Asked) as asked:
        field._table(NDData(pixels, wcs=wcs))
    assert asked.value.args == (met,)


class PoolOfOne:
    """Search in this process, in another order each time."""

    def __init__(self, client, *_, **__):
        self.rng = client.rng

    def each(self, function, items, *arguments):
        return [function(item, *arguments) for item in items]

    def rows(self, search, jobs):
        for number in self.rng.permutation(len(jobs)):
            yield search(*jobs[number])


@pytest.fixture
def run(finder, tmp_path, monkeypatch):
    """Run a survey of a small sky, without Dask."""
    monkeypatch.setattr("astro_vaeclust.survey.run.FieldPool", PoolOfOne)
    monkeypatch.setattr(FieldSearch, "_conditions", lambda *_: {})
    path = write(tmp_path / "a.fits", *sky(shape=(560, 540)))
    rng = np.random.default_rng(0)
    client = SimpleNamespace(rng=rng, run=lambda *_, **__: {})
    options = {"client": client, "finder": finder, "side": SIDE}

    def run(name="out", **more):
        return run_survey([path], tmp_path / name, **options, **more)

    return run


def test_a_run_that_ends_early_goes_on_to_the_same_catalogue(run, tmp_path):
    rows = list(run())
    assert {row.status for row in rows} == {"done", "empty"}
    assert not any(row.binned for row in rows)
    write_outputs(tmp_path / "out")
    catalog = merge(tmp_path / "out")
    levels = set(np.round(catalog["level"].value))
    assert {1, 2, 4} <= levels
    n_cells = sum(status_of(tmp_path / "out")["cells"].values())
    n_fields = status_of(tmp_path / "out")["planned"]
    assert n_cells + n_fields == len(rows)

    for count in (2, n_fields + 1):
        rows = run("other", resume=count > 2)
        for _ in range(count):
            next(rows, None)
        rows.close()
    list(run("other", resume=True))
    assert list(run("other", resume=True)) == []
    write_outputs(tmp_path / "other")
    one, other = (tmp_path / name / "candidates.parquet" for name in ("out", "other"))
    assert one.read_bytes() == other.read_bytes()


def test_cells_are_searched_again_when_a_field_of_theirs_is(run, tmp_path):
    list(run())
    survey = SurveyFolder(tmp_path / "out")
    cells = SurveyFolder(tmp_path / "out", 1)
    before = cells.read_rows(["inputs_digest"]).to_pylist()
    (first, *_) = survey.read_rows(["name", "inputs"]).to_pylist()
    lost = FieldRow(first["field"], first["name"], "failed", inputs=(("x", ""),))
    survey.write_rows([lost])
    again = list(run(resume=True))
    assert again[0].field == first["field"]
    assert {row.name for row in again[1:]}
    after = cells.read_rows(["inputs_digest"]).to_pylist()
    assert len(after) == len(before)
    assert after != before


def test_cells_whose_fields_are_gone_do_not_count(run, tmp_path):
    list(run())
    cells = SurveyFolder(tmp_path / "out", 1)
    assert len(cells.read_rows(["status"]))
    cells.to_search([], retry_failed=False)
    assert not len(cells.read_rows(["status"]))
    assert status_of(tmp_path / "out")["candidates"]
    assert set(np.round(merge(tmp_path / "out")["level"].value)) <= {1, 2}
    assert list(run(resume=True)) == []
    assert len(cells.read_rows(["status"]))


def test_workers_must_see_the_folder(tmp_path):
    client = SimpleNamespace(run=lambda *_, **__: {"tcp://a:1": False})
    with pytest.raises(ValueError, match="tcp://a:1 does not see it"):
        check_folder_is_seen(client, SurveyFolder(tmp_path / "out"))


def test_a_cell_sees_the_pixels_of_a_field_in_their_place(grid, tmp_path):
    folder = SurveyFolder(tmp_path / "out")
    with folder.locked():
        folder.begin({})
    index = int(grid.sky.locate(275.12, -16.18))
    field = grid.sky.field(index)
    part = grid.inner_part(grid.frame(field), field)
    shape = [len(range(side.start, side.stop, BINNING)) for side in part]
    pixels = np.ones(shape, dtype=np.float32)
    folder.write_rows([FieldRow(index, field.name, "done", binned={"": pixels})])
    search = CellSearch(None, grid.cells, below=grid, folder=folder)
    with search.opened(f"00000001/{index}") as source:
        assert source.shape == tuple(shape)
        middle = source.wcs.pixel_to_world(*(np.array(shape[::-1]) - 1) / 2)
    assert abs(middle.dec.deg - field.center[1]) < grid.cells.pixel_scale / 3600


@pytest.mark.slow
def test_a_cluster_over_many_fields_is_found_once_and_whole(tmp_path, client):
    from astro_vaeclust.simulation import MockCluster, simulate_tile

    shape, radius = (1300, 1100), 150 * u.arcsec
    wcs = simulate_tile(shape=shape, seed=2).image.wcs
    cluster = MockCluster(
        n_members=700,
        half_number_radius=radius,
        nebulosity="none",
        extinction=0 * u.mag,
        center=wcs.pixel_to_world(600, 750),
    )
    tile = simulate_tile(
        shape=shape, clusters=[cluster], density=4.0, artefacts=False, seed=2
    )
    path = write(tmp_path / "a.fits", np.float32(tile.image.data), tile.image.wcs)
    finder = VAEClusterFinder(max_false_alarm_rate=0.3 / u.deg**2)
    list(run_survey([path], tmp_path / "out", finder=finder, client=client, side=SIDE))
    catalog = merge(tmp_path / "out")
    table = catalog.table[np.asarray(catalog["is_primary"])]
    near = table["sky_center"].separation(cluster.center) < radius
    (row,) = table[near & (table["part_of"] == 0)]
    assert row["level"] > 3.9 * u.arcsec
    assert 0.7 < row["r50"] / radius < 1.4
