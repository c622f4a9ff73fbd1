# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The trained detector: what it sees, its training, its files, its calibration."""

import copy
import io
import pickle
from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
import torch
from astropy.nddata import CCDData
from astropy.utils.exceptions import AstropyUserWarning

from astro_vaeclust import (
    ClusterFlags,
    HeatmapRegions,
    NoDetectionsWarning,
    VAEClusterFinder,
)
from astro_vaeclust.detector.embedding import ConvVAE
from astro_vaeclust.detector.inference import folded, run_network
from astro_vaeclust.detector.model import DEFAULT_MODEL, TrainedModel, load_model
from astro_vaeclust.detector.network import ConvolutionalVAE
from astro_vaeclust.embeddings.divergences import kl_joint
from astro_vaeclust.embeddings.priors import MixtureOfGaussians
from astro_vaeclust.images.read import read_image
from astro_vaeclust.measure.columns import COLUMNS, MEASURED_COLUMNS
from astro_vaeclust.simulation import SURVEYS, MockCluster, simulate_tile
from astro_vaeclust.simulation.demo import demo_tile
from astro_vaeclust.training import fine_tune
from astro_vaeclust.training.calibrate import PRIOR, RATE, real_sky_factor
from astro_vaeclust.training.losses import density_loss
from astro_vaeclust.training.targets import crop_tile
from astro_vaeclust.training.tiles import TrainingTile

from .examples import CALIBRATION, INTENSITY, TINY, tiny_model


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    """A network that has learned nothing."""
    path = tmp_path_factory.mktemp("model") / "tiny.pt"
    tiny_model().save(path)
    return path


@pytest.fixture(scope="module")
def demo():
    return demo_tile(seed=1)


