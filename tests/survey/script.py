# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust`` with a quick search and short segments, in a process of its own."""

import os
import sys
from unittest import mock

from astro_vaeclust.cli import main

from .examples import QuickFinder

if __name__ == "__main__":
    finder = QuickFinder(trap=os.environ.get("TRAP", ""))
    with (
        mock.patch("astro_vaeclust.cli.survey.make_finder", return_value=finder),
        mock.patch("astro_vaeclust.survey.run.SEGMENT_ROWS", 2),
    ):
        sys.exit(main(sys.argv[1:]))
