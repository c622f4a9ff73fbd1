# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The prior of mixed posteriors of the convolutional autoencoder."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from astro_vaeclust.detector.inference import folded, run_network
from astro_vaeclust.detector.model import TrainedModel, load_model
from astro_vaeclust.detector.network import (
    CLASSES,
    ConvolutionalVAE,
    NetworkSettings,
    class_sums,
)
from astro_vaeclust.detector.vamp import FeatureVampPrior
from astro_vaeclust.embeddings.divergences import kl_joint
from astro_vaeclust.training.losses import (
    LABELLED,
    Weights,
    _responsibilities,
    objective,
)

SIDE = 64
LIMITS = (-8, 4)
SIZES = {
    "channels": (4, 4, 6, 8, 8, 8),
    "blocks": (0,) * 6,
    "fused": 8,
    "latent": 3,
}
SETTINGS = NetworkSettings(**SIZES, prior="vamp", n_pseudo_inputs=2)


def make_network(settings=SETTINGS, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return ConvolutionalVAE(settings)


def make_prior(latent, n_components, n_features=5, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        head = nn.Conv2d(n_features, 2 * latent, 1).double()
        prior = FeatureVampPrior(head, n_components, LIMITS).double()
        with torch.no_grad():
            prior.logits.normal_()
    return head, prior


def make_batch(seed=1):
    generator = torch.Generator().manual_seed(seed)
    channels = torch.rand(2, 3, SIDE, SIDE, generator=generator)
    channels[:, 2] = 1
    cells = [SIDE // (8 << scale) for scale in range(4)]
    labels = [
        torch.randint(-1, len(CLASSES), (2, n, n), generator=generator) for n in cells
    ]
    n = cells[0]
    return {
        "channels": channels,
        "labels": labels,
        "center": (torch.rand(2, n, n, generator=generator) > 0.8).float(),
        "density": torch.rand(2, n, n, generator=generator),
        "measures": torch.randn(2, 5, n, n, generator=generator),
        "weights": torch.full((2, n, n), 0.1),
        "usable": torch.ones(2, n, n, dtype=torch.bool),
    }


def test_the_components_are_what_the_head_makes_of_a_map_of_the_features():
    head, prior = make_prior(3, 4)
    features = torch.log1p(prior.pseudo_inputs.exp())
    maps = head(features.T[None, :, :, None])[0, :, :, 0].T
    _, means, log_variances = prior.components()
    torch.testing.assert_close(means, maps[:, :3])
    torch.testing.assert_close(log_variances, maps[:, 3:].clamp(*LIMITS))


def test_with_one_pseudo_input_the_divergence_is_that_of_two_gaussians():
    _, prior = make_prior(4, 1)
    generator = torch.Generator().manual_seed(3)
    mean, log_variance = torch.randn(2, 6, 4, generator=generator).double()
    _, (m,), (v,) = prior.components()
    exact = 0.5 * (
        (v - log_variance) + (log_variance.exp() + (mean - m) ** 2) / v.exp() - 1
    ).sum(dim=-1)
    found = kl_joint((mean, log_variance), prior, torch.ones(6, 1).double())
    torch.testing.assert_close(found, exact)


def test_the_density_integrates_to_one():
    _, prior = make_prior(1, 7)
    _, means, log_variances = prior.components()
    reach = 12 * math.exp(0.5 * log_variances.max().item())
    low, high = means.min().item() - reach, means.max().item() + reach
    z = torch.linspace(low, high, 200_001, dtype=torch.float64)
    density = prior.log_prob(z[:, None]).exp()
    assert torch.trapezoid(density, z).item() == pytest.approx(1, abs=1e-8)
    torch.testing.assert_close(
        prior.log_joint(z[:, None]).logsumexp(dim=-1), density.log()
    )


def test_gradients_are_those_of_finite_differences():
    head, prior = make_prior(2, 3)
    generator = torch.Generator().manual_seed(4)
    z = torch.randn(5, 2, generator=generator).double()
    loss = prior.log_prob(z).sum()
    loss.backward()
    step = 1e-6
    for parameter in (prior.pseudo_inputs, prior.logits, head.weight, head.bias):
        flat = parameter.data.view(-1)
        gradient = parameter.grad.reshape(-1)
        assert gradient.abs().max() > 1e-3
        for index in range(len(flat)):
            value = flat[index].item()
            ends = []
            for end in (value - step, value + step):
                flat[index] = end
                ends.append(prior.log_prob(z).sum().item())
            flat[index] = value
            slope = (ends[1] - ends[0]) / (2 * step)
            assert gradient[index].item() == pytest.approx(slope, rel=1e-5, abs=1e-7)


def test_a_class_is_the_sum_of_its_components():
    probabilities = torch.rand(3, 2 * len(CLASSES), dtype=torch.float64)
    sums = class_sums(probabilities.log()).exp()
    expected = probabilities[:, ::2] + probabilities[:, 1::2]
    torch.testing.assert_close(sums, expected)


def test_a_label_is_shared_by_its_components_as_the_posterior_says():
    log_shares = torch.log_softmax(torch.randn(4, 2 * len(CLASSES)), dim=-1)
    labels = torch.tensor([1, -1, 0, len(CLASSES) - 1])
    shares = _responsibilities(labels, log_shares)
    torch.testing.assert_close(shares.sum(dim=-1), torch.ones(4))
    torch.testing.assert_close(shares[1], log_shares[1].exp())
    first, second = log_shares[0, 2:4].exp()
    torch.testing.assert_close(shares[0, 2], first / (first + second))
    assert shares[0, [0, 1, *range(4, 2 * len(CLASSES))]].abs().max() == 0


@pytest.mark.parametrize("divergence", [LABELLED, "kl", "vade", "renyi", "mmd"])
def test_the_objective_falls_and_moves_the_pseudo_inputs(divergence):
    network, batch = make_network(), make_batch()
    before = [prior.pseudo_inputs.detach().clone() for prior in network.priors]
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        generator = torch.Generator().manual_seed(7)
        total, _ = objective(network, batch, Weights(), generator, divergence)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        losses.append(total.item())
    assert losses[-1] < 0.95 * losses[0]
    for prior, was in zip(network.priors, before, strict=True):
        assert (prior.pseudo_inputs - was).abs().max() > 1e-3


def test_in_reduced_precision_the_components_stay_single():
    network, batch = make_network(), make_batch()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        total, _ = objective(network, batch, Weights())
        components = network.priors[0].components()
    total.backward()
    assert all(part.dtype == torch.float32 for part in components)
    assert network.priors[0].pseudo_inputs.grad.isfinite().all()


def test_a_model_reads_back_and_runs(tmp_path):
    network = make_network().eval()
    model = TrainedModel(network, None, {})
    model.save(tmp_path / "vamp.pt")
    again = load_model(tmp_path / "vamp.pt")
    assert again.network.settings == SETTINGS
    assert again.identity == model.identity
    channels = np.random.default_rng(2).normal(size=(3, 64, 128)).astype(np.float32)
    quick = again.quick_network_for(is_fine=False)
    one, two = (run_network(n, channels) for n in (network, quick))
    np.testing.assert_allclose(one.center, two.center, atol=1e-5)
    for first, second in zip(one.classes, two.classes, strict=True):
        assert first.shape[-1] == len(CLASSES)
        np.testing.assert_allclose(first.sum(axis=-1), 1, atol=1e-5)
        np.testing.assert_allclose(first, second, atol=1e-5)


@pytest.mark.parametrize("copied", [copy.deepcopy, folded])
def test_a_copy_has_a_head_of_its_own(copied):
    network = make_network().eval()
    other = copied(network)
    was = [part.detach().clone() for part in network.priors[1].components()]
    with torch.no_grad():
        other.latents[1].bias += 1
    for now, before in zip(network.priors[1].components(), was, strict=True):
        assert torch.equal(now, before)
    moved = other.priors[1].components()[1] - was[1]
    torch.testing.assert_close(moved, torch.ones_like(moved))


def test_the_default_has_no_pseudo_inputs():
    names = [
        name
        for name in make_network(NetworkSettings(**SIZES)).state_dict()
        if name.startswith("priors.0")
    ]
    assert names == ["priors.0.means", "priors.0.log_variances", "priors.0.logits"]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"prior": "normal"}, ValueError, "prior must be one of 'mixture', 'vamp'"),
        ({"n_pseudo_inputs": 3}, ValueError, "n_pseudo_inputs is for prior='vamp'"),
        ({"prior": "vamp", "n_pseudo_inputs": 0}, ValueError, "n_pseudo_inputs must"),
        ({"prior": "vamp", "n_pseudo_inputs": 2.5}, TypeError, "n_pseudo_inputs must"),
    ],
)
def test_wrong_settings_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        NetworkSettings(**settings)
