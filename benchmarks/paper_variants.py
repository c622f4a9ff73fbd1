# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The finders of ``benchmarks/paper_task.py``, by name."""

from dataclasses import replace

from astro_vaeclust import HeatmapRegions, VAEClusterFinder
from astro_vaeclust.baselines import StarCounts
from astro_vaeclust.embeddings.pca import PCAEmbedding
from astro_vaeclust.evaluation.finders import SourceAidedFinder
from astro_vaeclust.mixtures import EMGaussianMixture
from astro_vaeclust.segmentation import PeakFraction

__all__ = ["ABLATION", "FINDERS"]

PAPER = VAEClusterFinder.paper()
SIZES = PAPER.embedding.patch_sizes

FINDERS = {
    "paper": PAPER,
    "default": VAEClusterFinder(),
    "star counts": StarCounts(),
}
"""What is compared on the task."""


def _embedding(**settings):
    return replace(PAPER, embedding=replace(PAPER.embedding, **settings))


def _regions(**settings):
    return replace(PAPER, regions=replace(PAPER.regions, **settings))


ABLATION = {
    "pixels: raw intensity": _embedding(preparation="intensity"),
    "pixels: below the sky too": _embedding(preparation="noise-normalised"),
    "sky in meshes of 16 pixels": _embedding(box_size=16),
    "sky in meshes of 64 pixels": _embedding(box_size=64),
    "windows of 16, 24, 32, 48 pixels": _embedding(patch_sizes=(16, 24, 32, 48)),
    "layers of 128, 64, 32": _embedding(hidden=(128, 64, 32)),
    "4 latent variables": _embedding(latent=4),
    "16 latent variables": _embedding(latent=16),
    "100 steps of 0.0025": _embedding(
        n_steps=100, batch_size=256, learning_rate=2.5e-3
    ),
    "3 seeds": _embedding(n_seeds=3),
    "cluster: the rarest component": _regions(cluster_rule="rarest"),
    "no smoothing": _regions(smoothing=0.0),
    "smoothing by 24 pixels": _regions(smoothing=24.0),
    "0.35 of the peak": _regions(threshold=PeakFraction(fraction=0.35)),
    "0.55 of the peak": _regions(threshold=PeakFraction(fraction=0.55)),
    "threshold and smoothing per image": replace(PAPER, regions=HeatmapRegions()),
    "continuous Bernoulli": _embedding(likelihood="continuous-bernoulli"),
    "Gaussian, learned variance": _embedding(likelihood="gaussian"),
    "principal components": replace(PAPER, embedding=PCAEmbedding(patch_sizes=SIZES)),
    "3 Gaussians": replace(PAPER, mixture=EMGaussianMixture(n_components=3)),
    "mixture of scikit-learn": replace(PAPER, mixture="gmm"),
    "future: MMD": _embedding(divergence="mmd"),
    "future: Renyi": _embedding(divergence="renyi"),
    "future: VampPrior": _embedding(prior="vamp", n_components=16),
    "future: joint optimisation": replace(
        _embedding(divergence="vade"), mixture="prior"
    ),
    "future: sources beside the image": SourceAidedFinder(PAPER, StarCounts()),
}
"""``paper()`` with one thing changed: open choices, then what it leaves for later."""
