# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The embeddings, on an image of a bright half and a faint half."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from astro_vaeclust.embeddings import EMBEDDINGS
from astro_vaeclust.embeddings.dense import DenseVAE, count_active_units
from astro_vaeclust.embeddings.likelihoods import LIKELIHOODS
from astro_vaeclust.embeddings.pca import PCAEmbedding
from astro_vaeclust.embeddings.priors import PRIORS
from astro_vaeclust.images.prepare import PreparedImage

SIZES = (8, 12)
SMALL = DenseVAE(
    patch_sizes=SIZES, hidden=(16, 12, 8), latent=2, n_steps=60, learning_rate=5e-3
)
BACKENDS = [SMALL, PCAEmbedding(patch_sizes=SIZES, latent=2)]


@pytest.fixture
def prepared():
    rng = np.random.default_rng(3)
    pixels = 0.2 + 0.02 * rng.standard_normal((40, 48)).astype(np.float32)
    pixels[:, 24:] += 0.6
    mask = np.zeros(pixels.shape, bool)
    mask[:, :3] = True
    return PreparedImage(np.clip(pixels, 0, 1), mask, np.zeros_like(pixels))


def embed(backend, prepared, *, seed=1, **options):
    return backend.embed(prepared, seed=seed, device="cpu", **options)


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda b: type(b).__name__)
class TestEveryBackend:
    def test_one_map_per_size(self, backend, prepared):
        maps = embed(backend, prepared)
        assert [latent_map.patch_size for latent_map in maps] == [8, 12]
        for latent_map in maps:
            assert latent_map.mean.shape == (*latent_map.valid.shape, 2)
            assert latent_map.variance.shape == latent_map.mean.shape
            assert np.isfinite(latent_map.features).all()
            assert len(latent_map.diagnostics["identity"]) == 16

    def test_the_halves_differ(self, backend, prepared):
        (latent_map,) = embed(replace(backend, patch_sizes=(8,)), prepared)
        bright = latent_map.cell_means(prepared.pixels, prepared.mask) > 0.5
        best = 0
        for unit in range(2):
            values = latent_map.mean[..., unit]
            inside = values[bright & latent_map.valid]
            outside = values[~bright & latent_map.valid]
            spread = np.sqrt(inside.var() + outside.var())
            best = max(best, abs(inside.mean() - outside.mean()) / spread)
        assert best > 2

    def test_same_seed_same_bits(self, backend, prepared):
        first, second = embed(backend, prepared), embed(backend, prepared)
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(one.mean, other.mean)
            np.testing.assert_array_equal(one.variance, other.variance)
            assert one.diagnostics == other.diagnostics

    def test_global_random_state_is_left_alone(self, backend, prepared):
        torch_state = torch.get_rng_state()
        numpy_state = np.random.get_state()[1]  # noqa: NPY002
        embed(backend, prepared)
        assert torch.equal(torch.get_rng_state(), torch_state)
        again = np.random.get_state()[1]  # noqa: NPY002
        np.testing.assert_array_equal(again, numpy_state)

    def test_the_image_is_left_alone(self, backend, prepared):
        pixels, mask = prepared.pixels.copy(), prepared.mask.copy()
        embed(backend, prepared)
        np.testing.assert_array_equal(prepared.pixels, pixels)
        np.testing.assert_array_equal(prepared.mask, mask)

    def test_progress_bar(self, backend, prepared):
        seen = []

        def bar(iterable, *, desc, total):
            assert isinstance(desc, str)
            items = list(iterable)
            assert len(items) == total
            seen.extend(items)
            return items

        with_bar = embed(backend, prepared, progress_bar=bar)
        assert seen
        without = embed(backend, prepared)
        np.testing.assert_array_equal(with_bar[0].mean, without[0].mean)

    def test_no_usable_window(self, backend, prepared):
        blind = PreparedImage(
            prepared.pixels, np.ones_like(prepared.mask), prepared.significance
        )
        with pytest.raises(ValueError, match="data has no window"):
            embed(backend, blind)

    def test_pickle(self, backend, prepared):
        again = pickle.loads(pickle.dumps(backend))
        assert again == backend


def test_other_seed_other_network(prepared):
    one, other = (embed(SMALL, prepared, seed=seed)[0] for seed in (1, 2))
    assert one.diagnostics["identity"] != other.diagnostics["identity"]


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("prior", PRIORS)
def test_parts_combine(prepared, likelihood, prior):
    backend = replace(
        SMALL, patch_sizes=(8,), n_steps=5, likelihood=likelihood, prior=prior
    )
    (latent_map,) = embed(backend, prepared)
    assert np.isfinite(latent_map.features).all()
    assert (latent_map.prior is not None) == backend.has_prior


