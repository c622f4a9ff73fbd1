# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a finder returns: the measured clusters of one image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import astropy.units as u
import numpy as np
from astropy.io import registry
from astropy.nddata import NDData
from astropy.table import QTable, Row, vstack
from astropy.wcs import WCS

from .images.image import Image
from .images.write import write_image
from .io.formats import register_formats
from .measure.columns import check_columns, cluster_table
from .measure.text import cluster_lines
from .utils.catalog_files import CatalogRead, CatalogWrite

if TYPE_CHECKING:
    from photutils.segmentation import SegmentationImage
    from regions import Regions

    from .matching import ClusterMatch

__all__ = ["ClusterCatalog", "cluster_table"]


@dataclass(frozen=True, eq=False, repr=False)
class ClusterCatalog:
    """
    The measured clusters of one image.

    A catalogue is immutable: its methods return new ones. To edit the table, copy it.
    ``catalog["score"]`` is a column and ``catalog[0]`` a row of the table. A mask,
    a slice or an array of indices gives a new catalogue of these clusters, which keep
    their ``id``: ``catalog[catalog["flags"] == 0]``. ``print(catalog)`` shows the main
    columns with their errors, and the flags in words.

    Parameters
    ----------
    table : `~astropy.table.QTable`
        One row per cluster, as `~astro_vaeclust.measure.columns.cluster_table`
        makes it.
    heatmap : `~astropy.nddata.NDData`, optional
        How much each pixel looks like a cluster, in [0, 1], of shape (ny, nx), with
        its wcs.
    segmentation : `~photutils.segmentation.SegmentationImage`, optional
        The region of each cluster in pixels, labelled with its ``id``; None without
        clusters.
    image : `~astro_vaeclust.images.image.Image`, optional
        The image that was searched, for plots.

    Raises
    ------
    TypeError
        If ``table`` is no QTable or ``heatmap`` is no NDData.
    ValueError
        If a declared column is missing from the table.

    Examples
    --------
    >>> from astro_vaeclust.catalog import ClusterCatalog, cluster_table
    >>> catalog = ClusterCatalog(cluster_table())
    >>> catalog
    <ClusterCatalog: 0 clusters>
    >>> len(catalog.regions)
    0
    """

    table: QTable
    _: KW_ONLY
    heatmap: NDData | None = None
    segmentation: SegmentationImage | None = None
    image: Image | None = None

    read = registry.UnifiedReadWriteMethod(CatalogRead)
    write = registry.UnifiedReadWriteMethod(CatalogWrite)

    def __post_init__(self) -> None:
        """Refuse a table without the declared columns."""
        table, heatmap = self.table, self.heatmap
        if not isinstance(table, QTable):
            raise TypeError(f"table must be a QTable, got {type(table).__name__}")
        if heatmap is not None and not isinstance(heatmap, NDData):
            raise TypeError(f"heatmap must be NDData, got {type(heatmap).__name__}")
        check_columns(table.colnames)

    def __len__(self) -> int:
        """Return the number of clusters."""
        return len(self.table)

    def __iter__(self) -> Iterator[Row]:
        """Iterate over the rows of the table."""
        return iter(self.table)

    def __getitem__(self, item: Any) -> Any:
        """Return a column, a row, or a catalogue of some of the clusters."""
        if isinstance(item, str):
            return self.table[item]
        rows = np.arange(len(self))[item]
        if rows.ndim == 0:
            return self.table[int(rows)]
        if rows.ndim > 1:
            raise IndexError(f"clusters take an index of one axis, got {item!r}")
        table = self.table[rows]
        segmentation = _only(self.segmentation, table["id"])
        return replace(self, table=table, segmentation=segmentation)

    @classmethod
    def vstack(cls, catalogs: Iterable[ClusterCatalog]) -> ClusterCatalog:
        """
        Stack catalogues, such as those of several images, into one.

        Parameters
        ----------
        catalogs : iterable of `ClusterCatalog`
            The catalogues, at least one.

        Returns
        -------
        catalog : `ClusterCatalog`
            The clusters of all in the given order, with a new ``id`` from 1, and
            without heat map, segmentation and image. Where all say which ``image`` they
            are of, so does a column. A column that some do not have is masked for
            these. An entry of the metadata that differs becomes a list with one per
            catalogue.

        Raises
        ------
        TypeError
            If an entry is no `ClusterCatalog`.
        ValueError
            If there is none, or a column has units that do not convert.
        """
        catalogs = list(catalogs)
        for catalog in catalogs:
            if not isinstance(catalog, ClusterCatalog):
                kind = type(catalog).__name__
                raise TypeError(f"catalogs takes ClusterCatalogs, got a {kind}")
        tables = _with_image_column([catalog.table for catalog in catalogs])
        table = vstack(tables, metadata_conflicts="silent")
        table["id"][:] = np.arange(1, len(table) + 1)
        table.meta = _joint_meta([part.meta for part in tables])
        return cls(table)

    def __repr__(self) -> str:
        """Return a line with the number of clusters and the image."""
        n_clusters = len(self)
        facts = [f"{n_clusters} cluster{'' if n_clusters == 1 else 's'}"]
        n_flagged = int((self.table["flags"] != 0).sum())
        if n_flagged:
            facts.append(f"{n_flagged} flagged")
        name = getattr(self.image, "name", None)
        if name:
            facts.append(f"in {name}")
        return f"<{type(self).__name__}: {', '.join(facts)}>"

    def __str__(self) -> str:
        """Return the main columns with their errors, and the flags in words."""
        return "\n".join(cluster_lines(self.table))

    def to_table(self) -> QTable:
        """Return a copy of the table, which may be changed."""
        return self.table.copy()

    @property
    def meta(self) -> dict:
        """Where the table comes from (dict): versions, date, image, settings, model."""
        return self.table.meta

    @property
    def wcs(self) -> WCS | None:
        """WCS of the image that was searched; None without image and heat map."""
        known = (getattr(data, "wcs", None) for data in (self.heatmap, self.image))
        return next((wcs for wcs in known if wcs is not None), None)

    @property
    def regions(self) -> Regions:
        """
        The clusters as circles on the sky (`~regions.Regions`), in the table's order.

        Id, radius and score are in the text of each, ``region.meta["text"]``.
        """
        from regions import Regions  # imports matplotlib

        return Regions([_circle(row) for row in self.table])

    def plot(self, ax=None):
        """
        Plot the image, contours of the heat map, and a circle around each cluster.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`, optional
            Where to plot, in pixels of the image; best a
            `~astropy.visualization.wcsaxes.WCSAxes` of the image's wcs. By default on a
            new figure outside pyplot; ``catalog.plot().figure`` shows or saves it.

        Returns
        -------
        ax : `~matplotlib.axes.Axes`
            The axes.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        ValueError
            If the catalogue has neither an image nor a heat map.
        """
        from .visualization.catalog_plot import plot_catalog

        return plot_catalog(self, ax=ax)

    def match(self, sources, *, cut="paper", footprint=None) -> ClusterMatch:
        """
        Match the clusters with a catalogue of sources on the same sky.

        Parameters
        ----------
        sources, cut, footprint
            The sources, which of them count, and where they are complete: see
            `~astro_vaeclust.matching.ClusterMatch`.

        Returns
        -------
        match : `~astro_vaeclust.matching.ClusterMatch`
            Has ``iou(reference)``, ``members()`` and luminosity functions.

        Raises
        ------
        TypeError, ValueError
            As there.
        """
        from .matching import ClusterMatch

        return ClusterMatch(
            self.table,
            sources,
            cut=cut,
            footprint=footprint,
            segmentation=self.segmentation,
            wcs=self.wcs,
        )

    def crossmatch(self, lists, *, radius: u.Quantity | None = None) -> ClusterCatalog:
        """
        Look the clusters up in published lists.

        Parameters
        ----------
        lists, radius
            The lists, such as ``"solin2012"``, and the match radius: see
            `~astro_vaeclust.matching.lookup.crossmatch`.

        Returns
        -------
        catalog : `ClusterCatalog`
            A new catalogue, whose table has more columns: ``name`` of the known cluster
            and ``offset`` from it (arcsec), ``status`` ("known" or "new"), and the
            ``known_list`` that has it.

        Raises
        ------
        TypeError, ValueError, `~astro_vaeclust.archives.ArchiveError`
            As there.
        """
        from .matching.lookup import crossmatch

        table = self.table.copy()
        table.update(crossmatch(table, lists, radius=radius))
        return replace(self, table=table)

    def write_heatmap(self, path: str | PathLike, overwrite: bool = False) -> None:
        """
        Write the heat map as a FITS image, whole or not at all.

        Parameters
        ----------
        path : str or path-like
            The file.
        overwrite : bool, optional
            Whether an existing file may be replaced.

        Raises
        ------
        ValueError
            If the catalogue has no heat map.
        OSError
            If the file cannot be written, or exists and may not be replaced.
        """
        if self.heatmap is None:
            raise ValueError("this catalogue has no heat map")
        heatmap = NDData(self.heatmap, unit=self.heatmap.unit or "")
        write_image(heatmap, path, meta=self.table.meta, overwrite=overwrite)


