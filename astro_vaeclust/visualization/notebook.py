# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A catalogue in a notebook: the first rows and a thumbnail, without matplotlib."""

from __future__ import annotations

from html import escape

import astropy.units as u
import numpy as np

from .catalog_plot import background_of
from .pictures import as_grey, png_url, reduced, shown_pixels, unmasked_pixels
from .sky_axes import CLUSTER_COLOR

__all__ = ["catalog_html"]

N_ROWS = 10
SIDE = 200
"""Pixels of the longer side of the thumbnail at most."""

COLUMNS = {
    "id": "d",
    "ra": ".5f",
    "dec": ".5f",
    "radius": ".1f",
    "r50": ".1f",
    "n_members": ".0f",
    "a_k": ".2f",
    "bands": "",
    "score": ".3f",
    "false_alarm_rate": ".2g",
    "flags": "d",
    "name": "",
    "status": "",
    "verdict": "",
}
"""Columns that are shown where there are, and their formats."""


def catalog_html(catalog):
    """Return a catalogue as HTML, all text escaped (str)."""
    rest = len(catalog) - N_ROWS
    more = f"<p>{rest} more</p>" if rest > 0 else ""
    return (
        f"<div><p>{escape(repr(catalog))}</p>{_thumbnail(catalog)}"
        f"{_table(catalog.table[:N_ROWS])}{more}</div>"
    )


def _table(table):
    columns = _columns(table)
    head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in columns)
    rows = zip(*columns.values(), strict=True)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _columns(table):
    """Return the texts of the columns by their headings (dict of list)."""
    sky = table["sky_center"].icrs
    values = {"ra": sky.ra.to(u.deg), "dec": sky.dec.to(u.deg)}
    texts = {}
    for name, form in COLUMNS.items():
        if name in values or name in table.colnames:
            column = values.get(name, table[name] if name in table.colnames else None)
            unit = f" ({column.unit})" if getattr(column, "unit", None) else ""
            numbers = getattr(column, "value", column)
            texts[name + unit] = [_text(number, form) for number in numbers]
    return texts


def _text(value, form):
    return "" if np.ma.is_masked(value) else format(value, form)


def _thumbnail(catalog):
    try:
        background = background_of(catalog)
    except ValueError:
        return ""
    ny, nx = background.data.shape
    pixels = shown_pixels(background, lambda one: reduced(unmasked_pixels(one), SIDE))
    url = png_url(as_grey(pixels) if pixels.ndim == 2 else pixels[::-1])
    circles = "".join(_circle(catalog, background, ny))
    scale = min(1.5 * SIDE / max(nx, ny), 4)
    return (
        f"<svg width='{nx * scale:.0f}' height='{ny * scale:.0f}' "
        f"viewBox='0 0 {nx} {ny}' role='img' aria-label='the image and its clusters'>"
        f"<image width='{nx}' height='{ny}' href='{url}'/>"
        f"<g fill='none' stroke='{CLUSTER_COLOR}'>{circles}</g></svg>"
    )


def _circle(catalog, background, ny):
    """Yield a circle for each cluster that is shown."""
    if background.wcs is None:
        return
    width = max(background.data.shape) / SIDE
    for region in catalog[:N_ROWS].regions:
        circle = region.to_pixel(background.wcs)
        x, y, r = circle.center.x + 0.5, ny - 0.5 - circle.center.y, circle.radius
        if np.isfinite([x, y, r]).all():
            yield (
                f"<circle cx='{x:.1f}' cy='{y:.1f}' r='{r:.1f}' "
                f"stroke-width='{width:.2f}'/>"
            )