def test_training_lowers_the_objective(prepared, caplog):
    def last_objective(n_steps):
        backend = DenseVAE(
            patch_sizes=(8,), hidden=(16, 12, 8), latent=2, n_steps=n_steps
        )
        caplog.clear()
        with caplog.at_level("DEBUG", "astro_vaeclust"):
            embed(backend, prepared)
        (record,) = (r for r in caplog.records if "negative ELBO" in r.message)
        return float(record.message.split(":")[1].split()[0])

    assert last_objective(200) < last_objective(2) - 5


def test_sky_noise_collapses(caplog):
    pixels = np.full((64, 64), 0.5, np.float32)
    pixels += 1e-3 * np.random.default_rng(0).standard_normal(pixels.shape)
    sky = PreparedImage(pixels, np.zeros(pixels.shape, bool), np.zeros_like(pixels))
    with caplog.at_level("INFO", "astro_vaeclust"):
        (latent_map,) = embed(replace(SMALL, patch_sizes=(8,), n_steps=300), sky)
    assert latent_map.collapsed
    assert "0 of 2 latent units active" in caplog.text


def test_active_units():
    rng = np.random.default_rng(0)
    mean = rng.normal(scale=[1.0, 0.05, 0.2], size=(1000, 3))
    assert count_active_units(mean) == 2


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("likelihood", "poisson", ValueError),
        ("prior", "uniform", ValueError),
        ("divergence", "wasserstein", ValueError),
        ("hidden", (), ValueError),
        ("hidden", (8, 0), ValueError),
        ("hidden", (8, 2.5), TypeError),
        ("latent", 0, ValueError),
        ("latent", True, TypeError),
        ("n_components", -1, ValueError),
        ("n_steps", 0, ValueError),
        ("batch_size", 0, ValueError),
        ("learning_rate", 0.0, ValueError),
        ("learning_rate", float("nan"), ValueError),
        ("n_seeds", 0, ValueError),
    ],
)
def test_bad_setting_names_the_argument(name, value, error):
    with pytest.raises(error, match=name):
        DenseVAE(**{name: value})


@pytest.mark.parametrize("backend", [DenseVAE, PCAEmbedding])
@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("patch_sizes", 16, TypeError),
        ("patch_sizes", (), ValueError),
        ("patch_sizes", (16, 16), ValueError),
        ("patch_sizes", (16, 0), ValueError),
        ("patch_sizes", (16, 32.0), TypeError),
        ("patch_sizes", (1,), ValueError),
        ("overlap", 1.0, ValueError),
        ("overlap", -0.1, ValueError),
        ("overlap", "half", TypeError),
        ("preparation", "raw", ValueError),
        ("box_size", 0, ValueError),
        ("max_masked", 1.0, ValueError),
        ("latent", 0, ValueError),
    ],
)
def test_bad_setting_of_windows_names_the_argument(backend, name, value, error):
    with pytest.raises(error, match=name):
        backend(**{name: value})


def test_principal_components_have_one_seed():
    with pytest.raises(TypeError, match="n_seeds"):
        PCAEmbedding(n_seeds=2)
    assert PCAEmbedding().n_seeds == 1


@pytest.mark.parametrize(
    "settings", [{"prior": "standard-normal"}, {"n_components": 1}]
)
def test_one_gaussian_is_no_mixture(prepared, settings):
    backend = replace(SMALL, patch_sizes=(8,), n_steps=2, **settings)
    (latent_map,) = embed(backend, prepared)
    assert latent_map.prior is None
    assert not backend.has_prior


def test_components_are_for_a_prior_that_has_some():
    message = "n_components is for a prior of several components, got 3"
    with pytest.raises(ValueError, match=message):
        DenseVAE(prior="standard-normal", n_components=3)
    assert replace(DenseVAE(), prior="standard-normal").n_components is None
    assert DenseVAE().has_prior


@pytest.mark.parametrize("device", ["warp", "cuda:99", 7])
def test_bad_device(prepared, device):
    with pytest.raises(ValueError, match="device"):
        SMALL.embed(prepared, seed=0, device=device)


def test_tags():
    assert EMBEDDINGS.get("dense-vae") is DenseVAE
    assert EMBEDDINGS.get("pca") is PCAEmbedding
