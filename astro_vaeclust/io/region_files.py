# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Clusters as circles for SAOImage DS9 and CASA."""

from __future__ import annotations

import re
from pathlib import Path

import astropy.units as u

from ..utils import provenance

__all__ = []

DS9_TEXT_LIMIT = 80
"""Longest text that DS9 takes."""


def write_ds9(catalog, path):
    """Write circles for DS9 with id, radius and score in the text; ``.reg, .ds9``."""
    # regions would move a text that all circles have to a line of global settings
    lines = [
        "# Region file format: DS9",
        f"# {_safe_text(provenance.summary(catalog.table.meta))}",
        "icrs",
        *map(_ds9_line, catalog.regions),
    ]
    Path(path).write_text("\n".join([*lines, ""]), encoding="ascii")


def _ds9_line(circle):
    ra, dec = circle.center.ra.deg, circle.center.dec.deg
    radius = circle.radius.to_value(u.arcsec)
    text = _safe_text(circle.meta["text"])
    return f'circle({ra:.8f},{dec:.8f},{radius:.6f}") # text={{{text}}}'


def write_crtf(catalog, path):
    """Write circles for CASA with id, radius and score in the label; ``.crtf``."""
    circles = catalog.regions
    for circle in circles:
        circle.meta = {"label": _safe_text(circle.meta["text"])}
    text = circles.serialize(format="crtf", coordsys="icrs", fmt=".8f")
    Path(path).write_text(text, encoding="ascii")


def _safe_text(text):
    """Return a text without what would end it early in one of the formats."""
    printable = text.encode("ascii", "replace").decode()
    return re.sub(r"[\s{}\[\]'\",;]+", " ", printable).strip()[:DS9_TEXT_LIMIT]
