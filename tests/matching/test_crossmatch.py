# Licensed under a 3-clause BSD style license - see LICENSE.rst

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust.catalog import ClusterCatalog, cluster_table
from astro_vaeclust.matching import KNOWN_LISTS, KnownList
from astro_vaeclust.matching.known import known_lists_table
from astro_vaeclust.matching.lookup import crossmatch
from astro_vaeclust.matching.vizier import names_of

from .examples import clusters, pixel_clusters, position


def listed(east, north, **columns):
    sky = position(east, north)
    return Table({"ra": sky.ra.deg, "dec": sky.dec.deg, **columns})


def fetcher(**tables):
    """Return what stands in for VizieR, and the list of what it is asked."""
    asked = []

    def fetch(known, cone):
        asked.append((known.tag, cone))
        return tables[known.tag]

    return fetch, asked


def test_known_and_new():
    catalog = clusters((0, 0, 30), (600, 0, 30), (-600, 0, 30))
    known = listed([5, 10, 640], [0, 0, 0], name=["Near", "Nearer to none", "East"])
    table = catalog.crossmatch(known).table
    assert "name" not in catalog.table.colnames
    assert list(table["name"]) == ["Near", "East", ""]
    assert list(table["status"]) == ["known", "known", "new"]
    assert list(table["known_list"]) == ["table", "table", ""]
    assert_allclose(table["offset"].to_value(u.arcsec), [5, 40, np.nan], rtol=1e-4)
    assert "match radius" in table["name"].info.description


def test_radius_of_the_caller():
    catalog = clusters((0, 0, 30), (600, 0, 30))
    known = listed([5, 640], [0, 0], name=["Near", "East"])
    near = catalog.crossmatch(known, radius=20 * u.arcsec)
    assert list(near["status"]) == ["known", "new"]
    far = near.crossmatch(known, radius=1 * u.arcmin)
    assert list(far["status"]) == ["known", "known"]
    assert list(near["status"]) == ["known", "new"]


def test_of_several_lists_the_nearest_is_named():
    table = clusters((0, 0, 30), (600, 0, 30), (1200, 0, 30)).table
    fetch, asked = fetcher(
        solin2012=listed([20, 605], [0, 0], name=["S 1", "S 2"]),
        froebrich2007=listed([-8, 680], [0, 0], name=["F 1", "F 2"]),
    )
    found = crossmatch(table, ["solin2012", "froebrich2007"], fetch=fetch)
    assert list(found["name"]) == ["F 1", "S 2", ""]
    assert list(found["known_list"]) == ["froebrich2007", "solin2012", ""]
    assert [tag for tag, _ in asked] == ["solin2012", "froebrich2007"]
    cone = asked[0][1]
    assert_allclose(cone.radius.to_value(u.arcsec), 600 + 60.6, rtol=1e-3)
    assert cone.center.separation(position(600, 0)) < 1 * u.arcsec


def test_each_list_has_its_own_match_radius():
    table = clusters((0, 0, 30)).table
    there = listed([100], [0], name=["X"])
    fetch, _ = fetcher(solin2012=there, hunt2023=there)
    assert crossmatch(table, "solin2012", fetch=fetch)["status"][0] == "new"
    assert crossmatch(table, "hunt2023", fetch=fetch)["status"][0] == "known"


def test_clusters_all_over_the_sky_take_the_whole_list():
    sky = SkyCoord([10, 200], [20, -40], unit="deg")
    fetch, asked = fetcher(
        hunt2023=Table({"name": ["A"], "ra": [200.0], "dec": [-40.0]})
    )
    found = crossmatch(QTable({"sky_center": sky}), "hunt2023", fetch=fetch)
    assert asked == [("hunt2023", None)]
    assert list(found["status"]) == ["new", "known"]


@pytest.mark.parametrize("rows", [0, 1])
def test_lists_with_nothing_near(rows):
    far = listed([90_000] * rows, [0] * rows, name=["X"] * rows)
    found = crossmatch(clusters((0, 0, 30)).table, far)
    assert list(found["status"]) == ["new"]
    assert found["name"].dtype.kind == "U"


def test_positions_that_are_missing_match_nothing():
    rows = listed([0, 10], [0, 0], name=["A", "B"])
    rows["ra"][0] = np.nan
    found = crossmatch(clusters((0, 0, 30)).table, rows)
    assert found["name"][0] == "B"
    rows["ra"][1] = np.nan
    assert crossmatch(clusters((0, 0, 30)).table, rows)["status"][0] == "new"


