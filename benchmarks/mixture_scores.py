# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Scores of a trained autoencoder by a mixture of its latents and nothing else."""

from dataclasses import replace

import numpy as np
from sklearn.mixture import GaussianMixture

from astro_vaeclust.detector.inference import run_network
from astro_vaeclust.detector.network import CLASSES, MAX_LOG_ODDS
from astro_vaeclust.training.targets import crop_tile
from astro_vaeclust.training.tiles import TrainingTile

__all__ = ["score_by_mixture"]

N_CROPS = 200
SIDE = 256
MOST_LATENTS = 60_000
CLUSTER = CLASSES.index("cluster")


def score_by_mixture(network, paths, mixture):
    """
    Score cells by the log-odds of the component "cluster", summed over the scales.

    That is the component whose mean responsibility for the cells of clusters exceeds
    that for others most, by the labels of the training tiles in ``paths``. ``mixture``
    is the number of components of a mixture that is fitted to the latents, or
    ``"prior"``. Returns ``run(channels)``, which returns `NetworkMaps` with these
    scores.
    """
    latents, labels = _latents(network, paths)
    posteriors = []
    for scale, points in enumerate(latents):
        if mixture == "prior":
            posterior = _of_prior(network.priors[scale])
        else:
            fitted = GaussianMixture(mixture, random_state=0, reg_covar=1e-4)
            posterior = fitted.fit(points[:MOST_LATENTS]).predict_proba
        weights = posterior(points)
        inside, known = labels[scale] == CLUSTER, labels[scale] >= 0
        odds = weights[inside].mean(0) / (weights[known & ~inside].mean(0) + 1e-3)
        posteriors.append((posterior, int(odds.argmax())))

    def run(channels):
        maps = run_network(network, channels)
        total = np.zeros_like(maps.center)
        for scale, (posterior, component) in enumerate(posteriors):
            means = maps.posteriors[scale][0]
            flat = means.reshape(-1, means.shape[-1])
            weight = posterior(flat)[:, component].reshape(means.shape[:2])
            odds = np.log(weight + 1e-9) - np.log(1 - weight + 1e-9)
            fine = np.clip(odds, -MAX_LOG_ODDS, MAX_LOG_ODDS).repeat(1 << scale, 0)
            ny, nx = total.shape
            total += fine.repeat(1 << scale, 1)[:ny, :nx]
        # the measures were not trained: a candidate is where its cell is
        return replace(
            maps, center=total - total.min(), measures=np.zeros_like(maps.measures)
        )

    return run


def _of_prior(prior):
    import torch

    def posterior(points):
        with torch.inference_mode():
            points = torch.from_numpy(np.asarray(points, dtype=np.float32))
            return torch.softmax(prior.log_joint(points), dim=-1).double().numpy()

    return posterior


def _latents(network, paths):
    """Return means of the latents and labels of cells of crops, per scale."""
    rng = np.random.default_rng(0)
    latents, labels = [], []
    for path in rng.choice(paths, N_CROPS):
        crop = crop_tile(TrainingTile.load(path), SIDE, rng)
        maps = run_network(network, crop.channels)
        latents.append([m.reshape(-1, m.shape[-1]) for m, _ in maps.posteriors])
        labels.append([label.ravel() for label in crop.labels])
    return (
        [np.concatenate(parts) for parts in zip(*latents, strict=True)],
        [np.concatenate(parts) for parts in zip(*labels, strict=True)],
    )
