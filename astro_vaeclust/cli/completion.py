# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust completion``: what a shell needs to complete options."""

from __future__ import annotations

__all__ = ["DESCRIPTION", "EXAMPLE", "HELP", "add_options", "run"]

HELP = "print what a shell needs to complete commands and options"
DESCRIPTION = (
    "Print a script that completes commands and options of vaeclust in a shell; needs "
    "the extra completion."
)
EXAMPLE = 'eval "$(vaeclust completion bash)"'


def add_options(parser):
    """Add the options of the command to its parser."""
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="the shell")


def run(arguments):
    """Print the script."""
    from ..utils.optional import import_optional
    from . import make_parser

    shtab = import_optional("shtab", "completion")
    print(shtab.complete(make_parser(), shell=arguments.shell))
