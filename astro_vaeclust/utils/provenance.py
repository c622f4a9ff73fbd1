# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Where a result comes from: versions, date, settings and models."""

from __future__ import annotations

import inspect
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
    "changed_settings",
    "describe",
    "describe_finder",
    "from_text",
    "header_cards",
    "origin",
    "run_metadata",
    "summary",
    "to_text",
]

REPORTED_PACKAGES = ("astropy", "numpy", "photutils", "scikit-learn", "torch")

KEYWORD = "VAECLUST"
"""FITS keyword and name of the VOTable INFO that hold the metadata as JSON."""


def run_metadata(finder, image, models):
    """
    Return the metadata of a table (dict): texts, numbers, lists and dicts only.

    ``settings`` are those of the finder that are not the defaults of this version, and
    ``models`` is a list of what identifies the networks.
    """
    settings = changed_settings(finder)
    settings.pop("progress_bar", None)
    return origin() | {
        "image": image.name,
        "finder": type(finder).__name__,
        "seed": int(settings.pop("seed", 0)),
        "settings": settings,
        "model": models,
    }


def origin():
    """Return the date, and the versions of Python and of the packages (dict)."""
    versions = {"python": platform.python_version(), "astro_vaeclust": __version__}
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions | {name: _version(name) for name in REPORTED_PACKAGES},
    }


@cache
def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def describe(value):
    """
    Return a setting, or a dict, list or tuple of them, as JSON holds it.

    The same in every process: a dataclass becomes its class and its fields, anything
    unknown its ``repr``.
    """
    if is_dataclass(value):
        return {"class": _class_name(value)} | {
            field.name: describe(getattr(value, field.name)) for field in fields(value)
        }
    if isinstance(value, dict):
        return {str(name): describe(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [describe(entry) for entry in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def describe_finder(finder):
    """
    Return all that the detections of a finder depend on except for the image (dict).

    They are its class, its settings, and what identifies its trained model.
    """
    described = {"class": _class_name(finder), "settings": describe(finder.settings)}
    model = finder.trained_model
    if model is not None:
        described["model"] = {
            "identity": model.identity,
            "calibration": describe(model.calibration),
            "source_calibration": describe(model.source_calibration),
        }
    return described


def changed_settings(value):
    """
    Return the arguments of an instance that are not the defaults of its class (dict).

    They are as `describe` has them; of settings that have settings of their own, too,
    only those that were changed.
    """
    parameters = inspect.signature(type(value)).parameters.values()
    given = {one.name: (getattr(value, one.name), one.default) for one in parameters}
    return {
        name: _changed(setting)
        for name, (setting, default) in given.items()
        if describe(setting) != describe(default)
    }


def _changed(setting):
    if is_dataclass(setting):
        return {"class": type(setting).__name__} | changed_settings(setting)
    return describe(setting)


def _class_name(value):
    return f"{type(value).__module__}.{type(value).__qualname__}"


def to_text(meta):
    """Return the metadata of a table as JSON in ASCII (str)."""
    return json.dumps(meta, separators=(",", ":"))


def from_text(text):
    """Return the metadata that `to_text` wrote (dict); empty for None."""
    return json.loads(text) if text else {}


def header_cards(meta):
    """Return the cards of a FITS header (dict) that hold the metadata of a table."""
    cards = {"CREATOR": f"astro_vaeclust {__version__}"}
    if "date" in meta:
        cards["DATE"] = str(meta["date"])
    return cards | ({KEYWORD: to_text(meta)} if meta else {})


def summary(meta):
    """Return a line that says who wrote a file, when and with which seed (str)."""
    known = [f"{key} {meta[key]}" for key in ("date", "seed") if key in meta]
    return " ".join([f"written by astro_vaeclust {__version__}", *known])
