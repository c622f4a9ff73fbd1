# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Write a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

__all__ = ["atomic_path", "check_output"]


def check_output(path, overwrite=False):
    """
    Make sure that a file can be written, before the work that fills it.

    Parameters
    ----------
    path : str or path-like
        The file.
    overwrite : bool, optional
        Whether an existing file may be replaced.

    Returns
    -------
    path : `~pathlib.Path`
        The file, with links resolved.

    Raises
    ------
    FileExistsError
        If the file exists and may not be replaced.
    OSError
        If the folder is missing or not writable, or if something else than a file
        has this name.
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
    Give a place to write to, and move what was written to a path at the end.

    Parameters
    ----------
    path : str or path-like
        The file that shall appear.
    overwrite : bool, optional
        Whether an existing file may be replaced.

    Yields
    ------
    place : `~pathlib.Path`
        A file of the same name in a hidden folder beside ``path``; it does not exist.
        If the body of the ``with`` statement raises anything, an interrupt included,
        it is removed and ``path`` stays as it was.

    Raises
    ------
    FileExistsError
        If the file exists and may not be replaced.
    OSError
        If the folder is missing or not writable, or if something else than a file
        has this name.
    """
    target = check_output(path, overwrite)
    with _folder_beside(target) as folder:
        place = folder / Path(path).name
        yield place
        os.replace(place, target)


@contextmanager
def _folder_beside(target):
    try:
        folder = tempfile.TemporaryDirectory(dir=target.parent, prefix=".vaeclust-")
    except OSError as error:
        raise type(error)(
            error.errno,
            f"cannot write {target.name} to this folder",
            str(target.parent),
        ) from error
    with folder as name:
        yield Path(name)
