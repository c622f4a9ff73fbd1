# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust backends``: the tags that options take, and what they stand for."""

from __future__ import annotations

import inspect
import re
import textwrap

from .options import add_import

__all__ = ["DESCRIPTION", "EXAMPLE", "HELP", "add_options", "run"]

HELP = "list the tags of embeddings, mixtures and thresholds"
DESCRIPTION = (
    "List the tags of embeddings, mixtures and thresholds with a description and the "
    "settings of each, those of this package and of installed ones that announce "
    "theirs."
)
EXAMPLE = "vaeclust backends"


def add_options(parser):
    """Add the options of the command to its parser."""
    add_import(parser)


def run(arguments):
    """Print the tags, each with a line of description and its settings."""
    from ..embeddings import EMBEDDINGS
    from ..mixtures import MIXTURES
    from ..segmentation import THRESHOLDS

    for registry in (EMBEDDINGS, MIXTURES, THRESHOLDS):
        for tag in registry.tags:
            kind = registry.get(tag)
            print(f"--{registry.kind} {tag}: {_description(kind)}")
            for line in textwrap.wrap(_settings(kind), 76):
                print(f"    {line}")


def _description(kind):
    """Return the first sentence of the documentation of a class."""
    text = inspect.getdoc(kind) or "without a description"
    first = " ".join(text.split("\n\n")[0].split())
    return re.sub(r"[`~]|\bastro_vaeclust\.[\w.]*\.", "", first)


def _settings(kind):
    """Return the settings of a class with their defaults."""
    parameters = inspect.signature(kind).parameters.values()
    settings = [str(one.replace(annotation=one.empty)) for one in parameters]
    return f"settings: {', '.join(settings)}" if settings else "no settings"
