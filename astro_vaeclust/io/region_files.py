# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Clusters as circles for SAOImage DS9 and CASA."""

from __future__ import annotations

import re
from pathlib import Path

import astropy.units as u
from astropy.coordinates import SkyCoord

from ..utils import provenance
from .formats import FORMATS

__all__ = []

DS9_TEXT_LIMIT = 80
"""Longest text that DS9 takes."""


@FORMATS.register(
    "ds9",
    suffixes=(".reg", ".ds9"),
    description="circles for DS9, with id, radius and score in the text",
)
def _write_ds9(catalog, path):
    circles = _relabelled(catalog.regions, "text")
    header, *lines = _ds9_lines(circles)
    about = f"# {_safe_text(provenance.summary(catalog.table.meta))}"
    Path(path).write_text("\n".join([header, about, *lines, ""]), encoding="ascii")


@FORMATS.register(
    "crtf",
    suffixes=(".crtf",),
    description="circles for CASA, with id, radius and score in the label",
)
def _write_crtf(catalog, path):
    circles = _relabelled(catalog.regions, "label")
    text = circles.serialize(format="crtf", coordsys="icrs", fmt=".8f")
    Path(path).write_text(text, encoding="ascii")


def _ds9_lines(circles):
    """
    Return the lines of a DS9 file.

    ``regions`` moves what all regions share to a line of global settings, where
    a single region's text would label every region added later; and of no regions it
    makes an empty file. Two further regions, taken off again, avoid both.
    """
    from regions import CircleSkyRegion, Regions  # imports matplotlib

    origin = SkyCoord(0 * u.deg, 0 * u.deg, frame="icrs")
    extra = [
        CircleSkyRegion(origin, 1 * u.deg, meta={"text": mark}) for mark in ("a", "b")
    ]
    text = Regions([*circles, *extra]).serialize(format="ds9", precision=8)
    return text.splitlines()[: -len(extra)]


def _relabelled(regions, key):
    from regions import CircleSkyRegion, Regions

    return Regions(
        [
            CircleSkyRegion(
                region.center,
                region.radius,
                meta={key: _safe_text(region.meta.get("text", ""))},
            )
            for region in regions
        ]
    )


def _safe_text(text):
    """Drop what would end a text early in one of the formats."""
    printable = text.encode("ascii", "replace").decode()
    return re.sub(r"[\s{}\[\]'\",;]+", " ", printable).strip()[:DS9_TEXT_LIMIT]
