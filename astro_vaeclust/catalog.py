# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a finder returns: the measured clusters of one image."""

from __future__ import annotations

import astropy.units as u
from astropy.nddata import NDData
from astropy.table import QTable

from .images.write import write_image
from .io import FORMATS
from .measure.columns import check_columns, cluster_table
from .utils.files import atomic_path

__all__ = ["ClusterCatalog", "cluster_table"]


class ClusterCatalog:
    """
    The measured clusters of one image.

    Parameters
    ----------
    table : `~astropy.table.QTable`
        One row per cluster, as `~astro_vaeclust.measure.columns.cluster_table`
        makes it.
    heatmap : `~astropy.nddata.NDData`, optional
        How much each pixel looks like a cluster, in [0, 1], of shape (ny, nx), with
        its wcs.
    segmentation : `~photutils.segmentation.SegmentationImage`, optional
        The region of each cluster in pixels; None without clusters.
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

    def __init__(self, table, *, heatmap=None, segmentation=None, image=None):
        if not isinstance(table, QTable):
            raise TypeError(f"table must be a QTable, got {type(table).__name__}")
        if heatmap is not None and not isinstance(heatmap, NDData):
            raise TypeError(f"heatmap must be NDData, got {type(heatmap).__name__}")
        check_columns(table.colnames)
        self.table = table
        self.heatmap = heatmap
        self.segmentation = segmentation
        self.image = image

    def __len__(self):
        """Return the number of clusters."""
        return len(self.table)

    def __repr__(self):
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

    @property
    def regions(self):
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
            `~astropy.visualization.wcsaxes.WCSAxes` of the image's wcs. Without it,
            a new figure is made, outside pyplot: ``catalog.plot().figure`` shows or
            saves it.

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
        from .visualization import plot_catalog

        return plot_catalog(self, ax=ax)

    def match(self, sources, *, cut="paper", footprint=None):
        """
        Match the clusters with a catalogue of sources on the same sky.

        Parameters
        ----------
        sources : `~astropy.table.Table`
            The sources, as the adapters of `astro_vaeclust.archives` return them.
        cut, footprint
            Which sources count, and where they are complete: see
            `~astro_vaeclust.matching.ClusterMatch`.

        Returns
        -------
        match : `~astro_vaeclust.matching.ClusterMatch`
            Has ``iou(reference)``, ``members()`` and luminosity functions.

        Raises
        ------
        TypeError, ValueError
            If the sources cannot be used, or have no sky in common with the clusters.
        """
        from .matching import ClusterMatch

        return ClusterMatch(self, sources, cut=cut, footprint=footprint)

    def crossmatch(self, lists, *, radius=None):
        """
        Look the clusters up in published lists and add what is found to the table.

        Parameters
        ----------
        lists : str, KnownList, `~astropy.table.Table`, or a list of these
            Tags of `~astro_vaeclust.matching.KNOWN_LISTS`, which VizieR is asked for,
            such as ``"solin2012"``; a `~astro_vaeclust.matching.KnownList` of your own;
            or tables of known clusters.
        radius : `~astropy.units.Quantity`, optional
            Farther than this, a known cluster is another one; by default the match
            radius of each list.

        Returns
        -------
        catalog : `ClusterCatalog`
            This catalogue. Its table has new columns: ``name`` of the known cluster
            and ``offset`` from it (arcsec), ``status`` ("known" or "new"), and the
            ``known_list`` that has it.

        Raises
        ------
        TypeError, ValueError
            If a list is unknown or has no positions, or the radius is no angle.
        `~astro_vaeclust.archives.ArchiveError`
            If VizieR does not give a list. The table stays as it was.
        """
        from .matching import crossmatch

        self.table.update(crossmatch(self.table, lists, radius=radius))
        return self

    @FORMATS.documented
    def write(self, path, format=None, overwrite=False):
        """
        Write the clusters to a file, whole or not at all.

        {formats}

        Parameters
        ----------
        path : str or path-like
            The file.
        format : str, optional
            One of the formats above; by default the one that the suffix tells.
        overwrite : bool, optional
            Whether an existing file may be replaced.

        Raises
        ------
        ValueError
            If there is no such format.
        OSError
            If the file cannot be written, or exists and may not be replaced.
        ImportError
            If the format needs a package that is missing.
        """
        file_format = FORMATS.find(path, format)
        with atomic_path(path, overwrite) as place:
            file_format.write(self, place)

    def write_heatmap(self, path, overwrite=False):
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
        write_image(self.heatmap, path, meta=self.table.meta, overwrite=overwrite)

    @classmethod
    def read(cls, path, format=None):
        """
        Read the table of clusters from a file that `write` wrote.

        Parameters
        ----------
        path : str or path-like
            The file.
        format : str, optional
            Its format; by default the one that the suffix tells. Region files cannot
            be read, since they do not hold all columns.

        Returns
        -------
        catalog : `ClusterCatalog`
            The clusters, without heat map, segmentation and image.

        Raises
        ------
        ValueError
            If the format is unknown or cannot be read, or a column is missing.
        OSError
            If the file cannot be read.
        """
        file_format = FORMATS.find(path, format)
        if file_format.read is None:
            raise ValueError(f"format={file_format.name!r} can only be written")
        return cls(file_format.read(path))


def _circle(row):
    from regions import CircleSkyRegion

    radius = row["radius"].to(u.arcsec)
    text = f"{row['id']}: radius={radius.value:.1f} arcsec score={row['score']:.3f}"
    return CircleSkyRegion(row["sky_center"], radius, meta={"text": text})
