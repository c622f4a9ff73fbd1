# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Surveys of many images: searched field by field on Dask, and merged."""

from .merge import merge
from .run import run_survey

__all__ = ["merge", "run_survey"]
