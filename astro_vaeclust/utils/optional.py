# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Imports of packages that are optional."""

from __future__ import annotations

import importlib

__all__ = ["import_optional"]


def import_optional(module, extra):
    """
    Import an optional package, or say which extra brings it.

    Parameters
    ----------
    module : str
        Name of the module to import.
    extra : str
        The extra of this package that installs it.

    Returns
    -------
    module : module
        The imported module.

    Raises
    ------
    ImportError
        If the module is missing; the message names the extra.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{module!r} is needed for this: pip install 'astro_vaeclust[{extra}]'"
        ) from error
