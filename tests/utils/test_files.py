# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Folders of results: of one kind of settings, and resumed item by item."""

import errno
import math
import re

import pytest

from astro_vaeclust.utils import files
from astro_vaeclust.utils.files import ResultFolder, atomic_path

SETTINGS = {"seed": 3, "shape": (4, 5), "plan": {"n_steps": 6, "part": None}}


def test_the_same_settings_resume(tmp_path):
    folder = ResultFolder(tmp_path / "a" / "b", SETTINGS)
    assert "results/1.json" not in folder
    values = {"x": 0.1 + 0.2, "y": math.nan, "name": "é"}
    folder.write("results/1.json", values)
    again = ResultFolder(tmp_path / "a" / "b", SETTINGS)
    assert "results/1.json" in again
    read = again.read("results/1.json")
    assert math.isnan(read.pop("y"))
    assert read == {"x": 0.1 + 0.2, "name": "é"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 4}, "seed is 3 there and 4 here"),
        ({"shape": (4, 6)}, "shape is [4, 5] there and [4, 6] here"),
        (
            {"plan": {"n_steps": 7, "part": "a"}},
            "plan.n_steps is 6 there and 7 here; plan.part is None there and 'a' here",
        ),
        ({"plan": 1}, "plan is {'n_steps': 6, 'part': None} there and 1 here"),
        ({"band": "Ks"}, "band is None there and 'Ks' here"),
    ],
)
def test_other_settings_are_refused_by_what_differs(tmp_path, changes, message):
    folder = ResultFolder(tmp_path, SETTINGS)
    before = (tmp_path / "settings.json").read_text()
    text = f"settings: {message}; take another folder"
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        ResultFolder(tmp_path, SETTINGS | changes)
    assert str(tmp_path) in str(caught.value)
    assert (tmp_path / "settings.json").read_text() == before
    assert "settings.json" in folder


def test_results_of_another_version_are_refused(tmp_path, monkeypatch):
    ResultFolder(tmp_path, SETTINGS)
    monkeypatch.setattr(files, "__version__", "99.0")
    with pytest.raises(ValueError, match=r"version is .* there and '99.0' here"):
        ResultFolder(tmp_path, SETTINGS)


def test_parts_may_be_added_but_not_changed(tmp_path):
    ResultFolder(tmp_path, SETTINGS, {"one": {"n": 1}})
    ResultFolder(tmp_path, SETTINGS, {"two": {"n": 2}})
    folder = ResultFolder(tmp_path, SETTINGS)
    assert folder.read("settings.json")["parts"] == {"one": {"n": 1}, "two": {"n": 2}}
    with pytest.raises(ValueError, match=r"one\.n is 1 there and 3 here; take"):
        ResultFolder(tmp_path, SETTINGS, {"one": {"n": 3}, "three": {"n": 3}})
    assert set(folder.read("settings.json")["parts"]) == {"one", "two"}


def test_an_item_is_there_whole_or_not_at_all(tmp_path):
    folder = ResultFolder(tmp_path, SETTINGS)
    with pytest.raises(KeyboardInterrupt), folder.new("a/1.txt") as path:  # noqa: PT012
        path.write_text("half")
        raise KeyboardInterrupt
    assert "a/1.txt" not in folder
    assert list((tmp_path / "a").iterdir()) == []
    for text in ("first", "second"):
        with folder.new("a/1.txt") as path:
            path.write_text(text)
    assert (folder.path / "a" / "1.txt").read_text() == "second"


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(OSError, match="file"):
        ResultFolder(tmp_path / "file", SETTINGS)
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), OSError("disk full")]
)
def test_an_error_without_a_file_gets_that_which_was_written(tmp_path, error):
    target = tmp_path / "out.fits"
    message = re.escape(error.strerror or "disk full")
    with pytest.raises(OSError, match=message) as caught, atomic_path(target):
        raise error
    assert caught.value.filename == str(target)
    assert list(tmp_path.iterdir()) == []
