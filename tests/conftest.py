# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Fixtures for all tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data():
    """Folder of real images and catalogues; skips where it is not at hand."""
    place = os.environ.get("ASTRO_VAECLUST_DATA")
    folder = Path(place) if place else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("set ASTRO_VAECLUST_DATA to the folder of real images to run this")
    return folder
