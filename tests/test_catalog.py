# Licensed under a 3-clause BSD style license - see LICENSE.rst
import subprocess
import sys
from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table
from numpy.testing import assert_array_equal
from photutils.segmentation import SegmentationImage

from astro_vaeclust.catalog import ClusterCatalog, cluster_table
from astro_vaeclust.measure.columns import COLUMNS
from astro_vaeclust.measure.flags import ClusterFlags

from .example_catalog import META, make_catalog, make_columns

NAMES = [
    "id",
    "sky_center",
    "x_center",
    "y_center",
    "radius",
    "radius_err",
    "area",
    "score",
    "false_alarm_rate",
    "n_sources",
    "flags",
]


@pytest.mark.parametrize("columns", [None, {}, make_columns(0), make_columns(2)])
def test_table_has_all_columns_with_units_types_and_descriptions(columns):
    table = cluster_table(columns)
    assert table.colnames == NAMES
    units = {
        "radius": u.arcsec,
        "radius_err": u.arcsec,
        "area": u.arcsec**2,
        "false_alarm_rate": u.deg**-2,
    }
    for name in NAMES:
        assert table[name].info.description
        if name != "sky_center":
            assert getattr(table[name], "unit", None) == units.get(name)
            integer = name in ("id", "n_sources", "flags")
            assert table[name].dtype == (np.int64 if integer else np.float64)
    assert isinstance(table["sky_center"], SkyCoord)
    assert table["sky_center"].frame.name == "icrs"


def test_flags_column_says_what_the_bits_mean():
    assert ClusterFlags.legend() in cluster_table()["flags"].info.description


def test_units_and_frames_are_converted():
    columns = make_columns(2)
    columns["radius"] = columns["radius"].to(u.arcmin)
    columns["sky_center"] = columns["sky_center"].galactic
    table = cluster_table(columns)
    expected = cluster_table(make_columns(2))
    assert u.allclose(table["radius"], expected["radius"])
    separation = table["sky_center"].separation(expected["sky_center"])
    assert separation.max() < 1e-6 * u.arcsec


def test_further_columns_come_after_the_declared_ones():
    table = cluster_table({"colour": [0.1, 0.2], **make_columns(2)})
    assert table.colnames == [*NAMES, "colour"]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_missing_column_is_named(column):
    columns = make_columns(2)
    del columns[column.name]
    with pytest.raises(ValueError, match=rf"\['{column.name}'\] are missing"):
        cluster_table(columns)


@pytest.mark.parametrize(
    ("name", "values", "error"),
    [
        ("radius", [1.0, 2.0], TypeError),
        ("radius", [1.0, 2.0] * u.pix, ValueError),
        ("sky_center", [1.0, 2.0], TypeError),
        ("id", [1.5, 2.0], TypeError),
        ("x_center", [1.0, 2.0] * u.pix, TypeError),
        ("score", [[0.1], [0.2]], ValueError),
        ("score", [0.1, 0.2, 0.3], ValueError),
    ],
)
def test_bad_column_is_refused(name, values, error):
    with pytest.raises(error, match=r"score|column|arcsec|int64"):
        cluster_table({**make_columns(2), name: values})


def test_meta_becomes_plain_values():
    meta = {
        "patch_sizes": (16, np.int64(32)),
        "radius": 3 * u.arcsec,
        "rate": np.float32(0.5),
        "values": np.arange(2),
        "backend": ClusterFlags.LARGE,
    }
    table = cluster_table(None, meta)
    assert table.meta == {
        "patch_sizes": [16, 32],
        "radius": "3.0 arcsec",
        "rate": 0.5,
        "values": [0, 1],
        "backend": "16",
    }


def test_meta_is_not_shared_with_the_caller():
    meta = {"settings": {"overlap": 0.5}}
    table = cluster_table(None, meta)
    meta["settings"]["overlap"] = 0.1
    assert table.meta["settings"]["overlap"] == 0.5


def test_catalog_keeps_the_table():
    catalog = make_catalog(3)
    assert len(catalog) == 3
    assert catalog.table.meta == META
    assert catalog.segmentation is None


@pytest.mark.parametrize("n_clusters", [0, 1, 3])
def test_regions_are_circles_in_the_order_of_the_table(n_clusters):
    catalog = make_catalog(n_clusters)
    regions = catalog.regions
    assert len(regions) == n_clusters
    for row, region in zip(catalog.table, regions, strict=True):
        assert region.center.separation(row["sky_center"]) == 0
        assert region.radius == row["radius"]
        text = region.meta["text"]
        assert text.startswith(f"{row['id']}:")
        assert f"{row['radius'].value:.1f} arcsec" in text
        assert f"score={row['score']:.3f}" in text


