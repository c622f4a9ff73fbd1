# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Real catalogues through readers, cuts, matching and IoU."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from numpy.testing import assert_allclose
from regions import CircleSkyRegion

from astro_vaeclust.archives import LocalArchive, read_catalog
from astro_vaeclust.catalog import ClusterCatalog, cluster_table

from .examples import columns

pytestmark = pytest.mark.shared_data

NGC_1333 = SkyCoord(52.286, 31.314, unit="deg")
CORE = SkyCoord(52.262, 31.354, unit="deg")
G23 = SkyCoord(278.668, -9.0105, unit="deg")


def cluster_at(center, radius):
    sky = SkyCoord([center])
    return ClusterCatalog(cluster_table(columns(sky, np.array([radius]))))


@pytest.fixture(scope="module")
def perseus(shared_data):
    """The Point Source Catalog within a degree of NGC 1333."""
    return read_catalog(shared_data / "ngc1333_2mass_psc" / "2mass.csv.gz")


@pytest.fixture(scope="module")
def young_stars(shared_data):
    """Young stars of Perseus, found by Spitzer."""
    return read_catalog(shared_data / "ngc1333_2mass_psc" / "yso.tbl.gz")


def test_cut_of_the_paper(perseus):
    match = cluster_at(CORE, 300.0).match(perseus)
    assert (len(perseus), match.cut) == (11904, "paper")
    read_flags = np.array([str(flag).zfill(3)[2] for flag in perseus["Rflg"]])
    assert len(match.sources) == np.isin(read_flags, list("123456")).sum()


def test_iou_is_the_count_of_the_table(perseus):
    match = cluster_at(CORE, 300.0).match(perseus)
    overlap = match.iou(CircleSkyRegion(NGC_1333, 5.9 * u.arcmin), region="circle")
    sky = SkyCoord(match.sources["ra"], match.sources["dec"])
    here = CORE.separation(sky) <= 300 * u.arcsec
    there = NGC_1333.separation(sky) <= 5.9 * u.arcmin
    assert overlap.n_shared == (here & there).sum() > 100
    assert overlap.n_union == (here | there).sum()
    assert overlap.iou == overlap.n_shared / overlap.n_union
    # the cluster is where both regions are, the field is everywhere
    assert overlap.member_iou > overlap.iou
    assert_allclose(overlap.offset.value, 161.8, atol=0.1)


def test_a_cluster_stands_out_of_its_field(perseus):
    catalog = cluster_at(CORE, 300.0)
    bright = catalog.match(perseus[perseus["Kmag"] < 14.3], cut=None)
    counts = bright.members(region="circle").meta
    assert counts["n_sources"] == pytest.approx(107, abs=2)
    assert counts["n_field"] == pytest.approx(30, abs=6)
    assert counts["n_members"] > 7 * counts["n_members_err"]
    assert counts["colours"]


def test_young_stars_are_likelier_members(perseus, young_stars):
    # Spitzer's young stars have discs; other members, without, are among the rest
    bright = perseus[perseus["Kmag"] < 14.3]
    members = cluster_at(CORE, 600.0).match(bright).members(region="circle")
    young = SkyCoord(young_stars["ra"], young_stars["dec"], unit="deg")
    _, separation, _ = members["sky"].match_to_catalog_sky(young)
    is_young = separation < 1.5 * u.arcsec
    assert is_young.sum() > 60
    probability = members["probability"]
    assert probability[is_young].mean() > probability[~is_young].mean() + 0.1


def test_a_place_in_the_field_has_no_members(perseus):
    field = SkyCoord(52.9, 30.8, unit="deg")
    counts = cluster_at(field, 240.0).match(perseus).members(region="circle").meta
    assert abs(counts["n_members"]) < 3 * counts["n_members_err"]


def test_luminosity_function(perseus):
    match = cluster_at(CORE, 300.0).match(perseus)
    result = match.luminosity_function(region="circle", bins=[8, 10, 12, 14])
    assert (result["n_members"] > 3).all()
    assert result["n_sources"].sum() < 132


def test_through_an_archive(perseus):
    archive = LocalArchive(catalog=Table(perseus), name="Perseus")
    sources = archive.get_catalog(NGC_1333, radius=0.5 * u.deg)
    direct = cluster_at(CORE, 300.0).match(perseus)
    archived = cluster_at(CORE, 300.0).match(sources)
    reference = CircleSkyRegion(NGC_1333, 5.9 * u.arcmin)
    ious = [m.iou(reference, region="circle").iou for m in (direct, archived)]
    assert ious[0] == ious[1]


def test_ukidss(shared_data):
    table = read_catalog(
        shared_data / "g23_ukidss_gps" / "G23.01-0.41_UKIDSS_cat.vot.gz"
    )
    match = cluster_at(G23, 30.0).match(table)
    assert (len(table), match.cut) == (3296, "paper")
    assert len(match.sources) == np.isin(table["MERGEDCLASS"], (-1, -2)).sum()
    overlap = match.iou(CircleSkyRegion(G23, 40 * u.arcsec), region="circle")
    assert overlap.iou == overlap.n_detected / overlap.n_reference
    assert_allclose(overlap.iou, 30**2 / 40**2, atol=0.07)
    extended = cluster_at(G23, 30.0).match(table, cut="include_extended")
    assert len(extended.sources) > len(match.sources)


def test_catalogue_of_another_place(perseus):
    with pytest.raises(ValueError, match="no sky in common"):
        cluster_at(G23, 30.0).match(perseus)