def test_a_turned_crop_keeps_the_cluster_at_its_place():
    channels = np.zeros((3, 256, 256), dtype=np.float16)
    channels[2] = 1
    channels[0, 180, 75] = 9
    tile = TrainingTile(
        channels=channels,
        clusters=np.array([[75, 180, 30, 50, 40]], dtype=np.float32),
        members=np.array([[75, 180]], dtype=np.float32),
        regions=np.zeros((0, 4), dtype=np.float32),
    )
    for seed in range(16):
        crop = crop_tile(tile, 192, np.random.default_rng(seed))
        if crop.channels[0].max() < 5:  # cut off, or masked by a strip
            continue
        y, x = np.unravel_index(crop.channels[0].argmax(), (192, 192))
        assert crop.density[y // 8, x // 8] == 1
        row, column = np.unravel_index(crop.center.argmax(), crop.center.shape)
        assert abs(row - y // 8) <= 1
        assert abs(column - x // 8) <= 1
        dx = crop.measures[0, row, column]
        assert (column + 0.5 + dx) * 8 - 0.5 == pytest.approx(x, abs=1e-3)
        assert crop.labels[0][y // 8, x // 8] == 1


def test_divergences_are_those_of_torch():
    mixture = MixtureOfGaussians(4, 3)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in mixture.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    mean, log_variance = torch.randn(2, 5, 4, generator=generator)
    components = torch.distributions.Normal(
        mixture.means, (0.5 * mixture.log_variances).exp()
    )
    posterior = torch.distributions.Normal(
        mean[:, None], (0.5 * log_variance).exp()[:, None]
    )
    of_components = torch.distributions.kl_divergence(posterior, components)
    shares = torch.softmax(torch.randn(5, 3, generator=generator), dim=-1)
    labels = torch.eye(3)[[0, 2, 1, 1, 0]]
    log_weights = torch.log_softmax(mixture.logits, 0)
    for gamma in (shares, labels):
        entropy = torch.special.entr(gamma)
        expected = gamma * (of_components.sum(dim=-1) - log_weights) - entropy
        torch.testing.assert_close(
            kl_joint((mean, log_variance), mixture, gamma), expected.sum(dim=-1)
        )


def test_members_per_cell_are_learned_as_their_mean():
    """Of many cells with one parameter, the mean; masked cells do not count."""
    counts = torch.tensor([0.0, 1.0, 5.0, 2.0, 90.0]).reshape(1, 1, -1)
    usable = torch.tensor([1.0, 1.0, 1.0, 1.0, 0.0]).reshape(1, 1, -1)
    log_density = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([log_density], max_iter=50)

    def loss():
        optimiser.zero_grad()
        value = density_loss(log_density.expand(counts.shape), counts, usable)
        value.backward()
        return value

    optimiser.step(loss)
    assert log_density.exp().item() == pytest.approx(2.0, rel=1e-4)


def test_a_model_reads_back(tmp_path):
    network = ConvolutionalVAE(TINY).eval()
    model = TrainedModel(network, CALIBRATION, {"note": "tiny"})
    model.save(tmp_path / "tiny.pt")
    again = load_model(tmp_path / "tiny.pt")
    assert again.identity == model.identity
    assert again.calibration == CALIBRATION
    assert again.training == {"note": "tiny"}
    with pytest.raises(OSError, match="exists"):
        model.save(tmp_path / "tiny.pt")


class _Harmful:
    def __reduce__(self):
        return (pytest.fail, ("the file was executed",))


def test_a_model_file_cannot_execute_anything(tmp_path):
    for name, content in {
        "pickle.pt": pickle.dumps(_Harmful()),
        "torch.pt": _saved({"header": "{}", "state": _Harmful()}),
        "text.pt": b"no model",
        "other.pt": _saved({"state": {}}),
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"{name}.*is no model"):
            load_model(path)
    with pytest.raises(FileNotFoundError, match="missing"):
        load_model(tmp_path / "missing.pt")


def _saved(content):
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


def make_finder(model_file, **settings):
    embedding = ConvVAE(model=model_file)
    return VAEClusterFinder(**{"embedding": embedding, "n_largest": 3} | settings)


def test_candidates_become_a_catalogue(demo, model_file):
    finder = make_finder(model_file, max_false_alarm_rate=None)
    catalog = pickle.loads(pickle.dumps(finder)).detect(demo.image)
    table = catalog.table
    assert len(table) == 3
    assert (np.diff(table["score"]) <= 0).all()
    assert (np.diff(table["false_alarm_rate"]) >= 0).all()
    names = [column.name for column in (*COLUMNS, *MEASURED_COLUMNS)]
    assert table.colnames == names
    assert catalog.heatmap.data.shape == demo.image.shape
    assert 0 <= catalog.heatmap.data.min() <= catalog.heatmap.data.max() <= 1
    x, y = demo.image.wcs.world_to_pixel(table["sky_center"])
    np.testing.assert_allclose(x, table["x_center"], atol=1e-6)
    np.testing.assert_allclose(y, table["y_center"], atol=1e-6)
    again = finder.detect(demo.image)
    np.testing.assert_array_equal(again.table["score"], table["score"])


def test_the_rate_decides(demo, model_file):
    everything = make_finder(model_file, max_false_alarm_rate=None).detect(demo.image)
    minimum = everything.table["false_alarm_rate"].min()
    one = make_finder(model_file, max_false_alarm_rate=minimum).detect(demo.image)
    assert len(one) >= 1
    with pytest.warns(NoDetectionsWarning):
        none = make_finder(model_file, max_false_alarm_rate=0.5 * minimum).detect(
            demo.image
        )
    assert len(none) == 0
    assert none.segmentation is None
    assert set(none.table.colnames) >= {column.name for column in COLUMNS}


def test_the_real_sky_tells_how_much_more_frequent_false_candidates_are(
    demo, model_file
):
    model = load_model(model_file)
    image = read_image(demo.image)
    area = (np.sum(~image.mask) * image.pixel_area).to_value(u.deg**2)
    minimum = make_finder(model_file, max_false_alarm_rate=None, n_largest=1)
    lowest = minimum.detect(demo.image).table["false_alarm_rate"].value[0]
    coefficients = list(INTENSITY.coefficients)
    coefficients[0] += np.log(0.5 * RATE / lowest)  # what the best candidate states
    intensity = replace(INTENSITY, coefficients=tuple(coefficients))
    calibration = replace(CALIBRATION, intensities=(intensity,) * 2)
    stated = replace(model, calibration=calibration)
    factor = real_sky_factor(stated, [image])
    observed = round(factor * (PRIOR + RATE * area) - PRIOR)
    assert observed >= 1
    assert factor == pytest.approx((PRIOR + observed) / (PRIOR + RATE * area))
    again = replace(stated, calibration=replace(calibration, real_sky=7.0))
    assert real_sky_factor(again, [image]) == factor
    arguments = [0.5], [0.5], False
    twice = replace(calibration, real_sky=2.0).false_alarm_rate(*arguments)
    np.testing.assert_allclose(twice, 2 * calibration.false_alarm_rate(*arguments))


def test_masked_centres_are_not_reported(demo, model_file):
    mask = np.zeros(demo.image.shape, dtype=bool)
    finder = make_finder(model_file, max_false_alarm_rate=None, n_largest=None)
    before = finder.detect(demo.image).table
    middle = np.median(before["x_center"])
    mask[:, int(middle) :] = True
    catalog = finder.detect(demo.image, mask=mask)
    assert 0 < len(catalog) < len(before)
    assert catalog.table["x_center"].max() < middle + 8  # a network cell
    assert catalog.heatmap.data[~mask].any()
    assert not catalog.heatmap.data[mask].any()
    assert not catalog.segmentation.data[mask].any()


def test_latents_go_to_any_mixture(demo, model_file):
    finder = VAEClusterFinder(
        embedding=ConvVAE(model=model_file),
        mixture="gmm",
        regions=HeatmapRegions(threshold=0.0),
    )
    catalog = finder.detect(demo.image)
    assert len(catalog.table.meta["model"]) == 4


def test_the_package_has_a_calibrated_model():
    assert DEFAULT_MODEL.stat().st_size < 8e6
    model = load_model()
    coarse, fine = model.calibration.intensities
    assert coarse.area > 10
    assert fine.area > 3
    assert sum(s["plan"]["n_steps"] for s in model.training["stages"]) > 1000
    assert model.calibration.real_sky > 0


def test_the_default_finds_the_cluster_of_the_demo(demo):
    catalog = VAEClusterFinder().detect(demo.image)
    (row,) = catalog.table
    (truth,) = demo.clusters
    assert row["sky_center"].separation(truth["sky_center"]) < 0.5 * truth["r50"]
    assert abs(row["r50"] - truth["r50"]) < 3 * row["r50_err"]
    assert row["false_alarm_rate"] < 0.3 / u.deg**2
    assert row["p_cluster"] > row["p_nebula"]


def test_the_level_and_the_unit_do_not_matter(demo):
    other = CCDData(
        (demo.image.data.astype(float) * 3 - 500) * u.electron, wcs=demo.image.wcs
    )
    one, two = (VAEClusterFinder().detect(image) for image in (demo.image, other))
    assert len(one) == len(two)
    np.testing.assert_allclose(one.table["score"], two.table["score"], rtol=1e-3)


@pytest.mark.parametrize("pixel_scale", [1.7, 2.75, 4.0])
def test_the_default_finds_a_cluster_in_coarse_pixels(pixel_scale):
    cluster = MockCluster(
        n_members=150,
        half_number_radius=60 * u.arcsec,
        nebulosity="none",
    )
    tile = simulate_tile(
        survey=replace(SURVEYS["2mass-ks"], pixel_scale=pixel_scale),
        shape=(round(1200 / pixel_scale),) * 2,
        clusters=cluster,
        artefacts=False,
        density=4.0,
        seed=3,
    )
    with pytest.warns(AstropyUserWarning, match="pixel scale"):
        (row,) = VAEClusterFinder().detect(tile.image).table
    assert row["flags"] & ClusterFlags.OUT_OF_CALIBRATION
    (truth,) = tile.clusters
    assert row["sky_center"].separation(truth["sky_center"]) < 0.5 * truth["r50"]
    assert 0.6 < row["r50"] / truth["r50"] < 1.5
    assert row["n_sources"] >= 10


@pytest.mark.parametrize(
    ("model", "error"), [("/no/such/model.pt", FileNotFoundError), (3, TypeError)]
)
def test_a_model_that_is_no_file_is_refused_at_once(model, error):
    with pytest.raises(error, match="model"):
        ConvVAE(model=model)


def test_folded_normalisations_change_nothing(model_file):
    network = copy.deepcopy(load_model(model_file).network)
    rng = np.random.default_rng(3)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            shape = layer.running_mean.shape
            layer.running_mean.copy_(torch.from_numpy(rng.normal(size=shape)))
            layer.running_var.copy_(torch.from_numpy(rng.uniform(0.5, 2, shape)))
    channels = rng.normal(size=(3, 128, 192)).astype(np.float32)
    one, two = (run_network(n, channels) for n in (network, folded(network)))
    np.testing.assert_allclose(one.center, two.center, atol=1e-4)
    np.testing.assert_allclose(one.measures, two.measures, atol=1e-4)


@pytest.mark.parametrize("rate", [1.0, 1 / u.arcsec])
def test_a_rate_without_its_unit_is_refused(rate):
    with pytest.raises(TypeError, match="max_false_alarm_rate"):
        VAEClusterFinder(max_false_alarm_rate=rate)


def test_a_negative_rate_is_refused():
    with pytest.raises(ValueError, match="max_false_alarm_rate"):
        VAEClusterFinder(max_false_alarm_rate=-1 / u.deg**2)


def test_stale_rates_are_unknown(demo, model_file, tmp_path):
    cluster = MockCluster(n_members=60, half_number_radius=15 * u.arcsec)
    tile = simulate_tile(shape=(130, 130), clusters=cluster, seed=1)
    path = tmp_path / "stale.pt"
    with pytest.warns(AstropyUserWarning, match="no tile without clusters"):
        tuned = fine_tune(make_finder(model_file), [tile], path, n_steps=2)
    assert tuned.max_false_alarm_rate is None
    catalog = tuned.detect(demo.image)
    assert len(catalog) > 0
    assert np.isnan(catalog["false_alarm_rate"]).all()
    limited = replace(tuned, max_false_alarm_rate=1 / u.deg**2)
    with pytest.raises(ValueError, match="max_false_alarm_rate takes None"):
        limited.detect(demo.image)


def test_a_model_is_tuned_on_other_tiles(model_file, tmp_path):
    def tile(seed, clusters):
        return simulate_tile(shape=(130, 130), clusters=clusters, seed=seed)

    cluster = MockCluster(n_members=60, half_number_radius=15 * u.arcsec)
    tiles = [tile(1, cluster), tile(2, ()), tile(3, ())]
    before = load_model(model_file)
    tuned = fine_tune(make_finder(model_file), tiles, tmp_path / "a.pt", n_steps=2)
    model = load_model(tmp_path / "a.pt")
    assert tuned.embedding.model == tmp_path / "a.pt"
    assert model.identity != before.identity == load_model(model_file).identity
    assert model.training == {
        "note": "tiny",
        "fine_tuned": {"n_tiles": 3, "n_steps": 2},
    }
    tuned, other = model.calibration.intensities
    np.testing.assert_allclose(tuned.area, 2 * (130 / 3600) ** 2, rtol=0.1)
    assert np.isnan(other.coefficients).all()  # the network sees fine images as well
    with pytest.raises(ValueError, match="must have a cluster"):
        fine_tune(make_finder(model_file), tiles[1:], tmp_path / "c.pt")
    with pytest.raises(TypeError, match="takes mock tiles, got CCDData"):
        fine_tune(make_finder(model_file), [tiles[0].image], tmp_path / "c.pt")
    with pytest.raises(OSError, match="exists"):
        fine_tune(make_finder(model_file), tiles, tmp_path / "a.pt")
