# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Files that are written whole or not at all, and folders of results."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

from ..version import __version__
from .provenance import describe

__all__ = ["ResultFolder", "atomic_path", "check_output", "differences"]

SETTINGS = "settings.json"


def check_output(path, overwrite=False):
    """
    Return a path with links resolved, after a check that the file can be written.

    Raises FileExistsError if it exists and ``overwrite`` is false, and OSError if the
    folder is missing or not writable, or something else than a file has this name.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise OSError(f"{path} exists and is not a file")
    if target.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; give overwrite=True to replace it")
    with _folder_beside(target):
        return target


@contextmanager
def atomic_path(path, overwrite=False):
    """
    Yield a temporary path, and move what was written there to a path at the end.

    The temporary path has the same name in a hidden folder beside it and does not
    exist. If the body of the ``with`` statement raises anything, an interrupt included,
    it is removed and ``path`` stays as it was. Raises OSError as `check_output` does;
    one that names no file, of a full disk, gets the name of this one.
    """
    target = check_output(path, overwrite)
    with _folder_beside(target) as folder:
        temporary = folder / Path(path).name
        try:
            yield temporary
        except OSError as error:
            if error.filename is not None:
                raise
            reason = error.strerror or str(error)
            raise OSError(error.errno or errno.EIO, reason, str(target)) from error
        os.replace(temporary, target)


@contextmanager
def _folder_beside(target):
    try:
        folder = tempfile.TemporaryDirectory(dir=target.parent, prefix=".vaeclust-")
    except OSError as error:
        reason = f"cannot write {target.name} to this folder"
        raise type(error)(error.errno, reason, str(target.parent)) from error
    with folder as name:
        yield Path(name)


class ResultFolder:
    """
    A folder with the results of a run item by item, from which the run is resumed.

    Parameters
    ----------
    path : str or path-like
        The folder; made if missing.
    settings : dict
        All that every result depends on. The version of the package is added.
    parts : dict, optional
        Settings of parts of the results by their names, such as finders. Another run
        may add parts.

    Raises
    ------
    ValueError
        If the folder holds results of other settings; the message names each setting
        that differs.
    OSError
        If the folder cannot be made or written.
    """

    def __init__(self, path, settings, parts=None):
        self.path = Path(path)
        here = {"version": __version__} | describe(settings)
        parts = describe(parts or {})
        if SETTINGS in self:
            there = self.read(SETTINGS)
            known = there.pop("parts", {})
            found = [*differences(there, here)]
            for name in sorted(known.keys() & parts.keys()):
                found += differences(known[name], parts[name], name)
            if found:
                raise ValueError(
                    f"folder={str(path)!r} holds results of other settings: "
                    f"{'; '.join(found)}; take another folder"
                )
            parts = known | parts
        self.write(SETTINGS, here | {"parts": parts})

    def __contains__(self, name):
        """Whether there is an item of this name, a path inside of the folder."""
        return (self.path / name).exists()

    @contextmanager
    def new(self, name):
        """Yield a path to write an item to; see `atomic_path`."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target, overwrite=True) as path:
            yield path

    def write(self, name, values):
        """Write an item as JSON."""
        with self.new(name) as path:
            path.write_text(json.dumps(values, indent=1) + "\n")

    def read(self, name):
        """Return an item that `write` wrote."""
        return json.loads((self.path / name).read_text())


def differences(there, here, name=""):
    """Yield what differs between nested dicts, a text for each entry."""
    if isinstance(there, dict) and isinstance(here, dict):
        names = [one.get("name", "") for one in (there, here)]
        if name and names[0] != names[1]:  # another survey differs in everything
            there, here = names
    if isinstance(there, dict) and isinstance(here, dict):
        for key in there | here:
            path = f"{name}.{key}" if name else key
            yield from differences(there.get(key), here.get(key), path)
    elif there != here:
        yield f"{name} is {there!r} there and {here!r} here"
