# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What an embedding is, and how one is found by its tag."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from ..images.prepare import prepare
from ..utils.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..images.image import Image
    from ..images.prepare import PreparedImage
    from .latent_map import LatentMap

__all__ = ["EMBEDDINGS", "Embedding"]


class Embedding(ABC):
    """
    Base class of all embeddings: an image in, one latent map per scale out.

    A subclass holds settings only, given as keyword arguments to its constructor and
    kept under the same names, and is not changed by a search, so that one instance can
    serve many threads. It must implement `embed`, and may override the rest; one of
    square windows derives from `~astro_vaeclust.embeddings.windows.WindowEmbedding`,
    which has their settings. Register a subclass with
    ``@EMBEDDINGS.register("its-tag")``, or announce it in the entry-point group
    ``astro_vaeclust.embeddings``.
    """

    pretrained = False
    """Whether ``load`` gives a detector that was trained beforehand."""

    has_prior = False
    """Whether the latent maps have a ``prior``, for ``mixture="prior"``."""

    takes_device = True
    """Whether `embed` computes on the ``device`` that it is given."""

    min_pixels = 1024
    """Pixels that a region must have where ``HeatmapRegions.n_pixels`` is None."""

    n_seeds = 1
    """Number of seeds in the ensemble; `embed` is called once with each."""

    def prepare(self, image: Image) -> PreparedImage:
        """
        Return an image as `embed` takes it; by default in units of its noise.

        Parameters
        ----------
        image : `~astro_vaeclust.images.image.Image`
            The image; ValueError if it cannot be embedded.

        Returns
        -------
        prepared : `~astro_vaeclust.images.prepare.PreparedImage`
            Its pixels also determine how bright the windows are.
        """
        return prepare(image)

    @abstractmethod
    def embed(
        self,
        prepared: PreparedImage,
        *,
        seed: int,
        device: str,
        progress_bar: Callable | None = None,
    ) -> list[LatentMap]:
        """
        Embed an image at several scales.

        Parameters
        ----------
        prepared : `~astro_vaeclust.images.prepare.PreparedImage`
            What `prepare` returned; ``prepared.pixels`` lie in [0, 1], masked pixels
            are filled.
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
            One per scale.
        """


EMBEDDINGS = Registry("embedding", Embedding, "astro_vaeclust.embeddings")
EMBEDDINGS.register("dense-vae", "astro_vaeclust.embeddings.dense:DenseVAE")
EMBEDDINGS.register("pca", "astro_vaeclust.embeddings.pca:PCAEmbedding")
EMBEDDINGS.register("conv-vae", "astro_vaeclust.detector.embedding:ConvVAE")
