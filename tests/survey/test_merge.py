# Licensed under a 3-clause BSD style license - see LICENSE.rst
import time
from dataclasses import asdict

import astropy.units as u
import numpy as np
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("astropy_healpix")

from astro_vaeclust.measure.flags import ClusterFlags
from astro_vaeclust.survey.coarse import cell_jobs
from astro_vaeclust.survey.field import CANDIDATE_COLUMNS, FieldRow
from astro_vaeclust.survey.folder import SurveyFolder
from astro_vaeclust.survey.grid import SkyGrid, SurveyGrid
from astro_vaeclust.survey.images import InputImage
from astro_vaeclust.survey.merge import link, merge
from astro_vaeclust.survey.outputs import status_of

GRID = SkyGrid(0.5)
WEST = GRID.field(GRID.locate(275.12, -16.18))
EAST = GRID.field(GRID.locate(WEST.ra[1] + 0.01, -16.18))


def candidate(field, ra, dec=-16.25, *, radius=30.0, score=0.9, rate=0.5):
    values = {column.name: 1.0 for column in CANDIDATE_COLUMNS}
    values |= {"radius": radius, "score": score, "false_alarm_rate": rate}
    whole = {"n_sources": 3, "flags": 0, "part_of": 0}
    place = {"ra": ra, "dec": dec, "depth": float(field.depth(ra, dec))}
    return values | whole | place


def row(field, *candidates, status="done", **facts):
    return FieldRow(
        field.index, field.name, status, candidates=list(candidates), **facts
    )


@pytest.fixture
def folder(tmp_path):
    folder = SurveyFolder(tmp_path / "out")
    with folder.locked():
        folder.begin(settings())
    return folder


def settings(limit=None):
    grid = SurveyGrid.from_scale(1.0, 0.6)
    return {"grid": asdict(grid), "max_false_alarm_rate": limit}


INPUTS = (("a.fits", ""),)


def image_of(*fields):
    """An image that is not there any more."""
    indices = tuple(field.index for field in fields)
    owned = (True,) * len(fields)
    return InputImage("a.fits", "", 1.0, "", None, "", (0.0,) * 8, indices, owned)


def beside(arcsec):
    """Right ascension so far east of the border of the two fields."""
    return WEST.ra[1] + arcsec / 3600 / np.cos(np.radians(16.25))


@pytest.mark.parametrize(
    ("apart", "radii", "n_primary"),
    [
        (18, (10, 10), 1),  # within 20 arcsec, whatever the size
        (28, (60, 60), 1),  # within half the smaller radius
        (28, (60, 40), 2),
        (28, (60, np.nan), 2),
    ],
)
def test_candidates_of_two_fields_are_one_if_they_are_near(
    folder, apart, radii, n_primary
):
    west = candidate(WEST, beside(4 - apart), radius=radii[0], score=0.7)
    east = candidate(EAST, beside(4), radius=radii[1])
    folder.write_rows([row(WEST, west), row(EAST, east)])
    catalog = merge(folder.path)
    assert len(catalog) == 2
    assert np.sum(catalog["is_primary"]) == n_primary
    kept = catalog.table[np.asarray(catalog["is_primary"])]
    assert WEST.name in kept["field"]  # the one deeper inside, not the higher score


def test_parts_keep_the_larger_cluster_they_are_part_of(folder):
    part, larger = (candidate(EAST, beside(60 + n)) for n in (5, 0))
    part |= {"part_of": 2, "score": 0.8}
    west = [candidate(WEST, beside(-n), rate=n) for n in (80, 300)]
    west[0] |= {"part_of": 2, "score": 0.6}
    folder.write_rows([row(WEST, *west), row(EAST, part, larger)])
    catalog = merge(folder.path)
    larger_of = {one["score"]: one["part_of"] for one in catalog if one["part_of"]}
    offset = np.abs(catalog["sky_center"].ra.deg - larger["ra"])
    ids = catalog["id"][offset < 1e-6]
    assert larger_of[0.8] == ids[0]
    assert len(larger_of) == 2
    few = merge(folder.path, max_false_alarm_rate=100 / u.deg**2)
    assert len(few) == 3
    assert [one["score"] for one in few if one["part_of"]] == [0.8]


CELLS = SkyGrid(2.0)
CELL = CELLS.field(CELLS.locate(*WEST.center))


def of_size(field, ra, r50, members, level, rate):
    facts = {"r50": r50, "n_members": members, "level": level}
    return candidate(field, ra, radius=1.6 * r50, rate=rate) | facts


