# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Comparisons whose numbers can be counted by hand."""

from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
from astropy.table import QTable, Table
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from photutils.segmentation import SegmentationImage
from regions import CirclePixelRegion, PixCoord

from astro_vaeclust.catalog import ClusterCatalog, cluster_table
from astro_vaeclust.matching import ClusterMatch, Overlap

from .examples import (
    CENTER,
    circle,
    clusters,
    make_wcs,
    pixel_clusters,
    position,
    sources,
    square_of_sources,
)

LINE = np.arange(-200, 201, 10)
"""Sources 10 arcsec apart on a line through the centre, from west to east."""


def line_of_sources(**columns):
    return sources(LINE, 0 * LINE, **columns)


def iou(catalog, reference, table=None, **options):
    table = line_of_sources() if table is None else table
    return catalog.match(table).iou(reference, **{"region": "circle"} | options)


def test_overlapping_circles():
    # -35..35 has -30..30, 7 sources; -5..65 has 0..60, 7 sources; 0..30 are in both
    overlap = iou(clusters((0, 0, 35)), circle(30, 0, 35))
    assert isinstance(overlap, Overlap)
    assert (overlap.n_detected, overlap.n_reference) == (7, 7)
    assert (overlap.n_shared, overlap.n_union) == (4, 10)
    assert overlap.iou == float(overlap) == 0.4
    assert 0 < overlap.iou_low < 0.4 < overlap.iou_high < 1
    assert_allclose(overlap.offset.to_value(u.arcsec), 30, rtol=1e-5)
    assert_allclose(overlap.radius_ratio, 1)
    assert (overlap.id, overlap.region) == (1, "circle")


def test_identical_circles():
    overlap = iou(clusters((0, 0, 35)), circle(0, 0, 35))
    assert (overlap.iou, overlap.area_iou) == (1, 1)
    assert overlap.iou_high == 1 > overlap.iou_low
    assert_allclose(overlap.offset.value, 0, atol=1e-6)


def test_disjoint_circles():
    overlap = iou(clusters((-100, 0, 25)), circle(100, 0, 25))
    assert (overlap.iou, overlap.area_iou, overlap.n_union) == (0, 0, 10)
    assert_allclose(overlap.offset.value, 200, rtol=1e-5)


def test_a_circle_in_a_larger_one():
    overlap = iou(clusters((0, 0, 25)), circle(0, 0, 55))
    assert (overlap.n_shared, overlap.n_union) == (5, 11)
    assert_allclose(overlap.area_iou, (25 / 55) ** 2, rtol=0.01)
    assert_allclose(overlap.radius_ratio, 25 / 55)


def test_circles_with_no_source_in_either():
    table = sources([-100, 100, 0, 0], [0, 0, -100, 100])
    overlap = iou(clusters((0, 0, 30)), circle(10, 0, 30), table)
    assert np.isnan(overlap.iou)
    assert (overlap.iou_low, overlap.iou_high, overlap.n_union) == (0, 1, 0)
    assert overlap.area_iou > 0.5


def test_nothing_was_detected():
    catalog = ClusterCatalog(cluster_table())
    for region in ("circle", "mask"):
        overlap = iou(catalog, circle(0, 0, 35), region=region)
        assert (overlap.id, overlap.iou, overlap.area_iou) == (0, 0, 0)
        assert (overlap.n_detected, overlap.n_reference, overlap.n_union) == (0, 7, 7)
        assert np.isnan([overlap.offset.value, overlap.radius_ratio]).all()


def test_all_numbers_are_in_the_table():
    overlap = iou(clusters((0, 0, 35)), circle(30, 0, 35))
    table = overlap.to_table()
    assert len(table) == 1
    assert table["offset"].unit == u.arcsec
    assert (table["iou"][0], table["n_union"][0]) == (0.4, 10)
    assert repr(overlap).startswith("<Overlap: IoU 0.400 (0.2")


def test_the_cluster_that_shares_most_sources_is_compared():
    catalog = clusters((-60, 0, 25), (20, 0, 25), (60, 0, 15))
    match = catalog.match(line_of_sources())
    best = match.iou(circle(40, 0, 35), region="circle")
    assert (best.id, best.n_shared) == (2, 4)
    third = match.iou(circle(40, 0, 35), region="circle", id=3)
    assert (third.id, third.n_shared) == (3, 3)
    # no source in common with any: the nearest
    assert match.iou(circle(-150, 0, 25), region="circle").id == 1


def test_pixels_or_circle():
    labels = np.zeros((200, 200), int)
    labels[98:102, 60:140] = 1  # a bar along the line, 80 by 4 arcsec
    match = pixel_clusters(labels).match(line_of_sources())
    bar = match.iou(circle(0, 0, 35))
    assert (bar.region, bar.n_detected, bar.n_shared) == ("mask", 7, 7)
    equal = match.iou(circle(0, 0, 35), region="circle")
    assert equal.n_detected == 3  # its radius is sqrt(320 / pi) = 10.1 arcsec
    assert_allclose(bar.radius_ratio, equal.radius_ratio)
    assert_allclose(match.area(1).area.value, 320, rtol=1e-6)


