# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The score in several bands, and the search with it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from astropy.table import vstack
from astropy.utils.exceptions import AstropyUserWarning

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.detector.calibration import Calibration, usable_candidates
from astro_vaeclust.detector.color_score import ColorScore, color_inputs
from astro_vaeclust.detector.coverage import cells_in_fewer_bands
from astro_vaeclust.detector.embedding import ConvVAE
from astro_vaeclust.detector.grid import NetworkGrid, NetworkImage, bands_on_level
from astro_vaeclust.detector.inference import run_network
from astro_vaeclust.detector.model import load_model
from astro_vaeclust.detector.search import DetectorSearch
from astro_vaeclust.simulation import MockCluster, simulate_tile
from astro_vaeclust.training.tiles import image_of
from astro_vaeclust.utils.bands import BANDS


@pytest.fixture(scope="module")
def tile():
    return simulate_tile(
        survey="2mass-j+2mass-h+2mass-ks",
        shape=(384, 384),
        clusters=MockCluster(n_members=120),
        seed=3,
    )


@pytest.fixture(scope="module")
def model():
    """Return the model with a score in colour that is that of one band."""
    one = load_model()
    color = ColorScore().eval().requires_grad_(False)
    return replace(one, color=color, color_calibrations={})


@pytest.fixture(scope="module")
def network_image(tile):
    image = image_of(tile)
    return NetworkImage.from_image(image, NetworkGrid.of_image(image, 1.0))


def test_bands_are_in_their_places(tile):
    image = image_of(tile, "J,Ks")
    assert list(image.bands) == ["J", "Ks"]
    grid = NetworkGrid.of_image(image, 1.0)
    several = NetworkImage.from_image(image, grid)
    for band, place in (("J", 0), ("Ks", 2)):
        one = NetworkImage.from_image(image.bands[band], grid)
        np.testing.assert_array_equal(several.bands[place], one.channels)
        assert not one.bands
    assert not several.bands[1].any()
    part = several.part((slice(10, 50), slice(20, 90)))
    np.testing.assert_array_equal(part.bands[2], several.bands[2][:, 10:50, 20:90])
    np.testing.assert_array_equal(part.channels, several.channels[:, 10:50, 20:90])


def test_where_a_band_is_masked_another_stands_for_it(tile):
    image = image_of(tile, "H,Ks")
    mask = image.mask.copy()
    mask[100:300, 100:300] = True
    bands = image.bands | {"Ks": replace(image.bands["Ks"], mask=mask)}
    image = replace(bands["Ks"], bands=bands)
    both = NetworkImage.from_image(image, NetworkGrid.of_image(image, 1.0))
    inside = np.s_[:, 100:300, 100:300]
    np.testing.assert_array_equal(both.channels[inside], both.bands[1][inside])
    np.testing.assert_array_equal(both.channels[:, :90], both.bands[2][:, :90])
    assert np.all(both.significance[100:300, 100:300] != 0)


def test_a_score_that_has_learned_nothing_is_that_of_the_longest_band(
    network_image, model
):
    maps = run_network(model.quick_network_for(False), network_image.channels)
    before, (_, usable) = usable_candidates(maps, network_image.channels)
    after = model.color.scored(before, network_image.bands, usable, False)
    np.testing.assert_allclose(after.score, before.score, atol=1e-5)
    assert np.all(after.measures["a_k"] == 0)
    assert np.all(after.errors["a_k"] == 1)
    assert "a_k" not in before.measures


def test_what_is_learned_orders_the_candidates(network_image, model):
    maps = run_network(model.quick_network_for(False), network_image.channels)
    before, (_, usable) = usable_candidates(maps, network_image.channels)
    color = ColorScore().eval()
    with torch.no_grad():
        color.slope.fill_(-1)
    after = color.requires_grad_(False).scored(
        before, network_image.bands, usable, False
    )
    np.testing.assert_allclose(after.score, -before.score[::-1], atol=1e-5)
    np.testing.assert_array_equal(after.x, before.x[::-1])


def test_inputs_say_which_bands_there_are(network_image, model):
    maps = run_network(model.quick_network_for(False), network_image.channels)
    candidates, (_, usable) = usable_candidates(maps, network_image.channels)
    _, no_h, _ = network_image.bands
    bands = [network_image.bands[0], np.zeros_like(no_h), network_image.bands[2]]
    inputs = color_inputs(candidates, bands, usable, True)
    np.testing.assert_array_equal(inputs[:, 5:9], [[1, 1, 0, 1]] * len(candidates))
    assert np.isfinite(inputs).all()
    assert not len(color_inputs(candidates[:0], bands, usable, True))


def test_a_search_of_several_bands(tile, model):
    image = image_of(tile)
    several = DetectorSearch(image, model, max_false_alarm_rate=None)
    alone = replace(model, calibration=None)
    one = DetectorSearch(replace(image, bands={}), alone, max_false_alarm_rate=None)
    assert len(several.rows) == len(one.rows)
    np.testing.assert_allclose(several.rows["score"], one.rows["score"], atol=1e-4)
    columns = several.columns()
    assert columns["a_k"].unit == columns["a_k_err"].unit == "mag"
    assert "a_k" not in one.columns()


