# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The adapters against a local server that answers in the formats of the services."""

import pickle
import re

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.nddata import CCDData

from astro_vaeclust.archives import (
    UKIDSS,
    VISTA,
    LocalArchive,
    NoDataError,
    TwoMASS,
    cuts,
    resolve,
)
from astro_vaeclust.archives.exceptions import ArchiveFormatError
from astro_vaeclust.images.read import read_image

from . import sky
from .sky import CENTER

NAME = "IRAS 06055+2039"


def n_inside(stars, radius):
    return len(sky.inside(stars, CENTER, radius))


def assert_standard(catalog):
    names = ["ra", "dec", "mag", "mag_err", "band", "quality", "source_class", "sky"]
    colours = ["j_mag", "j_mag_err", "h_mag", "h_mag_err", "k_mag", "k_mag_err"]
    assert catalog.colnames[:14] == names + colours
    assert catalog["ra"].unit == u.deg
    assert catalog["mag"].unit == catalog["k_mag"].unit == u.mag
    assert set(catalog["quality"]) <= {"good", "fair", "poor", "limit", "unknown"}
    classes = {"star", "galaxy", "noise", "saturated", "point source", "unknown"}
    probable = {"probable star", "probable galaxy"}
    assert set(catalog["source_class"]) <= classes | probable
    assert isinstance(catalog["sky"], SkyCoord)


def assert_shows_stars(image, stars):
    """Bright stars are where the WCS says."""
    bright = stars[stars["k"] < 10.5]
    positions = SkyCoord(bright["ra"], bright["dec"], unit="deg")
    x, y = image.wcs.world_to_pixel(positions)
    ny, nx = image.shape
    on_image = (x > 10) & (x < nx - 11) & (y > 10) & (y < ny - 11)
    assert on_image.sum() > 3
    for column, row in zip(x[on_image], y[on_image], strict=True):
        i, j = round(float(row)), round(float(column))
        patch = image.data[i - 6 : i + 7, j - 6 : j + 7]
        peak = np.unravel_index(np.nanargmax(patch), patch.shape)
        assert np.hypot(peak[0] - 6, peak[1] - 6) < 2


def test_the_sources_of_2mass_are_those_of_irsa(server, stars):
    catalog = TwoMASS().get_catalog(CENTER, radius=6 * u.arcmin)
    assert_standard(catalog)
    assert len(catalog) == n_inside(stars, 6 * u.arcmin)
    assert catalog.meta["service"] == "IRSA TAP"
    assert catalog.meta["survey"] == "2MASS"
    assert set(catalog["band"]) == {"Ks"}
    assert set(catalog["quality"]) == {"good", "limit"}
    expected = sky.inside(stars, CENTER, 6 * u.arcmin)
    assert np.allclose(catalog["mag"].value, expected["k"])
    assert np.allclose(catalog["j_mag"].value, expected["j"])
    (request,) = server.asked("/TAP")
    query = request.parameters["QUERY"]
    assert re.fullmatch(
        r"SELECT ra,dec,designation,[\w,]*rd_flg[\w,]* FROM fp_psc WHERE "
        r"CONTAINS\(POINT\('ICRS',ra,dec\),CIRCLE\('ICRS',92\.13\d*,20\.6\d*,"
        r"0\.1\d*\)\)=1",
        query,
    )
    assert request.parameters["LANG"] == "ADQL"


def test_the_band_decides_about_magnitude_quality_and_cut(server, stars):
    survey = TwoMASS()
    near = {"radius": 6 * u.arcmin}
    in_j = survey.get_catalog(CENTER, **near, band="J")
    expected = sky.inside(stars, CENTER, 6 * u.arcmin)
    assert np.allclose(in_j["mag"].value, expected["j"])
    assert set(in_j["quality"]) == {"good"}
    counted = survey.get_catalog(CENTER, **near, cut="paper")
    assert 0.7 < len(counted) / len(in_j) < 0.8  # a quarter has no digit in K
    assert set(counted["rd_flg"]) == {"222"}
    assert len(survey.get_catalog(CENTER, **near, band="J", cut="paper")) == len(in_j)
    strict = survey.get_catalog(CENTER, **near, cut=cuts.reliable_photometry)
    assert 0 < len(strict) < len(counted)
    assert strict.meta["cut"] == "reliable_photometry"
    assert len(server.asked("/TAP")) == 1  # the rest came from the cache


