# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Imports of packages that are optional."""

from __future__ import annotations

import importlib

__all__ = ["import_optional"]


def import_optional(module, extra):
    """
    Return an imported module, or raise an ImportError that names the extra with it.

    ``extra`` is the extra of this package that installs the module.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{module!r} is needed for this: pip install 'astro_vaeclust[{extra}]'"
        ) from error
