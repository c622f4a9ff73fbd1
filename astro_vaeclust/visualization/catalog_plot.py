# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The image with its heat map and its clusters."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..utils.optional import import_optional
from .axes import new_figure, save_figure

__all__ = ["check_plot_suffix", "plot_catalog", "write_plot"]

CONTOUR_LEVELS = (0.25, 0.5, 0.75)
"""Levels of the heat map that are drawn."""

_CIRCLE_COLOR = "#56b4e9"  # from the palette of Okabe & Ito, as is the next one
_CONTOUR_COLOR = "#e69f00"
_AXIS_LABELS = {
    "pos.eq.ra": "Right ascension",
    "pos.eq.dec": "Declination",
    "pos.galactic.lon": "Galactic longitude",
    "pos.galactic.lat": "Galactic latitude",
}
_LONG_SIDE = 8  # inches


def plot_catalog(catalog, ax=None):
    """
    Plot the image, contours of the heat map, and a circle around each cluster.

    Parameters
    ----------
    catalog : `~astro_vaeclust.catalog.ClusterCatalog`
        The clusters, with the image or the heat map or both.
    ax : `~matplotlib.axes.Axes`, optional
        As in `~astro_vaeclust.ClusterCatalog.plot`.

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
    import_optional("matplotlib", "plot")
    background = catalog.image if catalog.image is not None else catalog.heatmap
    if background is None:
        raise ValueError("the catalogue has neither an image nor a heat map to plot")
    if ax is None:
        ax = _new_axes(background)
    _draw_background(ax, background)
    if catalog.heatmap is not None:
        _draw_contours(ax, catalog.heatmap)
    _draw_circles(ax, catalog.regions, catalog.table["id"], background)
    return ax


def write_plot(catalog, path, overwrite=False):
    """
    Write the plot of a catalogue to an image file, whole or not at all.

    Parameters
    ----------
    catalog : `~astro_vaeclust.catalog.ClusterCatalog`
        The clusters, with the image or the heat map or both.
    path : str or path-like
        The file, with the suffix of a format: ``.png``, ``.pdf``, ``.svg``, ...
    overwrite : bool, optional
        Whether an existing file may be replaced.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    ValueError
        If matplotlib does not write this format, or there is nothing to plot.
    OSError
        If the file cannot be written, or exists and may not be replaced.
    """
    check_plot_suffix(path)
    save_figure(plot_catalog(catalog).figure, path, overwrite=overwrite)


def check_plot_suffix(path):
    """
    Raise ValueError unless matplotlib writes files with the suffix of a path.

    The message lists the suffixes that it writes. Raises ImportError without
    matplotlib.
    """
    import_optional("matplotlib", "plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    known = FigureCanvasAgg.get_supported_filetypes()
    if Path(path).suffix.lower().removeprefix(".") not in known:
        raise ValueError(
            f"the suffix of {str(path)!r} is no format of pictures; available: "
            f"{', '.join('.' + suffix for suffix in known)}"
        )


def _new_axes(background):
    ny, nx = background.data.shape
    scale = _LONG_SIDE / max(ny, nx)
    figure = new_figure((max(nx * scale, 3) + 1, max(ny * scale, 3) + 1))
    if background.wcs is None:
        return figure.add_subplot()
    ax = figure.add_subplot(projection=background.wcs)
    for coordinate, kind in zip(
        ax.coords, background.wcs.world_axis_physical_types, strict=True
    ):
        coordinate.set_axislabel(_AXIS_LABELS.get(kind, kind))
    return ax


def _draw_background(ax, background):
    from astropy.visualization import AsinhStretch, ImageNormalize, ZScaleInterval

    pixels = _unmasked_pixels(background)
    finite = pixels[np.isfinite(pixels)]
    low, high = ZScaleInterval().get_limits(finite) if finite.size else (0, 1)
    norm = ImageNormalize(
        vmin=low, vmax=low + 4 * (high - low) or 1, stretch=AsinhStretch(0.1)
    )
    ax.imshow(pixels, cmap="gray", norm=norm, origin="lower", interpolation="nearest")
    ax.set_title(getattr(background, "name", None) or "")


def _unmasked_pixels(image):
    pixels = np.array(image.data, dtype=np.float64)
    if image.mask is not None:
        pixels[np.broadcast_to(image.mask, pixels.shape)] = np.nan
    return pixels


def _draw_contours(ax, heatmap):
    pixels = _unmasked_pixels(heatmap)
    finite = pixels[np.isfinite(pixels)]
    levels = [
        level
        for level in CONTOUR_LEVELS
        if finite.size and finite.min() < level < finite.max()
    ]
    if levels:
        ax.contour(pixels, levels=levels, colors=_CONTOUR_COLOR, linewidths=0.8)


def _draw_circles(ax, regions, numbers, background):
    for region, number in zip(regions, numbers, strict=True):
        circle = region.to_pixel(background.wcs)
        circle.plot(
            ax=ax,
            edgecolor=_CIRCLE_COLOR,
            facecolor="none",
            linewidth=1.8,
            zorder=3,  # above the contours
        )
        _draw_label(ax, str(number), circle, background.data.shape)


def _draw_label(ax, text, circle, shape):
    from matplotlib.patheffects import withStroke

    ny, nx = shape
    top = circle.center.y + circle.radius
    inside = top > 0.9 * ny  # no room above the circle
    ax.annotate(
        text,
        (
            np.clip(circle.center.x, 0.03 * nx, 0.97 * nx),
            np.clip(top, 0, ny - 1),
        ),
        xytext=(0, -3 if inside else 2),
        textcoords="offset points",
        ha="center",
        va="top" if inside else "bottom",
        color=_CIRCLE_COLOR,
        weight="bold",
        path_effects=[withStroke(linewidth=2, foreground="black")],
    )
