# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The stages of the training, and the table of them in the documentation."""

import re
from pathlib import Path

from astro_vaeclust.training import Recipe

PAGE = Path(__file__).parents[2] / "docs" / "training.rst"


def test_the_table_of_stages_is_that_of_the_recipe():
    rows = re.findall(
        r"^([a-z-]+) +(?:both|fine|others) .*? (\d+)(?: +(\d+) +(\d+).*)?$",
        PAGE.read_text(),
        flags=re.MULTILINE,
    )
    expected = [
        (stage.name, stage.n_tiles)
        + (() if stage.in_color else (stage.plan.n_steps, stage.plan.side))
        for stage in Recipe().stages
    ]
    assert [
        (name, *(int(number) for number in numbers if number))
        for name, *numbers in rows
    ] == expected
