# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Principal components of windows: the embedding to compare a network with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..utils.validation import check_count
from ..utils.warning import WARNINGS_LOCK
from .latent_map import LatentMap, digest
from .windows import WindowEmbedding

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..images.prepare import PreparedImage

__all__ = ["PCAEmbedding"]

WINDOWS_TO_FIT = 4096
WINDOWS_PER_PASS = 1024


@dataclass(frozen=True, kw_only=True)
class PCAEmbedding(WindowEmbedding):
    """
    Principal components of the windows of an image, by the PCA of scikit-learn.

    Parameters
    ----------
    latent : int
        Number of components; fewer where there are fewer windows.
    patch_sizes, overlap, preparation, box_size, max_masked
        As those of `~astro_vaeclust.embeddings.windows.WindowEmbedding`.
    """

    latent: int = 8

    takes_device = False

    def __post_init__(self):
        super().__post_init__()
        check_count("latent", self.latent)

    def embed(
        self,
        prepared: PreparedImage,
        *,
        seed: int,
        device: str,
        progress_bar: Callable | None = None,
    ) -> list[LatentMap]:
        """See `Embedding.embed`; ``device`` has no effect."""
        sizes, bar = self.patch_sizes, progress_bar or _without_bar
        return [
            self._embed_one_size(self.windows(prepared, size), seed)
            for size in bar(sizes, desc="components", total=len(sizes))
        ]

    def _embed_one_size(self, grid, seed):
        from sklearn.decomposition import PCA

        cells = grid.usable_cells()
        sample = cells[:: -(-len(cells) // WINDOWS_TO_FIT)]
        n_components = min(self.latent, grid.patch_size**2, len(sample))
        analysis = PCA(n_components, svd_solver="randomized", random_state=seed)
        with WARNINGS_LOCK:
            analysis.fit(grid.cut(sample))
        mean = np.zeros((*grid.valid.shape, n_components), dtype=np.float32)
        for part in np.array_split(cells, -(-len(cells) // WINDOWS_PER_PASS)):
            cut = grid.cut(part)
            with WARNINGS_LOCK:
                mean[tuple(part.T)] = analysis.transform(cut)
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
