# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The command ``vaeclust``; importing this does not import torch."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import textwrap

from ..version import __version__
from . import (
    backends,
    completion,
    crossmatch,
    demo,
    detect,
    evaluate,
    fetch,
    merge,
    model,
    report,
    reproduce,
    score,
    selection_function,
    status,
    survey,
    train,
    vet,
)
from .messages import LOGGER, add_message_options, messages_to_stderr
from .words import error_text, shell_words

__all__ = ["main", "make_parser"]

COMMANDS = {
    "detect": detect,
    "survey": survey,
    "status": status,
    "merge": merge,
    "fetch": fetch,
    "score": score,
    "crossmatch": crossmatch,
    "reproduce": reproduce,
    "demo": demo,
    "evaluate": evaluate,
    "selection-function": selection_function,
    "train": train,
    "report": report,
    "vet": vet,
    "model": model,
    "backends": backends,
    "completion": completion,
}
"""The modules of the commands: HELP, DESCRIPTION, EXAMPLE, add_options and run."""

_DONE, _IN_PART, _BAD_INPUT, _NO_ANSWER, _INTERRUPTED = 0, 1, 2, 3, 130

EXIT_CODES = """\
exit codes:
  0    done, also when no cluster was found
  1    done in part; the messages say what is missing
  2    wrong option or bad input
  3    a service or a program did not answer, or an optional package is missing
  130  interrupted"""


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
        0 if it was done, also when no cluster was found; 1 if it was done in part; 2
        for a wrong option or bad input, after one line that says why; 3 if a service
        or a program did not answer or an optional package is missing; 130 after an
        interrupt.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = make_parser()
    if not argv:
        parser.print_help()
        return _DONE
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as ended:  # argparse has said what is wrong, or has helped
        return ended.code
    said = {name: getattr(arguments, name) for name in ("quiet", "verbose", "log_file")}
    with messages_to_stderr(**said):
        return _run(arguments)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without all options."""

    def error(self, message):
        """Say it, and end with the code of bad input."""
        text = message.removeprefix("argument ")
        self.exit(_BAD_INPUT, f"vaeclust: error: {text}; see '{self.prog} --help'\n")


def make_parser():
    """Return the parser of the command (`argparse.ArgumentParser`)."""
    parser = _Parser(
        prog="vaeclust",
        description="Find and measure star clusters in FITS images.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {__version__}"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        own = commands.add_parser(
            name,
            help=command.HELP,
            description=textwrap.fill(command.DESCRIPTION, 79),
            epilog=f"example:\n  {command.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_options(own)
        add_message_options(own)
        own.set_defaults(run=command.run, words=_words(own))
    return parser


def _words(parser):
    """Return what the shell calls the arguments of a command (dict)."""
    words = {"data": "IMAGE"}
    for action in parser._actions:
        options = [one for one in action.option_strings if one.startswith("--")]
        words[action.dest] = options[0] if options else action.metavar or action.dest
    return words


def _run(arguments):
    code = _DONE
    try:
        _import(arguments)
        code = arguments.run(arguments) or _DONE
        sys.stdout.flush()
    except KeyboardInterrupt as error:
        return _fail(str(error) or "interrupted", _INTERRUPTED, arguments)
    except BrokenPipeError:  # the reader of our output, such as head, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _DONE
    except MemoryError as error:
        text = f"not enough memory{error and f': {error}'}; cut the image"
        return _fail(text, _BAD_INPUT, arguments)
    except (ConnectionError, TimeoutError, ImportError) as error:
        return _fail(error_text(error), _NO_ANSWER, arguments)
    except (ValueError, TypeError, OSError) as error:
        code = _NO_ANSWER if _is_of_archive(error) else _BAD_INPUT
        return _fail(error_text(error), code, arguments)
    return code


def _import(arguments):
    """Import modules that register backends, also from the folder we are in."""
    names = getattr(arguments, "modules", ())
    if names and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise ValueError(f"--import {name}: {error}") from error


def _is_of_archive(error):
    """Whether a service answered with an error of its own, or with nonsense."""
    archives = sys.modules.get(f"{__package__.rpartition('.')[0]}.archives.exceptions")
    if archives is None:
        return False
    ours = (archives.NoDataError, archives.UnknownNameError, archives.ArchiveSizeError)
    files = getattr(error, "service", "") == "files"
    return isinstance(error, archives.ArchiveError) and not (
        files or isinstance(error, ours)
    )


def _fail(text, code, arguments):
    """Say why, and return the code."""
    kind = "" if code == _INTERRUPTED else "error: "
    LOGGER.debug("traceback", exc_info=True)
    words = shell_words(" ".join(text.split()), arguments.words)
    LOGGER.error("%s%s", kind, words)
    return code
