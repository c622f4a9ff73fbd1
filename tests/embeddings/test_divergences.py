# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Discrepancy, Renyi bound, joint divergence and the prior of posteriors."""

import math

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from astro_vaeclust.embeddings.dense import DenseVAE, prior_mixture
from astro_vaeclust.embeddings.divergences import (
    JointKL,
    MaximumMeanDiscrepancy,
    Renyi,
    kl_analytic,
    kl_monte_carlo,
    maximum_mean_discrepancy,
    renyi_bound,
)
from astro_vaeclust.embeddings.latent_map import LatentMap
from astro_vaeclust.embeddings.networks import Posterior
from astro_vaeclust.embeddings.objectives import evidence_lower_bound
from astro_vaeclust.embeddings.priors import (
    PRIORS,
    MixtureOfGaussians,
    StandardNormal,
    VampPrior,
)
from astro_vaeclust.images.prepare import PreparedImage
from astro_vaeclust.mixtures import MIXTURES

from .test_objectives import (
    DOUBLE,
    LinearEncoder,
    exact_encoder,
    gaussian_kl,
    log_evidence,
    make_generator,
    make_linear_model,
    make_posterior,
)

LATENT = 3


def make_prior(n_components=3, latent=LATENT):
    prior = MixtureOfGaussians(latent, n_components, make_generator(4)).double()
    with torch.no_grad():
        prior.logits.copy_(torch.linspace(-0.5, 0.8, n_components))
        prior.log_variances.normal_(std=0.4, generator=make_generator(6))
    return prior


def gaussian_kernel_mean(mean_1, variance_1, mean_2, variance_2, scale):
    """E exp(-|a - b|^2 / scale) of two Gaussians: a Gaussian integral."""
    widths = variance_1 + variance_2 + scale / 2
    exponents = -0.5 * (mean_1 - mean_2) ** 2 / widths
    return np.prod(np.sqrt(scale / 2 / widths) * np.exp(exponents))


class TestDiscrepancy:
    def test_two_gaussians(self):
        mean, variance = np.array([0.8, -0.3, 0.1]), np.array([0.5, 1.6, 1.0])
        zeros, ones = np.zeros(3), np.ones(3)
        scale = 2 * 3 * 0.7**2
        expected = (
            gaussian_kernel_mean(mean, variance, mean, variance, scale)
            + gaussian_kernel_mean(zeros, ones, zeros, ones, scale)
            - 2 * gaussian_kernel_mean(mean, variance, zeros, ones, scale)
        )
        generator = make_generator()
        estimates = []
        for _ in range(400):
            noise = torch.randn(2, 40, 3, generator=generator, dtype=DOUBLE)
            first = torch.tensor(mean) + torch.tensor(variance).sqrt() * noise[0]
            estimates.append(
                maximum_mean_discrepancy(
                    first, noise[1], kernel="gaussian", bandwidth=0.7
                ).item()
            )
        error = np.std(estimates) / 20
        assert error < 0.05 * expected
        assert abs(np.mean(estimates) - expected) < 4 * error

    @pytest.mark.parametrize("kernel", ["gaussian", "inverse-multiquadric"])
    def test_unbiased_where_both_are_alike(self, kernel):
        generator = make_generator(1)
        pairs = torch.randn(600, 2, 10, 2, generator=generator, dtype=DOUBLE)
        estimates = np.array(
            [maximum_mean_discrepancy(a, b, kernel=kernel).item() for a, b in pairs]
        )
        assert estimates.min() < 0
        assert abs(estimates.mean()) < 4 * estimates.std() / math.sqrt(600)

    def test_inverse_multiquadric_by_hand(self):
        a = torch.tensor([[0.0], [1.0]])
        b = torch.tensor([[2.0], [4.0]])
        between = np.mean([2 / (2 + d**2) for d in (2, 4, 1, 3)])
        expected = 2 / 3 + 2 / 6 - 2 * between
        assert maximum_mean_discrepancy(a, b).item() == pytest.approx(expected)

    def test_too_few_windows(self):
        with pytest.raises(ValueError, match="at least 2 windows"):
            maximum_mean_discrepancy(torch.zeros(1, 2), torch.zeros(5, 2))

    def test_weights_and_places(self):
        q, prior = make_posterior(n=12), make_prior()
        z = q.reparameterise(torch.ones(12, LATENT, dtype=DOUBLE))
        alone = MaximumMeanDiscrepancy(weight=3.0)
        both = MaximumMeanDiscrepancy(weight=3.0, kl_weight=0.5)
        first, second = (part(q, prior, z, make_generator(7)) for part in (alone, both))
        torch.testing.assert_close(second - first, 0.5 * kl_monte_carlo(q, prior, z))
        assert torch.all(first == first[0])
        places = Posterior(*(part.reshape(2, 3, 2, LATENT) for part in q))
        of_places = both(places, prior, z.reshape(2, 3, 2, LATENT), make_generator(7))
        torch.testing.assert_close(of_places.flatten(), second)

    def test_samples_of_the_prior(self):
        prior = make_prior()
        samples = prior.sample(100_000, make_generator(3)).detach()
        weights = prior.logits.softmax(dim=0)
        mean = (weights[:, None] * prior.means).sum(dim=0).detach()
        torch.testing.assert_close(
            samples.mean(dim=0).double(), mean, atol=0.02, rtol=0
        )


