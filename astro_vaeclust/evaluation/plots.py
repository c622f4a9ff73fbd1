# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Plots of the evaluation; importing this does not import matplotlib."""

from __future__ import annotations

import astropy.units as u
import numpy as np

from ..exceptions import import_optional

__all__ = ["new_axes", "plot_froc"]

_LOWEST = 0.05
"""Rate per deg2 at the left of the plot; what lies below is drawn from there."""


def plot_froc(result, ax=None, **keywords):
    """
    Plot completeness over the rate of false positives.

    Parameters
    ----------
    result : `FROC`
        The curve.
    ax : `~matplotlib.axes.Axes`, optional
        Where to plot; by default a new figure outside pyplot.
    **keywords
        Passed to `matplotlib.axes.Axes.step`.

    Returns
    -------
    ax : `~matplotlib.axes.Axes`
        The axes.
    """
    if ax is None:
        ax = new_axes()
    rate = np.maximum(result.rate.to_value(u.deg**-2), _LOWEST)
    ax.step(rate, result.completeness, where="post", **keywords)
    ax.set_xscale("log")
    ax.set_ylim(-0.02, 1.02)
    ax.set_xlabel("false positives per deg$^2$")
    ax.set_ylabel("completeness")
    return ax


def new_axes(size=(6, 4.5)):
    """
    Make axes in a new figure outside pyplot.

    Parameters
    ----------
    size : tuple of float
        Width and height in inches.

    Returns
    -------
    ax : `~matplotlib.axes.Axes`
        The axes.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    """
    import_optional("matplotlib", "plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure.add_subplot()
