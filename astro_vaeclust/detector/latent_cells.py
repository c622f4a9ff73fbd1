# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Where the cells of an image lie in the latent space of a trained model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..utils.validation import check_choice
from .embedding import ConvVAE
from .grid import NetworkGrid, NetworkImage
from .inference import run_network
from .network import CELL, CLASSES

__all__ = ["LatentCells"]

N_SCALES = 4


@dataclass(frozen=True, eq=False)
class LatentCells:
    """
    Latents of the usable cells of an image at one scale.

    Parameters
    ----------
    latents : (n, latent) array
        Means of the posteriors.
    components : (n,) int array
        The most probable component of each cell, a number of ``names``.
    clusters : (n_clusters,) int array
        The cells nearest to the centres of clusters.
    names : tuple of str
        Meanings of the components.
    """

    latents: np.ndarray
    components: np.ndarray
    clusters: np.ndarray
    names: tuple[str, ...] = CLASSES

    @classmethod
    def from_image(cls, image, sky, *, model=None, scale=2):
        """
        Embed an image.

        Parameters
        ----------
        image : `~astro_vaeclust.images.image.Image`
            The image.
        sky : (n_clusters,) `~astropy.coordinates.SkyCoord`
            Centres of clusters.
        model : str or path-like, optional
            As in `~astro_vaeclust.detector.ConvVAE`.
        scale : int, optional
            From 0 for cells of 8 network pixels to 3 for cells of 64.

        Returns
        -------
        cells : `LatentCells`
            The cells of which half or more is usable.

        Raises
        ------
        ValueError
            If there is no such scale.
        """
        check_choice("scale", scale, range(N_SCALES))
        model = ConvVAE(model=model).load()
        grid = NetworkGrid.of_image(image, model.fine_scale)
        network_image = NetworkImage.from_image(image, grid)
        network = model.network_for(grid.is_fine)
        maps = run_network(network, network_image.channels)
        latents, classes = maps.posteriors[scale][0], maps.classes[scale]
        side = CELL << scale
        usable = _cell_means(network_image.channels[2], side, latents.shape[:2]) >= 0.5
        rows, columns = np.nonzero(usable)
        centers = np.transpose(image.wcs.world_to_pixel(sky))
        x, y = (grid.to_network(centers) / side - 0.5).T
        distances = np.hypot(rows - y[:, None], columns - x[:, None])
        return cls(
            latents=latents[usable],
            components=classes[usable].argmax(axis=-1),
            clusters=distances.argmin(axis=1) if len(x) else np.empty(0, dtype=int),
        )


def _cell_means(pixels, side, shape):
    """Return the means of cells; what is outside the image counts as zero."""
    ny, nx = shape
    padding = [
        (0, n * side - length) for n, length in zip(shape, pixels.shape, strict=True)
    ]
    padded = np.pad(pixels, [(0, max(after, 0)) for _, after in padding])
    return (
        padded[: ny * side, : nx * side].reshape(ny, side, nx, side).mean(axis=(1, 3))
    )
