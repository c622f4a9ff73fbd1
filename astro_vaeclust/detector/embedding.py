# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The convolutional autoencoder, trained beforehand, as an embedding."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..embeddings.base import Embedding
from ..embeddings.latent_map import LatentMap
from ..utils.devices import resolve_device

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..images.prepare import PreparedImage
    from .model import TrainedModel

__all__ = ["ConvVAE"]


@dataclass(frozen=True, kw_only=True)
class ConvVAE(Embedding):
    """
    The latents of a convolutional autoencoder that was trained on many tiles.

    One forward pass gives the latent maps of all scales; nothing is trained on the
    image. In a finder without ``mixture``, the mixture that was trained with the
    network, its map of centres and its calibration are used, too; with one, the mixture
    is fitted to the latents of the image.

    Parameters
    ----------
    model : str, path-like or None
        File of the trained model; None for that of the package.

    Raises
    ------
    TypeError
        If ``model`` is no path.
    FileNotFoundError
        If there is no such file.
    """

    model: str | os.PathLike | None = None

    pretrained = True

    def __post_init__(self):
        if self.model is None:
            return
        if not isinstance(self.model, (str, os.PathLike)):
            raise TypeError(f"model takes a path, got {self.model!r}")
        if not os.path.isfile(self.model):
            raise FileNotFoundError(f"model={str(self.model)!r} does not exist")

    def load(self, device: str = "cpu") -> TrainedModel:
        """Return the trained model on a device (`TrainedModel`); see `load_model`."""
        from .model import load_model

        return load_model(self.model, device=resolve_device(device))

    def embed(
        self,
        prepared: PreparedImage,
        *,
        seed: int,
        device: str,
        progress_bar: Callable | None = None,
    ) -> list[LatentMap]:
        """See `Embedding.embed`; the four scales of the network, from the finest."""
        from .grid import NetworkGrid, NetworkImage
        from .inference import run_network
        from .network import CELL

        image = prepared.image
        model = self.load(device=device)
        grid = NetworkGrid.of_image(image, model.fine_scale)
        network_image = NetworkImage.from_image(image, grid)
        maps = []
        network = model.network_for(grid.is_fine)
        posteriors = run_network(network, network_image.channels).posteriors
        for scale, (mean, log_variance) in enumerate(posteriors):
            stride = (CELL << scale) * grid.pixels
            usable = _usable_cells(image.mask, stride, mean.shape[:2])
            maps.append(
                LatentMap(
                    mean=mean,
                    variance=np.exp(log_variance),
                    valid=usable,
                    patch_size=stride,
                    stride=stride,
                    image_shape=image.shape,
                    diagnostics={"identity": model.identity},
                )
            )
        return maps


def _usable_cells(mask, stride, shape):
    """Return a mask of the cells that have more than half of their pixels usable."""
    padding = [
        (0, cells * stride - side)
        for cells, side in zip(shape, mask.shape, strict=True)
    ]
    if min(after for _, after in padding) < 0:
        raise ValueError("shape has fewer cells than the mask needs")
    usable = np.pad(~mask, padding)
    ny, nx = shape
    return usable.reshape(ny, stride, nx, stride).mean(axis=(1, 3)) > 0.5