def renyi_of_gaussians(mean_q, variance_q, mean_p, variance_p, order):
    """Closed form of Gil et al. (2013)."""
    mixed = order * variance_p + (1 - order) * variance_q
    shift = order * (mean_q - mean_p) ** 2 / mixed / 2
    logs = np.log(mixed) - (1 - order) * np.log(variance_q) - order * np.log(variance_p)
    return np.sum(shift - logs / (2 * (order - 1)))


class TestRenyi:
    @pytest.mark.parametrize("order", [0.3, 0.5, 0.9])
    def test_two_gaussians(self, order):
        q, p = (make_posterior(seed=seed) for seed in (1, 5))
        z = q.reparameterise(
            torch.randn(400_000, LATENT, generator=make_generator(), dtype=DOUBLE)
        )
        # the evidence is one when p is the posterior of the model
        estimate = -renyi_bound(p.log_prob(z) - q.log_prob(z), order).item()
        arguments = (x[0].numpy() for x in (q.mean, q.log_variance.exp()))
        others = (x[0].numpy() for x in (p.mean, p.log_variance.exp()))
        expected = renyi_of_gaussians(*arguments, *others, order)
        assert estimate == pytest.approx(expected, rel=0.02)

    def test_order_one_is_the_elbo(self):
        log_weights = torch.randn(8, 5, generator=make_generator(), dtype=DOUBLE)
        torch.testing.assert_close(renyi_bound(log_weights, 1), log_weights.mean(dim=0))
        near = renyi_bound(log_weights, 1 - 1e-6)
        torch.testing.assert_close(near, log_weights.mean(dim=0), atol=1e-5, rtol=0)

    def test_bounds_of_a_linear_model(self):
        loadings = torch.zeros(6, 2, dtype=DOUBLE)
        loadings[:3, 0] = torch.tensor([1.0, -0.5, 0.3])
        loadings[3:, 1] = torch.tensor([0.7, 0.2, -1.1])
        parts = (loadings, 0.4)
        exact = exact_encoder(*parts)
        wrong = LinearEncoder(0.8 * exact.gain, exact.log_variance + 0.5)
        pixels = torch.randn(1, 6, generator=make_generator(3), dtype=DOUBLE)
        noise = torch.randn(8, 20_000, 2, generator=make_generator(8), dtype=DOUBLE)
        bounds = []
        for order in (1, 0.5, 0):
            model = make_linear_model(*parts, wrong)
            model.divergence = Renyi(order=order)
            with torch.no_grad():
                terms = evidence_lower_bound(model, pixels.expand(20_000, -1), noise)
            bounds.append(terms.elbo.mean().item())
        elbo, middle, tightest = bounds
        assert elbo < middle - 0.01
        assert middle < tightest - 0.01
        assert tightest < log_evidence(*parts, pixels).item() + 0.005


