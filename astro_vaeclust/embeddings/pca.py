# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Principal components of windows: the embedding to compare a network with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..utils.validation import check_count, check_fraction
from .base import Embedding
from .latent_map import LatentMap, digest
from .windows import WindowGrid

__all__ = ["PCAEmbedding"]

WINDOWS_TO_FIT = 4096
WINDOWS_PER_PASS = 1024


@dataclass(frozen=True, kw_only=True)
class PCAEmbedding(Embedding):
    """
    Principal components of the windows of an image, by the PCA of scikit-learn.

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
        check_count("latent", self.latent)
        check_fraction("max_masked", self.max_masked)

    def embed(self, prepared, *, patch_sizes, overlap, seed, device, progress_bar=None):
        """See `Embedding.embed`; ``device`` has no effect."""
        bar = progress_bar or _without_bar
        return [
            self._embed_one_size(
                WindowGrid(
                    prepared.pixels, prepared.mask, size, overlap, self.max_masked
                ),
                seed,
            )
            for size in bar(patch_sizes, desc="components", total=len(patch_sizes))
        ]

    def _embed_one_size(self, grid, seed):
        from sklearn.decomposition import PCA

        cells = grid.usable_cells()
        sample = cells[:: -(-len(cells) // WINDOWS_TO_FIT)]
        n_components = min(self.latent, grid.patch_size**2, len(sample))
        analysis = PCA(n_components, svd_solver="randomized", random_state=seed)
        analysis.fit(grid.cut(sample))
        mean = np.zeros((*grid.valid.shape, n_components), dtype=np.float32)
        for part in np.array_split(cells, -(-len(cells) // WINDOWS_PER_PASS)):
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
