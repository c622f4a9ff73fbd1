# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Finders run on mock tiles, and a run goes on from where it was."""

import json
import warnings
from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
from astropy.table import QTable
from numpy.testing import assert_array_equal

from astro_vaeclust import NoDetectionsWarning
from astro_vaeclust.baselines import BaselineFinder, StarCounts
from astro_vaeclust.detector.model import load_model
from astro_vaeclust.evaluation import TileFinder, evaluate_finders, make_finders
from astro_vaeclust.evaluation.finders import (
    TRUE_STARS,
    WITH_SOURCES,
    expected_warnings_ignored,
    finder_names,
)
from astro_vaeclust.evaluation.summary import (
    describe,
    error_table,
    false_positive_table,
    plot_results,
    printable,
    summary_table,
    write_results,
)
from astro_vaeclust.images.read import read_image
from astro_vaeclust.simulation import mock_tile
from astro_vaeclust.simulation.design import FIRST_SEED

from .examples import BlindFinder, PeakFinder

SMALL = {"n_tiles": 4, "shape": (160, 160), "n_bootstrap": 50}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the folder and the results of a run with two finders."""
    folder = tmp_path_factory.mktemp("run")
    finders = {"peak": PeakFinder(), "blind": BlindFinder()}
    return folder, evaluate_finders(finders, folder, **SMALL)


def test_half_of_the_tiles_have_a_cluster():
    tiles = [mock_tile(FIRST_SEED + n, shape=(160, 160)) for n in range(2)]
    assert [len(tile.clusters) for tile in tiles] == [1, 0]
    again = mock_tile(FIRST_SEED, shape=(160, 160))
    assert_array_equal(again.image.data, tiles[0].image.data)


def test_usable_area_leaves_out_masked_pixels():
    image = mock_tile(1, shape=(160, 160)).image
    good = (~image.mask & np.isfinite(image.data)).sum()
    np.testing.assert_allclose(
        read_image(image).usable_area.to_value(u.arcsec**2), good, rtol=1e-3
    )


def test_results_are_those_of_the_finders(run):
    _, results = run
    peak, blind = results["peak"], results["blind"]
    assert_array_equal(peak.tiles["n_clusters"], [1, 0, 1, 0])
    assert_array_equal(peak.tiles["n_detections"], [1, 1, 1, 1])
    assert len(blind.detections) == 0
    for number in range(4):
        tile = mock_tile(FIRST_SEED + number, shape=(160, 160))
        score = PeakFinder().detect(tile.image).table["score"][0]
        assert peak.detections["score"][number] == score
        assert peak.tiles["area"][number] == read_image(tile.image).usable_area
    assert peak.meta["seconds_per_deg2"] > 0


def test_sources_are_found_once_for_all_that_see_the_same(tmp_path, monkeypatch):
    sees = []

    def find_sources(finder, image):
        sees.append(finder.source_significance)
        return original(finder, image)

    original = BaselineFinder.find_sources
    monkeypatch.setattr(BaselineFinder, "find_sources", find_sources)
    counts = make_finders(["star-counts"])["star-counts"]
    finders = make_finders(["star-counts", "nearest-neighbour"])
    finders["shallow"] = replace(counts, source_significance=6.0)
    small = SMALL | {"n_tiles": 2}
    results = evaluate_finders(finders, tmp_path, **small)
    assert sees == [4.0, 6.0] * 2
    monkeypatch.undo()
    for name, finder in finders.items():
        alone = [
            score
            for number in range(2)
            for score in _scores(
                finder, mock_tile(FIRST_SEED + number, shape=(160, 160))
            )
        ]
        assert_array_equal(results[name].detections["score"], alone)


def _scores(finder, tile):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        return finder.detect(tile.image).table["score"]


def test_an_interrupted_run_goes_on_to_the_same_result(run, tmp_path):
    _, results = run
    with pytest.raises(KeyboardInterrupt):
        evaluate_finders({"peak": PeakFinder(calls_left=2)}, tmp_path, **SMALL)
    assert len(list((tmp_path / "peak").iterdir())) == 2
    again = evaluate_finders({"peak": PeakFinder()}, tmp_path, **SMALL)
    for name in ("score", "kind", "is_matched", "tile"):
        assert_array_equal(
            again["peak"].detections[name], results["peak"].detections[name]
        )


def test_nothing_is_done_twice(run):
    folder, results = run
    never = {"peak": PeakFinder(calls_left=0)}
    again = evaluate_finders(never, folder, **SMALL)
    assert list(again) == ["peak"]
    assert_array_equal(
        again["peak"].detections["score"], results["peak"].detections["score"]
    )


def test_folders_of_other_settings_are_refused(run):
    folder, _ = run
    before = json.loads((folder / "settings.json").read_text())
    for changes in ({"seed": 5}, {"shape": (128, 128)}, {"survey": "2mass-j"}):
        with pytest.raises(ValueError, match=f"settings: {next(iter(changes))}"):
            evaluate_finders({"peak": PeakFinder()}, folder, **SMALL | changes)
    message = r"peak.settings.smoothing is 10.0 there and 5.0 here; take another"
    with pytest.raises(ValueError, match=message):
        evaluate_finders({"peak": PeakFinder(5.0)}, folder, **SMALL)
    assert json.loads((folder / "settings.json").read_text()) == before


def test_two_workers_give_the_same(run, tmp_path):
    _, results = run
    seen = []

    def progress_bar(iterable, desc, total):
        for entry in iterable:
            seen.append((desc, total))
            yield entry

    again = evaluate_finders(
        {"peak": PeakFinder()}, tmp_path, workers=2, progress_bar=progress_bar, **SMALL
    )
    assert seen == [("tiles", 4)] * 4
    assert_array_equal(
        again["peak"].detections["score"], results["peak"].detections["score"]
    )


def test_slow_finders_may_have_fewer_tiles(tmp_path):
    finders = {"peak": PeakFinder(), "slow": PeakFinder(5.0)}
    results = evaluate_finders(finders, tmp_path, tiles_for={"slow": 2}, **SMALL)
    assert [len(result.tiles) for result in results.values()] == [4, 2]
    assert len(list((tmp_path / "slow").iterdir())) == 2
    summary = summary_table(results)
    assert list(summary["n_tiles"]) == [4, 2]
    assert summary["sky_area"][0] > summary["sky_area"][1]
    assert summary.meta["n_tiles"] == 4
    assert list(printable(summary)["tiles"]) == [4, 2]
    assert false_positive_table(results).meta["area_deg2"]["slow"] > 0
    with pytest.raises(ValueError, match="tiles_for: 'other' is not among"):
        evaluate_finders(finders, tmp_path, tiles_for={"other": 2}, **SMALL)


def test_more_sky_without_clusters_for_some_finders(run, tmp_path):
    _, before = run
    finders = {"peak": PeakFinder(), "few": PeakFinder(5.0)}
    results = evaluate_finders(finders, tmp_path, nulls_for={"peak": 3}, **SMALL)
    names = sorted(path.name for path in (tmp_path / "peak").iterdir())
    seeds = [int(name.removesuffix(".ecsv")) - FIRST_SEED for name in names]
    assert seeds == [0, 1, 2, 3, 5, 7, 9]
    peak, few = results.values()
    assert [len(result.tiles) for result in (peak, few)] == [7, 4]
    assert len(peak.clusters) == len(few.clusters) == len(before["peak"].clusters)
    areas = [result.tiles["area"].sum() for result in (peak, few)]
    assert areas[0] > 1.7 * areas[1]
    peak, few, both = (
        false_positive_table(chosen)["n_nulls"].sum()
        for chosen in ({"peak": peak}, {"few": few}, results)
    )
    assert both == peak > few
    with pytest.raises(ValueError, match="nulls_for must be an integer of at least 1"):
        evaluate_finders(finders, tmp_path, nulls_for={"peak": 0}, **SMALL)


def test_errors_name_the_finder_and_the_tile(tmp_path):
    class Broken(BlindFinder):
        def detect(self, data, **choice):
            raise RuntimeError("a bug")

    with pytest.raises(RuntimeError) as caught:
        evaluate_finders({"broken": Broken()}, tmp_path, **SMALL)
    assert caught.value.__notes__ == ["finder 'broken' on the tile with seed=1000000"]


def test_truth_reaches_finders_that_take_the_tile(tmp_path):
    class Knowing(TileFinder):
        settings = {}  # noqa: RUF012

        def detect_tile(self, tile):
            return PeakFinder().detect(tile.image)

    with pytest.raises(TypeError, match="Knowing searches mock tiles"):
        Knowing().detect(mock_tile(FIRST_SEED, shape=(160, 160)).image)
    result = evaluate_finders({"knowing": Knowing()}, tmp_path, **SMALL)
    assert len(result["knowing"].detections) == 4


def test_tables_and_plot_hold_all_finders(run, tmp_path):
    _, results = run
    summary = summary_table(results)
    assert list(summary["finder"]) == ["peak", "blind"]
    assert_array_equal(summary["completeness_at_1"][1], 0)
    assert summary.meta["unresolved_rates"] == [0.1, 1, 10]
    assert list(printable(summary)["at 1"])[1] == "0.00* (0.00-0.00)"
    text = describe(summary)
    assert "2 clusters on 4 tiles" in text
    assert "too small" in text
    kinds = false_positive_table(results)
    assert kinds.colnames == ["kind", "n_nulls", "peak", "blind"]
    assert kinds["blind"].sum() == 0
    assert len(error_table(results)) == 8
    labels = [line.get_label() for line in plot_results(results).get_lines()]
    assert labels == ["peak", "blind"]
    paths = write_results(results, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in paths}
    with pytest.raises(FileExistsError):
        write_results(results, tmp_path, overwrite=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_tiles": 1}, "n_tiles must be an integer of at least 2"),
        ({"seed": -1}, "seed"),
        ({"survey": "dss"}, "survey must be one of .*'dss'"),
        ({"workers": 0}, "workers"),
    ],
)
def test_bad_input_is_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        evaluate_finders({"blind": BlindFinder()}, tmp_path, **SMALL | changes)


@pytest.mark.parametrize("name", ["", "a/b", "..", "_truth"])
def test_names_that_are_no_folders_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match="finders must have names of letters"):
        evaluate_finders({name: BlindFinder()}, tmp_path, **SMALL)


def test_finders_by_name():
    names = finder_names()
    assert names[:3] == ["default", "per-image", "paper"]
    finders = make_finders(["paper", "default", "paper"], seed=7)
    assert list(finders) == ["paper", "default"]
    assert finders["paper"].n_largest == 1
    assert finders["default"].seed == 7
    for bad in (["best"], []):
        with pytest.raises(ValueError, match="finders must be some of default, per-im"):
            make_finders(bad)


def test_the_default_may_have_another_model(tmp_path):
    load_model().save(tmp_path / "mine.pt")
    names = ["default", "default-J-Ks", "paper", "star-counts"]
    finders = make_finders(names, model=tmp_path / "mine.pt")
    for finder in (finders["default"], finders["default-J-Ks"].finder):
        assert finder.embedding.model == tmp_path / "mine.pt"
    assert make_finders(["paper"])["paper"] == finders["paper"]
    with pytest.raises(ValueError, match="model is for the finder default, got paper"):
        make_finders(["paper"], model="mine.pt")
    with pytest.raises(FileNotFoundError, match=r"lost\.pt"):
        make_finders(["default"], model="lost.pt")


def test_the_default_gets_the_sources_that_catalogue_methods_share(tmp_path):
    finders = make_finders([WITH_SOURCES, "matched-filter"])
    aided = finders[WITH_SOURCES]
    assert aided.source_settings == finders["matched-filter"].source_settings
    image = mock_tile(FIRST_SEED).image
    catalog = aided.detect(image)
    sources = aided.find_sources(read_image(image))
    expected = aided.finder.detect(image, sources=sources)
    assert_array_equal(catalog.table["score"], expected.table["score"])
    assert catalog.table.meta["sources_used_as"] == "combined score"
    assert len(catalog.table) > 0
    evaluate_finders(finders, tmp_path, n_tiles=2)
    row = QTable.read(tmp_path / WITH_SOURCES / f"{FIRST_SEED}.ecsv")
    assert_array_equal(row["score"], catalog.table["score"])


def test_catalogue_methods_and_their_bound():
    pytest.importorskip("astro_vaeclust.baselines")
    finders = make_finders([TRUE_STARS, "matched-filter"])
    tile = mock_tile(FIRST_SEED, shape=(200, 200))
    assert finders["matched-filter"].threshold == finders[TRUE_STARS].finder.threshold
    catalog = finders[TRUE_STARS].detect_tile(tile)
    stars = tile.stars[~tile.stars["is_galaxy"]]
    bright = (stars["mag"] < 15.3 * u.mag).sum()
    # (but for those on pixels without data)
    assert 0.9 * bright < catalog.table.meta["n_sources_in_image"] <= bright


def test_catalogue_methods_have_the_settings_of_the_survey():
    names = ["star-counts", "matched-filter", TRUE_STARS]
    usual = make_finders(names)
    fine = make_finders(names, survey="ukidss-k")
    assert usual["star-counts"].bandwidth == StarCounts().bandwidth
    assert fine["star-counts"].bandwidth < usual["star-counts"].bandwidth
    assert fine[TRUE_STARS].finder == fine["matched-filter"]
    assert fine["matched-filter"] != usual["matched-filter"]


def test_catalogue_methods_use_the_bands_that_there_are(tmp_path):
    options = {"survey": ("2mass-j", "2mass-h", "2mass-ks"), "shape": (200, 200)}
    finders = make_finders(["star-counts", "voronoi"], survey=options["survey"])
    assert finders["star-counts"].colors
    assert not make_finders(["star-counts"])["star-counts"].colors
    evaluate_finders(finders, tmp_path, n_tiles=2, **options)
    tile = mock_tile(FIRST_SEED, nulls=["starless-cloud"], **options)
    for name, data in (("star-counts", tile.images), ("voronoi", tile.image)):
        row = QTable.read(tmp_path / name / f"{FIRST_SEED}.ecsv")
        with expected_warnings_ignored():
            expected = finders[name].detect(data)
        assert_array_equal(row["score"], expected.table["score"])
    assert evaluate_finders(finders, tmp_path, n_tiles=2, **options)
    with pytest.raises(ValueError, match="holds results of other settings: survey"):
        evaluate_finders(finders, tmp_path, n_tiles=2, shape=(200, 200))
