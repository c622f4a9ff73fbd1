# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Recorded answers of the services, and real tiles and catalogues.

The files come from the folder of real data; none is part of the project.
"""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table

from astro_vaeclust.archives import UKIDSS, LocalArchive, TwoMASS, cuts
from astro_vaeclust.archives.areas import Box
from astro_vaeclust.archives.contents import read_image, read_table
from astro_vaeclust.archives.exceptions import ArchiveServerError
from astro_vaeclust.archives.source_tables import standard_catalog

from . import sky

pytestmark = pytest.mark.shared_data


def test_the_recorded_answer_of_irsa_for_fp_psc(shared_data):
    recorded = shared_data / "responses/astroquery_irsa/Cone.xml"
    catalog = standard_catalog(read_table(recorded.read_bytes()))
    assert len(catalog) == 1
    assert catalog["mag"][0] == 8.475 * u.mag
    assert catalog["j_mag"][0] == 9.453 * u.mag
    assert catalog["rd_flg"][0] == "222"
    assert catalog["quality"][0] == "poor"  # ph_qual E


def test_irsa_with_a_recorded_answer(shared_data, server):
    recorded = shared_data / "responses/astroquery_irsa/Cone.xml"
    server.play("/TAP/sync", recorded.read_bytes())
    andromeda = SkyCoord(10.68479, 41.26906, unit="deg")
    catalog = TwoMASS().get_catalog(andromeda, radius=5 * u.arcsec)
    assert catalog.meta["service"] == "IRSA TAP"
    assert list(catalog["mag"].value) == [8.475]


def test_the_older_image_service_with_recorded_rows(shared_data, server):
    # the rows are recorded; the table round them is made, and so is the tile
    rows = Table.read(
        shared_data / "responses/irsa_sia_2mass/sia_2mass_table.csv",
        format="ascii.csv",
    )
    rows = rows["name", "download", "center_ra", "center_dec", "format", "band"]
    irsa = "https://irsa.ipac.caltech.edu:443"
    rows["download"] = [link.replace(irsa, server.url) for link in rows["download"]]
    server.play("/oldsia", sky.old_sia_votable(rows))
    position = SkyCoord(314.5216579, 77.65369905, unit="deg")
    stars = sky.make_stars(50, center=position, radius=6 * u.arcmin)
    server.play("/cgi-bin/2MASS/IM/nph-im", sky.make_tile(position, stars))
    image = TwoMASS()._image_by_old_sia(Box.from_center(position, 4 * u.arcmin), "Ks")
    assert image.shape == pytest.approx((241, 241), abs=1)
    (request,) = server.asked("/cgi-bin")
    assert request.parameters["name"] == "ki0600256.fits"
    assert request.parameters["ds"] == "asky"


def test_the_recorded_table_of_wsa(shared_data):
    recorded = shared_data / "responses/astroquery_ukidss/votable.xml"
    catalog = standard_catalog(read_table(recorded.read_bytes()), band="K")
    assert len(catalog) == 9
    assert catalog["mag"][0].value == pytest.approx(16.50596)
    assert np.isnan(catalog["j_mag"][2])
    assert catalog["source_class"][2] == "galaxy"
    assert cuts.paper(catalog).sum() == 8
    assert cuts.include_extended(catalog).sum() == 9


def test_the_recorded_pages_of_wsa(shared_data, server):
    folder = shared_data / "responses/astroquery_ukidss"
    from astro_vaeclust.archives.clients import UkidssClient

    client = UkidssClient(database="UKIDSSDR7PLUS")
    page = (folder / "vo_results.html").read_text()
    assert client._table_link(page).endswith("/results1_10_22_48_24662.xml")
    server.play("/wsa/WSASQL", (folder / "error.html").read_bytes())
    with pytest.raises(ArchiveServerError, match="SELECT permission was denied"):
        UKIDSS()._sources_of_archive(_cone(SkyCoord(83.633, 22.0145, unit="deg")))
    server.play("/wsa/GetImage", (folder / "image_results.html").read_bytes())
    (url,) = client.get_image_list(
        SkyCoord(83.633, 22.0145, unit="deg"), waveband="K", programme_id="all"
    )
    assert "getFImage.cgi" in url
    assert "mfid=1737581" in url


def _cone(center):
    from astro_vaeclust.archives import Cone

    return Cone.from_center(center, 1 * u.arcmin)


def test_the_recorded_error_of_vizier(shared_data, server):
    recorded = shared_data / "responses/astroquery_vizier/no_server_error.xml"
    server.play("/viz-bin/votable", recorded.read_bytes())
    with pytest.raises(ArchiveServerError, match="not currently reachable"):
        TwoMASS()._sources_of_vizier(_cone(SkyCoord(1, 1, unit="deg")))


def test_a_real_cutout_of_wsa(shared_data):
    image = read_image((shared_data / "ukidss_crab/image.fits").read_bytes())
    assert image.shape == (300, 300)
    crab = SkyCoord("05h34m31.97s +22d00m52.1s")
    x, y = image.wcs.world_to_pixel(crab)
    assert 0 < x < 300
    assert 0 < y < 300


def test_real_tiles_make_one_image_of_m17(shared_data):
    files = sorted((shared_data / "m17_2mass_k").glob("aK_asky*.fits.gz"))
    archive = LocalArchive(images=files, name="M17")
    image = archive.get_image("275.1246 -16.1790", size=6 * u.arcmin)
    assert image.shape == (360, 360)
    assert np.isfinite(image.data).mean() > 0.99
    x, y = image.wcs.world_to_pixel(SkyCoord(275.1246, -16.1790, unit="deg"))
    assert (x, y) == (pytest.approx(179.5, abs=1), pytest.approx(179.5, abs=1))


@pytest.mark.parametrize(
    ("file", "band", "fraction"),
    [
        ("ngc1333_2mass_psc/2mass.csv.gz", "Ks", 0.957),
        ("m51_2mass_psc/fp_2mass.tbl", "Ks", 0.807),
        ("g23_ukidss_gps/G23.01-0.41_UKIDSS_cat.vot.gz", "K", 0.843),
    ],
)
def test_real_catalogues_are_read_and_cut(shared_data, file, band, fraction):
    catalog = standard_catalog(shared_data / file, band=band)
    assert cuts.paper(catalog).mean() == pytest.approx(fraction, abs=0.001)
    strict = cuts.reliable_photometry(catalog)
    assert 0.2 < strict.mean() < 1
    assert np.isfinite(catalog["mag"][strict]).all()


def test_positions_of_ukidss_in_radians_and_degrees_agree(shared_data):
    folder = shared_data / "g23_ukidss_gps"
    both = standard_catalog(folder / "G23.01-0.41_UKIDSS_cat.vot.gz", band="K")
    radians = standard_catalog(folder / "G23.01-0.41_UKIDSS_cat_trim.fits.gz", band="K")
    center = SkyCoord(278.668, -9.0105, unit="deg")
    for catalog in (both, radians):
        assert catalog["sky"].separation(center).max() < 0.5 * u.deg


def test_the_stars_of_ngc_1333_are_an_overdensity(shared_data):
    archive = LocalArchive(catalog=shared_data / "ngc1333_2mass_psc/2mass.csv.gz")
    near = archive.get_catalog("52.262 31.354", radius=5 * u.arcmin)
    assert (near["mag"] < 14.3 * u.mag).sum() == pytest.approx(107, abs=3)
