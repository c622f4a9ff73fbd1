# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The parts of the objective against closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate
from torch import nn

from astro_vaeclust.embeddings.dense import DenseVAE
from astro_vaeclust.embeddings.divergences import kl_analytic, kl_monte_carlo
from astro_vaeclust.embeddings.likelihoods import (
    LIKELIHOODS,
    Bernoulli,
    ContinuousBernoulli,
    LearnedVarianceGaussian,
)
from astro_vaeclust.embeddings.networks import Posterior
from astro_vaeclust.embeddings.objectives import (
    VariationalAutoencoder,
    evidence_lower_bound,
)
from astro_vaeclust.embeddings.priors import (
    PRIORS,
    MixtureOfGaussians,
    StandardNormal,
)

DOUBLE = torch.float64


def make_generator(seed=0):
    return torch.Generator().manual_seed(seed)


def make_posterior(n=1, latent=3, seed=1):
    generator = make_generator(seed)
    mean = torch.randn(n, latent, generator=generator, dtype=DOUBLE)
    log_variance = 0.5 * torch.randn(n, latent, generator=generator, dtype=DOUBLE)
    return Posterior(mean, log_variance)


def single_gaussian_prior(mean, log_variance):
    prior = MixtureOfGaussians(mean.shape[-1], n_components=1).double()
    with torch.no_grad():
        prior.means.copy_(mean.reshape(1, -1))
        prior.log_variances.copy_(log_variance.reshape(1, -1))
    return prior


def draw(posterior, n, seed=2):
    latent = posterior.mean.shape[1]
    noise = torch.randn(n, latent, generator=make_generator(seed), dtype=DOUBLE)
    return Posterior(*(part.expand(n, -1) for part in posterior)), noise


def gaussian_kl(mean_q, log_variance_q, mean_p, log_variance_p):
    ratio = np.exp(log_variance_q - log_variance_p)
    shift = (mean_q - mean_p) ** 2 / np.exp(log_variance_p)
    return 0.5 * np.sum(ratio + shift - 1 - log_variance_q + log_variance_p)


def test_monte_carlo_divergence_of_two_gaussians():
    q, p = make_posterior(seed=1), make_posterior(seed=5)
    expected = gaussian_kl(*(part.numpy() for part in (*q, *p)))
    many, noise = draw(q, 200_000)
    prior = single_gaussian_prior(p.mean, p.log_variance)
    with torch.no_grad():
        samples = kl_monte_carlo(many, prior, many.reparameterise(noise))
    error = samples.std() / math.sqrt(len(samples))
    assert abs(samples.mean() - expected) < 4 * error
    assert error < 0.02 * expected


def test_analytic_divergence_is_that_of_gaussians():
    q = make_posterior(n=4)
    zeros = np.zeros(3)
    rows = zip(q.mean.numpy(), q.log_variance.numpy(), strict=True)
    expected = [gaussian_kl(*row, zeros, zeros) for row in rows]
    analytic = kl_analytic(q, StandardNormal(3), None).numpy()
    np.testing.assert_allclose(analytic, expected)


def test_analytic_divergence_refuses_a_mixture():
    with pytest.raises(ValueError, match="standard-normal"):
        kl_analytic(make_posterior(), MixtureOfGaussians(3), None)


def test_mixture_prior_density():
    prior = MixtureOfGaussians(2, n_components=3, generator=make_generator()).double()
    with torch.no_grad():
        prior.logits.copy_(torch.tensor([0.3, -1.0, 0.5]))
        prior.log_variances.normal_(generator=make_generator(4))
    z = torch.randn(5, 2, generator=make_generator(3), dtype=DOUBLE)
    expected = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=prior.logits),
        torch.distributions.Independent(
            torch.distributions.Normal(prior.means, torch.exp(prior.log_variances / 2)),
            1,
        ),
    ).log_prob(z)
    torch.testing.assert_close(prior.log_prob(z), expected)


