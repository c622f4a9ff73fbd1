# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Warnings of the package, and the import of optional packages."""

from __future__ import annotations

from astropy.utils.exceptions import AstropyUserWarning
from photutils.utils.exceptions import NoDetectionsWarning

__all__ = ["LossyDataWarning", "NoDetectionsWarning", "PosteriorCollapseWarning"]


class LossyDataWarning(AstropyUserWarning):
    """The image went through a lossy compression; faint sources are degraded."""


class PosteriorCollapseWarning(AstropyUserWarning):
    """A variational autoencoder learned nothing about its input, and is left out."""