def test_what_fields_and_cells_see_of_a_cluster_is_one_row(folder):
    pieces = [
        of_size(WEST, beside(-60), 30.0, 20.0, 1.0, 0.02),
        of_size(EAST, beside(60), 30.0, 20.0, 1.0, 0.05),
    ]
    dense = of_size(EAST, beside(90), 12.0, 60.0, 1.0, 0.3)
    alone = of_size(EAST, beside(900), 12.0, 60.0, 1.0, 0.4)
    whole = of_size(CELL, beside(0), 200.0, 300.0, 4.0, 0.1)
    folder.write_rows([row(WEST, pieces[0]), row(EAST, pieces[1], dense, alone)])
    SurveyFolder(folder.path, 1).write_rows([row(CELL, whole)])
    catalog = merge(folder.path)
    assert len(catalog) == 5
    table = catalog.table[np.asarray(catalog["is_primary"])]
    assert sorted(table["r50"].value) == [12, 12, 200]
    (large,) = table[table["r50"].value == 200]
    assert large["false_alarm_rate"].value == 0.02  # the lowest of its rows
    assert sorted(table["part_of"]) == [0, 0, large["id"]]


def test_status_counts_cells_of_the_fields_that_are_there(folder):
    cells = SurveyFolder(folder.path, 1)
    folder.write_images([image_of(WEST, EAST)])
    folder.write_rows([row(WEST, inputs=INPUTS), row(EAST, inputs=INPUTS)])
    for index, inputs in cell_jobs(folder.read_rows(), folder.grid):
        cell = CELLS.field(index)
        seen = candidate(cell, beside(0))
        cells.write_rows([row(cell, seen, tier=1, inputs=inputs)])
    status = status_of(folder.path)
    assert status["cells"] == {"done": 2, "empty": 0, "failed": 0, "missing": 0}
    assert (status["done"], status["candidates"]) == (2, 2)
    folder.write_rows([row(EAST, status="failed", inputs=INPUTS)])
    status = status_of(folder.path)
    assert status["cells"] == {"done": 0, "empty": 0, "failed": 0, "missing": 2}
    assert (status["done"], status["failed"], status["candidates"]) == (1, 1, 0)


def test_cells_have_the_flags_of_the_fields_where_their_candidates_are(folder):
    flags = ClusterFlags.OUT_OF_CALIBRATION | ClusterFlags.LOSSY_INPUT
    folder.write_rows([row(WEST, flags=flags.value), row(EAST)])
    whole = [
        of_size(CELL, beside(at), 30.0, 50.0, 4.0, 0.1) | {"flags": 1}
        for at in (-200, 200)
    ]
    beyond = of_size(CELL, beside(8000), 30.0, 50.0, 4.0, 0.1)
    cell = row(CELL, *whole, beyond, tier=1)
    SurveyFolder(folder.path, 1).write_rows([cell])
    catalog = merge(folder.path)
    found = dict(zip(catalog["sky_center"].ra.deg, catalog["flags"], strict=True))
    assert [found[ra] for ra in sorted(found)] == [1 | flags.value, 1, 0]


def test_candidates_above_the_limit_count_only_with_those_of_other_levels(tmp_path):
    folder = SurveyFolder(tmp_path / "limited")
    with folder.locked():
        folder.begin(settings(limit=1.0))
    pieces = [
        of_size(WEST, beside(-60), 60.0, 60.0, 2.0, 0.4),
        of_size(EAST, beside(60), 60.0, 60.0, 2.0, 0.5),
    ]
    chance = of_size(EAST, beside(800), 20.0, 20.0, 1.0, 2.0)
    folder.write_rows([row(WEST, pieces[0]), row(EAST, pieces[1], chance)])
    assert np.sum(merge(folder.path)["is_primary"]) == 2
    whole = of_size(CELL, beside(0), 120.0, 300.0, 4.0, 3.0)
    SurveyFolder(folder.path, 1).write_rows([row(CELL, whole, tier=1)])
    table = merge(folder.path).table
    (one,) = table[np.asarray(table["is_primary"])]
    assert one["r50"].value == 120
    assert one["false_alarm_rate"].value == 0.4
    with pytest.raises(ValueError, match=r"takes at most 1 / deg2, up to .* got 5"):
        merge(folder.path, max_false_alarm_rate=5 / u.deg**2)


