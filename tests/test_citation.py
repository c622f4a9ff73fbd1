# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What is to be cited, in the package and in CITATION.cff."""

import re
from pathlib import Path

import pytest

import astro_vaeclust

CFF = Path(__file__).parents[1] / "CITATION.cff"


def entries():
    """Return the entries of ``__citation__``, each with its fields (list of dict)."""
    parts = re.split(r"^@\w+\{\w+,$", astro_vaeclust.__citation__, flags=re.MULTILINE)
    field = re.compile(r"^  (\w+) = \{(.*?)\},$", flags=re.MULTILINE | re.DOTALL)
    return [
        {name: " ".join(value.split()) for name, value in field.findall(part)}
        for part in parts[1:]
    ]


def test_the_package_and_the_paper_are_cited():
    package, paper = entries()
    assert package["version"] == astro_vaeclust.__version__
    assert paper["eprint"] == "1809.01434"


@pytest.mark.parametrize("number", [0, 1])
def test_both_files_name_the_same_titles(number):
    titles = re.findall(r'^ *title: "(.*)"$', CFF.read_text(), flags=re.MULTILINE)
    assert entries()[number]["title"] == titles[number]


def test_the_version_of_the_file_is_that_of_the_package():
    (version,) = re.findall(r"^version: (.*)$", CFF.read_text(), flags=re.MULTILINE)
    assert version == astro_vaeclust.__version__
