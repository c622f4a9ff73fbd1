# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A cutout of the image for each cluster."""

from __future__ import annotations

import astropy.units as u
import numpy as np

from ..images.cutouts import cutout
from ..utils.validation import check_count
from .axes import pyplot_figure
from .catalog_plot import background_of, label_of
from .pictures import shown_pixels
from .sky_axes import (
    CLUSTER_COLOR,
    draw_compass,
    draw_image,
    draw_regions,
    draw_scale_bar,
    sky_axes,
)

__all__ = ["plot_cutouts"]

WIDTH = 4.0
"""Side of a cutout over the radius of its cluster."""


def plot_cutouts(catalog, *, columns=5, image=None):
    """
    Plot a piece of the image around each cluster, four radii wide.

    Parameters
    ----------
    catalog : `~astro_vaeclust.ClusterCatalog`
        The clusters.
    columns : int, optional
        Cutouts side by side.
    image : image, optional
        As in `~astro_vaeclust.visualization.catalog_plot.plot_catalog`.

    Returns
    -------
    axes : (n_clusters,) array of `~matplotlib.axes.Axes`
        In the order of the table, on a new figure of pyplot.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    ValueError
        If there is no cluster or no image, or a cluster is not on the image.
    """
    check_count("columns", columns)
    if not len(catalog):
        raise ValueError("the catalogue has no clusters to plot")
    background = background_of(catalog, image)
    columns = min(columns, len(catalog))
    rows = -(-len(catalog) // columns)
    figure = pyplot_figure((2.2 * columns, 2.4 * rows))
    grid = figure.add_gridspec(rows, columns)
    return np.array(
        [
            _plot_cutout(background, figure, grid[divmod(number, columns)], *one)
            for number, one in enumerate(
                zip(catalog.regions, catalog.table, strict=True)
            )
        ]
    )


def _plot_cutout(background, figure, place, region, row):
    place_on_sky = region.center, WIDTH * region.radius
    _, wcs = cutout(background, *place_on_sky)
    pixels = shown_pixels(background, lambda image: cutout(image, *place_on_sky)[0])
    ax = sky_axes(figure, wcs, place)
    draw_image(ax, pixels)
    draw_regions(ax, [region], wcs, edgecolor=CLUSTER_COLOR, linewidth=1.4)
    draw_compass(ax, wcs, pixels.shape[:2], fraction=0.13)
    draw_scale_bar(ax, wcs, pixels.shape[:2], fraction=0.4)
    ax.set_title(label_of(row), fontsize="small")
    for coordinate in ax.coords:
        coordinate.set_ticks_visible(False)
        coordinate.set_ticklabel_visible(False)
        coordinate.set_axislabel("")
    ax.set_xlabel(f'r80 = {region.radius.to_value(u.arcsec):.0f}"', fontsize="small")
    return ax
