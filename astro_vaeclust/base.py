# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The contract of every finder of clusters, and of every search of one image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import astropy.units as u
    import numpy as np
    from astropy.table import QTable
    from astropy.wcs import WCS

    from .catalog import ClusterCatalog
    from .images.image import Image
    from .sources.points import PointSources
    from .utils.typing import ImageLike

__all__ = ["ClusterFinderBase", "ClusterSearchBase"]


class ClusterFinderBase(ABC):
    """
    Base class of all finders of clusters.

    A finder holds validated settings only and is not changed by a search, so that one
    instance can be kept, pickled, and used by many threads.

    A subclass must implement `detect`, and accept the keyword arguments of it that it
    can use. It may override what an evaluation asks for, which the defaults below
    answer for a finder of images alone:

    ``settings``
        Names and values of all settings (dict), for metadata and resumed runs; by
        default the public attributes.
    ``trained_model``
        The model that was trained beforehand, whose identity then counts among the
        settings; None without one.
    ``progress_bar``
        The progress bar that is called during a search, a setting; None for none.
    ``source_settings``
        What the sources that `find_sources` finds depend on (hashable). Finders for
        which it is the same share the sources of an image, as ``detect(...,
        sources=...)``. None for a finder that does not look for sources.
    ``find_sources(image)``
        The sources of an `~astro_vaeclust.images.image.Image`.
    """

    trained_model = None
    progress_bar = None
    source_settings = None

    @abstractmethod
    def detect(
        self,
        data: ImageLike,
        *,
        wcs: WCS | None = None,
        mask: np.ndarray | None = None,
        error: np.ndarray | u.Quantity | None = None,
        hdu: int | str | tuple[str, int] | None = None,
    ) -> ClusterCatalog:
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

    @property
    def settings(self) -> dict[str, Any]:
        """Names and values of all settings (dict), as they go into the metadata."""
        return {name: value for name, value in vars(self).items() if name[0] != "_"}

    def __call__(self, data: ImageLike, **options: Any) -> QTable:
        """Return the table of `detect`, as the finders of photutils do (QTable)."""
        return self.detect(data, **options).table

    def find_sources(self, image: Image) -> PointSources:
        """Return the sources of an image; by default there are none to share."""
        raise NotImplementedError(f"{type(self).__name__} does not look for sources")


class ClusterSearchBase(ABC):
    """
    Base class of the searches of `~astro_vaeclust.VAEClusterFinder`.

    A search is made for one image and lives as long as one run. A subclass must
    implement all that follows, lazily where it costs time, and give the same values
    however often and in whatever order they are asked for.
    """

    @property
    @abstractmethod
    def heatmap(self):
        """How much each pixel looks like a cluster, (ny, nx) in [0, 1]."""

    @property
    @abstractmethod
    def segmentation(self):
        """
        The pixels of the clusters, labelled from 1 in the order of the rows.

        A `~photutils.segmentation.SegmentationImage`; None for no cluster.
        """

    @property
    @abstractmethod
    def models(self):
        """What identifies the models used, for the metadata (list of dict)."""

    @property
    @abstractmethod
    def sources_used_as(self):
        """What point sources are used for, if given, for the metadata (str)."""

    @abstractmethod
    def flag_conditions(self, table):
        """Flag the clusters of a table if the search was not made for such images."""

    @abstractmethod
    def columns(self):
        """
        Measure the clusters.

        Returns
        -------
        columns : dict
            Columns of the table by their names, one entry per cluster, those of
            `~astro_vaeclust.measure.columns.COLUMNS` at minimum. Without a cluster they
            are of length zero, or there are none.
        """
