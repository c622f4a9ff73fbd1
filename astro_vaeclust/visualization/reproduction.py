# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Pictures of the paper's fields and of its table."""

from __future__ import annotations

import numpy as np

from .axes import new_figure, save_figure
from .catalog_plot import plot_catalog

__all__ = ["write_plots", "write_table_plot"]

_COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7")


def write_plots(field, name, folder, catalog, match, overlap):
    """
    Write the picture of a field with clusters and reference, and the magnitudes.

    The files are ``<name>.png`` and, with a detection, ``<name>_magnitudes.png``.
    """
    ax = plot_catalog(catalog, references=[field.reference], pyplot=False)
    ax.set_title(f"{field.name}, {name}: IoU {overlap.iou:.2f}")
    save_figure(ax.figure, folder / f"{name}.png", overwrite=True)
    if overlap.id:
        ax = match.plot_luminosity_function(overlap.id, region=overlap.region)
        ax.set_title(f"{field.name}, {name}")
        save_figure(ax.figure, folder / f"{name}_magnitudes.png", overwrite=True)


def write_table_plot(table, path):
    """Write a picture of the table: radii and IoUs beside those of the paper."""
    figure = new_figure((10, 4.8))
    left, right = figure.subplots(1, 2)
    _draw_pairs(left, table, "radius", "reference_radius", "paper_radius")
    left.set(xlabel="Radius of the literature (arcsec)", ylabel="Radius (arcsec)")
    _draw_pairs(right, table, "iou", "paper_iou", None)
    right.set(xlabel="IoU as printed in the paper", ylabel="IoU on source counts")
    right.set(xlim=(0, 1), ylim=(0, 1))
    save_figure(figure, path, overwrite=True)


def _draw_pairs(ax, table, ours, along, paper):
    """Plot one column against another for each finder, and the line of equality."""
    names = list(dict.fromkeys(table["finder"]))
    for number, name in enumerate(names):
        rows = table[table["finder"] == name]
        color = _COLORS[number % len(_COLORS)]
        x, y = np.asarray(rows[along]), np.asarray(rows[ours])
        ax.plot(x, y, "o", color=color, label=name)
    x = np.asarray(table[along])
    if paper is not None:
        ax.plot(x, np.asarray(table[paper]), "x", color="0.4", label="as printed")
    limits = [0, 1.1 * np.nanmax(x)]
    ax.plot(limits, limits, color="0.7", lw=0.8, zorder=0)
    ax.legend()