def test_models_without_a_calibration_refuse_a_limit_on_rates(tile, model):
    image = image_of(tile)
    bare = replace(model, calibration=None)
    for given, of, bands in (
        (image, model, " in several bands"),
        (replace(image, bands={}), bare, ""),
    ):
        search = DetectorSearch(given, of, max_false_alarm_rate=1.0)
        expected = f"takes None with this .* not calibrated{bands}; got 1"
        with pytest.raises(ValueError, match=expected):
            search.columns()


def test_where_a_single_band_shows_enough_it_is_searched_alone(tile, model):
    image = image_of(tile, "J,Ks")
    blank = replace(image.bands["J"], mask=np.ones(image.shape, dtype=bool))
    image = replace(image, bands=image.bands | {"J": blank})
    found = DetectorSearch(image, model, max_false_alarm_rate=None)
    alone = DetectorSearch(replace(image, bands={}), model, max_false_alarm_rate=None)
    with pytest.warns(AstropyUserWarning, match="image J: data has too few usable"):
        rows = found.rows
    np.testing.assert_array_equal(rows["score"], alone.rows["score"])
    assert found.model.calibration is model.calibration


def test_a_small_band_takes_no_level_from_the_others(tile, model):
    image = image_of(tile, "J,Ks")
    mask = np.ones(image.shape, dtype=bool)
    mask[100:125, 100:125] = False
    small = replace(image.bands["J"], mask=mask)
    image = replace(image, bands=image.bands | {"J": small})
    calibration = with_all_measures(load_model().calibration)
    model = replace(model, color_calibrations={"J,Ks": calibration})
    found = DetectorSearch(image, model, max_false_alarm_rate=None)
    assert found.model.calibration == calibration
    seen = [level.network_image.seen_bands for level in found.levels]
    assert seen == [("J", "Ks"), ()]


@pytest.mark.parametrize("gone", ["J", "J,H"])
def test_what_fewer_bands_show_is_as_in_these_alone(tile, gone):
    whole, left = image_of(tile), [band for band in BANDS if band not in gone]
    mask = whole.mask.copy()
    mask[:, :300] = True
    masked = {
        band: replace(whole.bands[band], mask=mask | whole.bands[band].mask)
        for band in gone.split(",")
    }
    image = replace(whole, bands=whole.bands | masked)
    few = image_of(tile, ",".join(left))

    def searched(image):
        search = DetectorSearch(image, load_model(), max_false_alarm_rate=None)
        rows = vstack([one.rows() for one in (search.levels[0], *search.parts)])
        rows = rows[rows["x"] < 280]
        rows.sort("false_alarm_rate")
        return search, rows

    search, found = searched(image)
    _, alone = searched(few)
    assert [list(part.network_image.seen_bands) for part in search.parts] == [
        left if len(left) > 1 else []
    ]
    assert len(found) == len(alone) > 1
    np.testing.assert_allclose(found["x"], alone["x"])
    rates = found["false_alarm_rate"] / alone["false_alarm_rate"]
    np.testing.assert_allclose(rates, 1, atol=0.05)
    assert np.all(np.diff(found["score"]) < 0)
    if len(left) > 1:
        np.testing.assert_allclose(found["a_k"], alone["a_k"], atol=0.01)
    else:
        assert np.isnan(found["a_k"]).all()


def test_an_image_that_all_bands_show_has_no_parts(tile):
    assert not cells_in_fewer_bands(
        NetworkImage.from_image(
            image_of(tile), NetworkGrid.of_image(image_of(tile), 1.0)
        )
    )
    search = DetectorSearch(image_of(tile), load_model(), max_false_alarm_rate=None)
    assert search.parts == []


def with_all_measures(calibration):
    """Return the calibration of one band with room for the extinction."""
    added = {"biases": 0.0, "error_factors": 1.0, "error_floors": 0.0}
    levels = tuple(
        tuple(
            replace(one, **{n: (*getattr(one, n), value) for n, value in added.items()})
            for one in of_kind
        )
        for of_kind in calibration.levels
    )
    finest = {
        name: tuple((*values, value) for values in getattr(calibration, name))
        for name, value in added.items()
    }
    return replace(calibration, levels=levels, **finest)


def test_calibrations_of_one_band_are_refused(model):
    with pytest.raises(ValueError, match=r"must have 6 measures, got 5 for J,H,Ks"):
        replace(model, color_calibrations={"J,H,Ks": model.calibration})


