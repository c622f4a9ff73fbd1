# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Models with a network of their own for the images of sharp surveys."""

from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
import torch

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.detector.embedding import ConvVAE
from astro_vaeclust.detector.grid import NetworkGrid, NetworkImage
from astro_vaeclust.detector.inference import folded, run_network
from astro_vaeclust.detector.model import in_half_precision, load_model
from astro_vaeclust.detector.network import ConvolutionalVAE
from astro_vaeclust.detector.search import DetectorSearch
from astro_vaeclust.images.prepare import prepare
from astro_vaeclust.images.read import read_image
from astro_vaeclust.simulation import MockCluster, simulate_tile
from astro_vaeclust.training import fine_tune
from astro_vaeclust.training.make import make_model
from astro_vaeclust.training.recipe import Recipe
from astro_vaeclust.training.stages import Stage

from .examples import TINY, tiny_model


@pytest.fixture(scope="module")
def model():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return replace(tiny_model(), fine_network=ConvolutionalVAE(TINY).eval())


def tile_of(survey, clusters=(), seed=1):
    return simulate_tile(survey=survey, shape=(140, 140), clusters=clusters, seed=seed)


@pytest.mark.parametrize(
    ("survey", "name"), [("2mass-ks", "network"), ("vvv-ks", "fine_network")]
)
def test_each_image_is_seen_by_its_network(model, tmp_path, survey, name):
    image = read_image(tile_of(survey).image)
    grid = NetworkGrid.of_image(image, TINY.fine_scale)
    channels = NetworkImage.from_image(image, grid).channels
    expected = run_network(folded(getattr(model, name)), channels)
    maps = DetectorSearch(image, model, max_false_alarm_rate=None).levels[0].maps
    np.testing.assert_array_equal(maps.center, expected.center)
    model.save(tmp_path / "model.pt")
    latents = ConvVAE(model=tmp_path / "model.pt").embed(
        prepare(image), seed=0, device="cpu"
    )
    expected = run_network(getattr(model, name), channels)
    np.testing.assert_array_equal(latents[0].mean, expected.posteriors[0][0])


def test_one_network_sees_all_images_where_there_is_no_other(model):
    alone = replace(model, fine_network=None)
    for is_fine in (False, True):
        assert alone.network_for(is_fine) is model.network


def test_both_networks_are_kept(model, tmp_path):
    path = tmp_path / "model.pt"
    model.save(path)
    loaded = load_model(path)
    assert loaded.identity == model.identity
    assert loaded.identity != replace(model, fine_network=None).identity
    for name in ("network", "fine_network"):
        before, after = (getattr(m, name).state_dict() for m in (model, loaded))
        assert all(torch.equal(before[key], after[key]) for key in before)
    contents = torch.load(path, weights_only=True)
    contents["fine_state"].popitem()
    torch.save(contents, path)
    with pytest.raises(ValueError, match="is damaged"):
        load_model(path)


def test_half_precision_halves_the_file_and_nothing_else(model, tmp_path):
    rounded = replace(
        model,
        network=in_half_precision(model.network),
        fine_network=in_half_precision(model.fine_network),
    )
    sizes = {}
    for name, kept in {"whole": model, "half": rounded}.items():
        kept.save(tmp_path / name)
        assert load_model(tmp_path / name).identity == kept.identity
        stored = torch.load(tmp_path / name, weights_only=True)
        sizes[name] = sum(v.nbytes for v in stored["state"].values())
    assert sizes["half"] < 0.6 * sizes["whole"]
    assert rounded.identity != model.identity
    for before, after in zip(
        model.network.parameters(), rounded.network.parameters(), strict=True
    ):
        torch.testing.assert_close(before, after, rtol=2**-11, atol=1e-7)


def test_only_the_network_that_sees_the_tiles_is_tuned(model, tmp_path):
    model.save(tmp_path / "model.pt")
    finder = VAEClusterFinder(embedding=ConvVAE(model=tmp_path / "model.pt"))
    cluster = MockCluster(n_members=60, half_number_radius=8 * u.arcsec)
    sharp = [tile_of("vvv-ks", cluster), tile_of("vvv-ks", seed=2)]
    fine_tune(finder, sharp, tmp_path / "tuned.pt", n_steps=2)
    tuned = load_model(tmp_path / "tuned.pt")
    states = [m.network.state_dict() for m in (model, tuned)]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    states = [m.fine_network.state_dict() for m in (model, tuned)]
    assert not all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    mixed = [*sharp, tile_of("2mass-ks")]
    with pytest.raises(ValueError, match="tiles must all be of fine images or none"):
        fine_tune(finder, mixed, tmp_path / "mixed.pt", n_steps=2)


def test_a_stage_of_fine_images_goes_on_with_a_model(tmp_path):
    stage = Stage(name="a", first_seed=1, n_tiles=1, surveys=("vvv-ks",))
    recipe = Recipe(stages=(replace(stage, fine_only=True),))
    with pytest.raises(ValueError, match="start must be a model, since stage 'a'"):
        make_model(recipe, tmp_path)
