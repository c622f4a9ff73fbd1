# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What an embedding is, and how one is found by its tag."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..utils.registry import Registry

__all__ = ["EMBEDDINGS", "Embedding"]


class Embedding(ABC):
    """
    Base class of all embeddings: an image in, one latent map per scale out.

    A subclass holds settings only, given as keyword arguments to its constructor and
    kept under the same names. `embed` does not change it, so that one instance can
    serve many threads. Register a subclass with
    ``@EMBEDDINGS.register("its-tag")``, or announce it in the entry-point group
    ``astro_vaeclust.embeddings``.
    """

    pretrained = False
    """Whether ``load`` gives a detector that was trained beforehand."""

    @abstractmethod
    def embed(self, prepared, *, patch_sizes, overlap, seed, device, progress_bar=None):
        """
        Embed an image at several scales.

        Parameters
        ----------
        prepared : `~astro_vaeclust.images.prepare.PreparedImage`
            The image; ``prepared.pixels`` lie in [0, 1], masked pixels are filled.
        patch_sizes : tuple of int
            Sides of the windows in pixels.
        overlap : float
            Fraction by which neighbouring windows overlap, in [0, 1).
        seed : int
            Seed of everything random; the same seed gives the same result.
        device : str
            Where torch computes, such as ``"cpu"``.
        progress_bar : callable, optional
            Called as ``progress_bar(iterable, desc=..., total=...)`` and iterated over;
            `tqdm.tqdm` is one.

        Returns
        -------
        maps : list of `LatentMap`
            One per patch size, in their order.
        """


EMBEDDINGS = Registry(
    "embedding",
    base="astro_vaeclust.embeddings.base:Embedding",
    entry_point_group="astro_vaeclust.embeddings",
)
EMBEDDINGS.register("dense-vae", "astro_vaeclust.embeddings.dense:DenseVAE")
EMBEDDINGS.register("pca", "astro_vaeclust.embeddings.pca:PCAEmbedding")
EMBEDDINGS.register("conv-vae", "astro_vaeclust.detector.embedding:ConvVAE")
