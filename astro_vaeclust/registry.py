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

        Parameters
        ----------
        tag : str
            The tag.
        place : str, optional
            ``"module:Class"``, imported at first use. Without it, `register` is
            a class decorator.

        Returns
        -------
        decorator : callable
            Registers the class that it is given and returns it.

        Raises
        ------
        ValueError
            If the tag belongs to another class already.
        """
        if tag in self._entries and self._entries[tag] != place:
            raise ValueError(f"{self.kind} tag {tag!r} is registered already")
        if place is not None:
            self._entries[tag] = place

        def decorator(cls):
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
        ValueError
            If no backend has this tag; the message lists those there are.
        """
        entry = self._entries.get(tag)
        if entry is None:
            announced = self._announced().get(tag)
            if announced is None:
                raise ValueError(
                    f"{self.kind}={tag!r} is not registered; available: "
                    f"{', '.join(self.tags)}"
                )
            entry = announced.load()
        elif isinstance(entry, str):
            entry = _load(entry)
        self._entries[tag] = entry
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

    def _announced(self):
        return {point.name: point for point in entry_points(group=self.entry_point_group)}


def _load(place):
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)
