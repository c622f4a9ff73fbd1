# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust status``: how far a survey is."""

from __future__ import annotations

import json

__all__ = ["DESCRIPTION", "EXAMPLE", "HELP", "add_options", "run"]

HELP = "say how far a survey is"
DESCRIPTION = "Print how far a survey is, and why fields failed."
EXAMPLE = "vaeclust status plane"

SHOWN = 5
"""Reasons that are printed."""


def add_options(parser):
    """Add the options of the command to its parser."""
    parser.add_argument("folder", metavar="DIR", help="folder of a survey")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments):
    """Print the status."""
    from ..survey.outputs import status_of

    status = status_of(arguments.folder)
    if arguments.json:
        print(json.dumps(status, indent=1))
        return
    run, state = status["run"], "not running"
    if run is not None:
        state = f"searched by process {run['process']} on {run['host']}"
    print(f"{status['planned']} fields, {state}")
    for name in ("done", "empty", "failed", "missing"):
        print(f"{status[name]:8d} {name}")
    if status["cells"]:
        numbers = (f"{number} {name}" for name, number in status["cells"].items())
        print(f"cells of coarser levels: {', '.join(numbers)}")
    print(f"{status['area']:.3f} deg2 searched, {status['candidates']} candidates")
    print(f"{status['seconds'] / 3600:.2f} hours of workers")
    for name, word in (("failures", "failed"), ("remarks", "without")):
        for reason, number in list(status[name].items())[:SHOWN]:
            print(f"{word} {number} x: {reason}")
