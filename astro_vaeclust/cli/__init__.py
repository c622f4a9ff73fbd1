# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The command ``vaeclust``; importing this does not import torch."""

from __future__ import annotations

import argparse
import os
import sys
import traceback

from ..version import __version__
from . import (
    backends,
    demo,
    detect,
    evaluate,
    fetch,
    report,
    reproduce,
    score,
    selection_function,
    train,
    vet,
)
from .messages import add_message_options, messages_to_stderr

__all__ = ["main"]

COMMANDS = {
    "detect": detect,
    "fetch": fetch,
    "score": score,
    "reproduce": reproduce,
    "demo": demo,
    "evaluate": evaluate,
    "selection-function": selection_function,
    "train": train,
    "report": report,
    "vet": vet,
    "backends": backends,
}
"""The modules of the commands, each with HELP, DESCRIPTION, add_options and run."""

_DONE, _BAD_INPUT, _INTERRUPTED = 0, 2, 130


def main(argv=None):
    """
    Run the command ``vaeclust``.

    Parameters
    ----------
    argv : list of str, optional
        Arguments of the command; by default those of the process.

    Returns
    -------
    code : int
        0 if it was done, also when no cluster was found; 1 if it was done in part;
        2 for a wrong option or bad input, after one line that says why; 130 after an
        interrupt.
    """
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as ended:  # argparse has said what is wrong, or has helped
        return ended.code
    with messages_to_stderr(quiet=arguments.quiet, verbose=arguments.verbose):
        return _run(arguments)


def _parser():
    parser = argparse.ArgumentParser(
        prog="vaeclust", description="Find and measure star clusters in FITS images."
    )
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {__version__}"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        own = commands.add_parser(
            name, help=command.HELP, description=command.DESCRIPTION
        )
        command.add_options(own)
        add_message_options(own)
        own.set_defaults(run=command.run)
    return parser


def _run(arguments):
    code = _DONE
    try:
        code = arguments.run(arguments) or _DONE
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _fail("interrupted", _INTERRUPTED)
    except BrokenPipeError:  # the reader of our output, such as head, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except FileExistsError as error:
        text = str(error).replace("overwrite=True", "--overwrite")
        return _fail(text, _BAD_INPUT, arguments.verbose)
    except MemoryError as error:
        text = f"not enough memory{error and f': {error}'}; cut the image"
        return _fail(text, _BAD_INPUT, arguments.verbose)
    except (ValueError, TypeError, OSError, ImportError) as error:
        return _fail(str(error) or repr(error), _BAD_INPUT, arguments.verbose)
    return code


def _fail(text, code, verbose=False):
    if verbose:
        traceback.print_exc()
    kind = "error: " if code == _BAD_INPUT else ""
    print(f"vaeclust: {kind}{' '.join(text.split())}", file=sys.stderr)
    return code
