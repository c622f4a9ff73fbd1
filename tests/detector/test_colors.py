# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The networks for several bands, and the search with them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.detector.calibration import Calibration
from astro_vaeclust.detector.channels import composite
from astro_vaeclust.detector.embedding import ConvVAE
from astro_vaeclust.detector.grid import NetworkGrid, NetworkImage
from astro_vaeclust.detector.inference import run_network
from astro_vaeclust.detector.model import TrainedModel, load_model
from astro_vaeclust.detector.network import COLOR_PARTS, NetworkSettings
from astro_vaeclust.detector.search import DetectorSearch
from astro_vaeclust.simulation import MockCluster, simulate_tile
from astro_vaeclust.training.in_colors import in_colors
from astro_vaeclust.training.tiles import image_of


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
    """Return the model with networks for several bands that only see Ks."""
    one = load_model()
    one = replace(one, color=None, color_calibrations={})
    settings = replace(
        one.network.settings, n_bands=3, channels=(20, 40, 64, 96, 96, 96)
    )
    networks = (
        in_colors(network, settings).eval().requires_grad_(False)
        for network in (one.network, one.fine_network)
    )
    network, fine_network = networks
    color = TrainedModel(network, None, {}, fine_network=fine_network)
    return replace(one, color=color)


def test_a_network_for_several_bands_begins_as_that_for_one(model):
    rng = np.random.default_rng(1)
    one = rng.normal(size=(3, 128, 192)).astype(np.float32)
    several = np.concatenate([np.zeros((9, 128, 192), np.float32), one])
    before = run_network(model.network, one)
    after = run_network(model.color.network, several)
    np.testing.assert_array_equal(after.center, before.center)
    np.testing.assert_allclose(after.measures[:5], before.measures, atol=1e-5)
    assert after.measures.shape[0] == 6
    assert np.all(after.measures[5] == 0)


def test_inputs_are_the_bands_in_their_places(tile):
    image = image_of(tile, "J,Ks")
    assert list(image.bands) == ["J", "Ks"]
    grid = NetworkGrid.of_image(image, 1.0)
    several = NetworkImage.from_image(image, grid)
    assert several.inputs.shape == (12, *image.shape)
    for band, place in (("J", 3), ("Ks", 9)):
        one = NetworkImage.from_image(image.bands[band], grid)
        np.testing.assert_array_equal(several.inputs[place : place + 3], one.inputs)
    assert not several.inputs[6:9].any()
    part = several.part((slice(10, 50), slice(20, 90)))
    np.testing.assert_array_equal(part.inputs, several.inputs[:, 10:50, 20:90])


def test_where_a_band_is_masked_another_stands_for_it(tile):
    image = image_of(tile, "H,Ks")
    mask = image.mask.copy()
    mask[100:300, 100:300] = True
    bands = image.bands | {"Ks": replace(image.bands["Ks"], mask=mask)}
    image = replace(bands["Ks"], bands=bands)
    both = NetworkImage.from_image(image, NetworkGrid.of_image(image, 1.0))
    inside = np.s_[:, 100:300, 100:300]
    np.testing.assert_array_equal(both.channels[inside], both.inputs[6:9][inside])
    np.testing.assert_array_equal(both.channels[:, :90], both.inputs[9:, :90])
    np.testing.assert_array_equal(composite(both.inputs), both.channels)
    assert np.all(both.significance[100:300, 100:300] != 0)
    assert not image.unseen[100:300, 100:300].all()
    assert image.mask[100:300, 100:300].all()


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


def with_all_measures(calibration):
    """Return the calibration of one band with room for the extinction."""
    return replace(
        calibration,
        biases=tuple((*values, 0.0) for values in calibration.biases),
        error_factors=tuple((*values, 1.0) for values in calibration.error_factors),
        error_floors=tuple((*values, 0.0) for values in calibration.error_floors),
        levels=((), ()),
    )


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


def test_a_finder_with_such_a_model_takes_the_bands(tile, model, tmp_path):
    """All but the rates is as with the image in Ks, which these networks alone use."""
    model.save(tmp_path / "model.pt")
    finder = VAEClusterFinder(
        embedding=ConvVAE(model=tmp_path / "model.pt"), max_false_alarm_rate=None
    )
    catalog = finder.detect(tile.images)
    alone = VAEClusterFinder(max_false_alarm_rate=None).detect(tile.image)
    truth = tile.clusters[0]
    for table in (catalog.table, alone.table):
        offset = table["sky_center"].separation(truth["sky_center"])
        assert offset.min() < truth["r50"]
    assert set(catalog.table["bands"]) == {"J,H,Ks"}
    assert catalog.table["a_k"].unit == "mag"
    # a model without a calibration searches the finest level alone
    assert np.all(catalog.heatmap.data <= alone.heatmap.data + 1e-5)
    assert catalog.heatmap.data.max() == pytest.approx(alone.heatmap.data.max())
    with pytest.raises(ValueError, match="data in several bands, J, H, Ks"):
        VAEClusterFinder().detect(tile.images)


def test_a_file_has_what_is_shared_once(model, tmp_path):
    changed = replace(model.color.network.settings)
    network = in_colors(model.network, changed).eval()
    with torch.no_grad():
        network.center.bias += 1
    color = replace(model.color, network=network)
    model = replace(
        model,
        color=color,
        color_calibrations={"J,H,Ks": with_all_measures(model.calibration)},
    )
    path = tmp_path / "model.pt"
    model.save(path)
    contents = torch.load(path, weights_only=True)
    for name in ("color_state", "color_fine_state"):
        assert all(key.startswith(COLOR_PARTS) for key in contents[name])
        assert any(key.startswith("measures") for key in contents[name])
    loaded = load_model(path)
    assert loaded.identity == model.identity
    assert loaded.color.identity == color.identity
    assert isinstance(loaded.color_calibrations["J,H,Ks"], Calibration)
    assert loaded.color_calibrations == model.color_calibrations
    contents["color_state"]["center.bias"] += 1
    torch.save(contents, path)
    with pytest.raises(ValueError, match="is damaged"):
        load_model(path)


def test_bands_are_one_or_three():
    with pytest.raises(ValueError, match="n_bands"):
        NetworkSettings(n_bands=2)
