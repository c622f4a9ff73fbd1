# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""File formats of a catalogue, found by their name or by the suffix of a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FORMATS", "FileFormat", "FormatRegistry"]


@dataclass(frozen=True)
class FileFormat:
    """
    One file format.

    Parameters
    ----------
    name : str
        What ``format=`` takes.
    suffixes : tuple of str
        How names of such files end, each with its leading dot.
    description : str
        What the file holds, for the table of formats.
    write : callable
        ``write(catalog, path)`` writes a catalogue to a path that does not exist.
    read : callable, optional
        ``read(path)`` gives the table of clusters.
    """

    name: str
    suffixes: tuple[str, ...]
    description: str
    write: Callable
    read: Callable | None = None


class FormatRegistry:
    """File formats by their name, and the functions whose docstrings list them."""

    def __init__(self):
        self._formats = {}
        self._documented = []

    def register(self, name, *, suffixes, description, read=None):
        """
        Register a file format; to be used as a decorator of its writer.

        Parameters
        ----------
        name : str
            What ``format=`` takes.
        suffixes : tuple of str
            How names of such files end, each with its leading dot.
        description : str
            What the file holds.
        read : callable, optional
            ``read(path)`` gives the table of clusters.

        Returns
        -------
        decorator : callable
            Takes ``write(catalog, path)`` and returns it.

        Raises
        ------
        ValueError
            If the name or a suffix belongs to another format.
        """
        for known in self._formats.values():
            taken = {known.name, *known.suffixes} & {name, *suffixes}
            if taken:
                raise ValueError(
                    f"{sorted(taken)} belongs to the format {known.name!r} already"
                )

        def decorator(write):
            self._formats[name] = FileFormat(
                name, tuple(suffixes), description, write, read
            )
            self._refresh_docstrings()
            return write

        return decorator

    @property
    def names(self):
        """Names of all formats (list of str)."""
        return list(self._formats)

    def find(self, path, name=None):
        """
        Return the format with a name, or else the one that a path's suffix tells.

        Parameters
        ----------
        path : str or path-like
            The file.
        name : str, optional
            Name of the format.

        Returns
        -------
        format : `FileFormat`
            The format.

        Raises
        ------
        ValueError
            If there is none; the message lists those there are.
        """
        if name is not None:
            if name in self._formats:
                return self._formats[name]
            raise ValueError(f"format={name!r} is unknown; {self._listing()}")
        file_name = Path(path).name.lower()
        for known in self._formats.values():
            if file_name.endswith(known.suffixes):
                return known
        raise ValueError(
            f"the suffix of {str(path)!r} tells no format: give format=, or another "
            f"suffix; {self._listing()}"
        )

    def table(self):
        """Return the table of formats in reStructuredText (str)."""
        rows = [("Format", "Suffixes", "Read", "Content")]
        rows += [
            (
                f"``{known.name}``",
                ", ".join(known.suffixes),
                "yes" if known.read else "no",
                known.description,
            )
            for known in self._formats.values()
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        rule = " ".join("=" * width for width in widths)
        lines = [" ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join([rule, lines[0], rule, *lines[1:], rule])

    def documented(self, function):
        """
        Keep the table of formats in a function's docstring.

        Parameters
        ----------
        function : callable
            Its docstring has ``{formats}`` on a line of its own.

        Returns
        -------
        function : callable
            The same function.
        """
        self._documented.append((function, function.__doc__))
        self._refresh_docstrings()
        return function

    def _refresh_docstrings(self):
        for function, template in self._documented:
            if template is not None:  # Python may run without docstrings
                function.__doc__ = _fill_line(template, "{formats}", self.table())

    def _listing(self):
        return "formats: " + ", ".join(
            f"{known.name} ({', '.join(known.suffixes)})"
            for known in self._formats.values()
        )


def _fill_line(template, mark, text):
    """Put a text in the place of a mark, each line as far in as the mark is."""
    lines = []
    for line in template.split("\n"):
        if line.strip() == mark:
            margin = line[: line.index(mark)]
            lines += [margin + inner for inner in text.split("\n")]
        else:
            lines.append(line)
    return "\n".join(lines)


FORMATS = FormatRegistry()
"""The formats of `astro_vaeclust.catalog.ClusterCatalog`."""
