# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Plots; importing this does not import matplotlib."""

from .catalog_plot import check_plot_suffix, image_of, plot_catalog, write_plot
from .cutouts import plot_cutouts
from .latents import plot_latents
from .profile import plot_radial_profile
from .samp import broadcast, point_at, send_to_ds9

__all__ = [
    "broadcast",
    "check_plot_suffix",
    "image_of",
    "plot_catalog",
    "plot_cutouts",
    "plot_latents",
    "plot_radial_profile",
    "point_at",
    "send_to_ds9",
    "write_plot",
]
