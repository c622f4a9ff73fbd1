# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A plot of the radial profile of a cluster."""

from __future__ import annotations

import astropy.units as u
import numpy as np

from ..measure.profile import radial_profile
from ..sources.table import read_point_sources
from .axes import pyplot_figure
from .catalog_plot import image_of

__all__ = ["plot_profile", "plot_radial_profile"]


def plot_radial_profile(catalog, id, *, sources=None, image=None, ax=None):
    """
    Plot the density of sources around a cluster, with a fit and the field.

    Parameters
    ----------
    catalog : `~astro_vaeclust.ClusterCatalog`
        The clusters.
    id : int
        Which cluster.
    sources : `~astropy.table.Table`, optional
        What to count, as ``sources`` of `~astro_vaeclust.VAEClusterFinder.detect`; by
        default the sources that are found in the image.
    image : image, optional
        As in `~astro_vaeclust.ClusterCatalog.plot`.
    ax : `~matplotlib.axes.Axes`, optional
        Where to plot; by default on a new figure of pyplot.

    Returns
    -------
    ax : `~matplotlib.axes.Axes`
        The axes.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    ValueError
        If there is no such cluster or no image, or the sources cannot be used.
    """
    rows = np.flatnonzero(catalog.table["id"] == id)
    if len(rows) != 1:
        ids = catalog.table["id"].tolist()
        raise ValueError(f"id must be that of one cluster, of {ids}; got {id!r}")
    image = image_of(catalog, image)
    if sources is not None:
        sources = read_point_sources(sources, image)
    profile = radial_profile(
        image,
        np.array(image.wcs.world_to_pixel(catalog.table["sky_center"][rows[0]])),
        catalog.table["radius"][rows[0]],
        sources=sources,
    )
    ax = plot_profile(profile, ax=ax)
    ax.set_title(f"Cluster {id}")
    return ax


def plot_profile(profile, *, ax=None):
    """Plot a `RadialProfile` on axes, by default of a new figure."""
    if ax is None:
        ax = pyplot_figure().add_subplot()
    edges = profile.edges.to_value(u.arcsec)
    ax.errorbar(
        (edges[1:] + edges[:-1]) / 2,
        profile.density.value,
        profile.density_err.value,
        np.diff(edges) / 2,
        fmt="o",
        color="#0072b2",
        label="sources",
    )
    if profile.plummer is not None:
        radius = np.linspace(0, edges[-1], 200)
        label = (
            f'Plummer, {profile.plummer[0]:.0f} members, a = {profile.plummer[1]:.0f}"'
        )
        ax.plot(
            radius,
            profile.model(radius * u.arcsec).value,
            color="#d55e00",
            label=label,
        )
    ax.axhline(
        profile.field.value,
        color="0.3",
        ls="--",
        label=f"field {profile.field.value:.1f}",
    )
    ax.set(xlabel="Radius (arcsec)", ylabel="Sources per arcmin$^2$", ylim=(0, None))
    ax.legend()
    return ax
