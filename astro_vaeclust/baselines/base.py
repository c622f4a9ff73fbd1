# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The common part of catalogue methods: sources in, candidates, catalogue out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np
from astropy.table import Table

from ..base import ClusterFinderBase
from ..catalog import ClusterCatalog
from ..exceptions import NoDetectionsWarning
from ..images.bands import read_bands
from ..images.celestial import celestial_wcs
from ..images.image import Image
from ..images.read import read_image
from ..measure.columns import cluster_table
from ..sources.find import SIGNIFICANCE, find_sources
from ..sources.photometry import with_magnitudes
from ..sources.table import read_sources
from ..utils.provenance import run_metadata
from ..utils.validation import check_angle, check_count, check_number
from ..utils.warning import warn
from .field import SourceField
from .measurement import CandidateMeasurements

if TYPE_CHECKING:
    from astropy.wcs import WCS

    from ..sources.points import PointSources
    from ..utils.typing import ImageLike
    from .candidates import Candidate

__all__ = ["BaselineFinder"]

MIN_SOURCES = 3
"""Sources without which there is nothing to search."""


@dataclass(frozen=True, kw_only=True)
class BaselineFinder(ClusterFinderBase):
    """
    Base class of the finders that work on a catalogue of sources.

    Subclasses are frozen dataclasses of settings and implement `search`. Everything
    is deterministic and does not depend on the order of the sources.

    Parameters
    ----------
    threshold : float
        Least score of a cluster. The score is a significance in standard deviations,
        divided by how much more than Poisson noise the field scatters where the
        method says so. Lower it to get more candidates, for curves of completeness
        over false positives.
    min_members : int
        Sources that a region must hold.
    background_scale : `~astropy.units.Quantity`
        Standard deviation of the Gaussian over which the background is averaged.
    cell_size : `~astropy.units.Quantity`
        Side of the cells of the maps, rounded to whole pixels.
    source_significance : float
        Least significance of the sources that are found in an image.
    fwhm : float or None
        Full width at half maximum of the stars in pixels; None measures it.
    magnitude_limit : float or None
        Use sources of a given table that are brighter than this only.

    Raises
    ------
    TypeError, ValueError
        If a setting is of a wrong type or out of its range.
    """

    threshold: float = 5.0
    min_members: int = 5
    background_scale: u.Quantity = 150 * u.arcsec
    cell_size: u.Quantity = 4 * u.arcsec
    source_significance: float = SIGNIFICANCE
    fwhm: float | None = None
    magnitude_limit: float | None = None

    colors = False
    """Whether the method uses magnitudes in J, H and K; a setting of those that can."""

    def __post_init__(self):
        """Check the settings."""
        check_number("threshold", self.threshold, low_counts=False)
        check_count("min_members", self.min_members)
        check_angle("background_scale", self.background_scale)
        check_angle("cell_size", self.cell_size)
        check_number("source_significance", self.source_significance, low_counts=False)
        if self.fwhm is not None:
            check_number("fwhm", self.fwhm, low_counts=False)
        if self.magnitude_limit is not None:
            check_number(
                "magnitude_limit", self.magnitude_limit, low=-np.inf, low_counts=False
            )

    @abstractmethod
    def search(self, field: SourceField) -> tuple[list[Candidate], np.ndarray]:
        """
        Find candidates among the sources.

        Parameters
        ----------
        field : `~astro_vaeclust.baselines.field.SourceField`
            The sources, at least three of them.

        Returns
        -------
        candidates : list of `~astro_vaeclust.baselines.candidates.Candidate`
            In any order, also below the threshold.
        heat : (rows, columns) array
            Significance of each cell of the field's grid.
        """

    def detect(
        self,
        data: ImageLike | None,
        *,
        wcs: WCS | None = None,
        mask: np.ndarray | None = None,
        error: np.ndarray | u.Quantity | None = None,
        hdu: int | str | tuple[str, int] | None = None,
        sources: Table | PointSources | None = None,
    ) -> ClusterCatalog:
        """
        Find the clusters of an image or of a table of sources.

        Parameters
        ----------
        data : NDData, array, HDU, HDUList, str, path-like, dict or None
            The image, as `~astro_vaeclust.images.read.read_image` takes it. With
            ``sources`` it may be None; then ``mask`` gives the shape of the field, or
            ``wcs.array_shape`` does. With ``colors``, those of two or three bands by
            their names, as `~astro_vaeclust.images.bands.read_bands` takes them:
            sources are found in that of the longest wavelength.
        wcs : `~astropy.wcs.WCS`, optional
            Celestial WCS, where ``data`` has none.
        mask : bool array, optional
            Unusable pixels, in addition to those that ``data`` marks; nothing is
            expected there.
        error : array or `~astropy.units.Quantity`, optional
            Standard deviations of the pixels; measured from the image without it.
        hdu : int, str or (str, int), optional
            HDU of a file or HDUList with several images.
        sources : `~astropy.table.Table` or PointSources, optional
            Sources to use instead of those in the image, as
            `~astro_vaeclust.sources.table.read_sources` takes them: positions on the
            sky or in pixels, magnitudes, if any, in ``mag``, and for ``colors`` those
            in J, H and K, of which a source may lack any. Or what `find_sources` found
            in this image, to use it with several finders.

        Returns
        -------
        catalog : `~astro_vaeclust.ClusterCatalog`
            The clusters by falling score. The heat map is the probability that an
            excess of this significance is no fluctuation. ``radius_err`` and
            ``false_alarm_rate`` are NaN.

        Raises
        ------
        TypeError, ValueError, FileNotFoundError
            If the input cannot be used; the message names the argument.

        Warns
        -----
        NoDetectionsWarning
            If nothing was found.
        """
        if self.magnitude_limit is not None and not isinstance(sources, Table):
            raise ValueError(
                f"magnitude_limit is for a table of sources, got {self.magnitude_limit}"
                " without one"
            )
        given = {"wcs": wcs, "mask": mask, "error": error, "hdu": hdu}
        bands = {}
        if data is None:
            image = _empty_image(wcs, mask, sources)
        elif self.colors and isinstance(data, Mapping):
            bands = read_bands(data, **given)
            image = list(bands.values())[-1]
        else:
            image = read_image(data, **given)
        if sources is None:
            sources = self.find_sources(image)
            sources = with_magnitudes(sources, bands) if bands else sources
        points = read_sources(
            sources,
            image.wcs,
            magnitude_limit=self.magnitude_limit,
            colors=self.colors,
        )
        field = self.make_field(image, points)
        measured = self._measure(field)
        columns = measured.columns()
        if columns is None:
            warn("no cluster was found", NoDetectionsWarning)
        # nothing here is random; the seed is that of the table's metadata
        meta = run_metadata(self, image, [])
        return ClusterCatalog(
            cluster_table(columns, meta=meta | {"n_sources_in_image": len(field)}),
            heatmap=measured.heatmap(),
            segmentation=measured.segmentation(),
            image=image if data is not None else None,
        )

    def candidates(self, field: SourceField) -> list[Candidate]:
        """Return the candidates of a `SourceField` that reach the threshold (list)."""
        return self._measure(field).candidates

    def _measure(self, field):
        candidates, heat = [], np.zeros(field.shape)
        if len(field) >= max(MIN_SOURCES, self.min_members):
            candidates, heat = self.search(field)
        return CandidateMeasurements(
            field,
            [found for found in candidates if found.score >= self.threshold],
            heat,
            min_members=self.min_members,
        )

    def find_sources(self, image: Image) -> PointSources:
        """
        Return the sources of an image, as `detect` finds them where none are given.

        Finders that agree in `source_settings` can use the same.
        """
        return find_sources(
            image, significance=self.source_significance, fwhm=self.fwhm
        )

    @property
    def source_settings(self) -> tuple:
        """What `find_sources` depends on (tuple)."""
        return self.source_significance, self.fwhm

    def make_field(self, image: Image, points: PointSources) -> SourceField:
        """Return the `SourceField` of sources of an image."""
        return SourceField(
            image,
            points,
            cell_size=self.cell_size.to_value(u.arcsec),
            background_scale=self.background_scale.to_value(u.arcsec),
        )


def _empty_image(wcs, mask, sources):
    """Make an image without pixel values, for a table of sources."""
    if sources is None:
        raise ValueError("data may be None with sources= only, got neither")
    if mask is not None:
        mask = np.asarray(mask)
        if mask.dtype.kind != "b" or mask.ndim != 2:
            raise ValueError(
                f"mask must be a 2D array of bool, got {mask.dtype} of shape "
                f"{mask.shape}"
            )
    shape = getattr(wcs, "array_shape", None) if mask is None else mask.shape
    if wcs is not None and shape is None:
        raise ValueError(
            "wcs: without data and mask, its array_shape must give the shape of the "
            "field, got None"
        )
    mask = np.zeros(shape or (1, 1), dtype=bool) if mask is None else mask.copy()
    if mask.all():
        raise ValueError("mask leaves no usable pixel")
    pixels = np.zeros(mask.shape, dtype=np.float32)
    return Image(data=pixels, mask=mask, wcs=celestial_wcs(wcs, mask.shape))
