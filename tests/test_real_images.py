# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The finder on real images and real star lists, with a known cluster or without."""

import astropy.units as u
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from astropy.utils.exceptions import AstropyUserWarning, AstropyWarning
from astropy.wcs import WCS
from numpy.testing import assert_allclose

from astro_vaeclust import ClusterFlags, NoDetectionsWarning, VAEClusterFinder
from astro_vaeclust.images.read import read_image
from astro_vaeclust.simulation import render_catalog

pytestmark = [pytest.mark.shared_data, pytest.mark.slow]

M17_CORE = SkyCoord(275.1246, -16.1790, unit="deg")
M17_RADIUS = 3 * u.arcmin

M67_CENTER = SkyCoord(132.846, 11.814, unit="deg")
M67_R50 = 10 * u.arcmin
"""Half of the diameter in Hunt & Reffert 2024."""

NGC_1333_CENTER = SkyCoord(52.2705, 31.3298, unit="deg")
NGC_1333_R50 = 266 * u.arcsec
"""Medians of the positions and distances of the 203 members of Luhman et al. 2016."""

TWO_MASS = ("2mass-j", "2mass-h", "2mass-ks")

EMPTY = (
    *(
        f"m17_2mass_k/aK_asky_990502s{number}.fits.gz"
        for number in (1350092, 1440198, 1350080, 1430092, 1440186, 1430080)
    ),
    "negatives_dss2/barnards_star.fits.gz",
    "negatives_dss2/horsehead.fits.gz",
    "ukidss_crab/image.fits",
    "vista_viking/mystery_VIKING_Z.fits",
    "vista_frames/image_5.fits",
    "vista_frames/image_6.fits",
    "vista_stack/stack_h.fits",
    "twomass_odd/prototype_k.fits",
    "twomass_odd/irac1_sip.fits",
    "twomass_odd/s108_aJ_asky_980321n1060021.fits.gz",
)
"""Fields with dust, nebulae, galaxies and bright stars, but without a known cluster."""


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
    (row,) = catalog.table
    assert row["sky_center"].separation(M17_CORE) < 0.3 * M17_RADIUS
    assert row["false_alarm_rate"] <= 1 / u.deg**2


@pytest.mark.filterwarnings("ignore:.* is unlike those")
def test_default_finds_a_cluster_at_another_wavelength(shared_data):
    with pytest.warns(AstropyWarning, match=r"unlike those .* pixel scale .* 0\.863"):
        catalog = VAEClusterFinder().detect(shared_data / "ngc2264_irac" / "i2.fits")
    assert (catalog["flags"] & ClusterFlags.OUT_OF_CALIBRATION).all()
    spokes = SkyCoord(100.269, 9.600, unit="deg")
    separations = catalog.table["sky_center"].separation(spokes)
    row = catalog.table[separations.argmin()]
    assert separations.min() < row["r50"]
    assert row["r50"] > 30 * u.arcsec  # not a clump of it


@pytest.mark.filterwarnings("ignore:.* is unlike those")
def test_default_finds_a_cluster_that_fills_the_frame_as_a_whole(shared_data):
    catalog = VAEClusterFinder().detect(shared_data / "m67_dss1" / "M6707HH.fits.gz")
    (row,) = catalog.table
    assert row["sky_center"].separation(M67_CENTER) < 0.5 * M67_R50
    assert 0.5 * M67_R50 < row["r50"] < 2 * M67_R50
    assert row["false_alarm_rate"] < 0.1 / u.deg**2


@pytest.mark.parametrize("survey", [TWO_MASS[2:], TWO_MASS, TWO_MASS[:2]])
def test_default_finds_a_large_cluster_of_real_stars_as_a_whole(shared_data, survey):
    stars = Table.read(
        shared_data / "ngc1333_2mass_psc" / "2mass.csv.gz", format="ascii.csv"
    )
    tile = render_catalog(stars, survey=survey, shape=(1536, 1536), seed=1)
    (row,) = VAEClusterFinder().detect(tile.images).table
    assert row["sky_center"].separation(NGC_1333_CENTER) < 0.5 * NGC_1333_R50
    assert 0.67 * NGC_1333_R50 < row["r50"] < 1.5 * NGC_1333_R50


@pytest.mark.parametrize("name", EMPTY)
def test_default_abstains_where_there_is_no_cluster(shared_data, name):
    assert_abstains(VAEClusterFinder(), shared_data / name)


@pytest.mark.parametrize(
    ("name", "shape"), [("psc_w44_tile", (1024, 512)), ("psc_cds_form", (1150, 1150))]
)
@pytest.mark.parametrize("survey", [TWO_MASS[2:], TWO_MASS])
def test_default_abstains_on_real_stars_without_a_cluster(
    shared_data, name, shape, survey
):
    stars = Table.read(shared_data / "tables" / f"{name}.vot.gz")
    tile = render_catalog(stars, survey=survey, shape=shape, seed=1)
    finder = VAEClusterFinder(max_false_alarm_rate=0.5 / u.deg**2)
    assert_abstains(finder, tile.images)


@pytest.mark.parametrize("band", ["Y", "J", "H", "Ks"])
def test_default_abstains_on_images_whose_wcs_is_given(shared_data, band):
    path = shared_data / "vista_multiband" / f"profound_{band}.fits"
    with pytest.raises(ValueError, match="wcs: data brings none"):
        VAEClusterFinder().detect(path)
    assert_abstains(VAEClusterFinder(), path, wcs=vista_wcs())


def test_a_galaxy_is_no_cluster_at_a_high_rate_either(shared_data):
    path = shared_data / "twomass_odd" / "s108_aJ_asky_980321n1060021.fits.gz"
    assert_abstains(VAEClusterFinder(max_false_alarm_rate=10 / u.deg**2), path)


def test_integers_are_scaled(shared_data):
    path = shared_data / "twomass_odd" / "prototype_k.fits"
    stored = fits.getdata(path, do_not_scale_image_data=True)
    with pytest.warns(AstropyUserWarning, match=r"0\.79 % of the image are constant"):
        image = read_image(path)
    assert not stored[image.mask].any()
    usable = ~image.mask
    assert_allclose(image.data[usable], 0.1 * stored[usable], rtol=1e-6)


def test_a_margin_without_noise_is_no_data(shared_data):
    path = shared_data / "vista_stack" / "stack_h.fits"
    finder = VAEClusterFinder(max_false_alarm_rate=10 / u.deg**2)
    caught = assert_abstains(finder, path)
    assert any("8.2 % of the image" in str(warning.message) for warning in caught)


def assert_abstains(finder, data, **options):
    with pytest.warns(AstropyWarning) as caught:
        catalog = finder.detect(data, **options)
    assert NoDetectionsWarning in [warning.category for warning in caught]
    assert len(catalog) == 0
    return caught


def vista_wcs():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
    wcs.wcs.cdelt = -0.339 / 3600, 0.339 / 3600
    wcs.wcs.crpix = 1300.5, 1300.5
    wcs.wcs.crval = 180.0, 0.0
    return wcs