def test_references_of_other_kinds():
    labels = np.zeros((200, 200), int)
    labels[90:110, 80:120] = 3
    catalog = pixel_clusters(labels)
    match = catalog.match(line_of_sources())
    itself = match.iou(catalog.segmentation)
    assert (itself.id, itself.iou, itself.area_iou) == (3, 1, 1)
    pixels = CirclePixelRegion(PixCoord(99.5, 99.5), 36)
    assert match.iou(pixels).n_reference == 7
    coarse = make_wcs(scale=2)
    assert match.iou(pixels, wcs=coarse).n_reference == 15


def test_members_are_sources_less_the_field():
    # one field source per 100 arcsec2, and 60 members within 20 arcsec of the centre
    rng = np.random.default_rng(1)
    radius, angle = 20 * np.sqrt(rng.random(60)), 2 * np.pi * rng.random(60)
    field = square_of_sources(600, 10)["sky"]
    east, north = CENTER.spherical_offsets_to(field)
    table = sources(
        np.append(east.arcsec, radius * np.cos(angle)),
        np.append(north.arcsec, radius * np.sin(angle)),
    )
    overlap = iou(clusters((0, 0, 40)), circle(0, 0, 60), table)
    assert_allclose(overlap.members_detected, 60, atol=5)
    assert_allclose(overlap.members_reference, 60, atol=7)
    assert_allclose(overlap.member_iou, 1, atol=0.1)
    assert 0.05 < overlap.member_iou_err < 0.2
    assert_allclose(overlap.iou, (60 + 50.3) / (60 + 113.1), atol=0.03)


def test_other_clusters_are_no_field():
    rng = np.random.default_rng(2)
    crowd = rng.normal(0, 5, size=(2, 500))
    lattice = CENTER.spherical_offsets_to(square_of_sources(600, 10)["sky"])
    table = sources(
        np.append(lattice[0].arcsec, crowd[0] + 100),
        np.append(lattice[1].arcsec, crowd[1]),
    )
    both = clusters((0, 0, 40), (100, 0, 30)).match(table)
    alone = clusters((0, 0, 40)).match(table)
    assert_allclose(both.field(region="circle").density, 0.01, rtol=0.03)
    assert alone.field(region="circle").density > 0.015


def test_no_field_no_members():
    table = square_of_sources(60, 10)
    overlap = iou(clusters((0, 0, 50)), circle(0, 0, 50), table)
    assert overlap.iou == 1
    assert np.isnan([overlap.member_iou, overlap.members_detected]).all()


def test_footprint_bounds_the_field():
    table = square_of_sources(400, 10)
    catalog = clusters((0, 0, 30))
    small = catalog.match(table, footprint=circle(0, 0, 60))
    field = small.field(region="circle")
    assert_allclose(field.area.value, np.pi * (60**2 - 45**2), rtol=0.01)


def test_cuts():
    table = line_of_sources(
        rd_flg=np.resize(["222", "220"], len(LINE)), band=["Ks"] * len(LINE)
    )
    catalog = clusters((0, 0, 35))
    match = catalog.match(table)
    assert (match.cut, len(match.sources)) == ("paper", 21)
    assert match.iou(circle(0, 0, 35), region="circle").n_union == 3
    assert len(catalog.match(table, cut=None).sources) == 41
    west = catalog.match(table, cut=lambda rows: rows["sky"].ra <= CENTER.ra)
    assert len(west.sources) == 21
    assert catalog.match(line_of_sources()).cut == "everything"
    assert repr(match) == "<ClusterMatch: 1 clusters, 21 sources, cut: paper>"


@pytest.mark.parametrize("names", [("ra", "dec"), ("RAJ2000", "DEJ2000")])
def test_positions_in_columns(names):
    sky = line_of_sources()["sky"]
    table = Table({names[0]: sky.ra.deg, names[1]: sky.dec.deg})
    table.add_row([np.nan, 31.0])
    match = clusters((0, 0, 35)).match(table)
    assert len(match.sources) == 41
    assert match.iou(circle(30, 0, 35), region="circle").iou == 0.4


def test_a_file_of_ukidss_has_each_source_once():
    sky = line_of_sources()["sky"]
    table = Table({"RA": sky.ra.rad, "DEC": sky.dec.rad})
    table["ra2000"], table["dec2000"] = sky.ra.deg, sky.dec.deg
    table["K_1APERMAG3"] = 15.0
    table["MERGEDCLASS"] = np.resize([-1, -2, 1], len(table))
    table["FRAMESETID"] = 7
    table["PRIORSEC"] = np.resize([0, 7, 8, 7], len(table))
    match = clusters((0, 0, 35)).match(table)
    is_star = table["MERGEDCLASS"] < 0
    is_primary = table["PRIORSEC"] < 8
    assert len(match.sources) == (is_star & is_primary).sum() < is_star.sum()
    assert match.cut == "paper"