def test_no_clusters():
    catalog = ClusterCatalog(cluster_table())
    fetch, asked = fetcher()
    assert len(crossmatch(catalog.table, "solin2012", fetch=fetch)) == 0
    assert asked == []
    names = catalog.crossmatch(listed([0], [0])).table.colnames
    assert {"name", "offset", "status"} < set(names)


def test_pixels_and_images_are_kept():
    labels = np.zeros((200, 200), int)
    labels[90:110, 90:110] = 1
    catalog = pixel_clusters(labels)
    found = catalog.crossmatch(listed([0], [0], name=["A"]))
    assert found.segmentation is catalog.segmentation
    assert found.heatmap is catalog.heatmap
    assert list(found["name"]) == ["A"]


@pytest.mark.parametrize("suffix", ["ecsv", "fits", "vot", "reg"])
def test_what_was_found_can_be_written(tmp_path, suffix):
    catalog = clusters((0, 0, 30), (600, 0, 30))
    catalog = catalog.crossmatch(listed([5], [0], name=["Near"]))
    catalog.write(tmp_path / f"clusters.{suffix}")
    if suffix != "reg":
        back = ClusterCatalog.read(tmp_path / f"clusters.{suffix}").table
        names = np.ma.filled(back["name"], "")  # ECSV reads no text as missing
        assert list(names) == ["Near", ""]
        assert list(back["status"]) == ["known", "new"]


@pytest.mark.parametrize(
    ("lists", "radius", "error", "message"),
    [
        ("messier", None, ValueError, "lists must be one of 'bica2003'"),
        (["solin2012", "messier"], None, ValueError, "got 'messier'"),
        ([], None, TypeError, "lists takes tags of bica2003"),
        (3, None, TypeError, "lists takes tags of bica2003"),
        ([3], None, TypeError, "tags or tables, got int"),
        (Table({"x": [1]}), None, ValueError, "lists must have positions"),
        (listed([0], [0]), 60, TypeError, "radius takes a positive angle"),
        (listed([0], [0]), 1 * u.m, TypeError, "radius takes a positive angle"),
        (listed([0], [0]), -1 * u.deg, ValueError, "radius takes a positive angle"),
        (listed([0], [0]), [1, 2] * u.deg, ValueError, "radius takes a positive"),
    ],
)
def test_arguments_that_cannot_be_used(lists, radius, error, message):
    with pytest.raises(error, match=message):
        clusters((0, 0, 30)).crossmatch(lists, radius=radius)


@pytest.mark.parametrize(
    ("table", "error"), [([1], TypeError), (Table({"ra": [1]}), ValueError)]
)
def test_tables_that_are_no_clusters(table, error):
    with pytest.raises(error, match="table must"):
        crossmatch(table, listed([0], [0]))


KNOWN = KnownList("some", ("J/X/1",), "", "", 1 * u.arcmin, ("Name",), "SOME")


def test_names_of_a_list():
    rows = Table({"name": ["A 1", " 12 ", ""], "x": [1, 2, 3]})
    assert list(names_of(KNOWN, rows)) == ["A 1", "SOME 12", "SOME"]
    numbers = Table({"Seq": [7, 8]})
    numbers["Seq"].meta["ucd"] = "meta.id;meta.main"
    assert list(names_of(KNOWN, numbers)) == ["SOME 7", "SOME 8"]
    nameless = Table({"x": [1.5, 2.5]})
    assert list(names_of(KNOWN, nameless)) == ["SOME", "SOME"]
    own = KnownList("mine", (), "", "", 1 * u.arcmin)
    assert list(names_of(own, nameless)) == ["mine 1", "mine 2"]
    masked = Table({"Name": np.ma.array(["A", "B"], mask=[True, False])})
    assert list(names_of(KNOWN, masked)) == ["SOME", "B"]


def test_lists_are_described():
    table = known_lists_table()
    assert_array_equal(table["tag"], list(KNOWN_LISTS))
    assert (table["radius"] >= 30 * u.arcsec).all()
    for tag, vizier in (
        ("bica2003", "J/A+A/404/223"),
        ("dutra2003", "J/A+A/400/533"),
        ("froebrich2007", "J/MNRAS/374/399"),
        ("solin2012", "J/A+A/542/A3/table1"),
        ("hunt2023", "J/A+A/673/A114/clusters"),
    ):
        assert KNOWN_LISTS[tag].vizier == (vizier,)
        assert KNOWN_LISTS[tag].tag == tag
