# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Where a result comes from: versions, date, settings and models."""

from __future__ import annotations

import platform
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from .version import __version__

__all__ = ["run_metadata"]

REPORTED_PACKAGES = ("astropy", "numpy", "photutils", "scikit-learn", "torch")


def run_metadata(settings, image, models):
    """
    Describe a run, for the metadata of its table.

    Parameters
    ----------
    settings : dict
        Settings of the finder, ``seed`` among them.
    image : `~astro_vaeclust.inputs.Image`
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
