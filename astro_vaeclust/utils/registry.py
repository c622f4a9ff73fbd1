# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Backends are found by their tag."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

__all__ = ["Registry"]


class Registry:
    """
    Classes of one kind of backend by their tags.

    Parameters
    ----------
    kind : str
        What the backends are, as an argument of the finder: ``"embedding"``.
    base : type
        The base class of all backends of this kind.
    entry_point_group : str
        Group of the entry points by which other distributions announce backends. Their
        names are the tags; what is registered here takes precedence.
    """

    def __init__(self, kind, base, entry_point_group):
        self.kind = kind
        self.base = base
        self.entry_point_group = entry_point_group
        self._entries = {}

    def register(self, tag, reference=None):
        """
        Register a backend class under a tag, as a decorator or by a reference.

        A class that is defined again, as when a notebook cell runs twice, replaces
        the earlier one.

        Parameters
        ----------
        tag : str
            The tag.
        reference : str, optional
            ``"module:Class"``, imported at first use. Without it, the decorator of
            a class is returned.

        Raises
        ------
        TypeError
            If the tag is not a str, or the class is not a subclass of ``base``.
        ValueError
            If the tag belongs to another class, or the reference is malformed.

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
        if reference is None:
            return lambda cls: self._add(tag, self._checked(tag, cls))
        if not all(reference.partition(":")):
            raise ValueError(f"reference must be 'module:Class', got {reference!r}")
        self._add(tag, EntryPoint(tag, reference, self.entry_point_group))
        return None

    @property
    def tags(self):
        """All known tags in alphabetical order (list of str)."""
        return sorted(self._known)

    def get(self, tag):
        """Return the class with a tag; ValueError lists the tags if there is none."""
        entry = self._entries.get(tag) or self._known.get(tag)
        if entry is None:
            raise ValueError(
                f"{self.kind}={tag!r} is not registered; "
                f"available: {', '.join(self.tags)}"
            )
        return entry if isinstance(entry, type) else self._checked(tag, entry.load())

    def resolve(self, backend):
        """
        Return an instance: of the class with a tag, or the one that is given.

        Raises
        ------
        ValueError
            If no backend has this tag.
        TypeError
            If ``backend`` is neither a tag nor a backend.
        """
        if isinstance(backend, str):
            return self.get(backend)()
        if isinstance(backend, self.base):
            return backend
        hint = " (a class: pass an instance)" if isinstance(backend, type) else ""
        raise TypeError(
            f"{self.kind} must be one of {self.tags} or an instance of "
            f"{self.base.__name__}, got {backend!r}{hint}"
        )

    @property
    def _known(self):
        """Classes, and entry points of classes, by their tags (dict)."""
        announced = entry_points(group=self.entry_point_group)
        return {point.name: point for point in announced} | self._entries

    def _add(self, tag, entry):
        """Keep and return an entry, unless the tag belongs to another class."""
        former = self._entries.setdefault(tag, entry)
        if _name(former) != _name(entry):
            raise ValueError(
                f"{self.kind} tag {tag!r} is registered already, for {_name(former)}"
            )
        self._entries[tag] = entry
        return entry

    def _checked(self, tag, cls):
        """Return a class, or raise unless it is one of backends."""
        if not (isinstance(cls, type) and issubclass(cls, self.base)):
            raise TypeError(
                f"{self.kind} tag {tag!r} must stand for a subclass of "
                f"{self.base.__name__}, got {cls!r}"
            )
        return cls


def _name(entry):
    """Return where a class is or will be imported from, ``"module:Class"``."""
    if isinstance(entry, EntryPoint):
        return entry.value
    return f"{entry.__module__}:{entry.__qualname__}"
