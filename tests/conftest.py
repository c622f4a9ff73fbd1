# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Fixtures for all tests."""

import os
from pathlib import Path

import numpy as np
import pytest
from astropy.wcs import WCS


@pytest.fixture(scope="session")
def shared_data():
    """Folder of real images and catalogues; skips where it is not at hand."""
    place = os.environ.get("ASTRO_VAECLUST_DATA")
    folder = Path(place) if place else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("set ASTRO_VAECLUST_DATA to the folder of real images to run this")
    return folder


@pytest.fixture
def celestial_wcs():
    """WCS of a 2MASS-like image: 1 arcsec pixels, TAN, centred on ``sky_image``."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [275.12, -16.18]
    wcs.wcs.crpix = [24.5, 16.5]
    wcs.wcs.cdelt = [-1 / 3600, 1 / 3600]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.set()
    return wcs


@pytest.fixture
def sky_image():
    """A small image of Gaussian sky noise, (32, 48) float32, mean 100 and sigma 5."""
    noise = np.random.default_rng(1234).normal(100, 5, size=(32, 48))
    return noise.astype(np.float32)


@pytest.fixture
def search_in_bands(monkeypatch):
    """Let finders with a trained model find one cluster in the middle of any image."""
    from astro_vaeclust import VAEClusterFinder

    from .band_search import MiddleSearch

    monkeypatch.setattr(
        VAEClusterFinder, "_search", lambda self, image, sources: MiddleSearch(image)
    )
