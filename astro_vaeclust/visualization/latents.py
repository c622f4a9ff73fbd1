# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A plot of the latent space."""

from __future__ import annotations

import numpy as np

from .axes import pyplot_figure

__all__ = ["plot_latents"]

_STYLES = (
    ("0.6", "."),
    ("#0072b2", "o"),
    ("#e69f00", "^"),
    ("#009e73", "s"),
    ("#cc79a7", "x"),
)
"""Colours of Okabe & Ito and symbols of the components."""


def plot_latents(cells, *, ids, ax=None):
    """
    Plot the first two principal components of latents, by component.

    Parameters
    ----------
    cells : ``astro_vaeclust.detector.latent_cells.LatentCells``
        The latents of the cells of an image, and those of the clusters.
    ids : (n_clusters,) int array
        Written beside the clusters.
    ax : `~matplotlib.axes.Axes`, optional
        Where to plot.

    Returns
    -------
    ax : `~matplotlib.axes.Axes`
        The axes.
    """
    if ax is None:
        ax = pyplot_figure((7, 5)).add_subplot()
    mean = cells.latents.mean(axis=0)
    _, sizes, directions = np.linalg.svd(cells.latents - mean, full_matrices=False)
    part = sizes**2 / np.sum(sizes**2)
    x, y = directions[:2] @ (cells.latents - mean).T
    for number, (name, (color, marker)) in enumerate(
        zip(cells.names, _STYLES, strict=True)
    ):
        rows = cells.components == number
        ax.plot(
            x[rows], y[rows], marker, color=color, ms=4, label=f"{name} ({rows.sum()})"
        )
    rows = cells.clusters
    ax.plot(x[rows], y[rows], "*", ms=13, mfc="none", mec="black", label="candidates")
    for row, name in zip(rows, ids, strict=True):
        ax.annotate(str(name), (x[row], y[row]), (5, 5), textcoords="offset points")
    ax.set_xlabel(f"First principal component ({100 * part[0]:.0f} % of the variance)")
    ax.set_ylabel(f"Second ({100 * part[1]:.0f} %)")
    ax.legend(title="component")
    return ax
