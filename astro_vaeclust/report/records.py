# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What the page shows of each candidate, as plain values."""

from __future__ import annotations

import math
from io import BytesIO

import astropy.units as u
import numpy as np
from astropy.io import fits
from astropy.nddata import NDData
from astropy.wcs import WCS

from ..images.cutouts import cutout
from ..images.read import read_image
from ..measure.flags import ClusterFlags
from ..measure.profile import OUTER, radial_profile
from ..sources.find import find_sources
from ..sources.points import on_usable_pixels
from ..visualization.catalog_plot import CONTOUR_LEVELS
from ..visualization.pictures import as_grey, reduced
from ..visualization.sky_axes import north_and_east

__all__ = ["column_facts", "records_of", "views_of"]

SIDE = 256
"""Pixels of the side of a picture at most."""

RADII = (4, 12)
"""Widths of the first two scales over the radius."""

HEAT_SIDE = 64
"""Pixels of the side of a heat map whose contours are drawn at most."""

N_MODEL = 60
"""Points at which the fit of a profile is drawn."""

WIDE = 15 * u.arcmin
"""Width of the third scale."""


def column_facts(table):
    """Return name, unit and description of the columns of the page (list of dict)."""
    facts = []
    for name in ("id", "ra", "dec", *table.colnames[1:]):
        if name == "sky_center":
            continue
        info = table[name].info if name in table.colnames else None
        unit = (
            "deg" if name in ("ra", "dec") else str(getattr(info, "unit", None) or "")
        )
        description = str(getattr(info, "description", None) or "")
        facts.append({"name": name, "unit": unit, "description": description})
    return facts


def records_of(table):
    """Return the values of each candidate (list of dict), None for NaN."""
    sky = table["sky_center"].icrs
    columns = {"id": table["id"], "ra": sky.ra.deg, "dec": sky.dec.deg}
    columns |= {name: table[name] for name in table.colnames if name != "sky_center"}
    lists = {
        name: [_plain(value) for value in values] for name, values in columns.items()
    }
    rows = [
        dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)
    ]
    return [{"values": row, "flags": _flags(row["flags"])} for row in rows]


def _plain(value):
    value = getattr(value, "value", value)
    if np.ma.is_masked(value):
        return None
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        return float(f"{value:.8g}") if math.isfinite(value) else None
    return value if isinstance(value, (bool, int, str)) or value is None else str(value)


def _flags(value):
    """Return the meanings of the flags that are set (list of str)."""
    return [flag.meaning for flag in ClusterFlags if int(value) & flag]


def views_of(catalog, paths, *, heatmaps=(), references=()):
    """
    Look at the candidates on images, each of which is opened once.

    Parameters
    ----------
    catalog : `~astro_vaeclust.ClusterCatalog`
        The candidates.
    paths : iterable of path-like
        Images. Of several that hold a candidate, the one counts in which it is the
        farthest from the border.
    heatmaps : iterable of path-like, optional
        Heat maps of some of the images, as `~astro_vaeclust.ClusterCatalog` writes
        them.
    references : iterable of `~regions.CircleSkyRegion`, optional
        Circles to draw.

    Returns
    -------
    views : dict
        By row: ``pictures`` (bytes of WebP or None, at three scales), ``sides`` of
        these in arcsec, ``north``, ``east``, ``references``, ``contours``, ``profile``
        and ``image``.
    """
    views, depths = {}, {}
    for path in paths:
        image = read_image(path)
        ny, nx = image.shape
        x, y = image.wcs.world_to_pixel(catalog.table["sky_center"])
        with np.errstate(invalid="ignore"):
            inside = (x > -0.5) & (y > -0.5) & (x < nx - 0.5) & (y < ny - 0.5)
        sources = _sources(image, catalog.table["radius"][inside])
        for row in np.flatnonzero(inside):
            depth = image.distance_to_border(x[row], y[row])
            if depth > depths.get(row, 0):
                depths[row] = depth
                center = np.array([x[row], y[row]])
                views[int(row)] = _view(
                    image, catalog.table[row], center, references, sources
                )
    for path in heatmaps:
        pixels, header = fits.getdata(path, header=True)
        heatmap = NDData(pixels, wcs=WCS(header))
        centers = heatmap.wcs.world_to_pixel(catalog.table["sky_center"])
        inside = on_usable_pixels(np.zeros(pixels.shape, bool), *centers)
        for row in views.keys() & np.flatnonzero(inside).tolist():
            views[row]["contours"] = [
                _contours(heatmap, catalog.table["sky_center"][row], side)
                for side in views[row]["sides"]
            ]
    return views