def test_sources_in_another_frame_and_with_distances():
    sky = line_of_sources()["sky"]
    far = type(sky)(sky.ra, sky.dec, distance=2 * u.kpc).galactic
    assert iou(clusters((0, 0, 35)), circle(30, 0, 35), QTable({"sky": far})).iou == 0.4


@settings(max_examples=10, deadline=None)
@given(
    st.floats(-120, 120),
    st.floats(10, 120),
    st.floats(-120, 120),
    st.floats(10, 120),
    st.integers(0, 1000),
)
def test_properties(east, radius, other_east, other_radius, seed):
    rng = np.random.default_rng(seed)
    table = sources(*rng.uniform(-300, 300, size=(2, 400)))
    there = iou(clusters((east, 0, radius)), circle(other_east, 0, other_radius), table)
    back = iou(clusters((other_east, 0, other_radius)), circle(east, 0, radius), table)
    assert there.n_shared <= min(there.n_detected, there.n_reference)
    assert there.n_union == there.n_detected + there.n_reference - there.n_shared
    assert 0 <= there.area_iou <= 1
    for name in ("n_shared", "n_union", "iou_low", "iou_high"):
        assert getattr(there, name) == getattr(back, name)
    assert_allclose(there.area_iou, back.area_iou, atol=5e-3)
    assert_allclose(there.radius_ratio * back.radius_ratio, 1, rtol=1e-9)


BAD_SOURCES = [
    ([1, 2], TypeError, "sources must be an astropy Table"),
    (Table({"a": [1], "dec": [2]}), ValueError, "sources must have positions"),
    (Table({"ra": [], "dec": []}), ValueError, "no row with a usable position"),
    (Table({"ra": [np.nan], "dec": [np.nan]}), ValueError, "no row with a usable pos"),
    (
        Table({"ra": [84.0] * u.Jy, "dec": [31.0] * u.Jy}),
        ValueError,
        "in Jy, and not in deg",
    ),
    (Table({"ra": [184.0], "dec": [31.0]}), ValueError, "no sky in common"),
]


@pytest.mark.parametrize(("table", "error", "message"), BAD_SOURCES)
def test_sources_that_cannot_be_used(table, error, message):
    with pytest.raises(error, match=message):
        clusters((0, 0, 35)).match(table)


def test_only_tables_of_clusters():
    catalog = clusters((0, 0, 35))
    message = "table must be that of a ClusterCatalog, got ClusterCatalog"
    with pytest.raises(TypeError, match=message):
        ClusterMatch(catalog, line_of_sources())
    match = ClusterMatch(catalog.table, line_of_sources())
    assert match.iou(circle(0, 0, 35), region="circle").iou == 1


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"region": "square"}, ValueError, "region must be one of 'mask', 'circle'"),
        ({"id": 2}, ValueError, r"id must be one of \[1\], got 2"),
        ({"ring": 3}, TypeError, "ring takes two rising numbers"),
        ({"ring": (3, 2)}, ValueError, "ring takes two rising numbers"),
        ({"ring": (0.5, 2)}, ValueError, "from 1"),
        ({"ring": ("a", 2)}, TypeError, "ring takes"),
        ({"confidence": 1.0}, ValueError, "confidence must be"),
        ({"wcs": 3}, TypeError, "wcs must be"),
    ],
)
def test_options_that_cannot_be_used(options, error, message):
    with pytest.raises(error, match=message):
        iou(clusters((0, 0, 35)), circle(0, 0, 35), **options)


def test_a_catalogue_from_a_file_has_no_pixels(tmp_path):
    clusters((0, 0, 35)).write(tmp_path / "clusters.ecsv")
    match = ClusterCatalog.read(tmp_path / "clusters.ecsv").match(line_of_sources())
    with pytest.raises(ValueError, match="take region='circle'"):
        match.iou(circle(0, 0, 35))
    assert match.iou(circle(0, 0, 35), region="circle").iou == 1


def test_a_cluster_without_pixels_is_named():
    labels = np.zeros((200, 200), int)
    labels[90:110, 90:110] = 1
    catalog = pixel_clusters(labels)
    catalog = replace(catalog, segmentation=SegmentationImage(2 * labels))
    with pytest.raises(ValueError, match=r"clusters \[1\] have no pixels"):
        catalog.match(line_of_sources()).iou(circle(0, 0, 35))


def test_a_reference_elsewhere_is_refused():
    with pytest.raises(ValueError, match="reference and sources have no sky in common"):
        iou(clusters((0, 0, 35)), circle(40_000, 0, 35))


def test_unknown_cut():
    with pytest.raises(ValueError, match="cut must be one of everything, paper"):
        clusters((0, 0, 35)).match(line_of_sources(), cut="nice")


def test_sources_are_not_changed():
    table = line_of_sources()
    before = table.copy()
    clusters((0, 0, 35)).match(table).members(region="circle")
    assert table.colnames == before.colnames
    assert_array_equal(table["sky"].ra, before["sky"].ra)
    assert position(0, 0).separation(CENTER) < 1e-6 * u.arcsec
