# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What is drawn on before the stars are."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

__all__ = ["Canvas"]


@dataclass
class Canvas:
    """
    What clusters and nulls are drawn on, before the stars are.

    Parameters
    ----------
    survey : Survey
        The survey.
    palette : Palette
        The colours.
    light : `~numpy.ndarray`
        Extended light in adu, (n_bands, ny, nx), of the survey in the last band.
    zero_point : float
        Magnitude of a source of 1 adu.
    sky : `~numpy.ndarray`
        Sky in adu, (ny, nx).
    noise_scale : `~numpy.ndarray`
        Factor of the noise, (ny, nx).
    noise : float
        Noise of a pixel in adu.
    missing : `~numpy.ndarray` of bool
        Pixels without data, (ny, nx).
    screens : list of callable
        Extinction in Ks at positions ``(x, y)``.
    stars : list of tuple
        ``(x, y, mag)`` of further stars.
    records : list of tuple
        ``(kind, x, y, radius)`` of what was drawn, in pixels.
    """

    survey: object
    palette: object
    light: np.ndarray
    zero_point: float
    sky: np.ndarray
    noise_scale: np.ndarray
    noise: float
    missing: np.ndarray
    screens: list = field(default_factory=list)
    stars: list = field(default_factory=list)
    records: list = field(default_factory=list)

    @property
    def shape(self):
        """Shape of the image in pixels (tuple of int)."""
        return self.light.shape[-2:]

    @property
    def scale(self):
        """Size of a pixel in arcsec (float)."""
        return self.survey.pixel_scale

    @property
    def side(self):
        """Shorter side of the tile in arcsec (float)."""
        return min(self.shape) * self.scale
