# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The names that docs/api.rst promises are those that the modules export."""

import inspect
import re
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "api.rst"

MODULE = re.compile(r"\.\. module:: (\S+)")
NAME = re.compile(r"   (\w+)")


def promised_names():
    """Return the promised names of each module on the page (dict of lists)."""
    names = {}
    for line in PAGE.read_text().splitlines():
        if found := MODULE.fullmatch(line):
            exported = names.setdefault(found[1], [])
        elif found := NAME.fullmatch(line):
            exported.append(found[1])
    return names


PROMISED = promised_names()


@pytest.mark.parametrize("module", PROMISED)
def test_a_module_exports_what_is_promised(module):
    exported = set(import_module(module).__all__) - {"__citation__", "__version__"}
    assert sorted(PROMISED[module]) == sorted(exported)


def test_every_name_is_promised_once_and_there_are_few():
    names = [name for exported in PROMISED.values() for name in exported]
    assert len(names) == len(set(names))
    assert 60 <= len(names) <= 90


def test_every_room_that_exports_names_is_on_the_page():
    package = Path(import_module("astro_vaeclust").__file__).parent
    rooms = [
        f"astro_vaeclust.{path.parent.name}" for path in package.glob("*/__init__.py")
    ]
    exporting = [room for room in rooms if hasattr(import_module(room), "__all__")]
    assert set(exporting) - {"astro_vaeclust.cli"} <= set(PROMISED)


def public_functions():
    """Yield promised functions, and methods and properties of promised classes."""
    for module, names in PROMISED.items():
        for name in names:
            kind = getattr(import_module(module), name)
            if inspect.isfunction(kind):
                yield pytest.param(kind, id=name)
            elif inspect.isclass(kind):
                for own, function in methods(kind):
                    yield pytest.param(function, id=f"{name}.{own}")


def methods(kind):
    """Yield what a class of the package has of its own, but dataclass constructors."""
    ours = [one for one in kind.__mro__ if one.__module__.startswith("astro_vaeclust")]
    for one in ours:
        for name, value in vars(one).items():
            value = getattr(value, "fget", getattr(value, "func", value))
            value = inspect.unwrap(getattr(value, "__func__", value))
            made = name == "__init__" and is_dataclass(one)
            private = name[0] == "_" and name not in ("__init__", "__call__")
            if inspect.isfunction(value) and not made and not private:
                yield name, value


@pytest.mark.parametrize("function", public_functions())
def test_what_is_promised_has_type_hints(function):
    signature = inspect.signature(function)
    hinted = {
        name: one.annotation is not one.empty
        for name, one in signature.parameters.items()
        if name not in ("self", "cls")
    }
    if function.__name__ != "__init__":
        hinted["return"] = signature.return_annotation is not signature.empty
    assert [name for name, has_one in hinted.items() if not has_one] == []
