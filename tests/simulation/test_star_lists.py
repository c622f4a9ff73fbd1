# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Real star lists become images with these stars, and fainter ones."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust.simulation import SURVEYS, render_catalog, simulate_tile
from astro_vaeclust.simulation.star_lists import completeness_limit

CENTER = SkyCoord(0.001, 40.0, unit="deg")


def star_list(number=6, *, seed=1, names=("ra", "dec", "mag"), magnitude=(9, 12)):
    """A list of stars within 100 arcsec of the centre, on both sides of 0 h."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-100, 100, (2, number)) * u.arcsec
    sky = CENTER.spherical_offsets_by(x, y)
    columns = sky.ra.deg, sky.dec.deg, rng.uniform(*magnitude, number)
    return Table(dict(zip(names, columns, strict=True)))


def test_stars_are_where_and_as_bright_as_in_the_list():
    table = Table({"ra": [0.001, 359.98], "dec": [40.0, 40.01], "mag": [11.0, 10.0]})
    settings = {"shape": (240, 200), "center": CENTER, "complete": False, "seed": 4}
    tile = render_catalog(table, noise=False, artefacts=False, **settings)
    assert_array_equal(tile.stars["mag"].value, [11, 10])
    assert_allclose(tile.stars["x"][0], 99.5, atol=0.01)
    sky = SkyCoord(table["ra"], table["dec"], unit="deg")
    assert np.all(tile.stars["sky"].separation(sky) < 0.001 * u.arcsec)
    assert np.isnan(tile.stars["a_k"]).all()
    assert not tile.stars["is_member"].any()
    x, y = round(tile.stars["x"][0]), round(tile.stars["y"][0])
    cut = tile.image.data[y - 15 : y + 16, x - 15 : x + 16]
    light = (cut - np.median(cut)).sum(dtype=float)
    flux = 10 ** (0.4 * (tile.image.meta["MAGZP"] - 11.0))
    assert_allclose(light, flux, rtol=0.12)
    noisy = render_catalog(table, **settings)
    assert noisy.image.data.tobytes() != tile.image.data.tobytes()
    assert_array_equal(noisy.stars["x"], tile.stars["x"])


@pytest.mark.parametrize(
    "names",
    [("RAJ2000", "DEJ2000", "Kmag"), ("ra", "dec", "k_m"), ("ra", "dec", "mag")],
)
def test_columns_as_archives_name_them(names):
    tiles = [
        render_catalog(
            star_list(names=spelled), shape=(300, 300), complete=False, seed=1
        )
        for spelled in (names, ("ra", "dec", "mag"))
    ]
    assert len(tiles[0].stars) == 6
    assert tiles[0].image.data.tobytes() == tiles[1].image.data.tobytes()


def test_the_stars_of_a_tile_are_a_list():
    stars = simulate_tile(shape=(200, 200), density=4.5, seed=2).stars
    tile = render_catalog(stars, shape=(240, 240), complete=False, seed=1)
    assert_array_equal(tile.stars["mag"], stars["mag"])
    assert np.all(tile.stars["sky"].separation(stars["sky"]) < 0.001 * u.arcsec)


def test_a_survey_takes_the_magnitude_of_its_band():
    table = star_list(names=("ra", "dec", "k_m"))
    table["j_m"] = table["k_m"] + 1.5
    table["j_m"].unit = u.mag
    tile = render_catalog(table, survey="2mass-j", shape=(300, 300), complete=False)
    assert_allclose(tile.stars["mag"].value, table["j_m"])
    assert tile.image.meta["FILTER"] == "J"


def test_limits_and_stars_without_magnitude_are_left_out():
    table = star_list(names=("ra", "dec", "k_m"))
    table["ph_qual"] = ["AAA", "AAU", "UUA", "AAA", "BCD", "AAA"]
    table["k_m"][3] = np.nan
    tile = render_catalog(table, shape=(300, 300), complete=False, seed=1)
    assert_allclose(tile.stars["mag"].value, table["k_m"][[0, 2, 4, 5]])


@pytest.fixture(scope="module")
def deep():
    """All stars of a mock field, those brighter than 13 mag, and where it lies."""
    tile = simulate_tile(
        shape=(1500, 1500),
        density=4.7,
        extinction=0 * u.mag,
        gradient=1.5,
        artefacts=(),
        noise=False,
        seed=7,
    )
    stars = tile.stars[~tile.stars["is_galaxy"]]
    table = Table({"ra": stars["sky"].ra, "dec": stars["sky"].dec, "mag": stars["mag"]})
    center = tile.image.wcs.pixel_to_world(749.5, 749.5)
    return stars, table[table["mag"] < 13 * u.mag], center


def test_fainter_stars_are_added_as_many_as_there_are(deep):
    stars, table, center = deep
    settings = {"shape": (1500, 1500), "center": center, "artefacts": (), "seed": 2}
    tile = render_catalog(table, **settings)
    edges = np.arange(12, 17.5, 0.5)
    found, true = (
        np.histogram(some["mag"].value, edges)[0] for some in (tile.stars, stars)
    )
    assert_allclose(found, true, rtol=0.15)
    assert tile.stars["mag"].max() < (SURVEYS["2mass-ks"].limit + 3.6) * u.mag
    bare = render_catalog(table, complete=False, **settings)
    assert_allclose(np.sort(bare.stars["mag"].value), np.sort(table["mag"].value))


def test_fainter_stars_are_as_dense_as_the_brighter_ones(deep):
    stars, table, center = deep
    tile = render_catalog(
        table, shape=(1500, 1500), center=center, artefacts=(), seed=2
    )
    cells = [
        np.histogram2d(
            *(some[name][some["mag"] > 13.5 * u.mag] for name in "yx"), bins=4
        )[0]
        for some in (tile.stars, stars)
    ]
    ratio = cells[0] / cells[1]
    assert cells[1].max() > 5 * cells[1].min()
    assert 0.7 < ratio.min() < ratio.max() < 1.4


def test_a_list_is_complete_to_its_fullest_half_magnitude():
    rng = np.random.default_rng(1)
    magnitude = np.log10(rng.uniform(1, 10**2.4, 40_000)) / 0.4 + 9
    kept = rng.random(40_000) < np.clip((15 - magnitude) / 1.0, 0, 1)
    assert_allclose(completeness_limit(magnitude[kept]), 13.9, atol=0.3)
    assert_allclose(completeness_limit(magnitude), 14.5, atol=0.05)


def test_same_seed_gives_the_same_bits():
    table = star_list(400, magnitude=(8, 14))
    settings = {"shape": (200, 200), "center": CENTER}
    one, two, other = (
        render_catalog(table, seed=seed, **settings) for seed in (3, 3, 4)
    )
    assert one.image.data.tobytes() == two.image.data.tobytes()
    assert len(one.stars) > 400
    assert one.image.data.tobytes() != other.image.data.tobytes()


def test_the_middle_of_a_list_is_that_of_the_image():
    tile = render_catalog(star_list(60), shape=(220, 220), complete=False, seed=1)
    middle = tile.image.wcs.pixel_to_world(109.5, 109.5)
    assert middle.separation(CENTER) < 30 * u.arcsec
    assert len(tile.stars) > 50


@pytest.mark.parametrize(
    ("table", "settings", "error", "match"),
    [
        ([1], {}, TypeError, "table must be a Table, got list"),
        (star_list(names=("a", "dec", "mag")), {}, ValueError, "table: .*ascension"),
        (
            star_list(names=("ra", "dec", "g")),
            {},
            ValueError,
            "table: .*magnitude in K",
        ),
        (star_list(0), {}, ValueError, "table must have stars .* none in 0 rows"),
        (
            star_list(magnitude=(99, 99.9)),
            {},
            ValueError,
            "table must have stars .* none in 6 rows",
        ),
        (
            star_list(),
            {"center": SkyCoord(180, -40, unit="deg")},
            ValueError,
            "table must have stars on the image of 64 x 64 pixels about 180",
        ),
        (star_list(), {"shape": (4, 4)}, ValueError, "shape"),
        (star_list(), {"survey": "sdss"}, ValueError, "survey must be one of"),
        (star_list(), {"artefacts": ["ghost"]}, ValueError, "artefacts has 'ghost'"),
        (star_list(), {"seed": "a"}, TypeError, "seed must be"),
    ],
)
def test_wrong_arguments_are_refused_by_name(table, settings, error, match):
    with pytest.raises(error, match=match):
        render_catalog(table, **({"shape": (64, 64)} | settings))


@pytest.mark.shared_data
def test_a_real_cluster_in_a_real_field(shared_data):
    words = {name: [str] for name in ("Qflg", "Rflg", "Bflg", "Cflg")}
    table = Table.read(
        shared_data / "ngc1333_2mass_psc" / "2mass.csv.gz",
        format="ascii.csv",
        converters=words,
    )
    center = SkyCoord(52.286, 31.314, unit="deg")
    tile = render_catalog(table, shape=(1400, 1400), center=center, seed=1)
    bright = tile.stars[tile.stars["mag"] < 14.3 * u.mag]
    near = bright["sky"].separation(SkyCoord(52.262, 31.354, unit="deg"))
    # 107 sources within 5', where the field has 30.
    assert 95 <= np.sum(near < 5 * u.arcmin) <= 115
    assert len(tile.stars) > 3 * len(bright)


@pytest.mark.shared_data
def test_a_real_field_of_the_plane(shared_data):
    table = Table.read(shared_data / "tables" / "psc_w44_tile.vot.gz")
    tile = render_catalog(table, shape=(1024, 512), seed=1)
    magnitude = tile.stars["mag"].value
    is_limit = np.array([str(flags)[2] == "U" for flags in table["Qflg"]])
    listed = np.asarray(table["Kmag"]).astype(float)[~is_limit]
    for limit in (11, 12, 13):
        assert_allclose(np.sum(magnitude < limit), np.sum(listed < limit), rtol=0.02)
    # The counts go on beyond 13.5, where the list becomes incomplete.
    deeper = [np.sum((magnitude > m) & (magnitude < m + 1)) for m in (12.5, 13.5, 14.5)]
    assert deeper[0] < deeper[1] < deeper[2]


def colored_list():
    table = star_list(400, names=("ra", "dec", "k_m"), magnitude=(9, 14))
    table["h_m"] = table["k_m"] + 0.3
    table["j_m"] = table["k_m"] + np.where(table["k_m"] < 11.5, 1.0, 2.0)
    return table


COLORS = ("2mass-j", "2mass-h", "2mass-ks")


def test_a_list_in_colour_gives_images_in_all_bands():
    tile = render_catalog(
        colored_list(), survey=COLORS, shape=(240, 240), complete=False, seed=1
    )
    assert list(tile.images) == ["J", "H", "Ks"]
    stars = tile.stars
    assert_allclose((stars["mag_H"] - stars["mag_Ks"]).value, 0.3)
    assert_array_equal(stars["mag_Ks"], stars["mag"])
    alone = render_catalog(colored_list(), shape=(240, 240), complete=False, seed=1)
    assert_array_equal(alone.image.data, tile.image.data)


def test_a_star_is_only_on_images_of_bands_that_see_it():
    sky = CENTER.spherical_offsets_by([-60, 0, 60] * u.arcsec, [0, 0, 0] * u.arcsec)
    table = Table({"ra": sky.ra.deg, "dec": sky.dec.deg})
    table["j_m"], table["h_m"] = [11.0, 11.0, np.nan], [10.5, 10.0, 10.5]
    table["k_m"], table["ph_qual"] = [10.0, 9.0, 10.0], ["AAA", "AAU", "UAA"]
    settings = {"shape": (240, 240), "center": CENTER, "seed": 1}
    tile = render_catalog(
        table, survey=COLORS, complete=False, noise=False, artefacts=False, **settings
    )
    stars = tile.stars
    assert_array_equal(stars["mag_J"].value, [11, 11, np.nan])
    assert_array_equal(stars["mag"].value, [10, np.nan, 10])
    x, y = (np.round(stars[axis]).astype(int) for axis in "xy")
    light = {
        band: image.data[y, x] - np.nanmedian(image.data)
        for band, image in tile.images.items()
    }
    assert (light["H"] > 100).all()
    assert light["J"][:2].min() > 100 * abs(light["J"][2])
    assert light["Ks"][[0, 2]].min() > 100 * abs(light["Ks"][1])


def test_stars_that_are_added_have_the_colours_of_those_near_them():
    table = colored_list()
    is_east = SkyCoord(table["ra"], table["dec"], unit="deg").ra.wrap_at("180d") > (
        CENTER.ra.wrap_at("180d")
    )
    table["j_m"] = table["k_m"] + np.where(is_east, 4.0, 1.0)
    table["h_m"][is_east] = np.nan
    tile = render_catalog(table, survey=COLORS, shape=(240, 240), seed=1)
    stars = tile.stars[tile.stars["mag"] > 14.5 * u.mag]
    color = (stars["mag_J"] - stars["mag_Ks"]).value
    red = color > 2.5
    assert len(stars) > 50
    assert_allclose(color[red], 4, atol=0.01)
    assert_array_equal(np.isnan(stars["mag_H"]), red)
    east, west = red[stars["x"] < 60], red[stars["x"] > 180]
    assert np.mean(east) > 2 * np.mean(west)


def test_stars_that_are_added_are_fainter_than_the_list_in_each_band():
    table = colored_list()
    limit = completeness_limit(np.array(table["j_m"]))
    tile = render_catalog(table, survey=COLORS, shape=(240, 240), seed=1)
    added = ~np.isin(tile.stars["mag"].value, table["k_m"])
    assert added.sum() > 50
    assert np.nanmin(tile.stars["mag_J"][added].value) >= limit


def test_a_list_in_colour_needs_magnitudes_in_each_band():
    with pytest.raises(ValueError, match="table"):
        render_catalog(
            star_list(names=("ra", "dec", "k_m")), survey=COLORS, shape=(64, 64)
        )
    table = colored_list()
    table["j_m"] = np.nan
    with pytest.raises(ValueError, match=r"table must have stars .* in J, got none"):
        render_catalog(table, survey=COLORS, shape=(240, 240), complete=False)