def test_vizier_answers_where_irsa_does_not(server, stars, caplog):
    server.misbehave("/TAP", "500")
    catalog = TwoMASS().get_catalog(CENTER, radius=6 * u.arcmin)
    assert_standard(catalog)
    assert len(catalog) == n_inside(stars, 6 * u.arcmin)
    assert catalog.meta["service"] == "VizieR"
    assert set(catalog["rd_flg"]) == {"222", "220"}
    assert "IRSA TAP: HTTP 500" in caplog.text
    (request,) = server.asked("/viz-bin")
    lines = request.body.splitlines()
    assert "-source=II/246" in lines
    assert "-out.max=unlimited" in lines
    assert re.search(r"^-c=92\.13\d*\+20\.6\d*$", request.body, re.MULTILINE)
    assert "-c.rm=6.0" in lines


def test_one_tile_is_cropped_and_keeps_its_pixels(server, tiles, stars):
    image = TwoMASS().get_image(tiles[0][0], size=5 * u.arcmin)
    assert isinstance(image, CCDData)
    assert image.shape == pytest.approx((301, 301), abs=1)
    whole = read_image_bytes(tiles[0][1])
    assert np.isin(image.data[100:110, 100:110], whole).all()
    assert image.meta["MAGZP"] == sky.ZERO_POINT
    assert (image.meta["SURVEY"], image.meta["BAND"]) == ("2MASS", "Ks")
    assert image.meta["SERVICE"] == "IRSA SIA2"
    assert_shows_stars(image, stars)
    assert len(server.asked("/tiles")) == 1


def test_the_request_for_images_is_that_of_sia_version_2(server):
    TwoMASS().get_image(CENTER, size=3 * u.arcmin)
    (request,) = server.asked("/SIA/query")
    assert request.parameters["COLLECTION"] == "twomass_allsky"
    assert re.fullmatch(r"CIRCLE 92\.13\d* 20\.6\d* 0\.0\d*", request.parameters["POS"])
    assert float(request.parameters["BAND"].split()[0]) == pytest.approx(2.159e-6)


def test_a_box_larger_than_a_tile_is_a_mosaic(server, stars):
    image = TwoMASS().get_image(NAME, size=12 * u.arcmin, band="K")
    assert image.shape == (720, 720)
    assert np.isfinite(image.data).mean() > 0.99
    assert np.array_equal(image.mask, ~np.isfinite(image.data))
    assert image.meta["NTILES"] == 2
    assert_shows_stars(image, stars)
    left, right = (np.nanmedian(half) for half in np.array_split(image.data, 2, axis=1))
    assert abs(left - right) < 0.2  # the skies of the tiles differ by 8
    catalog = TwoMASS().get_catalog(image)
    x, _ = image.wcs.world_to_pixel(catalog["sky"])
    assert (x > -0.5).all()
    assert (x < 719.5).all()
    assert len(catalog) > 100
    found = read_image(image)
    assert found.shape == (720, 720)


def test_without_mosaics_the_nearest_tile_shows_what_it_can(server, tiles):
    survey = TwoMASS(mosaic=False)
    position = tiles[1][0].spherical_offsets_by(-3 * u.arcmin, 0 * u.arcmin)
    image = survey.get_image(position, size=(10, 4) * u.arcmin)
    assert image.shape[0] == pytest.approx(241, abs=1)
    assert image.shape[1] == pytest.approx(376, abs=2)
    assert len(server.asked("/tiles")) == 1


@pytest.mark.parametrize("reason", ["no collection", "fault"])
def test_the_older_service_answers_where_version_2_does_not(server, reason, stars):
    if reason == "no collection":
        server.collections = ("wise_allsky", "twomass_lga")
    else:
        server.misbehave("/SIA", "html")
    image = TwoMASS().get_image(CENTER, size=3 * u.arcmin, band="Ks")
    assert image.meta["SERVICE"] == "IRSA SIA1"
    (request,) = server.asked("/oldsia")
    assert request.parameters["ds"] == "asky"
    assert request.parameters["FORMAT"] == "image/fits"
    assert request.parameters["POS"].startswith("92.13")