register_formats(ClusterCatalog)


def _only(segmentation, ids):
    """Return the regions with these labels; None for none."""
    if segmentation is None or not len(ids):
        return None
    from photutils.segmentation import SegmentationImage

    labels = segmentation.data
    return SegmentationImage(np.where(np.isin(labels, ids), labels, 0))


def _with_image_column(tables):
    """Return tables with the name of their image, if all say which it is."""
    named = all(isinstance(table.meta.get("image"), str) for table in tables)
    if not named or any("image" in table.colnames for table in tables):
        return tables
    copies = [table.copy() for table in tables]
    for table in copies:
        names = np.full(len(table), table.meta["image"])
        table.add_column(names, name="image", index=1)
        table["image"].info.description = "Name of the image"
    return copies


def _joint_meta(metas):
    """Return what metadata have in common, and lists of what differs."""
    joint = {}
    for key in dict.fromkeys(key for meta in metas for key in meta):
        values = [meta.get(key) for meta in metas]
        same = all(value == values[0] for value in values)
        joint[key] = values[0] if same else values
    return joint


def _circle(row):
    from regions import CircleSkyRegion

    radius = row["radius"].to(u.arcsec)
    text = f"{row['id']}: radius={radius.value:.1f} arcsec score={row['score']:.3f}"
    return CircleSkyRegion(row["sky_center"], radius, meta={"text": text})