def test_standard_normal_prior_density():
    z = torch.tensor([[0.5, -1.0]])
    expected = -0.5 * (0.25 + 1.0) - math.log(2 * math.pi)
    assert StandardNormal(2).log_prob(z).item() == pytest.approx(expected)


@pytest.mark.parametrize("logit", [-60.0, -8.0, -0.5, 0.0, 0.039, 0.041, 2.0])
def test_continuous_bernoulli_is_normalised(logit):
    def density(x):
        pixels = torch.tensor([[x]], dtype=DOUBLE)
        outputs = torch.tensor([[logit]], dtype=DOUBLE)
        return math.exp(ContinuousBernoulli().log_prob(pixels, outputs).item())

    assert integrate.quad(density, 0, 1)[0] == pytest.approx(1, abs=1e-6)


def test_continuous_bernoulli_mean():
    outputs = torch.tensor([[1.5]], dtype=DOUBLE)

    def moment(x):
        pixels = torch.tensor([[x]], dtype=DOUBLE)
        return x * math.exp(ContinuousBernoulli().log_prob(pixels, outputs).item())

    expected = integrate.quad(moment, 0, 1)[0]
    assert ContinuousBernoulli().mean(outputs).item() == pytest.approx(expected)


@pytest.mark.parametrize("logit", [-30.0, -0.041, -0.039, 0.0, 0.3, 12.0])
def test_continuous_bernoulli_against_torch(logit):
    pixels = torch.linspace(0, 1, 7, dtype=DOUBLE).reshape(1, -1)
    outputs = torch.full_like(pixels, logit, requires_grad=True)
    expected = torch.distributions.ContinuousBernoulli(
        logits=outputs, validate_args=False
    )
    log_probs = (
        ContinuousBernoulli().log_prob(pixels, outputs),
        expected.log_prob(pixels).sum(dim=1),
    )
    torch.testing.assert_close(*log_probs, rtol=1e-5, atol=1e-5)
    gradients = [torch.autograd.grad(value, outputs)[0] for value in log_probs]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)
    means = ContinuousBernoulli().mean(outputs), expected.mean
    torch.testing.assert_close(*means, rtol=1e-4, atol=1e-4)


def test_bernoulli_is_that_of_the_paper():
    pixels, outputs = torch.tensor([[1.0, 0.0, 0.25]]), torch.tensor([[0.7, -0.2, 1.0]])
    p = torch.sigmoid(outputs)
    expected = (pixels * p.log() + (1 - pixels) * (1 - p).log()).sum(dim=1)
    torch.testing.assert_close(Bernoulli().log_prob(pixels, outputs), expected)
    torch.testing.assert_close(Bernoulli().mean(outputs), p)


def test_gaussian_likelihood_learns_the_variance():
    likelihood = LearnedVarianceGaussian().double()
    pixels = 0.3 * torch.randn(500, 40, generator=make_generator(), dtype=DOUBLE)
    outputs = torch.zeros_like(pixels)
    optimiser = torch.optim.LBFGS(likelihood.parameters(), max_iter=50)

    def closure():
        optimiser.zero_grad()
        loss = -likelihood.log_prob(pixels, outputs).mean()
        loss.backward()
        return loss

    optimiser.step(closure)
    variance = likelihood.log_variance.exp().item()
    assert variance == pytest.approx(pixels.square().mean().item(), rel=1e-3)
    normal = torch.distributions.Normal(outputs, likelihood.log_variance.exp().sqrt())
    expected = normal.log_prob(pixels).sum(dim=1)
    torch.testing.assert_close(likelihood.log_prob(pixels, outputs), expected)


class LinearEncoder(nn.Module):
    """A Gaussian posterior, linear in the pixels, of the right or of a wrong shape."""

    def __init__(self, gain, log_variance):
        super().__init__()
        self.gain, self.log_variance = gain, log_variance

    def forward(self, pixels):
        mean = pixels @ self.gain.T
        return Posterior(mean, self.log_variance.expand_as(mean))