def test_the_older_service_is_asked_for_the_band(server):
    server.collections = ()
    with pytest.raises(NoDataError, match="IRSA SIA1: it has no image there"):
        TwoMASS().get_image(CENTER, size=3 * u.arcmin, band="J")
    server.add_tile(CENTER, server.tiles[0].content, band="J")
    TwoMASS().get_image(server.tiles[0].center, size=3 * u.arcmin, band="J")


def test_no_image_there_is_an_error(server):
    with pytest.raises(
        NoDataError, match=r"2 and IRSA SIA1.*no tile shows this position"
    ):
        TwoMASS().get_image(SkyCoord(200, -40, unit="deg"), size=5 * u.arcmin)
    server.tiles.clear()
    with pytest.raises(NoDataError, match="no image there"):
        TwoMASS().get_image(CENTER, size=5 * u.arcmin)


def test_the_sources_of_ukidss(server, stars, capsys):
    catalog = UKIDSS().get_catalog(CENTER, radius=5 * u.arcmin)
    assert capsys.readouterr() == ("", "")
    assert_standard(catalog)
    assert catalog.meta["service"] == "WSA"
    native = sky.wsa_sources(sky.inside(stars, CENTER, 5 * u.arcmin))
    duplicates = ~np.isin(native["priOrSec"], [0, 438086690175])
    assert duplicates.sum() > 2
    assert len(catalog) == len(native) - duplicates.sum()
    assert np.isnan(catalog["j_mag"]).sum() > 2
    assert np.isfinite(catalog["mag"]).all()
    kept = catalog[cuts.paper(catalog)]
    assert set(kept["mergedclass"]) == {-1, -2}
    assert set(kept["source_class"]) == {"star", "probable star"}
    more = catalog[cuts.include_extended(catalog)]
    assert set(more["source_class"]) == {"star", "probable star", "galaxy"}
    assert set(catalog["quality"]) == {"good", "poor"}
    (request,) = server.asked("/wsa/WSASQL")
    asked = request.parameters
    assert asked["database"] == "UKIDSSDR11PLUS"
    assert asked["programmeID"] == "102"
    assert float(asked["radius"]) == pytest.approx(5)
    assert (asked["format"], asked["compress"]) == ("VOT", "NONE")
    assert "mergedClass" in asked["select"].split(",")
    assert len(server.asked("/wsa")) == 2  # the page, once, and its table


def test_vizier_answers_where_wsa_does_not(server, stars):
    server.play("/wsa/WSASQL", sky.wsa_error_page())
    catalog = UKIDSS(database="UKIDSSDR10PLUS").get_catalog(
        CENTER, size=(8, 4) * u.arcmin
    )
    assert_standard(catalog)
    assert catalog.meta["service"] == "VizieR"
    assert len(catalog[cuts.paper(catalog)]) > 5
    assert set(catalog["quality"]) == {"good", "poor"}
    assert 0 < cuts.reliable_photometry(catalog).sum() < len(catalog)
    offsets = CENTER.spherical_offsets_to(catalog["sky"])
    assert abs(offsets[0]).max() <= 4 * u.arcmin
    assert abs(offsets[1]).max() <= 2 * u.arcmin
    assert "UKIDSSDR10PLUS" in server.asked("/wsa/WSASQL")[0].parameters["database"]


def test_images_of_ukidss(server, stars, capsys):
    image = UKIDSS().get_image(CENTER, size=2 * u.arcmin)
    assert image.shape == pytest.approx((301, 301), abs=1)
    assert image.meta["BAND"] == "K"
    assert image.meta["MAGZPT"] == 22.5
    (request,) = server.asked("/wsa/GetImage")
    asked = request.parameters
    assert (asked["filterID"], asked["programmeID"]) == ("5", "102")
    assert (asked["frameType"], asked["obsType"]) == ("stack", "object")
    assert float(asked["xsize"]) == float(asked["ysize"]) == pytest.approx(2)
    assert capsys.readouterr() == ("", "")
    server.cutouts.clear()
    with pytest.raises(NoDataError, match="WSA"):
        UKIDSS().get_image(CENTER, size=2.5 * u.arcmin)