class TestJoint:
    def test_the_posterior_is_a_component(self):
        prior = make_prior()
        with torch.no_grad():
            prior.means[1:] += 100.0
        log_weights, means, log_variances = prior.components()
        q = Posterior(means[:1], log_variances[:1])
        # far from the others, KL(q || p) = -log pi_1
        divergence = JointKL()(q, prior, q.mean)
        torch.testing.assert_close(divergence, -log_weights[:1])

    def test_one_component_is_the_analytic_divergence(self):
        q = make_posterior(n=4)
        prior = StandardNormal(LATENT).double()
        torch.testing.assert_close(
            JointKL()(q, prior, q.mean), kl_analytic(q, prior, None)
        )

    def test_above_the_divergence_from_the_mixture(self):
        prior, q = make_prior(), make_posterior()
        noise = torch.randn(100_000, LATENT, generator=make_generator(), dtype=DOUBLE)
        z = q.reparameterise(noise)
        with torch.no_grad():
            exact = kl_monte_carlo(q, prior, z)
            joint = JointKL()(q, prior, z)
        error = exact.std() / math.sqrt(len(exact))
        assert joint.mean() > exact.mean() + 4 * error  # the bound is not tight here

    def test_by_hand(self):
        prior, q = make_prior(2), make_posterior(seed=9)
        z = q.mean + 0.3
        log_weights, means, log_variances = (x.detach() for x in prior.components())
        normals = torch.distributions.Normal(means, (0.5 * log_variances).exp())
        log_joint = (log_weights + normals.log_prob(z).sum(dim=1)).numpy()
        gamma = np.exp(log_joint - logsumexp(log_joint))
        expected = sum(
            g * (gaussian_kl(q.mean[0].numpy(), q.log_variance[0].numpy(), m, v))
            + g * (np.log(g) - w)
            for g, m, v, w in zip(
                gamma, means.numpy(), log_variances.numpy(), log_weights, strict=True
            )
        )
        assert JointKL()(q, prior, z).item() == pytest.approx(float(expected))

    def test_the_best_shares_are_those_of_the_mixture_prior(self):
        prior, q = make_prior(), make_posterior(n=6)
        log_weights, means, log_variances = (
            x.detach().numpy() for x in prior.components()
        )
        kl = np.array(
            [
                [
                    gaussian_kl(*row, *part)
                    for part in zip(means, log_variances, strict=True)
                ]
                for row in zip(q.mean.numpy(), q.log_variance.numpy(), strict=True)
            ]
        )
        logits = log_weights - kl
        expected = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
        features = np.hstack([q.mean, (0.5 * q.log_variance).exp()])
        mixture = prior_mixture(prior)
        np.testing.assert_allclose(mixture.probabilities(features), expected)
        # a deviation that is the same everywhere is left out, and nothing changes
        same = Posterior(q.mean, torch.cat([0 * q.mean[:, :1] - 1, q[1][:, 1:]], dim=1))
        latent_map = LatentMap(
            mean=same.mean.numpy()[None],
            variance=same.log_variance.exp().numpy()[None],
            valid=np.ones((1, 6), bool),
            patch_size=4,
            stride=2,
            image_shape=(4, 14),
            prior=mixture,
        )
        assert latent_map.features.shape == (6, 5)
        fitted = MIXTURES.resolve("prior").fit(latent_map.features, seed=0)
        every = np.hstack([same.mean, (0.5 * same.log_variance).exp()])
        np.testing.assert_allclose(
            fitted.probabilities(latent_map.features), mixture.probabilities(every)
        )

    def test_prior_of_an_embedding_without_one(self):
        with pytest.raises(ValueError, match="mixture='prior'"):
            MIXTURES.resolve("prior").fit(np.zeros((4, 2)), seed=0)


