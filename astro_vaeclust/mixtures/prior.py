# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The mixture that an embedding was trained with, as the mixture of its features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .base import Mixture

if TYPE_CHECKING:
    import numpy as np

    from .base import FittedMixture

__all__ = ["PriorMixture"]


@dataclass(frozen=True, kw_only=True)
class PriorMixture(Mixture):
    """
    The embedding's own prior: nothing is fitted after the training.

    For an embedding whose prior is a mixture of Gaussians, such as a
    `~astro_vaeclust.embeddings.dense.DenseVAE` with ``divergence="vade"``, which trains
    network and mixture jointly. The probabilities are those responsibilities of the
    Gaussians that make the evidence lower bound of the joint model highest (Jiang et
    al. 2017).
    """

    def fit(self, features: np.ndarray, *, seed: int = 0) -> FittedMixture:
        """
        Return the prior of the features of a `LatentMap` that has one; no seed is used.

        Raises ValueError if the embedding has no mixture as its prior.
        """
        prior = getattr(features, "prior", None)
        if prior is None:
            raise ValueError(
                "mixture='prior' takes features of an embedding with a mixture as its "
                "prior, such as DenseVAE(divergence='vade'); these have none"
            )
        return prior