@pytest.mark.parametrize("survey", [UKIDSS(), VISTA()])
def test_an_unknown_programme_is_refused_and_not_left_out(server, survey):
    # the client would ask for images of programmeID=None
    with pytest.raises(ArchiveFormatError, match="'no survey' is not known"):
        survey._client().get_image_list(
            CENTER,
            waveband=survey.default_band,
            image_width=1 * u.arcmin,
            programme_id="no survey",
        )
    assert server.requests == []


def test_vista_takes_the_same_route(server):
    image = VISTA().get_image(CENTER, size=2 * u.arcmin)
    assert image.meta["BAND"] == "Ks"
    asked = server.asked("/vdfs/GetImage")[0].parameters
    assert (asked["database"], asked["programmeID"]) == ("VVVDR4", "120")
    assert asked["filterID"] == "5"


def test_the_sources_of_vista(server, stars):
    catalog = VISTA().get_catalog(CENTER, radius=5 * u.arcmin)
    assert_standard(catalog)
    assert catalog.meta["service"] == "VSA"
    assert np.isfinite(catalog["mag"]).all()
    assert set(catalog["quality"]) == {"good", "poor"}
    asked = server.asked("/vdfs/WSASQL")[0].parameters
    assert (asked["database"], asked["programmeID"]) == ("VVVDR4", "120")
    assert "ksAperMag3" in asked["select"].split(",")
    server.misbehave("/vdfs", "500")
    fallback = VISTA().get_catalog(CENTER, radius=4 * u.arcmin)
    assert_standard(fallback)
    assert fallback.meta["service"] == "VizieR"
    assert len(fallback) == n_inside(stars, 4 * u.arcmin)
    assert "-source=II/348" in server.asked("/viz-bin")[0].body.splitlines()


def test_names_are_looked_up_once(server):
    position = resolve("M 17")
    assert position.source == "SIMBAD"
    assert position.coordinates.separation(CENTER) < 0.01 * u.arcsec
    resolve(" M  17")
    (request,) = server.asked("/simbad")
    assert "id = 'M 17'" in request.parameters["QUERY"]


def test_everything_is_there_again_without_a_network(server):
    survey = TwoMASS()
    image = survey.get_image(CENTER, size=10 * u.arcmin)
    catalog = survey.get_catalog(image)
    server.requests.clear()
    server.misbehave("/", "500")
    again = survey.get_image(CENTER, size=10 * u.arcmin)
    assert np.array_equal(again.data, image.data, equal_nan=True)
    assert len(survey.get_catalog(again)) == len(catalog)
    assert server.requests == []


def test_progress_of_downloads_is_shown(server):
    shown = []

    def progress_bar(items, *, desc, total):
        shown.append((desc, total))
        return items

    TwoMASS(progress_bar=progress_bar).get_image(CENTER, size=10 * u.arcmin)
    assert shown == [("2MASS images", 2)]


def test_a_local_archive_gives_the_same(server, tmp_path, stars):
    remote = TwoMASS()
    image = remote.get_image(CENTER, size=10 * u.arcmin)
    catalog = remote.get_catalog(image)
    for index, tile in enumerate(server.tiles):
        (tmp_path / f"{index}.fits").write_bytes(tile.content)
    local = LocalArchive(images=tmp_path, catalog=sky.irsa_psc(stars), name="copy")
    again = local.get_image(CENTER, size=10 * u.arcmin)
    assert again.shape == image.shape
    assert np.allclose(again.data, image.data, equal_nan=True, atol=0.01)
    sources = local.get_catalog(again)
    assert len(sources) == len(catalog)
    assert np.allclose(sources["mag"].value, catalog["mag"].value)
    assert sources.meta["survey"] == "copy"


@pytest.mark.parametrize("survey", [TwoMASS(mosaic=False), UKIDSS(), VISTA()])
def test_a_survey_can_be_pickled(survey):
    copy = pickle.loads(pickle.dumps(survey))
    assert vars(copy) == vars(survey)


def read_image_bytes(content):
    from astro_vaeclust.archives.contents import read_image

    return read_image(content).data