class TestVamp:
    @staticmethod
    def make(n_components=3):
        gain = torch.randn(2, 5, generator=make_generator(2), dtype=DOUBLE)
        encoder = LinearEncoder(gain, torch.tensor(-0.4, dtype=DOUBLE))
        inputs = torch.randn(n_components, 5, generator=make_generator(3), dtype=DOUBLE)
        prior = VampPrior(2, n_components)
        prior.bind(encoder, inputs)
        return prior, encoder, inputs

    def test_density_by_hand(self):
        prior, encoder, inputs = self.make()
        z = torch.randn(7, 2, generator=make_generator(5), dtype=DOUBLE)
        posteriors = torch.stack(
            [Posterior(*encoder(x[None])).log_prob(z) for x in inputs]
        )
        expected = torch.logsumexp(posteriors, dim=0) - math.log(3)
        torch.testing.assert_close(prior.log_prob(z), expected)

    def test_the_encoder_is_not_counted_twice(self):
        model = DenseVAE(hidden=(4,), latent=2, prior="vamp").build(9, make_generator())
        names = [name for name, _ in model.prior.named_parameters()]
        assert names == ["pseudo_inputs"]

    def test_unbound(self):
        with pytest.raises(RuntimeError, match="bind"):
            VampPrior(2).log_prob(torch.zeros(1, 2))


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("divergence", ["mmd", "renyi", "vade", "kl"])
def test_gradients_against_finite_differences(prior, divergence):
    backend = DenseVAE(
        hidden=(4, 3),
        latent=2,
        prior=prior,
        divergence=divergence,
        likelihood="bernoulli",
    )
    model = backend.build(9, make_generator()).double()
    with torch.no_grad():
        for parameter in model.parameters():  # zero biases are where rectifiers bend
            parameter += 0.1 * torch.randn(
                parameter.shape, generator=make_generator(5), dtype=DOUBLE
            )
    pixels = torch.rand(4, 9, generator=make_generator(1), dtype=DOUBLE)
    n_samples = getattr(model.divergence, "n_samples", 1)
    shape = (4, 2) if n_samples == 1 else (n_samples, 4, 2)
    noise = torch.randn(shape, generator=make_generator(2), dtype=DOUBLE)

    def objective():
        return evidence_lower_bound(model, pixels, noise, make_generator(9)).elbo.mean()

    objective().backward()
    for parameter in model.parameters():
        direction = torch.randn(
            parameter.shape, generator=make_generator(11), dtype=DOUBLE
        )
        slope = 0.0 if parameter.grad is None else (parameter.grad * direction).sum()
        with torch.no_grad():
            parameter += 1e-6 * direction
            above = objective()
            parameter -= 2e-6 * direction
            below = objective()
            parameter += 1e-6 * direction
        if divergence == "mmd" and parameter is getattr(model.prior, "logits", None):
            continue  # the choice of a Gaussian has no gradient
        difference = ((above - below) / 2e-6).item()
        assert float(slope) == pytest.approx(difference, rel=1e-4, abs=1e-5)


@pytest.fixture(scope="module")
def halves():
    rng = np.random.default_rng(3)
    pixels = 0.2 + 0.02 * rng.standard_normal((40, 48)).astype(np.float32)
    pixels[:, 24:] += 0.6
    return PreparedImage(
        np.clip(pixels, 0, 1), np.zeros(pixels.shape, bool), np.zeros_like(pixels)
    )


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize(
    "divergence", ["mmd", MaximumMeanDiscrepancy(kernel="gaussian"), "renyi", "vade"]
)
def test_options_combine(halves, prior, divergence):
    backend = DenseVAE(
        patch_sizes=(8,),
        hidden=(8, 6),
        latent=2,
        n_steps=8,
        prior=prior,
        divergence=divergence,
    )
    first, again = (backend.embed(halves, seed=1, device="cpu") for _ in range(2))
    assert np.isfinite(first[0].features).all()
    np.testing.assert_array_equal(first[0].mean, again[0].mean)


def test_joint_training_splits_the_halves(halves):
    backend = DenseVAE(
        patch_sizes=(8,),
        hidden=(16, 8),
        latent=2,
        n_steps=80,
        learning_rate=5e-3,
        divergence="vade",
    )
    (latent_map,) = backend.embed(halves, seed=1, device="cpu")
    features = latent_map.features
    probability = (
        MIXTURES.resolve("prior").fit(features, seed=0).probabilities(features)
    )
    bright = latent_map.cell_means(halves.pixels)[latent_map.valid] > 0.5
    right = np.mean((probability[:, 1] > 0.5) == bright)
    assert max(right, 1 - right) > 0.9


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Renyi(order=-1.0), "order"),
        (lambda: Renyi(n_samples=1), "n_samples"),
        (lambda: MaximumMeanDiscrepancy(weight=-1), "weight"),
        (lambda: MaximumMeanDiscrepancy(kernel="linear"), "kernel"),
        (lambda: MaximumMeanDiscrepancy(bandwidth=0), "bandwidth"),
        (lambda: JointKL(pretraining=1.0), "pretraining"),
    ],
)
def test_bad_settings(make, name):
    with pytest.raises(ValueError, match=name):
        make()