@pytest.mark.parametrize(
    ("n_clusters", "start"),
    [
        (0, "<ClusterCatalog: 0 clusters"),
        (1, "<ClusterCatalog: 1 cluster>"),
        (3, "<ClusterCatalog: 3 clusters, 2 flagged"),
    ],
)
def test_repr_fits_a_line(n_clusters, start):
    text = repr(make_catalog(n_clusters))
    assert text.startswith(start)
    assert "\n" not in text
    assert len(text) < 80


def test_only_a_qtable_with_all_columns_will_do():
    with pytest.raises(TypeError, match="table must be a QTable, got Table"):
        ClusterCatalog(Table())
    with pytest.raises(ValueError, match="are missing"):
        ClusterCatalog(QTable({"id": [1]}))


def test_heatmap_must_be_nddata():
    with pytest.raises(TypeError, match="heatmap must be NDData, got ndarray"):
        ClusterCatalog(cluster_table(), heatmap=np.zeros((2, 2)))


@pytest.mark.parametrize("name", ["table", "heatmap", "segmentation", "image", "new"])
def test_catalog_cannot_be_changed(name):
    catalog = make_catalog(1)
    with pytest.raises(AttributeError, match=name):
        setattr(catalog, name, None)
    with pytest.raises(TypeError, match="item assignment"):
        catalog["score"] = 1


def test_columns_rows_and_iteration():
    catalog = make_catalog(3)
    assert catalog["radius"] is catalog.table["radius"]
    assert catalog[-1]["id"] == catalog[np.int64(2)]["id"] == 3
    assert [row["id"] for row in catalog] == [1, 2, 3]


def test_print_shows_values_with_errors_and_flags_in_words():
    columns = make_columns(3)
    columns["r50"] = [10.26, 7, 3] * u.arcsec
    columns["r50_err"] = [1.04, np.nan, 0.5] * u.arcsec
    columns["colour"] = [0.123456, 1, 2]
    lines = str(ClusterCatalog(cluster_table(columns))).splitlines()
    assert lines[0].split()[:4] == ["id", "ra", "dec", "radius"]
    assert lines[0].split()[-1] == "colour"
    assert "10.3 +- 1.0" in lines[3]
    assert " 7.0 " in lines[4]
    assert "nan +-" not in lines[4]
    assert lines[3].split()[-1] == "0.12346"
    present = [flag for flag in ClusterFlags if flag & (17 | 4)]
    assert lines[6:] == [f"flag {flag.value}: {flag.meaning}" for flag in present]
    assert str(make_catalog(0)) == "No clusters found."


def test_the_table_of_a_catalog_can_be_copied():
    catalog = make_catalog(2)
    table = catalog.to_table()
    table["score"][:] = 0
    assert (catalog["score"] > 0).all()
    assert catalog.meta is catalog.table.meta


def test_positions_are_rounded_and_numbers_are_not():
    table = cluster_table(make_columns(1) | {"score": [1 / 3]})
    assert table["score"][0] == 1 / 3
    assert table["sky_center"].ra.deg[0] == round(table["sky_center"].ra.deg[0], 10)


def labelled_catalog():
    """Return a catalogue of three clusters with their pixels."""
    catalog = make_catalog(3)
    labels = np.zeros(catalog.heatmap.data.shape, dtype=int)
    for label in (1, 2, 3):
        labels[10 * label : 10 * label + 5, 5:9] = label
    return replace(catalog, segmentation=SegmentationImage(labels))


@pytest.mark.parametrize(
    ("item", "ids"),
    [
        (np.array([True, False, True]), [1, 3]),
        ([False, True, False], [2]),
        (slice(1, None), [2, 3]),
        (slice(None, None, -1), [3, 2, 1]),
        ([2, 0], [3, 1]),
        (np.array([1]), [2]),
        ([], []),
        (np.zeros(3, dtype=bool), []),
    ],
)
def test_some_clusters_keep_ids_pixels_and_images(item, ids):
    catalog = labelled_catalog()
    some = catalog[item]
    assert isinstance(some, ClusterCatalog)
    assert_array_equal(some["id"], ids)
    assert_array_equal(some["score"], catalog["score"][np.array(ids, dtype=int) - 1])
    assert some.heatmap is catalog.heatmap
    assert some.image is catalog.image
    assert some.table.meta == META
    if ids:
        labels = catalog.segmentation.data
        kept = np.where(np.isin(labels, ids), labels, 0)
        assert_array_equal(some.segmentation.data, kept)
    else:
        assert some.segmentation is None
    assert len(catalog) == catalog.segmentation.n_labels == 3


