# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The contract of every finder of clusters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields

__all__ = ["ClusterFinderBase"]


class ClusterFinderBase(ABC):
    """
    Base class of all finders of clusters.

    A finder holds validated settings only and is not changed by a search, so that one
    instance can be kept, pickled, and used by many threads. Subclasses implement
    `detect`; those that are no dataclasses implement `settings` too.

    Attributes
    ----------
    trained_model : `~astro_vaeclust.detector.model.TrainedModel` or None
        The model that it uses; None where it learns on the image or needs none.
    source_settings : tuple or None
        For finders that search a list of sources: all that its method
        ``find_sources(image)`` depends on. Finders that agree in it can share what
        ``detect`` takes as ``sources``.
    """

    trained_model = None
    source_settings = None

    @property
    def settings(self):
        """Names and values of all settings (dict), as they go into the metadata."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @abstractmethod
    def detect(self, data, *, wcs=None, mask=None, error=None, hdu=None):
        """
        Find the clusters of an image.

        Parameters
        ----------
        data, wcs, mask, error, hdu
            The image, as `~astro_vaeclust.images.read.read_image` takes it.

        Returns
        -------
        catalog : `~astro_vaeclust.ClusterCatalog`
            The clusters; without any, a catalogue with no rows.

        Warns
        -----
        NoDetectionsWarning
            If nothing was found.
        """

    def __call__(self, data, **options):
        """Return the table of `detect`, as the finders of photutils do (QTable)."""
        return self.detect(data, **options).table
