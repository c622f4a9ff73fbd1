# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Messages name options of the shell, not arguments of Python."""

import re

import pytest

from astro_vaeclust.cli.words import ARGUMENTS, REMEDIES, shell_words

OPTIONS = {
    "data": "IMAGE",
    "hdu": "--hdu",
    "zero_point": "--zero-point",
    "members": "--members",
    "device": "--device",
    "model": "--model",
    "folder": "--folder",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hdu=7 is not in a.fits; choose one", "--hdu 7 is not in a.fits; choose one"),
        ("hdu: choose one of the 2 images", "--hdu: choose one of the 2 images"),
        ("device='gpu' is not a device", "--device 'gpu' is not a device"),
        ("zero_point must be given", "--zero-point must be given"),
        ("n_members takes two", "--members takes two"),
        ("data has too coarse pixels", "IMAGE has too coarse pixels"),
        ("folder='a b' holds results", "--folder 'a b' holds results"),
        ("the model was calibrated with data", "the model was calibrated with data"),
        ("the column n_members_err is bad", "the column n_members_err is bad"),
        ("a.fits exists; give overwrite=True to", "a.fits exists; give --overwrite to"),
    ],
)
def test_arguments_become_options(text, expected):
    assert shell_words(text, OPTIONS) == expected


@pytest.mark.parametrize("remedy", REMEDIES)
def test_what_a_caller_is_told_is_still_said_somewhere(remedy, package_text):
    assert " ".join(remedy.split()) in package_text


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_arguments_are_those_of_the_package(argument, package_text):
    assert re.search(rf"\b{argument}\b", package_text)


@pytest.fixture(scope="module")
def package_text():
    """The source of the package with the parts of texts joined."""
    from pathlib import Path

    import astro_vaeclust

    files = Path(astro_vaeclust.__file__).parent.rglob("*.py")
    source = "\n".join(p.read_text() for p in files if p.name != "words.py")
    return re.sub(r"\"\s*f?\"", "", source)
