# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The finder on real tiles of 2MASS: M17, and fields without a known cluster."""

import astropy.units as u
import pytest
from astropy.coordinates import SkyCoord

from astro_vaeclust import NoDetectionsWarning, VAEClusterFinder

pytestmark = [pytest.mark.shared_data, pytest.mark.slow]

M17_CORE = SkyCoord(275.1246, -16.1790, unit="deg")
M17_RADIUS = 3 * u.arcmin


EMPTY = (
    *(
        f"m17_2mass_k/aK_asky_990502s{number}.fits.gz"
        for number in (1350092, 1440198, 1350080, 1430092, 1440186, 1430080)
    ),
    "negatives_dss2/barnards_star.fits.gz",
    "negatives_dss2/horsehead.fits.gz",
    "ukidss_crab/image.fits",
    "vista_viking/mystery_VIKING_Z.fits",
)
"""Fields with dust, nebulae and bright stars, but without a known cluster."""


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
    assert separations.min() < 0.3 * M17_RADIUS
    assert len(catalog) <= 2
    assert (catalog.table["false_alarm_rate"] <= 1 / u.deg**2).all()


def test_default_finds_a_cluster_at_another_wavelength(shared_data):
    catalog = VAEClusterFinder().detect(shared_data / "ngc2264_irac" / "i2.fits")
    spokes = SkyCoord(100.269, 9.600, unit="deg")
    separations = catalog.table["sky_center"].separation(spokes)
    assert separations.min() < catalog.table["radius"][separations.argmin()]


@pytest.mark.parametrize("name", EMPTY)
def test_default_abstains_where_there_is_no_cluster(shared_data, name):
    with pytest.warns(NoDetectionsWarning):
        catalog = VAEClusterFinder().detect(shared_data / name)
    assert len(catalog) == 0
