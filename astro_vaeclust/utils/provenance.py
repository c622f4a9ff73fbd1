# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Where a result comes from: versions, date, settings and models."""

from __future__ import annotations

import json
import platform
import re
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from ..version import __version__

__all__ = [
    "KEYWORD",
    "describe_finder",
    "from_text",
    "header_cards",
    "run_metadata",
    "summary",
    "to_text",
]

REPORTED_PACKAGES = ("astropy", "numpy", "photutils", "scikit-learn", "torch")


KEYWORD = "VAECLUST"
"""FITS keyword and name of the VOTable INFO that hold the metadata as JSON."""


def run_metadata(settings, image, models):
    """
    Describe a run, for the metadata of its table.

    Parameters
    ----------
    settings : dict
        Settings of the finder, ``seed`` among them.
    image : `~astro_vaeclust.images.image.Image`
        The image.
    models : list of dict
        What identifies and describes the networks that were used.

    Returns
    -------
    meta : dict
        Nested, of texts, numbers, lists and dicts only.
    """
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": package_versions(),
        "image": image.name,
        "seed": int(settings["seed"]),
        "settings": {name: _describe(value) for name, value in settings.items()},
        "model": models,
    }


def package_versions():
    """Return the versions of Python, this package and those it computes with (dict)."""
    return {
        "python": platform.python_version(),
        "astro_vaeclust": __version__,
    } | {name: _version(name) for name in REPORTED_PACKAGES}


@cache
def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def _describe(value):
    """Describe a setting; a backend becomes its class and its own settings."""
    if is_dataclass(value):
        return {"class": f"{type(value).__module__}.{type(value).__qualname__}"} | {
            field.name: _describe(getattr(value, field.name)) for field in fields(value)
        }
    if isinstance(value, tuple):
        return [_describe(entry) for entry in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return repr(value)


def describe_finder(finder):
    """Return class, settings and model of a finder as a text, the same everywhere."""
    settings = getattr(finder, "settings", None)
    text = repr(finder if settings is None else (type(finder).__name__, settings))
    model = getattr(finder, "trained_model", None)
    if model is not None:
        text += f" {model.identity} {model.calibration}"
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


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
