# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The bound of the convolutional autoencoder, for each divergence."""

import math

import pytest
import torch

from astro_vaeclust.detector.network import CLASSES, ConvolutionalVAE, NetworkSettings
from astro_vaeclust.embeddings.divergences import MaximumMeanDiscrepancy, Renyi
from astro_vaeclust.training.loop import TrainingPlan
from astro_vaeclust.training.losses import LABELLED, autoencoder_losses

SIDE = 128
SETTINGS = NetworkSettings(
    channels=(4, 4, 6, 8, 8, 8), blocks=(0,) * 6, fused=8, latent=3
)


@pytest.fixture
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ConvolutionalVAE(SETTINGS).eval()


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    channels = torch.rand(2, 3, SIDE, SIDE, generator=generator)
    channels[:, 2] = 1
    cells = [SIDE // (8 << scale) for scale in range(4)]
    return {
        "channels": channels,
        "labels": [torch.full((2, n, n), -1) for n in cells],
    }


def bound(network, batch, divergence, seed=2):
    generator = torch.Generator().manual_seed(seed)
    outputs = network(batch["channels"])
    losses = autoencoder_losses(network, outputs, batch, generator, divergence)
    return losses["autoencoder"]


def make_standard(network):
    """Make all priors standard normal, as mixtures of equal components."""
    with torch.no_grad():
        for prior in network.priors:
            prior.means.zero_()
            for parameter in (prior.log_variances, prior.logits):
                parameter.zero_()


def fix_posteriors(network, mean, log_variance):
    """Make the posterior the same everywhere, and let the decoders say nothing."""
    with torch.no_grad():
        for latent in network.latents:
            latent.weight.zero_()
            latent.bias.copy_(
                torch.tensor([mean] * 3 + [log_variance] * 3, dtype=torch.float32)
            )
        for decoder in network.decoders:
            for layer in (decoder[0], decoder[2]):
                layer.weight.zero_()
                layer.bias.zero_()


def divergence_alone(network, batch, divergence, seeds=(2,)):
    """Return the mean bound less that of a posterior that is the prior."""
    make_standard(network)
    fix_posteriors(network, 0.0, 0.0)
    nothing = bound(network, batch, "vade").item()
    fix_posteriors(network, 0.7, -1.0)
    bounds = [bound(network, batch, divergence, seed).item() for seed in seeds]
    return sum(bounds) / len(bounds) - nothing


EXACT = 3 * 0.5 * (math.exp(-1.0) + 0.7**2 - 1 + 1.0)
"""Kullback-Leibler divergence of N(0.7, exp(-1)) from N(0, 1), three times."""


def test_without_labels_the_labelled_divergence_is_that_of_vade(network, batch):
    one, two = (bound(network, batch, name) for name in (LABELLED, "vade"))
    assert one.item() == pytest.approx(two.item(), rel=1e-6)
    batch["labels"][0][:] = CLASSES.index("nebula")
    assert bound(network, batch, LABELLED).item() != pytest.approx(two.item())


@pytest.mark.parametrize("divergence", [LABELLED, "vade"])
def test_the_divergence_from_equal_components_is_the_closed_form(
    network, batch, divergence
):
    found = divergence_alone(network, batch, divergence)
    assert found == pytest.approx(EXACT, rel=1e-4)


def test_the_sampled_divergence_is_the_closed_form_on_average(network, batch):
    found = divergence_alone(network, batch, "kl", seeds=range(40))
    assert found == pytest.approx(EXACT, rel=0.05)


def test_renyi_of_order_one_is_the_mean_and_lower_orders_are_tighter(network, batch):
    make_standard(network)
    fix_posteriors(network, 0.7, -1.0)
    bounds = [
        bound(network, batch, Renyi(order=order, n_samples=16)).item()
        for order in (1.0, 0.5, 0.0)
    ]
    assert bounds[0] > bounds[1] > bounds[2]  # of the negative bound
    means = [bound(network, batch, "kl", seed).item() for seed in range(40)]
    assert bounds[0] == pytest.approx(sum(means) / len(means), rel=0.02)


def test_the_discrepancy_grows_with_the_distance_from_the_prior(network, batch):
    def alone(mean):
        make_standard(network)
        fix_posteriors(network, mean, 0.0)
        whole = bound(network, batch, MaximumMeanDiscrepancy(weight=100.0)).item()
        return whole - bound(network, batch, MaximumMeanDiscrepancy(weight=0)).item()

    near, far, farther = (alone(mean) for mean in (0.0, 0.5, 1.5))
    assert abs(near) < 3
    assert abs(near) < far < farther


def test_an_unknown_divergence_is_refused():
    with pytest.raises(ValueError, match="divergence must be one of 'labelled'"):
        TrainingPlan(divergence="hellinger")
