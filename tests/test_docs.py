# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The documentation lists what it has."""

import json
from pathlib import Path

import pytest

import astro_vaeclust

DOCS = Path(__file__).parents[1] / "docs"
EXAMPLES = sorted(path.stem for path in (DOCS / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_has_a_card_and_a_place_in_the_navigation(example):
    assert f":link: /tasks/{example}\n" in (DOCS / "cards.txt").read_text()
    assert f"\n   {example}\n" in (DOCS / "examples" / "index.rst").read_text()


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_shows_a_figure(example):
    assert "\nplt.show()\n" in (DOCS / "examples" / f"{example}.py").read_text()


def test_the_version_switcher_knows_this_version():
    entries = json.loads((DOCS / "_static" / "versions.json").read_text())
    assert astro_vaeclust.__version__ in [entry["version"] for entry in entries]
