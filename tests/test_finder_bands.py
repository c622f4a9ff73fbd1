# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A finder takes the images of a field in several bands as one."""

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.table import Table
from astropy.utils.exceptions import AstropyUserWarning
from numpy.testing import assert_array_equal

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.baselines import StarCounts
from astro_vaeclust.images.read import read_image
from astro_vaeclust.images.write import write_image
from astro_vaeclust.simulation import MockCluster, simulate_tile

SHAPE = (120, 100)


@pytest.fixture(scope="module")
def tile():
    surveys = ("2mass-j", "2mass-h", "2mass-ks")
    cluster = MockCluster(n_members=80, half_number_radius=15 * u.arcsec)
    return simulate_tile(survey=surveys, shape=SHAPE, clusters=cluster, seed=1)


@pytest.fixture
def files(tile, tmp_path):
    """Return one file for each band (dict)."""
    paths = {band: tmp_path / f"{band.lower()}.fits" for band in tile.images}
    for band, path in paths.items():
        write_image(tile.images[band], path)
    return paths


def masked(image, place):
    mask = image.mask.copy()
    mask[place] = True
    return CCDData(image.data, mask=mask, wcs=image.wcs, unit="adu", meta=image.meta)


@pytest.mark.usefixtures("search_in_bands")
def test_the_table_has_the_bands_and_the_extinction(files):
    catalog = VAEClusterFinder().detect(files)
    (row,) = catalog.table
    assert row["bands"] == "J,H,Ks"
    assert row["a_k"] == 0.75 * u.mag
    assert row["a_k_err"] == 0.1 * u.mag
    assert catalog.table["a_k"].info.description.startswith("Extinction of the members")
    names = {"J": "j.fits", "H": "h.fits", "Ks": "ks.fits"}
    assert catalog.meta["bands"] == names
    assert catalog.meta["reference"] == "Ks"
    assert catalog.meta["image"] == "ks.fits"
    assert list(catalog.image.bands) == ["J", "H", "Ks"]
    assert "J,H,Ks" in str(catalog)
    assert "0.75 +- 0.10" in str(catalog)


@pytest.mark.usefixtures("search_in_bands")
@pytest.mark.parametrize("kind", [list, tuple])
def test_bands_come_from_the_headers_of_a_list(files, kind):
    catalog = VAEClusterFinder().detect(kind(files.values()))
    assert catalog.meta["bands"] == {"J": "j.fits", "H": "h.fits", "Ks": "ks.fits"}


@pytest.mark.usefixtures("search_in_bands")
def test_bands_that_show_less_than_half_of_a_circle_do_not_count(tile):
    images = tile.images | {
        "J": masked(tile.images["J"], np.s_[:, :48]),
        "H": masked(tile.images["H"], np.s_[:, :54]),
    }
    (row,) = VAEClusterFinder().detect(images).table
    assert row["bands"] == "J,Ks"


@pytest.mark.usefixtures("search_in_bands")
def test_the_heat_is_masked_where_no_band_shows_anything(tile):
    images = {
        "J": masked(tile.images["J"], np.s_[:70]),
        "Ks": masked(tile.images["Ks"], np.s_[50:]),
    }
    catalog = VAEClusterFinder().detect(images)
    assert_array_equal(catalog.heatmap.mask, catalog.image.unseen)
    unseen = np.flatnonzero(catalog.image.unseen.all(axis=1))
    assert (unseen[0], unseen[-1]) == (50, 69)
    assert catalog.image.mask[50:].all()


@pytest.mark.usefixtures("search_in_bands")
def test_the_reference_gives_the_grid(tile):
    j = tile.images["J"]
    cut = CCDData(
        j.data[20:], mask=j.mask[20:], wcs=j.wcs[20:], unit="adu", meta=j.meta
    )
    images = {"J": cut, "K": tile.images["Ks"]}
    assert VAEClusterFinder().detect(images).image.shape == SHAPE
    catalog = VAEClusterFinder().detect(images, reference="J")
    assert catalog.image.shape == (100, 100)
    assert catalog.meta["reference"] == "J"
    assert_array_equal(catalog.image.data, read_image(cut).data)


@pytest.mark.usefixtures("search_in_bands")
def test_options_may_be_by_band(tile):
    hidden = np.zeros(SHAPE, dtype=bool)
    hidden[:100] = True
    catalog = VAEClusterFinder().detect(tile.images, mask={"K": hidden})
    assert catalog["bands"].tolist() == ["J,H"]


