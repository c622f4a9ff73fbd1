# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tables of sources as VizieR and authors publish them."""

import warnings

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS

from astro_vaeclust import NoDetectionsWarning
from astro_vaeclust.archives import cuts, read_catalog
from astro_vaeclust.archives.source_tables import standard_catalog
from astro_vaeclust.baselines import StarCounts
from astro_vaeclust.sources.table import read_sources, sky_positions

pytestmark = pytest.mark.shared_data

# File, rows, Galactic coordinates of the middle (deg), faintest magnitude in K
TABLES = [
    ("psc_w44_tile.vot.gz", 4381, (34.73, -0.37), 15.99),
    ("psc_cds_form.vot.gz", 683, (223.34, 22.51), 16.88),
    ("g23_ukidss_jhk.vot.gz", 1924, (23.05, -0.46), 17.93),
    ("vvv_psf_jhk.fits", 3083, (336.42, 0.16), 17.43),
]


def field_of(sky):
    """Return the WCS and mask of an image of 1 arcsec pixels on which sources lie."""
    middle = [(angle.max() + angle.min()) / 2 for angle in (sky.ra.deg, sky.dec.deg)]
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
    wcs.wcs.crval = middle
    wcs.wcs.cdelt = -1 / 3600, 1 / 3600
    extent = [np.ptp(axis) for axis in wcs.world_to_pixel(sky)]
    nx, ny = (int(side) + 1 for side in extent)
    wcs.wcs.crpix = (nx + 1) / 2, (ny + 1) / 2
    return wcs, np.zeros((ny, nx), dtype=bool)


@pytest.mark.parametrize(("name", "n_rows", "middle", "faintest"), TABLES)
def test_published_tables_have_positions_and_magnitudes(
    shared_data, name, n_rows, middle, faintest
):
    table = read_catalog(shared_data / "tables" / name)
    catalog = standard_catalog(table)
    assert len(catalog) == len(table) == n_rows
    center = SkyCoord(*middle, unit="deg", frame="galactic")
    assert catalog["sky"].separation(center).max() < 0.5 * u.deg
    assert catalog["sky"].separation(sky_positions(table)).max() < 1e-9 * u.deg
    assert np.nanmax(catalog["k_mag"].value) == pytest.approx(faintest, abs=0.01)
    assert np.isfinite(catalog["j_mag"]).all()


@pytest.mark.parametrize(
    ("name", "fraction"),
    [("psc_w44_tile.vot.gz", 0.836), ("psc_cds_form.vot.gz", 0.870)],
)
def test_2mass_tables_of_vizier_have_their_flags(shared_data, name, fraction):
    catalog = standard_catalog(shared_data / "tables" / name)
    assert cuts.paper(catalog).mean() == pytest.approx(fraction, abs=0.001)
    assert (catalog["designation"] != "").all()


@pytest.mark.parametrize("name", [row[0] for row in TABLES])
def test_fields_without_a_catalogued_cluster_have_none(shared_data, name):
    table = read_catalog(shared_data / "tables" / name)
    wcs, mask = field_of(sky_positions(table))
    assert len(read_sources(table, wcs).on(mask)) > 0.99 * len(table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        found = StarCounts().detect(None, wcs=wcs, mask=mask, sources=table)
    assert len(found) == 0
