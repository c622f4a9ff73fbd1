# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Axes of matplotlib."""

from __future__ import annotations

from ..utils.optional import import_optional

__all__ = ["new_axes"]


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