def test_some_clusters_do_not_share_memory_with_all():
    catalog = make_catalog(3)
    before = catalog["score"].copy()
    catalog[:2].table["score"][:] = -1
    assert_array_equal(catalog["score"], before)


@pytest.mark.parametrize("item", [3, [0, 5], [True], "nope", [[0, 1]], 1.5])
def test_clusters_that_are_not_there(item):
    with pytest.raises((IndexError, KeyError)):
        make_catalog(3)[item]


def test_stacked_catalogs_have_all_clusters_with_new_numbers():
    first, second = labelled_catalog(), make_catalog(2)[1:]
    stacked = ClusterCatalog.vstack([first, second])
    assert_array_equal(stacked["id"], [1, 2, 3, 4])
    assert_array_equal(stacked["score"], [*first["score"], *second["score"]])
    assert stacked["sky_center"][3].separation(second["sky_center"][0]) == 0
    assert stacked["radius"].unit == u.arcsec
    assert stacked.table.meta == META
    assert stacked.heatmap is stacked.segmentation is stacked.image is None
    assert_array_equal(second["id"], [2])


@pytest.mark.parametrize("numbers", [(0, 0), (0, 2), (2, 0), (3,)])
def test_catalogs_without_clusters_are_stacked_too(numbers):
    stacked = ClusterCatalog.vstack(make_catalog(number) for number in numbers)
    assert stacked.table.colnames == NAMES
    assert_array_equal(stacked["id"], np.arange(1, sum(numbers) + 1))


def test_stacked_metadata_have_what_differs_as_lists():
    catalogs = [
        ClusterCatalog(cluster_table(make_columns(1), meta))
        for meta in (
            {"seed": 3, "sizes": [16, 32], "image": "a.fits"},
            {"seed": 3, "sizes": [16, 32], "image": "b.fits", "n_blocks": 4},
        )
    ]
    assert ClusterCatalog.vstack(catalogs).table.meta == {
        "seed": 3,
        "sizes": [16, 32],
        "image": ["a.fits", "b.fits"],
        "n_blocks": [None, 4],
    }
    assert catalogs[0].table.meta["image"] == "a.fits"


def test_stacked_catalogs_say_in_which_image_each_cluster_is():
    catalogs = [
        ClusterCatalog(cluster_table(make_columns(n), {"image": f"{n}.fits"}))
        for n in (2, 0, 1)
    ]
    stacked = ClusterCatalog.vstack(catalogs)
    assert stacked["image"].tolist() == ["2.fits", "2.fits", "1.fits"]
    again = ClusterCatalog.vstack([stacked, stacked])
    assert again["image"].tolist() == 2 * stacked["image"].tolist()


def test_columns_that_only_some_have_are_converted_and_masked():
    extra = [1.0] * u.arcmin
    first = ClusterCatalog(cluster_table(make_columns(1) | {"offset": extra}))
    second = ClusterCatalog(
        cluster_table(make_columns(1) | {"offset": extra.to(u.arcsec)})
    )
    stacked = ClusterCatalog.vstack([first, second, make_catalog(1)])
    assert_array_equal(stacked["offset"].mask, [False, False, True])
    assert_array_equal(stacked["offset"][:2].unmasked, [60, 60] * u.arcsec)


@pytest.mark.parametrize(
    ("catalogs", "kind"),
    [
        ([make_catalog(1).table], "QTable"),
        (make_catalog(1), "ClusterCatalog"),
        (None, "NoneType"),
        ("a.ecsv", "str"),
    ],
)
def test_only_catalogs_are_stacked(catalogs, kind):
    with pytest.raises(TypeError, match=f"catalogs takes .* list, got a {kind}"):
        ClusterCatalog.vstack(catalogs)


def test_nothing_is_not_stacked():
    with pytest.raises(ValueError, match=r"catalogs takes .* list, got none"):
        ClusterCatalog.vstack([])


def test_wcs_is_that_of_heat_map_or_image():
    catalog = make_catalog(1)
    assert catalog.wcs is catalog.heatmap.wcs
    assert replace(catalog, heatmap=None).wcs is catalog.image.wcs
    assert ClusterCatalog(catalog.table).wcs is None


def test_import_is_light():
    code = (  # photutils imports tqdm, and regions imports matplotlib
        "import sys, astro_vaeclust.catalog, astro_vaeclust.cli;"
        "print([m for m in ('torch', 'sklearn', 'matplotlib', 'pyarrow')"
        " if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
