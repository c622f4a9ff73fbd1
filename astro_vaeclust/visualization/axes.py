# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Figures of matplotlib outside pyplot."""

from __future__ import annotations

from ..utils.files import atomic_path
from ..utils.optional import import_optional

__all__ = ["new_figure", "pyplot_figure", "save_figure"]


def new_figure(size=(6, 4.5)):
    """Return a new figure (size in inches) outside pyplot, without axes."""
    import_optional("matplotlib", "plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def pyplot_figure(size=(6, 4.5)):
    """Make a figure of pyplot (size in inches), which a notebook and show() show."""
    import_optional("matplotlib", "plot")
    from matplotlib import pyplot

    return pyplot.figure(figsize=size, layout="constrained")


def save_figure(figure, path, *, overwrite=False):
    """Write a figure to an image file, as `~astro_vaeclust.utils.files.atomic_path`."""
    with atomic_path(path, overwrite) as temporary:
        figure.savefig(temporary, dpi=150, bbox_inches="tight")
