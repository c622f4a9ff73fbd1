# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Principal components of windows: the embedding to compare a network with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..validation import check_fraction, check_positive_integer
from .base import EMBEDDINGS, Embedding
from .latent_map import LatentMap, digest
from .windows import WindowGrid

__all__ = ["PCAEmbedding"]

WINDOWS_PER_PART = 1024


@EMBEDDINGS.register("pca")
@dataclass(frozen=True, kw_only=True)
class PCAEmbedding(Embedding):
    """
    Principal components of the windows of an image, by incremental scikit-learn PCA.

    Parameters
    ----------
    latent : int
        Number of components; fewer where there are fewer windows.
    max_masked : float
        Largest fraction of unusable pixels of a window that is used.
    """

    latent: int = 8
    max_masked: float = 0.5

    def __post_init__(self):
        check_positive_integer("latent", self.latent)
        check_fraction("max_masked", self.max_masked)

    def embed(self, prepared, *, patch_sizes, overlap, seed, device, progress_bar=None):
        """See `Embedding.embed`; ``device`` and ``seed`` have no effect."""
        bar = progress_bar or _without_bar
        return [
            self._embed_one_size(
                WindowGrid(
                    prepared.pixels, prepared.mask, size, overlap, self.max_masked
                )
            )
            for size in bar(patch_sizes, desc="components", total=len(patch_sizes))
        ]

    def _embed_one_size(self, grid):
        from sklearn.decomposition import IncrementalPCA

        cells = grid.usable_cells()
        n_components = min(self.latent, grid.patch_size**2, len(cells))
        parts = np.array_split(cells, max(1, len(cells) // WINDOWS_PER_PART))
        analysis = IncrementalPCA(n_components, copy=True)
        for part in parts:
            analysis.partial_fit(grid.cut(part))
        mean = np.zeros((*grid.valid.shape, n_components), dtype=np.float32)
        for part in parts:
            mean[tuple(part.T)] = analysis.transform(grid.cut(part))
        return LatentMap(
            mean=mean,
            variance=np.zeros_like(mean),
            valid=grid.valid,
            patch_size=grid.patch_size,
            stride=grid.stride,
            image_shape=grid.image_shape,
            diagnostics={"identity": digest([analysis.components_])},
        )


def _without_bar(iterable, **_):
    return iterable