def test_cells_that_see_one_cluster_twice_report_it_once(folder):
    other = CELLS.field(CELLS.locate(CELL.ra[1] + 0.01, -16.25))
    edge = CELL.ra[1]
    east, west = edge + 0.01, edge + 0.02
    folder.write_rows([row(WEST)])
    SurveyFolder(folder.path, 1).write_rows(
        [
            row(CELL, of_size(CELL, east, 200.0, 300.0, 4.0, 0.1)),
            row(other, of_size(other, west, 210.0, 300.0, 4.0, 0.2)),
        ]
    )
    catalog = merge(folder.path)
    (kept,) = catalog.table[np.asarray(catalog["is_primary"])]
    assert kept["field"] == other.name


def test_candidates_of_one_field_are_never_one(folder):
    folder.write_rows([row(WEST, *(candidate(WEST, beside(-n)) for n in (2, 3)))])
    assert merge(folder.path)["is_primary"].all()


def test_the_order_of_rows_and_segments_does_not_matter(folder, tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        row(field, *(candidate(field, beside(x)) for x in rng.uniform(-40, 40, 5)))
        for field in (WEST, EAST)
    ]
    folder.write_rows(rows)
    other = SurveyFolder(tmp_path / "other")
    with other.locked():
        other.begin(settings())
    for one in reversed(rows):
        other.write_rows([one])
    for target in (folder, other):
        merge(target.path).write(target.path / "c.parquet")
    assert (folder.path / "c.parquet").read_bytes() == (
        other.path / "c.parquet"
    ).read_bytes()


def test_the_last_row_of_a_field_counts(folder):
    folder.write_images([image_of(WEST)])
    folder.write_rows([row(WEST, candidate(WEST, beside(-200)))])
    folder.write_rows([row(WEST, status="failed", reason="gone", inputs=INPUTS)])
    assert len(merge(folder.path)) == 0
    status = status_of(folder.path)
    assert (status["done"], status["failed"]) == (0, 1)
    assert status["failures"] == {"gone": 1}


def test_a_catalogue_at_a_lower_rate_is_a_part_of_the_other(folder):
    folder.write_rows(
        [
            row(WEST, candidate(WEST, beside(-8), rate=0.7)),
            row(EAST, candidate(EAST, beside(3), rate=0.05)),
        ]
    )
    every = merge(folder.path)
    surest = merge(folder.path, max_false_alarm_rate=0.1 / u.deg**2)
    assert len(every) == 2
    assert list(surest["field"]) == [EAST.name]
    assert not surest["is_primary"].any()
    assert surest.table.meta["max_false_alarm_rate"] == "0.1 / deg2"
    for rate, error in ((0.1, TypeError), (0 / u.deg**2, ValueError)):
        with pytest.raises(error, match="max_false_alarm_rate"):
            merge(folder.path, max_false_alarm_rate=rate)


def test_no_survey_and_other_folders_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no survey"):
        merge(tmp_path)
    (tmp_path / "x").write_text("")
    with pytest.raises(ValueError, match="other things than a survey"):
        merge(tmp_path)
    (tmp_path / "survey.json").write_text('{"format": 99}')
    with pytest.raises(ValueError, match="format 99"):
        merge(tmp_path)
    (tmp_path / "survey.json").write_text("{")
    with pytest.raises(ValueError, match="damaged"):
        merge(tmp_path)


def test_link_is_quick_and_agrees_with_all_pairs():
    rng = np.random.default_rng(1)

    def drawn(n, deepest):
        return {
            "ra": 275 + rng.uniform(-1, 1, n),
            "dec": rng.uniform(-1, 1, n),
            "radius": rng.uniform(8, 300, n),
            "depth": rng.uniform(-32, deepest, n),
            "score": rng.uniform(0, 1, n),
            "field": rng.choice(["a", "b", "c"], n),
        }

    few = drawn(400, 20)
    np.testing.assert_array_equal(link(few), _link_by_all_pairs(few))
    many = drawn(100_000, 900)
    many["ra"] = rng.uniform(0, 360, 100_000)
    began = time.process_time()
    link(many)
    assert time.process_time() - began < 10


def _link_by_all_pairs(columns):
    reach = np.maximum(20, columns["radius"] / 2)
    order = np.lexsort((columns["field"], -columns["score"], -columns["depth"]))
    kept, primary = [], np.zeros(len(order), dtype=bool)
    for row in order:
        east = (columns["ra"][kept] - columns["ra"][row]) * np.cos(
            np.radians(columns["dec"][row])
        )
        apart = 3600 * np.hypot(east, columns["dec"][kept] - columns["dec"][row])
        same = columns["field"][kept] == columns["field"][row]
        if not np.any(~same & (apart <= np.minimum(reach[kept], reach[row]))):
            kept.append(row)
            primary[row] = True
    return primary
