# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The image with its heat map and its clusters."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..images.bands import as_image
from ..utils.optional import import_optional
from .axes import new_figure, pyplot_figure, save_figure
from .pictures import shown_pixels, unmasked_pixels
from .sky_axes import (
    CLUSTER_COLOR,
    HEAT_COLOR,
    REFERENCE_COLOR,
    draw_compass,
    draw_image,
    draw_regions,
    draw_scale_bar,
    outlined,
    sky_axes,
)

__all__ = [
    "background_of",
    "check_plot_suffix",
    "image_of",
    "label_of",
    "plot_catalog",
    "write_plot",
]

CONTOUR_LEVELS = (0.25, 0.5, 0.75)
"""Levels of the heat map that are drawn."""

TITLE_PAD = 0.12
"""Room in inches above the title, which WCSAxes does not leave when first drawn."""

_LONG_SIDE = 8  # inches
_STYLES = {
    "r80": {"edgecolor": CLUSTER_COLOR, "linestyle": "-", "linewidth": 1.8},
    "r50": {"edgecolor": CLUSTER_COLOR, "linestyle": "--", "linewidth": 1.2},
    "reference": {"edgecolor": REFERENCE_COLOR, "linestyle": ":", "linewidth": 2.2},
}


def plot_catalog(catalog, ax=None, *, image=None, references=(), pyplot=True):
    """
    Plot the image, contours of the heat map, and a circle around each cluster.

    Drawn are the radius of each cluster and, dashed, its r50, with its id and its
    false-alarm rate; a compass and a scale bar. Several bands are shown in colour
    (Lupton et al. 2004, PASP 116, 133): the longest wavelength in red, the shortest in
    blue, of two bands their mean in green, and grey where there is none. They are
    scaled so that the stars of the field are white on average.

    Parameters
    ----------
    catalog : `~astro_vaeclust.catalog.ClusterCatalog`
        The clusters.
    ax : `~matplotlib.axes.Axes`, optional
        Where to plot, in pixels of the image; best a
        `~astropy.visualization.wcsaxes.WCSAxes` of the image's wcs. By default on a
        new figure of pyplot.
    image : image, optional
        What `~astro_vaeclust.VAEClusterFinder.detect` takes, for a catalogue that was
        read and thus has none, or to plot on another band.
    references : iterable of region, optional
        Regions to compare with, dotted: of the sky, or of pixels of the image.
    pyplot : bool, optional
        Whether a new figure is one of pyplot, which is shown in a notebook.

    Returns
    -------
    ax : `~matplotlib.axes.Axes`
        The axes.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    ValueError
        If there is neither an image nor a heat map.
    """
    import_optional("matplotlib", "plot")
    background = background_of(catalog, image)
    is_own = ax is None
    if is_own:
        figure = (pyplot_figure if pyplot else new_figure)(_size(background))
        figure.get_layout_engine().set(h_pad=TITLE_PAD)
        ax = sky_axes(figure, background.wcs)
    draw_image(ax, shown_pixels(background))
    ax.set_title(_title(background))
    if (
        catalog.heatmap is not None
        and catalog.heatmap.data.shape == background.data.shape
    ):
        _draw_contours(ax, catalog.heatmap)
    _draw_circles(ax, catalog, background, references)
    if background.wcs is not None:
        draw_compass(ax, background.wcs, background.data.shape)
        draw_scale_bar(ax, background.wcs, background.data.shape)
    _draw_legend(ax, catalog, references, is_own)
    return ax


def image_of(catalog, image=None):
    """Return a given image, or else that of a catalogue, as an `Image`."""
    image = catalog.image if image is None else image
    if image is None:
        raise ValueError("the catalogue has no image; give it as image=")
    return as_image(image)


