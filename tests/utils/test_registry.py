# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tests of the registry of backends."""

import sys

import pytest

from astro_vaeclust.embeddings import EMBEDDINGS
from astro_vaeclust.mixtures import MIXTURES, Mixture
from astro_vaeclust.utils.registry import Registry


class Base:
    """Base class of the backends of these tests."""


class First(Base):
    """A backend."""


class Second(Base):
    """Another backend."""


FIRST = f"{__name__}:First"


class Point:
    """Stands for an entry point of another distribution."""

    def __init__(self, name, value):
        self.name = name
        self.value = value

    def load(self):
        return self.value


@pytest.fixture
def registry():
    return Registry("thing", Base, "no.such.group")


@pytest.fixture
def announce(monkeypatch):
    """Make other distributions announce backends."""

    def announce(*points):
        monkeypatch.setattr(
            "astro_vaeclust.utils.registry.entry_points", lambda *, group: points
        )

    return announce


def test_decorator_registers_and_returns_the_class(registry):
    assert registry.register("first")(First) is First
    assert registry.get("first") is First
    assert type(registry.resolve("first")) is First


def test_reference_is_imported_when_asked_for(registry, tmp_path, monkeypatch):
    module = "astro_vaeclust_test_backend"
    (tmp_path / f"{module}.py").write_text(
        f"from {__name__} import Base\nclass Late(Base):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    registry.register("late", f"{module}:Late")
    assert registry.tags == ["late"]
    assert module not in sys.modules
    assert registry.get("late").__name__ == "Late"
    monkeypatch.delitem(sys.modules, module)


def test_instance_is_returned_as_it_is(registry):
    thing = First()
    assert registry.resolve(thing) is thing


def test_wrong_tag_lists_tags(registry):
    registry.register("second")(Second)
    registry.register("first", FIRST)
    with pytest.raises(
        ValueError, match="thing='third' is not registered; available: first, second"
    ):
        registry.get("third")


def test_class_instead_of_instance(registry):
    with pytest.raises(TypeError, match=r"instance of Base.*\(a class: pass an inst"):
        registry.resolve(First)


@pytest.mark.parametrize("backend", [None, 3, object()])
def test_neither_tag_nor_backend(registry, backend):
    with pytest.raises(TypeError, match=r"thing must be one of .* or an instance"):
        registry.resolve(backend)


@pytest.mark.parametrize("looked_up", [False, True])
class TestTakenTag:
    """A tag belongs to one class, whether that was imported already or not."""

    @pytest.fixture(autouse=True)
    def taken(self, registry, looked_up):
        registry.register("first", FIRST)
        if looked_up:
            registry.get("first")

    def test_another_class(self, registry):
        with pytest.raises(ValueError, match=r"thing tag 'first' is registered.*First"):
            registry.register("first")(Second)
        assert registry.get("first") is First

    def test_another_reference(self, registry):
        with pytest.raises(ValueError, match="thing tag 'first' is registered already"):
            registry.register("first", f"{__name__}:Second")

    def test_same_reference_or_class_again(self, registry):
        registry.register("first", FIRST)
        registry.register("first")(First)
        registry.register("first", FIRST)
        assert registry.get("first") is First


def test_class_that_was_defined_again_replaces_itself(registry):
    def define():
        @registry.register("again")
        class Again(Base):
            """The class of a notebook cell."""

        return Again

    former, latter = define(), define()
    assert former is not latter
    assert registry.get("again") is latter


def test_what_is_no_backend_is_refused(registry, announce):
    with pytest.raises(TypeError, match="'odd' must stand for a subclass of Base"):
        registry.register("odd")(dict)
    registry.register("odd", "collections:OrderedDict")
    with pytest.raises(TypeError, match="'odd' must stand for a subclass of Base"):
        registry.get("odd")
    announce(Point("announced", dict))
    with pytest.raises(TypeError, match="'announced' must stand for a subclass"):
        registry.resolve("announced")


@pytest.mark.parametrize("reference", ["", "module", "module:", ":Class"])
def test_malformed_reference(registry, reference):
    with pytest.raises(ValueError, match="reference must be 'module:Class'"):
        registry.register("first", reference)


def test_tag_must_be_a_str(registry):
    with pytest.raises(TypeError, match="thing tag must be a str"):
        registry.register(First)


def test_announced_backends_are_found_and_give_way(registry, announce):
    announce(Point("first", First), Point("both", First))
    registry.register("both")(Second)
    assert registry.tags == ["both", "first"]
    assert registry.get("first") is First
    assert registry.get("both") is Second


def test_own_tags_resolve():
    for tag in ("em", "gmm", "bayesian"):
        assert isinstance(MIXTURES.resolve(tag), Mixture)
    assert {"dense-vae", "pca"} <= set(EMBEDDINGS.tags)
    with pytest.raises(ValueError, match=r"mixture='kmeans' is not.*bayesian, em, gmm"):
        MIXTURES.resolve("kmeans")
