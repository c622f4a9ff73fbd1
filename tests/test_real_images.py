# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The finder on real tiles of 2MASS: M17, and fields without a known cluster."""

import astropy.units as u
import pytest
from astropy.coordinates import SkyCoord

from astro_vaeclust import NoDetectionsWarning, VAEClusterFinder

pytestmark = [pytest.mark.shared_data, pytest.mark.slow]

M17_CORE = SkyCoord(275.1246, -16.1790, unit="deg")
M17_RADIUS = 3 * u.arcmin


@pytest.fixture
def tiles(shared_data):
    return shared_data / "m17_2mass_k"


def test_paper_preset_finds_m17(tiles):
    catalog = VAEClusterFinder.paper().detect(tiles / "aK_asky_990502s1420198.fits.gz")
    (row,) = catalog.table
    assert row["sky_center"].separation(M17_CORE) < row["radius"]
    assert 0.5 * M17_RADIUS < row["radius"] < 1.5 * M17_RADIUS
    assert row["radius_err"] < 0.3 * row["radius"]


def test_default_finds_m17(tiles):
    catalog = VAEClusterFinder().detect(tiles / "aK_asky_990502s1420198.fits.gz")
    separations = catalog.table["sky_center"].separation(M17_CORE)
    assert separations.min() < 0.5 * M17_RADIUS
    assert len(catalog) <= 4


def test_default_abstains_on_the_plain_plane(tiles):
    with pytest.warns(NoDetectionsWarning):
        catalog = VAEClusterFinder().detect(tiles / "aK_asky_990502s1440198.fits.gz")
    assert len(catalog) == 0
