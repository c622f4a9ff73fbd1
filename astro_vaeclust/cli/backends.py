# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust backends``: the tags that options take, and what they stand for."""

from __future__ import annotations

__all__ = ["DESCRIPTION", "HELP", "add_options", "run"]

HELP = "list the tags of embeddings, mixtures and thresholds"
DESCRIPTION = (
    "List the tags of embeddings, mixtures and thresholds with their "
    "settings, of this package and of installed ones that announce theirs."
)


def add_options(parser):
    """Add no options."""


def run(arguments):
    """Print the tags with their backends, one per line."""
    from ..embeddings import EMBEDDINGS
    from ..mixtures import MIXTURES
    from ..segmentation import THRESHOLDS

    for registry in (EMBEDDINGS, MIXTURES, THRESHOLDS):
        for tag in registry.tags:
            print(f"--{registry.kind} {tag}: {registry.resolve(tag)!r}")