def _sources(image, radii):
    """Find the sources of an image once; None where it is less work around each."""
    sides = 2 * OUTER * radii / (image.pixel_scale * u.pix)
    areas = np.nansum(sides.to_value(u.one) ** 2)
    return find_sources(image) if areas > image.data.size else None


def _view(image, row, center, references, sources):
    sky, radius = row["sky_center"], row["radius"].to(u.arcsec)
    sides = [factor * radius for factor in RADII] + [WIDE.to(u.arcsec)]
    is_good = bool(np.isfinite(radius) and radius > 0)
    north, east = north_and_east(image.wcs, *center, 1.0)
    near = [
        circle
        for circle in references
        if circle.center.separation(sky) < WIDE / 2 + circle.radius
    ]
    return {
        "image": image.name,
        "pictures": [
            _picture(image, sky, side) if is_good or side is sides[-1] else None
            for side in sides
        ],
        "sides": [round(float(side.value), 2) if is_good else 900 for side in sides],
        "north": _on_screen(north),
        "east": _on_screen(east),
        "contours": [[], [], []],
        "references": [_offset(circle, image, center) for circle in near],
        "profile": _profile(image, center, radius, sources) if is_good else None,
    }


def _on_screen(step):
    """Return a step in pixels with y downwards."""
    return [round(float(step[0]), 4), round(float(-step[1]), 4)]


def _offset(circle, image, center):
    """Return x, y (downwards) and radius of a circle in arcsec from the candidate."""
    scale = image.pixel_scale.to_value(u.arcsec / u.pix)
    x, y = (np.array(image.wcs.world_to_pixel(circle.center)) - center) * scale
    return [round(float(v), 2) for v in (x, -y, circle.radius.to_value(u.arcsec))]


def _contours(heatmap, sky, side):
    """Return contours of a cutout, flat lists of x and y (downwards) in per cent."""
    from contourpy import contour_generator

    heat = reduced(cutout(heatmap, sky, side * u.arcsec)[0], HEAT_SIDE)
    generator = contour_generator(z=np.ma.masked_invalid(heat))
    step = 100 / np.array(heat.shape[::-1])
    lines = [line for level in CONTOUR_LEVELS for line in generator.lines(level)]
    points = [(line + 0.5) * step * (1, -1) + (0, 100) for line in lines]
    return [np.round(line, 1).ravel().tolist() for line in points]


def _picture(image, sky, side):
    from PIL import Image

    pixels = reduced(cutout(image, sky, side)[0], SIDE)
    file = BytesIO()
    Image.fromarray(as_grey(pixels)).save(file, "webp", quality=80, method=2)
    return file.getvalue()


def _profile(image, center, radius, sources):
    """Return the radial profile as lists (dict)."""
    profile = radial_profile(image, center, radius, sources=sources)
    middle = (profile.edges[1:] + profile.edges[:-1]) / 2
    curves = {
        "radius": middle,
        "density": profile.density,
        "error": profile.density_err,
        "model": profile.model(np.linspace(0, 1, N_MODEL) * profile.edges[-1]),
    }
    lists = {
        name: [_plain(value) for value in values.value]
        for name, values in curves.items()
    }
    outer = _plain(profile.edges[-1])
    return lists | {"field": _plain(profile.field), "outer": outer}
