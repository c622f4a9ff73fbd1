# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Preparation of an image for the embedding.

Every preparation measures sky and noise; they differ in the pixels that the network
gets, which always lie in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from photutils.background import Background2D

from ..utils.validation import check_choice
from .sky import enlarge_meshes

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
    preparation : {'noise-normalised', 'intensity'}
        What the pixels are: the significance over sky and noise, compressed, or the
        raw intensity between its extremes, as in Karmakar et al. (2018).
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
    significance = _significance(image, box_size)
    pixels = PREPARATIONS[preparation](image, significance)
    sky = np.median(pixels[~image.mask])
    return PreparedImage(
        pixels=np.where(image.mask, sky, pixels).astype(np.float32),
        mask=image.mask,
        significance=significance,
        image=image,
    )


def _significance(image, box_size):
    background = _background(image, min(box_size, *image.shape))
    noise = _mesh_noise(background) if image.error is None else image.error
    sky = enlarge_meshes(background.background_mesh, background.box_size, image.shape)
    significance = (image.data - sky) / _positive(noise)
    significance[image.mask] = 0
    return significance.astype(np.float32)


def _background(image, box_size):
    """Measure sky and noise in all meshes with more than 1 % of usable pixels."""
    try:
        return Background2D(
            image.data, box_size, mask=image.mask, exclude_percentile=99
        )
    except ValueError as error:
        raise ValueError(
            f"data has too few usable pixels to measure its sky: "
            f"{np.count_nonzero(~image.mask)} of {image.mask.size}"
        ) from error


def _mesh_noise(background):
    """
    Take the median noise of the meshes for the whole image.

    The noise within a mesh is raised by the stars in it: to divide by it would hide
    just what is looked for.
    """
    return np.array(np.median(background.background_rms_mesh))


def _positive(noise):
    """Replace vanishing noise by the smallest noise there is."""
    positive = noise > 0
    smallest = noise[positive].min() if positive.any() else 1.0
    return np.where(positive, noise, smallest)


def _noise_normalised(image, significance):
    """Compress significances of -3 to 30 to [0, 1] by an inverse hyperbolic sine."""
    lowest, highest = np.arcsinh([-1.0, 10.0])
    return np.clip((np.arcsinh(significance / 3) - lowest) / (highest - lowest), 0, 1)


def _intensity(image, significance):
    """Scale raw intensities between the extremes of the usable pixels."""
    usable = image.data[~image.mask]
    lowest, highest = usable.min(), usable.max()
    return np.clip((image.data - lowest) / (highest - lowest), 0, 1)


PREPARATIONS = {"noise-normalised": _noise_normalised, "intensity": _intensity}