def background_of(catalog, image=None):
    """Return what to plot: a given image, that of the catalogue, or its heat map."""
    if image is not None:
        return image_of(catalog, image)
    for background in (catalog.image, catalog.heatmap):
        if background is not None:
            return background
    raise ValueError(
        "the catalogue has neither an image nor a heat map to plot; give the image "
        "that was searched as image="
    )


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
    figure = plot_catalog(catalog, pyplot=False).figure
    save_figure(figure, path, overwrite=overwrite)


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
            f"the suffix of {str(path)!r} is not a format of pictures; available: "
            f"{', '.join('.' + suffix for suffix in known)}"
        )


def _title(background):
    """Return the name of what is shown, and its bands where they are colours (str)."""
    name = getattr(background, "name", None) or ""
    bands = getattr(background, "bands", None)
    if not bands:
        return name
    colours = f"{', '.join(reversed(bands))} as red to blue"
    return f"{name}: {colours}" if name else colours


def _size(background):
    """Return width and height of a figure in inches."""
    ny, nx = background.data.shape
    scale = _LONG_SIDE / max(ny, nx)
    return max(nx * scale, 3) + 1, max(ny * scale, 3) + 1.3


def _draw_contours(ax, heatmap):
    pixels = unmasked_pixels(heatmap)
    finite = pixels[np.isfinite(pixels)]
    levels = [
        level
        for level in CONTOUR_LEVELS
        if finite.size and finite.min() < level < finite.max()
    ]
    if levels:
        ax.contour(pixels, levels=levels, colors=HEAT_COLOR, linewidths=0.8)


def _draw_circles(ax, catalog, background, references):
    draw_regions(ax, references, background.wcs, **_STYLES["reference"])
    for region, row in zip(catalog.regions, catalog.table, strict=True):
        circle = region.to_pixel(background.wcs)
        draw_regions(ax, [circle], background.wcs, **_STYLES["r80"])
        if "r50" in catalog.table.colnames and row["r50"] > 0:
            part = (row["r50"] / row["radius"]).to_value("")
            inner = circle.copy(radius=part * circle.radius)
            draw_regions(ax, [inner], background.wcs, **_STYLES["r50"])
        _draw_label(ax, label_of(row), circle, background.data.shape)


def label_of(row):
    """Return id and, where it is known, the false-alarm rate of a cluster (str)."""
    rate = row["false_alarm_rate"].to_value("deg-2")
    return f"{row['id']}" + (f": {rate:.2g} deg⁻²" if np.isfinite(rate) else "")


def _draw_legend(ax, catalog, references, is_own):
    from matplotlib.lines import Line2D

    names = {"r80": "radius (80 % of the members)"}
    if "r50" in catalog.table.colnames:
        names["r50"] = "r50 (half of them)"
    if len(references):
        names["reference"] = "reference"
    lines = [
        Line2D([], [], color=style["edgecolor"], ls=style["linestyle"], lw=1.8)
        for style in map(_STYLES.get, names)
    ]
    labels = list(names.values())
    if catalog.heatmap is not None:
        lines.append(Line2D([], [], color=HEAT_COLOR, lw=0.8))
        labels.append("heat map at 0.25, 0.5, 0.75")
    if is_own:
        columns = 2 if ax.figure.get_figwidth() > 6 else 1
        ax.figure.legend(lines, labels, loc="outside lower center", ncols=columns)
    else:
        ax.legend(lines, labels, loc="upper right", fontsize="small")


def _draw_label(ax, text, circle, shape):
    ny, nx = shape
    top = circle.center.y + circle.radius
    inside = top > 0.9 * ny  # no room above the circle
    x = np.clip(circle.center.x, 0.03 * nx, 0.97 * nx)
    ax.annotate(
        text,
        (x, np.clip(top, 0, ny - 1)),
        xytext=(0, -3 if inside else 2),
        textcoords="offset points",
        ha="left" if x < 0.15 * nx else "right" if x > 0.85 * nx else "center",
        va="top" if inside else "bottom",
        color=CLUSTER_COLOR,
        weight="bold",
        gid="label",
        path_effects=outlined(),
    )