def test_one_band_in_a_dict_or_list_is_that_image(tile):
    finder = VAEClusterFinder(max_false_alarm_rate=None)
    plain = finder.detect(tile.image)
    for given in ({"K": tile.image}, [tile.image]):
        same = finder.detect(given, reference="Ks")
        assert_array_equal(same.heatmap.data, plain.heatmap.data)
        assert same.table.colnames == plain.table.colnames
        assert_array_equal(same["score"], plain["score"])
        assert not same.image.bands
        assert "bands" not in same.meta
    blocks = finder.detect({"K": tile.image}, block_size=64)
    assert "n_blocks" in blocks.meta


@pytest.mark.parametrize("reference", ["Ks", "J"])
def test_the_image_of_a_catalogue_is_searched_again(tile, reference):
    finder = VAEClusterFinder(max_false_alarm_rate=None)
    for given, options in ((tile.images, {"reference": reference}), (tile.image, {})):
        catalog = finder.detect(given, **options)
        again = finder.detect(catalog.image)
        assert_array_equal(again.heatmap.data, catalog.heatmap.data)
        assert_array_equal(again["score"], catalog["score"])
        assert again.meta.get("reference") == options.get("reference")
        assert again.meta.get("bands") == catalog.meta.get("bands")


def test_the_header_of_one_band_is_compared(tile):
    finder = VAEClusterFinder(max_false_alarm_rate=None)
    with pytest.warns(AstropyUserWarning, match="image H: .* names the band 'Ks'"):
        finder.detect({"H": tile.image})
    for given in ({"Ks": tile.image}, [tile.image]):
        with pytest.raises(ValueError, match="reference must be one of 'Ks'; got 'J'"):
            finder.detect(given, reference="J")


def test_an_hdulist_stays_one_image(tile):
    hdu = fits.PrimaryHDU(tile.image.data, tile.image.wcs.to_header())
    finder = VAEClusterFinder(max_false_alarm_rate=None)
    catalog = finder.detect(fits.HDUList([hdu]))
    assert catalog.image.shape == SHAPE


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"block_size": 64}, "block_size is for one band: several are .* 3 images"),
        ({"sources": Table()}, "sources is for one band: .* without sources; got it"),
        ({"reference": "Y"}, "reference must be one of J, H, Ks, got 'Y'"),
        ({"mask": {"Y": None}}, "a band of mask must be one of J, H, Ks, got 'Y'"),
    ],
)
def test_what_several_bands_do_not_take(tile, options, match):
    with pytest.raises(ValueError, match=match):
        VAEClusterFinder().detect(tile.images, **options)


@pytest.mark.parametrize(
    ("images", "match"),
    [
        ({}, "images must hold at least one image"),
        ({"K": 0, "Ks": 1}, "images must have each band once, got Ks twice"),
        ({"Y": 0, "Ks": 1}, "a band of images must be one of J, H, Ks, got 'Y'"),
        ({"Y": 0}, "a band of images must be one of J, H, Ks, got 'Y'"),
    ],
)
def test_bands_are_known_and_given_once(images, match):
    with pytest.raises(ValueError, match=match):
        VAEClusterFinder().detect(images)


def test_reference_of_one_image_is_refused(tile):
    with pytest.raises(ValueError, match="reference is for several bands, got 'Ks'"):
        VAEClusterFinder().detect(tile.image, reference="Ks")
    with pytest.raises(ValueError, match="reference must be one of 'Ks'; got 'J'"):
        VAEClusterFinder().detect({"Ks": tile.image}, reference="J")
    with pytest.raises(ValueError, match=r"mask by bands is for a dict .*one image"):
        VAEClusterFinder().detect(tile.image, mask={"Ks": tile.image.mask})


@pytest.mark.parametrize(
    "finder", [VAEClusterFinder.paper(), VAEClusterFinder(mixture="gmm")]
)
def test_searches_that_learn_on_the_image_take_one_band(tile, finder):
    with pytest.raises(ValueError, match="data in several bands is for the search"):
        finder.detect(tile.images)


def test_finders_of_one_band_say_so(tile):
    with pytest.raises(TypeError, match=r"data must be an NDData .* got a dict"):
        StarCounts().detect(tile.images)