@pytest.fixture
def linear_gaussian():
    """Model x = W z + noise of known evidence, as (loadings, variance)."""
    loadings = torch.zeros(6, 2, dtype=DOUBLE)  # orthogonal: the posterior is diagonal
    loadings[:3, 0] = torch.tensor([1.0, -0.5, 0.3])
    loadings[3:, 1] = torch.tensor([0.7, 0.2, -1.1])
    return loadings, 0.4


def make_linear_model(loadings, variance, encoder):
    likelihood = LearnedVarianceGaussian().double()
    with torch.no_grad():
        likelihood.log_variance.fill_(math.log(variance))
    return VariationalAutoencoder(
        encoder=encoder,
        decoder=lambda z: z @ loadings.T,
        likelihood=likelihood,
        prior=StandardNormal(2),
        divergence=kl_monte_carlo,
    )


def exact_encoder(loadings, variance):
    precision = 1 + loadings.square().sum(dim=0) / variance
    gain = (loadings / variance / precision).T
    return LinearEncoder(gain, -precision.log())


def log_evidence(loadings, variance, pixels):
    n_pixels = len(loadings)
    covariance = loadings @ loadings.T + variance * torch.eye(n_pixels, dtype=DOUBLE)
    zeros = torch.zeros(n_pixels, dtype=DOUBLE)
    return torch.distributions.MultivariateNormal(zeros, covariance).log_prob(pixels)


def mean_elbo(model, pixels, n=20_000):
    with torch.no_grad():
        noise = torch.randn(n, 2, generator=make_generator(8), dtype=DOUBLE)
        return evidence_lower_bound(model, pixels.expand(n, -1), noise).elbo


def test_elbo_equals_evidence_for_the_exact_posterior(linear_gaussian):
    pixels = torch.randn(1, 6, generator=make_generator(3), dtype=DOUBLE)
    model = make_linear_model(*linear_gaussian, exact_encoder(*linear_gaussian))
    elbo = mean_elbo(model, pixels, n=100)
    expected = log_evidence(*linear_gaussian, pixels).item()
    np.testing.assert_allclose(elbo.numpy(), expected, rtol=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_elbo_lies_below_the_evidence(linear_gaussian, seed):
    pixels = torch.randn(1, 6, generator=make_generator(seed), dtype=DOUBLE)
    exact = exact_encoder(*linear_gaussian)
    wrong = LinearEncoder(0.8 * exact.gain, exact.log_variance + 0.5)
    elbo = mean_elbo(make_linear_model(*linear_gaussian, wrong), pixels)
    gap = log_evidence(*linear_gaussian, pixels).item() - elbo.mean()
    q, p = wrong(pixels), exact(pixels)
    expected_gap = gaussian_kl(*(part.numpy() for part in (*q, *p)))
    assert gap > 0
    assert gap.item() == pytest.approx(expected_gap, abs=4 * elbo.std().item() / 141)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("divergence", ["kl", "kl-analytic"])
def test_gradients_against_finite_differences(likelihood, prior, divergence):
    if divergence == "kl-analytic" and prior != "standard-normal":
        with pytest.raises(ValueError, match="divergence"):
            DenseVAE(likelihood=likelihood, prior=prior, divergence=divergence)
        return
    backend = DenseVAE(
        hidden=(5, 4, 3),
        latent=2,
        likelihood=likelihood,
        prior=prior,
        divergence=divergence,
    )
    model = backend.build(9, make_generator()).double()
    pixels = torch.rand(4, 9, generator=make_generator(1), dtype=DOUBLE)
    noise = torch.randn(4, 2, generator=make_generator(2), dtype=DOUBLE)
    names, values = zip(*model.named_parameters(), strict=True)

    class Objective(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self):
            return -evidence_lower_bound(self.model, pixels, noise).elbo.mean()

    def loss(*parameters):
        named = {f"model.{n}": p for n, p in zip(names, parameters, strict=True)}
        return torch.func.functional_call(Objective(), named, ())

    inputs = [value.detach().clone().requires_grad_() for value in values]
    assert torch.autograd.gradcheck(loss, inputs, eps=1e-6, atol=1e-5)
