# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Backends are found by their tag.

A backend can be registered as a class, as the place of a class that is imported when
it is first asked for (so that importing the package does not import torch), or by
another distribution through an entry point.
"""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points

__all__ = ["Registry"]


class Registry:
    """
    Classes of one kind of backend by their tags.

    Parameters
    ----------
    kind : str
        What the backends are, as an argument of the finder: ``"embedding"``.
    base : str
        Place of the base class of all backends of this kind, ``"module:Class"``.
    entry_point_group : str
        Group in which other distributions announce backends; the name of an entry
        point is the tag.
    """

    def __init__(self, kind, base, entry_point_group):
        self.kind = kind
        self.entry_point_group = entry_point_group
        self._base = base
        self._entries = {}

    def register(self, tag, place=None):
        """
        Register a backend class under a tag.

        Registering the same class again changes nothing, and a class that was
        defined again, as when a notebook cell runs twice, takes the place of its
        former self. What is registered here goes before what other distributions
        announce.

        Parameters
        ----------
        tag : str
            The tag.
        place : str, optional
            ``"module:Class"``, imported at first use. Without it, `register` is
            a class decorator.

        Returns
        -------
        decorator : callable or None
            Registers the class that it is given and returns it; None with ``place``.

        Raises
        ------
        TypeError
            If the tag is not a str, or the class is not a subclass of the base class.
        ValueError
            If the tag belongs to another class already, or ``place`` is not of the
            form ``"module:Class"``.

        Examples
        --------
        >>> from astro_vaeclust.mixtures import MIXTURES, SklearnGaussianMixture
        >>> @MIXTURES.register("three-gaussians")
        ... class ThreeGaussians(SklearnGaussianMixture):
        ...     def __init__(self):
        ...         super().__init__(n_components=3)
        >>> MIXTURES.resolve("three-gaussians").n_components
        3
        """
        if not isinstance(tag, str):
            raise TypeError(f"{self.kind} tag must be a str, got {tag!r}")
        if place is not None:
            if not all(place.partition(":")):
                raise ValueError(f"place must be 'module:Class', got {place!r}")
            self._refuse_taken(tag, place)
            self._entries.setdefault(tag, place)
            return None

        def decorator(cls):
            self._require_subclass(tag, cls)
            self._refuse_taken(tag, _place(cls))
            self._entries[tag] = cls
            return cls

        return decorator

    @property
    def tags(self):
        """All known tags in alphabetical order (list of str)."""
        return sorted({*self._entries, *self._announced()})

    def get(self, tag):
        """
        Return the class with a tag.

        Parameters
        ----------
        tag : str
            The tag.

        Returns
        -------
        cls : type
            The backend class.

        Raises
        ------
        TypeError
            If what was registered or announced is not a backend class.
        ValueError
            If no backend has this tag; the message lists those there are.
        """
        entry = self._entries.get(tag)
        if entry is None:
            announced = self._announced().get(tag)
            if announced is None:
                raise self._unknown(tag)
            entry = announced.load()
        elif isinstance(entry, str):
            entry = _load(entry)
        self._require_subclass(tag, entry)
        return entry

    def resolve(self, backend):
        """
        Turn a tag or an instance into an instance.

        Parameters
        ----------
        backend : str or object
            A tag, for the class with its default settings, or an instance of
            a backend class.

        Returns
        -------
        instance : object
            The backend.

        Raises
        ------
        ValueError
            If no backend has this tag.
        TypeError
            If ``backend`` is neither a tag nor a backend.
        """
        if isinstance(backend, str):
            return self.get(backend)()
        base = _load(self._base)
        if isinstance(backend, base):
            return backend
        hint = " (a class: pass an instance)" if isinstance(backend, type) else ""
        raise TypeError(
            f"{self.kind} must be one of {self.tags} or an instance of "
            f"{base.__name__}, got {backend!r}{hint}"
        )

    def check(self, backend):
        """
        Check a tag or an instance without importing the class of a tag.

        Parameters
        ----------
        backend : str or object
            A tag or an instance of a backend class.

        Raises
        ------
        ValueError
            If no backend has this tag.
        TypeError
            If ``backend`` is neither a tag nor a backend.
        """
        if not isinstance(backend, str):
            self.resolve(backend)
        elif backend not in self.tags:
            raise self._unknown(backend)

    def _unknown(self, tag):
        return ValueError(
            f"{self.kind}={tag!r} is not registered; available: {', '.join(self.tags)}"
        )

    def _refuse_taken(self, tag, place):
        """Raise if a tag belongs to a class of another place."""
        entry = self._entries.get(tag)
        if entry is not None and _place(entry) != place:
            raise ValueError(
                f"{self.kind} tag {tag!r} is registered already, for {_place(entry)}"
            )

    def _require_subclass(self, tag, cls):
        """Raise if what a tag stands for is not a class of backends."""
        base = _load(self._base)
        if not (isinstance(cls, type) and issubclass(cls, base)):
            raise TypeError(
                f"{self.kind} tag {tag!r} must stand for a subclass of "
                f"{base.__name__}, got {cls!r}"
            )

    def _announced(self):
        return {
            point.name: point for point in entry_points(group=self.entry_point_group)
        }


def _place(entry):
    """Where a class is or will be imported from, ``"module:Class"``."""
    if isinstance(entry, str):
        return entry
    return f"{entry.__module__}:{entry.__qualname__}"


def _load(place):
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)
