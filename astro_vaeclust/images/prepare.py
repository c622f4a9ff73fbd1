# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Preparation of an image for the embedding.

Every preparation measures sky and noise; they differ in the pixels that the network
gets, which always lie in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..utils.validation import check_choice
from .sky import Sky

__all__ = ["PREPARATIONS", "PreparedImage", "prepare"]


@dataclass(frozen=True, eq=False)
class PreparedImage:
    """
    An image as the embedding gets it.

    Parameters
    ----------
    pixels : (ny, nx) float32 array
        Pixels in [0, 1]; masked ones hold a value of the sky.
    mask : (ny, nx) bool array
        Unusable pixels.
    significance : (ny, nx) float32 array
        Image minus sky over noise; zero where masked.
    image : `~astro_vaeclust.images.image.Image`, optional
        The image before the preparation, for embeddings with their own.
    """

    pixels: np.ndarray
    mask: np.ndarray
    significance: np.ndarray
    image: object = None


def prepare(image, *, preparation="noise-normalised", box_size=32):
    """
    Measure sky and noise of an image and scale its pixels to [0, 1].

    Parameters
    ----------
    image : `~astro_vaeclust.images.image.Image`
        The image.
    preparation : {'noise-normalised', 'above-sky', 'intensity'}
        What the pixels are: the significance over sky and noise, compressed, with a
        range for what is below the sky or zero there; or the raw intensity between its
        extremes.
    box_size : int
        Side in pixels of the meshes in which sky and noise are measured. The sky
        follows the meshes; the noise is one number, unless the image has errors.

    Returns
    -------
    prepared : `PreparedImage`
        The prepared image.

    Raises
    ------
    ValueError
        If there is no such preparation, or too few usable pixels.
    """
    check_choice("preparation", preparation, PREPARATIONS)
    sky = Sky.from_pixels(image.data, image.mask, box_size=box_size)
    significance = sky.significance(image)
    pixels = PREPARATIONS[preparation](image, significance)
    typical = np.median(pixels[~image.mask])
    return PreparedImage(
        pixels=np.where(image.mask, typical, pixels).astype(np.float32),
        mask=image.mask,
        significance=significance,
        image=image,
    )


def _noise_normalised(image, significance):
    """Compress significances of -3 to 30 to [0, 1] by an inverse hyperbolic sine."""
    lowest, highest = np.arcsinh([-1.0, 10.0])
    return np.clip((np.arcsinh(significance / 3) - lowest) / (highest - lowest), 0, 1)


def _above_sky(image, significance):
    """Compress significances of 0 to 30 to [0, 1] by an inverse hyperbolic sine."""
    return np.clip(np.arcsinh(significance / 3) / np.arcsinh(10.0), 0, 1)


def _intensity(image, significance):
    """Scale raw intensities between the extremes of the usable pixels."""
    usable = image.data[~image.mask]
    lowest, highest = usable.min(), usable.max()
    return np.clip((image.data - lowest) / (highest - lowest), 0, 1)


PREPARATIONS = {
    "noise-normalised": _noise_normalised,
    "above-sky": _above_sky,
    "intensity": _intensity,
}
