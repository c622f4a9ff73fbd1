# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Where a file comes from, for formats that hold no nested metadata."""

from __future__ import annotations

import json

from ..version import __version__

__all__ = ["KEYWORD", "from_text", "header_cards", "summary", "to_text"]

KEYWORD = "VAECLUST"
"""FITS keyword and name of the VOTable INFO that hold the metadata as JSON."""


def to_text(meta):
    """Return the metadata of a table as JSON in ASCII (str)."""
    return json.dumps(meta)


def from_text(text):
    """Return the metadata that `to_text` wrote (dict); empty for None."""
    return json.loads(text) if text else {}


def header_cards(meta):
    """Return the cards of a FITS header (dict) that hold the metadata of a table."""
    cards = {"CREATOR": f"astro_vaeclust {__version__}"}
    if "date" in meta:
        cards["DATE"] = str(meta["date"])
    return cards | {KEYWORD: to_text(meta)}


def summary(meta):
    """Return one line about who wrote a file, when and with which seed (str)."""
    known = [f"{key} {meta[key]}" for key in ("date", "seed") if key in meta]
    return " ".join([f"written by astro_vaeclust {__version__}", *known])
