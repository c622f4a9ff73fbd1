# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Contours, radial profiles and luminosity functions as lists, for the page to draw."""

from __future__ import annotations

import numpy as np
from astropy.wcs.utils import proj_plane_pixel_area

from ..images.cutouts import cutout
from ..utils.warning import WARNINGS_LOCK
from ..visualization.catalog_plot import CONTOUR_LEVELS
from ..visualization.pictures import reduced, step_to
from .records import plain

__all__ = ["contour_lines", "luminosity_lists", "profile_lists"]

HEAT_SIDE = 64
"""Pixels of the side of a heat map whose contours are drawn at most."""

N_MODEL = 60
"""Points at which the fit of a profile is drawn."""

DIGITS = 4
"""Significant digits of curves."""


def contour_lines(heatmap, sky, side):
    """Return contours around a position, flat lists of x and y (downwards, arcsec)."""
    from contourpy import contour_generator

    pixels, wcs = cutout(heatmap, sky, side)
    heat = reduced(pixels, HEAT_SIDE)
    step = step_to(pixels.shape, HEAT_SIDE)
    generator = contour_generator(z=np.ma.masked_invalid(heat))
    center = np.array(wcs.world_to_pixel(sky))
    with WARNINGS_LOCK:
        scale = np.sqrt(proj_plane_pixel_area(wcs)) * 3600
    lines = [line for level in CONTOUR_LEVELS for line in generator.lines(level)]
    points = [((line + 0.5) * step - 0.5 - center) * (scale, -scale) for line in lines]
    return [np.round(line, 1).ravel().tolist() for line in points]


def profile_lists(profile):
    """Return a radial profile as lists, in arcsec and arcmin-2 (dict)."""
    outer = profile.edges[-1:]
    model = profile.fitted(np.linspace(0, 1, N_MODEL) * outer)
    return {
        "radius": plain((profile.edges[1:] + profile.edges[:-1]) / 2, DIGITS),
        "density": plain(profile.density, DIGITS),
        "error": plain(profile.density_err, DIGITS),
        "model": plain(model, DIGITS),
        "field": plain(np.atleast_1d(profile.background), DIGITS)[0],
        "outer": plain(outer, DIGITS)[0],
    }


def luminosity_lists(table):
    """Return the table of a luminosity function as lists (dict)."""
    names = ("n_sources", "n_field", "n_members", "n_members_err")
    lists = {name: plain(table[name], DIGITS) for name in names}
    edges = np.append(table["low"].value, table["high"].value[-1:])
    return lists | {"edges": plain(edges, DIGITS), "band": table.meta["band"]}
