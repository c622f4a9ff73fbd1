# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What the variants of ``benchmarks/ablations.py`` change, by name."""

from dataclasses import replace

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.detector.network import CLASSES, NetworkSettings
from astro_vaeclust.embeddings.dense import DenseVAE
from astro_vaeclust.mixtures.scikit import SklearnGaussianMixture
from astro_vaeclust.training.losses import Weights

__all__ = ["PER_IMAGE", "SMALL", "TRAINED"]

MIXTURE_ALONE = {"center": 0.0, "density": 0.0, "measures": 0.0}
"""Weights of what is no part of an autoencoder with a mixture."""

SMALL = NetworkSettings(
    channels=(8, 16, 32, 48, 48, 48), fused=32, latent=12, fine_scale=0.6
)
"""The network of all variants without one of their own: half of the features."""

UNSUPERVISED = Weights(labels=0.0, **MIXTURE_ALONE)

TRAINED = {
    "default": {},
    "no autoencoder, no labels": {"weights": Weights(autoencoder=0.0, labels=0.0)},
    "no density": {"weights": Weights(density=0.0)},
    "no measures": {"weights": Weights(measures=0.0)},
    "sampled KL": {"divergence": "kl"},
    "MMD": {"divergence": "mmd"},
    "Renyi": {"divergence": "renyi"},
    "VaDE": {"divergence": "vade"},
    "VampPrior": {"network": replace(SMALL, prior="vamp", n_pseudo_inputs=4)},
    "one scale": {"network": replace(SMALL, channels=(8, 16, 32), blocks=(0, 1, 6))},
    "all features of the default": {"network": NetworkSettings(fine_scale=0.6)},
    "no real tiles": {"injected": 0.0},
    "mixture alone, semi-supervised": {
        "weights": Weights(**MIXTURE_ALONE),
        "score_by_mixture": "prior",
    },
    "mixture alone, joint": {
        "weights": UNSUPERVISED,
        "divergence": "vade",
        "score_by_mixture": "prior",
    },
    "mixture alone, post hoc": {
        "weights": UNSUPERVISED,
        "divergence": "kl",
        "score_by_mixture": len(CLASSES),
    },
    "mixture alone, post hoc, K=20": {
        "weights": UNSUPERVISED,
        "divergence": "kl",
        "score_by_mixture": 20,
    },
}
"""
Changes of a `TrainingPlan`. ``score_by_mixture`` is ``"prior"`` where the prior scores,
and the number of components where a mixture is fitted to the latents afterwards.
"""


def _dense(*, mixture=None, **settings):
    return VAEClusterFinder(embedding=DenseVAE(**settings), mixture=mixture)


def _mixture(number):
    return SklearnGaussianMixture(n_components=number)


PER_IMAGE = {
    "trained-beforehand": VAEClusterFinder(max_false_alarm_rate=None),
    "paper": VAEClusterFinder.paper(n_largest=None),
    "dense": _dense(),
    "dense.principal-components": VAEClusterFinder(embedding="pca"),
    "dense.bernoulli": _dense(likelihood="bernoulli", preparation="intensity"),
    "dense.continuous-bernoulli": _dense(
        likelihood="continuous-bernoulli", preparation="intensity"
    ),
    "dense.mmd": _dense(divergence="mmd"),
    "dense.renyi": _dense(divergence="renyi"),
    "dense.vampprior": _dense(prior="vamp", n_components=16),
    "dense.joint": _dense(divergence="vade", n_components=3, mixture="prior"),
    "dense.K2": _dense(mixture=_mixture(2)),
    "dense.K5": _dense(mixture=_mixture(5)),
    "dense.one-scale": _dense(patch_sizes=(24,)),
}
"""Finders that learn on each image, except for the first one, for comparison."""
