# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust backends``: the tags that options take, and what they stand for."""

from __future__ import annotations

from .messages import add_message_options

__all__ = ["add_command", "run"]


def add_command(commands):
    """Add the command to those of the main parser."""
    parser = commands.add_parser(
        "backends",
        help="list the tags of embeddings, mixtures and thresholds",
        description="List the tags of embeddings, mixtures and thresholds with their "
        "settings, of this package and of installed ones that announce theirs.",
    )
    add_message_options(parser)
    parser.set_defaults(run=run)


def run(arguments):
    """Print the tags with their backends, one per line."""
    from ..embeddings import EMBEDDINGS
    from ..mixtures import MIXTURES
    from ..segmentation import THRESHOLDS

    for registry in (EMBEDDINGS, MIXTURES, THRESHOLDS):
        for tag in registry.tags:
            print(f"--{registry.kind} {tag}: {registry.resolve(tag)!r}")
