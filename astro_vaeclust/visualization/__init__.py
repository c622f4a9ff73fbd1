# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Plots; importing this does not import matplotlib."""

from .catalog_plot import check_plot_suffix, plot_catalog, write_plot

__all__ = ["check_plot_suffix", "plot_catalog", "write_plot"]