def test_the_calibration_is_that_of_the_bands(model):
    unity = with_all_measures(load_model().calibration)
    other = replace(unity, real_sky=2.0)
    model = replace(model, color_calibrations={"J,H,Ks": unity, "J,Ks": other})
    assert model.for_bands(("Ks",)) is model
    assert model.for_bands(("J", "H", "Ks")).calibration == unity
    assert model.for_bands(("J", "Ks")).calibration == other
    assert model.for_bands(("J", "Ks")) is model.for_bands(("J", "Ks"))
    with pytest.raises(ValueError, match=r"calibrated for J,H,Ks and for J,Ks, got H"):
        model.for_bands(("H", "Ks"))
    with pytest.raises(ValueError, match="data in several bands, J, H, is for a model"):
        replace(model, color=None).for_bands(("J", "H"))


def coarse_rows(image, model):
    """Return the rows of coarser levels of a search without a limit."""
    rows = DetectorSearch(image, model, max_false_alarm_rate=None).rows
    return rows[rows["level"] > rows["level"].min()]


def test_large_clusters_have_the_extinction_of_the_bands_that_show_them(tile):
    model = load_model()

    def measured(image):
        level = DetectorSearch(image, model, max_false_alarm_rate=None).levels[1]
        numbers = np.arange(len(level.candidates))
        bands = bands_on_level(image, level.grid)
        return level.extinctions(numbers, bands, model)

    image = image_of(tile)
    whole = measured(image)
    assert whole.size
    assert np.isfinite(whole).all()
    mask = np.ones(image.shape, dtype=bool)
    mask[:, -40:] = False
    for hidden, left in (("J", "H,Ks"), ("H", "J,Ks"), ("J,H", None)):
        few = {
            band: replace(image.bands[band], mask=mask) for band in hidden.split(",")
        }
        found = measured(replace(image, bands=image.bands | few))
        expected = measured(image_of(tile, left)) if left else found * np.nan
        np.testing.assert_allclose(found, expected, atol=0.02)  # masked pixels differ
        assert found.shape == whole.shape
        if hidden == "J":
            assert np.abs(found - whole).max() > 0.1


def test_extinctions_of_coarser_levels_are_corrected_by_their_calibration(tile, model):
    calibration = with_all_measures(load_model().calibration)
    level = calibration.levels[0][0]
    other = replace(
        level,
        biases=(*level.biases[:5], 0.25),
        error_factors=(*level.error_factors[:5], 3.0),
        error_floors=(*level.error_floors[:5], 4.0),
    )
    levels = ((other, *calibration.levels[0][1:]), calibration.levels[1])
    for one, value, error in (
        (calibration, 0.0, 1.0),  # of a score that has learned nothing
        (replace(calibration, levels=levels), -0.25, 5.0),
    ):
        rows = coarse_rows(
            image_of(tile), replace(model, color_calibrations={"J,H,Ks": one})
        )
        np.testing.assert_allclose(rows["a_k"], value)
        np.testing.assert_allclose(rows["a_k_err"], error)


def test_coarser_levels_of_fine_images_have_the_rates_of_one_band():
    fine = simulate_tile(
        survey="ukidss-j+ukidss-h+ukidss-k", shape=(900, 900), clusters=1, seed=3
    )
    image, model = image_of(fine), load_model()
    one, several = (
        DetectorSearch(this, model, max_false_alarm_rate=None).levels[1]
        for this in (replace(image, bands={}), image)
    )
    assert len(one.candidates)
    np.testing.assert_array_equal(several.candidate_rates, one.candidate_rates)
    rows = coarse_rows(image, model)
    assert len(rows)
    assert np.isnan([rows["a_k"], rows["a_k_err"]]).all()  # not calibrated


def test_a_finder_with_such_a_model_takes_the_bands(tile, model, tmp_path):
    model.save(tmp_path / "model.pt")
    finder = VAEClusterFinder(
        embedding=ConvVAE(model=tmp_path / "model.pt"), max_false_alarm_rate=None
    )
    catalog = finder.detect(tile.images)
    truth = tile.clusters[0]
    offset = catalog.table["sky_center"].separation(truth["sky_center"])
    assert offset.min() < truth["r50"]
    assert set(catalog.table["bands"]) == {"J,H,Ks"}
    assert catalog.table["a_k"].unit == "mag"


def test_a_file_keeps_the_score_in_colour(model, tmp_path):
    calibration = with_all_measures(load_model().calibration)
    model = replace(model, color_calibrations={"J,H,Ks": calibration})
    path = tmp_path / "model.pt"
    model.save(path)
    loaded = load_model(path)
    assert loaded.identity == model.identity
    assert loaded.identity != replace(model, color=None).identity
    assert isinstance(loaded.color_calibrations["J,H,Ks"], Calibration)
    assert loaded.color_calibrations == model.color_calibrations
    contents = torch.load(path, weights_only=True)
    contents["color_state"]["slope"] += 1
    torch.save(contents, path)
    with pytest.raises(ValueError, match="is damaged"):
        load_model(path)
    del contents["color_state"]["slope"]
    torch.save(contents, path)
    with pytest.raises(ValueError, match="is damaged"):
        load_model(path)
