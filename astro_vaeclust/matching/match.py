# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Detected clusters compared with a catalogue of sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np
from astropy.table import QTable, Table

from ..utils.validation import check_choice
from .areas import CircleArea, HullArea, PixelArea, SkyArea, shared_and_joint
from .comparison import compare
from .field import RING, FieldDensity, check_ring, measure_field
from .members import Sample, member_table
from .references import as_area
from .sources import apply_cut, standard_sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from astropy.wcs import WCS
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike
    from photutils.segmentation import SegmentationImage
    from regions import Region

    from .overlap import Overlap

__all__ = ["ClusterMatch"]

REGIONS = ("mask", "circle")


class ClusterMatch:
    """
    Detected clusters and a catalogue of sources on the same sky.

    Parameters
    ----------
    table : `~astropy.table.Table`
        The clusters, with ``id``, ``sky_center`` and ``radius``.
    sources : `~astropy.table.Table`
        The sources, as the adapters of ``astro_vaeclust.archives`` return them, or
        with positions as `~astro_vaeclust.sources.table.sky_positions` takes them.
        Rows without a position are left out.
    cut : str, callable or None, optional
        Which sources count: a name of `~astro_vaeclust.archives.cuts.CUTS`,
        a function from the table to a bool array, or None for all. The default
        ``"paper"`` is the cut of Karmakar, Mishra & Tej (2018) on catalogues that have
        its columns, and none on others.
    footprint : SkyArea or what `as_area` takes, optional
        Where the sources are complete; by default the convex hull of all of them.
    segmentation : `~photutils.segmentation.SegmentationImage`, optional
        The pixels of each cluster, labelled with its ``id``.
    wcs : `~astropy.wcs.WCS`, optional
        Where these pixels are, those of references, and sources with positions in
        pixels only.

    Attributes
    ----------
    sources : `~astropy.table.QTable`
        The sources that pass the cut, with ``sky``.
    cut : str
        Name of the cut.
    footprint : SkyArea
        The sky that the sources cover.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If the sources have no positions or no rows, the cut does not fit, or clusters
        and sources have no sky in common.
    """

    def __init__(
        self,
        table: Table,
        sources: Table,
        *,
        cut: str | Callable | None = "paper",
        footprint: SkyArea | Region | None = None,
        segmentation: SegmentationImage | None = None,
        wcs: WCS | None = None,
    ):
        if not isinstance(table, Table):
            raise TypeError(
                f"table must be that of a ClusterCatalog, got {type(table).__name__}"
            )
        sources = standard_sources(sources, wcs=wcs)
        passes, self.cut = apply_cut(sources, cut)
        self.table, self._segmentation, self._wcs = table, segmentation, wcs
        if footprint is None:
            self.footprint = HullArea(sources["sky"])
        else:
            self.footprint = as_area(footprint, wcs=wcs)
        self.sources = sources[passes]
        self._check_common_sky(sources["sky"])

    def __repr__(self):
        """Return a line with the numbers of clusters and sources."""
        return (
            f"<ClusterMatch: {len(self.table)} clusters, {len(self.sources)} sources,"
            f" cut: {self.cut}>"
        )

    def area(self, id: int, *, region: str = "mask") -> SkyArea:
        """
        Return the `SkyArea` of one cluster.

        Parameters
        ----------
        id : int
            Its number in the catalogue.
        region : {'mask', 'circle'}, optional
            Its pixels, or the circle around its centre with its radius.

        Raises
        ------
        ValueError
            If there is no such cluster or region, or the catalogue has no pixels, as
            when it was read from a file.
        """
        check_choice("region", region, REGIONS)
        row = self._row(id)
        if region == "circle":
            return CircleArea(row["sky_center"], row["radius"])
        return PixelArea(self._labels() == row["id"], self._wcs)

    def iou(
        self,
        reference: Region | SegmentationImage | SkyArea,
        *,
        region: str = "mask",
        id: int | None = None,
        wcs: WCS | None = None,
        ring: tuple[float, float] = RING,
        confidence: float = 0.6827,
    ) -> Overlap:
        """
        Compare a detected region with a reference.

        The source-count IoU is the number of sources that pass the cut and lie in both
        regions, over the number of those that lie in either.

        Parameters
        ----------
        reference : region, `~photutils.segmentation.SegmentationImage` or SkyArea
            As `as_area` takes it.
        region : {'mask', 'circle'}, optional
            The detected region, see `area`.
        id : int, optional
            Number of the cluster; by default the one that shares most sources with
            the reference, of several the nearest.
        wcs : `~astropy.wcs.WCS`, optional
            Where the reference is in pixels: their WCS, by default that of the image
            that was searched.
        ring : (float, float), optional
            Radii of the ring of field, in units of the radius of the circle that holds
            both regions. Other detected clusters in it are left out.
        confidence : float, optional
            The level of the interval.

        Returns
        -------
        overlap : Overlap
            IoU of sources, members and areas, distance of the centres and ratio of
            the radii. Without any cluster, IoUs are 0 and the rest NaN.

        Raises
        ------
        TypeError, ValueError
            If an argument cannot be used, or the reference lies outside the sky of the
            sources.
        """
        check_choice("region", region, REGIONS)
        check_ring(ring)
        target = as_area(reference, wcs=self._wcs if wcs is None else wcs)
        in_target = target.contains(self.sources["sky"])
        self._check_covered(target, in_target)
        detections = self._areas(region)
        if id is None:
            id = self._best(detections, target, in_target)
        else:
            self._row(id)
        detected = None if id is None else detections.pop(id)
        return compare(
            detected,
            target,
            self.sources["sky"],
            center=None if id is None else self._row(id)["sky_center"],
            labels={"id": id or 0, "region": region},
            footprint=self.footprint,
            others=list(detections.values()),
            ring=ring,
            confidence=confidence,
        )

    def members(
        self,
        id: int | None = None,
        *,
        region: str = "mask",
        ring: tuple[float, float] = RING,
        neighbours: int = 10,
    ) -> QTable:
        """
        Return the sources in a detected region with their membership probabilities.

        The probability is one less the fraction of the field: of the density that it
        has in a ring around the cluster, over the density at the source, which is
        measured from the distance of a near neighbour. Where there are J, H and K, both
        are multiplied by how frequent the colours of the source are, in the field and
        in the region. See :doc:`/matching` for the formula.

        Parameters
        ----------
        id : int, optional
            Number of the cluster; by default the first.
        region : {'mask', 'circle'}, optional
            The detected region.
        ring : (float, float), optional
            Where the field is, in units of the radius that holds the region.
        neighbours : int, optional
            The density at a source is measured from the distance of this neighbour.

        Returns
        -------
        members : `~astropy.table.QTable`
            The sources in the region with all their columns and ``cluster_id``,
            ``separation`` from the centre (arcsec), and ``probability``, by rising
            separation. ``meta`` has ``n_sources``, ``n_field`` (expected),
            ``n_members`` (their difference) with ``n_members_err``, ``field_density``
            (1/arcmin2) and whether ``colours`` were used.

        Raises
        ------
        TypeError, ValueError
            If an argument cannot be used, or there is no cluster.
        """
        sample = self._sample(id, region, ring)
        return member_table(self.sources, sample, neighbours=neighbours)

    def luminosity_function(
        self,
        id: int | None = None,
        *,
        region: str = "mask",
        ring: tuple[float, float] = RING,
        bins: ArrayLike | None = None,
    ) -> QTable:
        """
        Count sources by magnitude, in a region and in its field.

        Parameters
        ----------
        id, region, ring
            As for `members`.
        bins : array_like, optional
            Edges of the bins in mag; by default every half magnitude.

        Returns
        -------
        table : `~astropy.table.QTable`
            ``low, high`` (mag), ``n_sources``, ``n_field`` (expected), ``n_members``
            (their difference) and ``n_members_err``, per bin.

        Raises
        ------
        TypeError, ValueError
            If an argument cannot be used, there is no cluster, or the sources have no
            magnitudes.
        """
        from .luminosity import luminosity_table

        return luminosity_table(self.sources, self._sample(id, region, ring), bins)

    def plot_luminosity_function(
        self,
        id: int | None = None,
        *,
        region: str = "mask",
        ring: tuple[float, float] = RING,
        bins: ArrayLike | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """
        Plot what `luminosity_function` counts.

        Parameters
        ----------
        id, region, ring, bins
            As for `luminosity_function`.
        ax : `~matplotlib.axes.Axes`, optional
            Where to plot; by default on a new figure, outside pyplot.

        Returns
        -------
        ax : `~matplotlib.axes.Axes`
            The axes.
        """
        from ..visualization.luminosity import plot_luminosity

        table = self.luminosity_function(id, region=region, ring=ring, bins=bins)
        return plot_luminosity(table, ax=ax)

    def field(
        self,
        id: int | None = None,
        *,
        region: str = "mask",
        ring: tuple[float, float] = RING,
    ) -> FieldDensity:
        """Return the `FieldDensity` around a cluster; parameters as for `members`."""
        return self._sample(id, region, ring).field

    def _labels(self):
        """Return the labels of all pixels, if each cluster has some."""
        if self._segmentation is None or self._wcs is None:
            raise ValueError(
                "region='mask' needs the pixels of the clusters, and this catalogue "
                "has none, as when it was read from a file; take region='circle'"
            )
        missing = set(self._ids) - set(self._segmentation.labels.tolist())
        if missing:
            raise ValueError(
                f"the clusters {sorted(missing)} have no pixels in the segmentation"
            )
        return self._segmentation.data

    @property
    def _ids(self):
        return [int(number) for number in self.table["id"]]

    def _row(self, id):
        if id not in self._ids:
            raise ValueError(f"id must be one of {self._ids}, got {id!r}")
        return self.table[self._ids.index(id)]

    def _areas(self, region):
        return {number: self.area(number, region=region) for number in self._ids}

    def _best(self, detections, target, in_target):
        """Return the number of the cluster that shares most sources, or None."""

        def rank(number):
            shared = detections[number].contains(self.sources["sky"]) & in_target
            center = self._row(number)["sky_center"]
            return -np.count_nonzero(shared), target.center.separation(center)

        return min(detections, key=rank, default=None)

    def _sample(self, id, region, ring):
        check_choice("region", region, REGIONS)
        check_ring(ring)
        if not len(self.table):
            raise ValueError("the catalogue has no clusters")
        areas = self._areas(region)
        id = self._ids[0] if id is None else id
        center = self._row(id)["sky_center"]
        area = areas.pop(id)
        in_field, field = measure_field(
            self.sources["sky"],
            area.center,
            area.reach,
            ring=ring,
            footprint=self.footprint,
            excluded=[area, *areas.values()],
        )
        return Sample(
            id=id,
            center=center,
            area=area.area,
            inside=area.contains(self.sources["sky"]),
            in_field=in_field,
            field=field,
        )

    def _check_common_sky(self, sky):
        centers = self.table["sky_center"]
        if not len(centers) or self.footprint.contains(centers).any():
            return
        nearest = min(center.separation(sky).min() for center in centers)
        if nearest > self.table["radius"].max():
            raise ValueError(
                "clusters and sources have no sky in common: the nearest source is "
                f"{nearest.to(u.deg):.3g} from a centre"
            )

    def _check_covered(self, target, in_target):
        if in_target.any() or shared_and_joint(target, self.footprint)[0] > 0:
            return
        distance = target.center.separation(self.footprint.center).to(u.deg)
        raise ValueError(
            "reference and sources have no sky in common: their middles are "
            f"{distance:.3g} apart"
        )
