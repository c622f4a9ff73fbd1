# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a finder returns: the measured clusters of one image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import registry
from astropy.nddata import NDData
from astropy.table import QTable, Row
from astropy.wcs import WCS

from .images.image import Image
from .images.write import write_image
from .io.formats import register_formats
from .measure.columns import check_columns, cluster_table
from .measure.stacking import stacked, tables_of
from .measure.text import cluster_lines, count_text
from .segmentation import only
from .sources.points import PointSources
from .utils.catalog_files import CatalogRead, CatalogWrite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import astropy.units as u
    from astropy.table import Table
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from photutils.segmentation import SegmentationImage
    from regions import Region, Regions

    from .matching import ClusterMatch
    from .matching.areas import SkyArea
    from .matching.known import KnownList
    from .measure.profiles import RadialProfile
    from .utils.typing import ImageLike

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
        One row per cluster, of `~astro_vaeclust.measure.columns.cluster_table`.
    heatmap : `~astropy.nddata.NDData`, optional
        How much each pixel looks like a cluster, in [0, 1], of shape (ny, nx), with
        its wcs.
    segmentation : `~photutils.segmentation.SegmentationImage`, optional
        The region of each cluster in pixels, labelled with its ``id``; None without
        clusters.
    image : `~astro_vaeclust.images.image.Image`, optional
        The image that was searched, for plots and profiles.
    sources : `~astro_vaeclust.sources.points.PointSources`, optional
        The sources that were given to the search, for profiles.

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
    sources: PointSources | None = None

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
        segmentation = only(self.segmentation, table["id"])
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
            The clusters of all in the given order, with a new ``id`` from 1, without
            heat map, segmentation and image; with a column ``image`` if all name it.
            What some do not have is masked; metadata that differ become a list.

        Raises
        ------
        TypeError
            If it is no iterable, or an entry is no `ClusterCatalog`.
        ValueError
            If there is none, or a column has units that do not convert.
        """
        return cls(stacked(tables_of(catalogs, cls)))

    def __repr__(self) -> str:
        """Return a line with the number of clusters and the image."""
        counts = count_text(self.table, getattr(self.image, "name", None))
        return f"<{type(self).__name__}: {counts}>"

    def __str__(self) -> str:
        """Return the main columns with their errors, and the flags in words."""
        return "\n".join(cluster_lines(self.table))

    def _repr_html_(self) -> str:
        """Return ten rows and a thumbnail, for notebooks."""
        from .visualization.notebook import catalog_html

        return catalog_html(self)

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

        from .measure.circles import sky_circle

        return Regions([sky_circle(row) for row in self.table])

    def plot(
        self,
        ax: Axes | None = None,
        *,
        image: ImageLike | None = None,
        references: Iterable[Region] = (),
    ) -> Axes:
        """
        Plot the image, contours of the heat map, and circles around each cluster.

        The parameters are those of
        `~astro_vaeclust.visualization.catalog_plot.plot_catalog`. A catalogue that was
        read from a file needs ``image``, which may be of another band.
        """
        from .visualization.catalog_plot import plot_catalog

        return plot_catalog(self, ax=ax, image=image, references=references)

    def plot_cutouts(
        self, *, columns: int = 5, image: ImageLike | None = None
    ) -> Figure:
        """Plot each cluster: `~astro_vaeclust.visualization.cutouts.plot_cutouts`."""
        from .visualization.cutouts import plot_cutouts

        return plot_cutouts(self, columns=columns, image=image)

    def plot_radial_profile(
        self, id: int, *, ax: Axes | None = None, **options: Any
    ) -> Axes:
        """Plot the `profile` of a cluster, with ``options`` as there."""
        from .visualization.profile import plot_profile

        return plot_profile(self.profile(id, **options), title=f"Cluster {id}", ax=ax)

    def plot_luminosity_function(
        self, id: int, sources: Table, *, ax: Axes | None = None, **options: Any
    ) -> Axes:
        """
        Plot how many sources of a cluster, and of its field, have which magnitude.

        ``sources`` and ``options`` are those of `match`; see
        `~astro_vaeclust.matching.ClusterMatch.plot_luminosity_function`.
        """
        from .visualization.luminosity import plot_cluster_luminosity

        region = "circle" if self.segmentation is None else "mask"
        match = self.match(sources, **options)
        return plot_cluster_luminosity(match, id, region=region, ax=ax)

    def plot_latent_space(
        self,
        *,
        model: str | PathLike | None = None,
        scale: int = 2,
        image: ImageLike | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """
        Plot where the cells of the image lie in the latent space of a trained model.

        ``model`` is its file, by default that of the package; ``scale`` is 0 for cells
        of 8 network pixels to 3 for cells of 64; ``image`` and ``ax`` are as in `plot`.
        See `~astro_vaeclust.visualization.latents.plot_latents`.
        """
        from .detector.latent_cells import LatentCells
        from .visualization.catalog_plot import image_of
        from .visualization.latents import plot_latents

        image, sky = image_of(self, image), self.table["sky_center"]
        cells = LatentCells.from_image(image, sky, model=model, scale=scale)
        return plot_latents(cells, ids=self.table["id"], ax=ax)

    def send_to_ds9(self, *, image: ImageLike | None = None) -> None:
        """Show image and circles: `~astro_vaeclust.visualization.samp.send_to_ds9`."""
        from .visualization.samp import send_to_ds9

        send_to_ds9(self, image=image)

    def broadcast(self) -> list[str]:
        """Send the table to TOPCAT: `~astro_vaeclust.visualization.samp.broadcast`."""
        from .visualization.samp import broadcast

        return broadcast(self)

    def point_at(self, id: int) -> None:
        """Point programs at it: `~astro_vaeclust.visualization.samp.point_at`."""
        from .visualization.samp import point_at

        point_at(self, id)

    def profile(
        self,
        id: int,
        *,
        model: str = "plummer",
        sources: Table | PointSources | None = None,
        image: ImageLike | None = None,
        reach: u.Quantity | None = None,
    ) -> RadialProfile:
        """
        Count sources in rings around a cluster, and fit a density law to them.

        Parameters
        ----------
        id : int
            The cluster, an entry of the column ``id``.
        model, sources, image, reach
            The law, what to count and where, and how far out: see
            `~astro_vaeclust.measure.profiles.profile_of`, also for what it raises. A
            catalogue that was read from a file needs ``image``.

        Returns
        -------
        profile : `~astro_vaeclust.measure.profiles.RadialProfile`
            Densities, and ``r_core``, ``r50_counts`` and ``n_counts`` with errors.
        """
        from .measure.profiles import profile_of

        return profile_of(
            self, id, model=model, sources=sources, image=image, reach=reach
        )

    def match(
        self,
        sources: Table,
        *,
        cut: str | Callable | None = "paper",
        footprint: SkyArea | Region | None = None,
    ) -> ClusterMatch:
        """
        Match the clusters with a catalogue of sources on the same sky.

        Parameters
        ----------
        sources, cut, footprint
            The sources, which of them count, and where they are complete: see
            `~astro_vaeclust.matching.ClusterMatch`, also for what it raises.

        Returns
        -------
        match : `~astro_vaeclust.matching.ClusterMatch`
            Has ``iou(reference)``, ``members()`` and luminosity functions.
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

    def crossmatch(
        self,
        lists: str | KnownList | Table | Sequence,
        *,
        radius: u.Quantity | None = None,
    ) -> ClusterCatalog:
        """
        Look the clusters up in published lists.

        Parameters
        ----------
        lists, radius
            The lists, such as ``"solin2012"``, and the match radius: see
            `~astro_vaeclust.matching.lookup.crossmatch`, also for what it raises.

        Returns
        -------
        catalog : `ClusterCatalog`
            A new catalogue, whose table has more columns: ``name`` of the known cluster
            and ``offset`` from it (arcsec), ``status`` ("known" or "new"), and the
            ``known_list`` that has it.
        """
        from .matching.lookup import crossmatch

        table = self.table.copy()
        table.update(crossmatch(table, lists, radius=radius))
        return replace(self, table=table)

    def vetted(self, *paths: str | PathLike) -> ClusterCatalog:
        """Add the verdicts of CSV files that the page of ``vaeclust report`` wrote."""
        from .measure.verdicts import vetted_table

        return replace(self, table=vetted_table(self.table, paths))

    def write_heatmap(self, path: str | PathLike, overwrite: bool = False) -> None:
        """
        Write the heat map as a FITS image, whole or not at all.

        Raises ValueError without a heat map, and OSError if the file cannot be written,
        or exists and is not to be replaced.
        """
        if self.heatmap is None:
            raise ValueError("this catalogue has no heat map")
        heatmap = NDData(self.heatmap, unit=self.heatmap.unit or "")
        write_image(heatmap, path, meta=self.table.meta, overwrite=overwrite)


register_formats(ClusterCatalog)
