# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Names, areas, cuts, tables, mosaics and the cache, without a server."""

import gzip
import pickle

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.nddata import CCDData, NDData
from astropy.table import QTable, Table
from numpy.testing import assert_array_equal

from astro_vaeclust.archives import (
    Cone,
    LocalArchive,
    NoDataError,
    TwoMASS,
    conf,
    cuts,
    exceptions,
    read_catalog,
    write_catalog,
)
from astro_vaeclust.archives.areas import Box, Footprint
from astro_vaeclust.archives.contents import read_image, read_table, unpack
from astro_vaeclust.archives.exceptions import (
    ArchiveFormatError,
    ArchiveServerError,
    ArchiveSizeError,
)
from astro_vaeclust.archives.mosaic import choose_tiles, combine
from astro_vaeclust.archives.services import import_clients
from astro_vaeclust.archives.source_tables import standard_catalog
from astro_vaeclust.archives.transport import is_trusted

from . import sky
from .sky import CENTER


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda s: s.get_image(CENTER, size=5), TypeError, "size must"),
        (lambda s: s.get_image(CENTER, size=-1 * u.deg), ValueError, "size must"),
        (
            lambda s: s.get_image(CENTER, size=[1, 2, 3] * u.deg),
            ValueError,
            "size must",
        ),
        (lambda s: s.get_image(CENTER, size=1 * u.m), ValueError, "size must"),
        (lambda s: s.get_image(CENTER, size=9 * u.deg), ValueError, "at most"),
        (lambda s: s.get_image(CENTER, size=1 * u.deg, band="g"), ValueError, "band"),
        (lambda s: s.get_image(CENTER, size=1 * u.deg, band=2), TypeError, "band"),
        (lambda s: s.get_catalog(CENTER), ValueError, "either radius or size"),
        (lambda s: s.get_catalog(CENTER, radius=9 * u.deg), ValueError, "radius must"),
        (lambda s: s.get_catalog(3, radius=1 * u.deg), TypeError, "region must"),
        (
            lambda s: s.get_catalog(CENTER, radius=1 * u.deg, cut="x"),
            ValueError,
            "cut must",
        ),
        (lambda s: s.get_catalog(NDData(np.ones((3, 3)))), ValueError, "wcs"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call(TwoMASS())


def test_areas_contain_what_they_should():
    box = Box.from_center(CENTER, (10, 4) * u.arcmin)
    inside = CENTER.spherical_offsets_by(
        [4.9, 5.1, 0] * u.arcmin, [1, 1, 2.1] * u.arcmin
    )
    assert list(box.contains(inside)) == [True, False, False]
    assert box.cone().radius.to_value(u.arcmin) == pytest.approx(5.385, abs=0.01)
    assert Cone.from_center(CENTER, 5 * u.arcmin).contains(inside).tolist() == [
        False,
        False,
        True,
    ]
    wcs = box.wcs(1 * u.arcsec)
    assert wcs.array_shape == (240, 600)
    image = NDData(np.ones(wcs.array_shape), wcs=wcs)
    footprint = Footprint.from_image(image)
    assert list(footprint.contains(inside)) == [True, False, False]
    far = SkyCoord([CENTER.ra.deg + 180] * 2, [-20.65, 0], unit="deg")
    assert not footprint.contains(far).any()


def test_errors_can_be_pickled_and_say_all():
    error = ArchiveServerError("broken", service="IRSA", query="SELECT")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is ArchiveServerError
    assert str(copy) == "IRSA: broken [SELECT]"
    names = [name for name in exceptions.__all__ if name != "ArchiveError"]
    assert all(
        issubclass(getattr(exceptions, name), exceptions.ArchiveError) for name in names
    )


def test_missing_astroquery_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "astroquery", None)
    with pytest.raises(ImportError, match=r"astro_vaeclust\[archives\]"):
        import_clients()


@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("https://irsa.ipac.caltech.edu/x", True),
        ("http://djoser.roe.ac.uk:8080/x", True),
        ("http://evil-roe.ac.uk/x", False),
        ("http://roe.ac.uk.evil.org/x", False),
        ("http://roe.ac.uk@evil.org/x", False),
        ("file:///etc/passwd", False),
        ("http://[", False),
    ],
)
def test_only_known_hosts_are_trusted(url, trusted):
    assert is_trusted(url) is trusted


# Tables


@pytest.mark.parametrize("null", [-9.999995e8, -9.9999949e8, -99999999.0, -9999.0])
def test_nulls_become_nan(null):
    table = Table({"RA": [1.0, 2.0], "DEC": [3.0, 4.0], "K_1APERMAG3": [null, 12.0]})
    catalog = standard_catalog(table, band="K")
    assert np.isnan(catalog["mag"][0])
    assert catalog["mag"][1] == 12 * u.mag
    assert list(catalog["quality"]) == ["unknown", "unknown"]


def test_positions_in_radians_are_recognised():
    table = Table(
        {"ra": [np.radians(92.133)], "dec": [np.radians(20.65)], "kMag": [9.0]}
    )
    cone = Cone.from_center(CENTER, 1 * u.arcmin)
    catalog = standard_catalog(table, cone=cone)
    assert catalog["sky"][0].separation(CENTER) < 1 * u.arcsec
    table["ra"].unit = table["dec"].unit = u.rad
    catalog = standard_catalog(table)
    assert catalog["sky"][0].separation(CENTER) < 1 * u.arcsec


def test_flags_keep_their_leading_zeros_and_rows_without_place_go():
    table = Table(
        {"ra": [1.0, np.nan], "dec": [2.0, 3.0], "k_m": [9.0, 9.0], "rd_flg": [2, 222]}
    )
    catalog = standard_catalog(table)
    assert list(catalog["rd_flg"]) == ["002"]


def test_a_catalogue_comes_back_from_its_file(tmp_path, stars):
    catalog = standard_catalog(sky.irsa_psc(stars))
    write_catalog(catalog, tmp_path / "psc.vot")
    again = standard_catalog(tmp_path / "psc.vot")
    assert again.colnames == catalog.colnames
    for name in set(catalog.colnames) - {"sky"}:
        same = [np.asarray(table[name]) for table in (again, catalog)]
        if same[0].dtype.kind == "f":
            assert np.allclose(*same, equal_nan=True)
        else:
            assert list(same[0]) == list(same[1]), name
    with pytest.raises(FileExistsError):
        write_catalog(catalog, tmp_path / "psc.vot")


@pytest.mark.parametrize("suffix", [".ecsv", ".csv", ".fits", ".csv.gz"])
def test_tables_are_read_in_many_formats(tmp_path, stars, suffix):
    path = tmp_path / f"psc{suffix}"
    table = sky.irsa_psc(stars)
    kind = {".ecsv": "ascii.ecsv", ".fits": "fits"}.get(suffix, "ascii.csv")
    plain = tmp_path / f"psc{suffix.removesuffix('.gz')}"
    table.write(plain, format=kind, overwrite=True)
    if suffix.endswith(".gz"):
        path.write_bytes(gzip.compress(plain.read_bytes()))
    catalog = standard_catalog(path)
    assert len(catalog) == len(stars)
    assert set(catalog["rd_flg"]) == {"222", "220"}


@pytest.mark.parametrize("name", ["psc.txt", "psc.vot", "psc.fits", "psc.ecsv"])
def test_unreadable_tables_are_told(tmp_path, name):
    path = tmp_path / name
    path.write_text("nonsense")
    with pytest.raises(ArchiveFormatError, match=name):
        read_catalog(path)
    with pytest.raises(FileNotFoundError):
        read_catalog(tmp_path / "missing.vot")


def test_cuts_need_their_columns():
    catalog = QTable({"mag": [1.0] * u.mag})
    for cut in (cuts.paper, cuts.stars, cuts.read_flag, cuts.include_extended):
        with pytest.raises(ValueError, match="catalog must have"):
            cut(catalog)
    with pytest.raises(TypeError, match="cut must return"):
        cuts.checked_mask([1], catalog)


def test_the_paper_counts_read_flags_from_1_to_6_in_the_band():
    digits = "0123469"
    table = Table(
        {
            "ra": np.arange(7.0),
            "dec": np.zeros(7),
            "k_m": np.full(7, 10.0),
            "rd_flg": [f"00{digit}" for digit in digits],
        }
    )
    kept = cuts.paper(standard_catalog(table))
    assert "".join(np.array(list(digits))[kept]) == "12346"


def test_one_row_of_a_duplicate_is_kept():
    catalog = QTable(
        {"priorsec": [0, 11, 12, -99999999], "framesetid": [11, 11, 11, 11]}
    )
    assert list(cuts.primary(catalog)) == [True, True, False, True]


# Contents


def test_gzip_is_undone_within_limits():
    content = b"x" * 10**6
    assert unpack(gzip.compress(content)) == content
    assert unpack(content) == content
    with pytest.raises(ArchiveFormatError, match="gzip"):
        unpack(gzip.compress(content)[:-9])
    with conf.set_temp("largest_answer", 0.5), pytest.raises(ArchiveSizeError):
        unpack(gzip.compress(content))


def test_a_gzipped_tile_is_read_and_a_bomb_is_not(stars):
    content = sky.make_tile(CENTER, stars, shape=(64, 48))
    image = read_image(gzip.compress(content))
    assert image.shape == (64, 48)
    assert image.data.dtype == np.float32
    assert image.mask[:, :5].all()
    bomb = gzip.compress(content + bytes(10**7))
    with conf.set_temp("largest_answer", 1.0), pytest.raises(ArchiveSizeError):
        read_image(bomb)


def test_a_header_that_claims_a_huge_image_is_refused(stars):
    content = sky.make_tile(CENTER, stars, shape=(64, 48))
    claim = content.replace(
        b"NAXIS1  =                   48", b"NAXIS1  =            400000000"
    )
    assert claim != content
    with pytest.raises((ArchiveSizeError, ArchiveFormatError)):
        read_image(claim)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_truncated_files_are_refused(stars, part):
    tile = sky.make_tile(CENTER, stars, shape=(64, 48))
    table = sky.votable_bytes(sky.irsa_psc(stars))
    with pytest.raises(ArchiveFormatError):
        read_table(table[: int(part * len(table))])
    if part < 0.9:  # the end of a FITS file is padding
        with pytest.raises(ArchiveFormatError):
            read_image(tile[: int(part * len(tile))])


def test_a_file_with_entities_that_grow_is_refused():
    laughs = b"<?xml version='1.0'?><!DOCTYPE V [<!ENTITY a '" + b"x" * 10**4 + b"'>"
    for new, old in zip("bcdefg", "abcdef", strict=True):
        laughs += f"<!ENTITY {new} '{f'&{old};' * 20}'>".encode()
    laughs += b"]><VOTABLE><RESOURCE><TABLE name='&g;'/></RESOURCE></VOTABLE>"
    with pytest.raises(ArchiveFormatError):
        read_table(laughs)


# Mosaics


def test_few_tiles_are_chosen():
    covered = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1]], bool)
    assert choose_tiles(covered, [0, 1, 2, 3]) == [1, 2]
    assert choose_tiles([[1, 1], [1, 1]], [2, 1]) == [1]
    assert choose_tiles([[1, 0], [1, 0]], [2, 1]) == [1]
    assert choose_tiles([[0, 0]], [1]) == []


def test_tiles_of_other_zero_points_are_scaled(stars):
    pytest.importorskip("reproject")
    positions = [
        CENTER.spherical_offsets_by(offset * u.arcsec, 0 * u.arcsec)
        for offset in (-80, 80)
    ]
    images = [
        read_image(sky.make_tile(position, stars, shape=(200, 200)))
        for position in positions
    ]
    images[1].data[:] = (images[1].data - sky.SKY_LEVEL) * 2 + 900
    images[1].meta.update(MAGZP=sky.ZERO_POINT + 2.5 * np.log10(2), SKYVAL=900.0)
    box = Box.from_center(CENTER, (300, 150) * u.arcsec)
    mosaic = combine(images, box)
    assert mosaic.shape == (150, 300)
    halves = np.array_split(mosaic.data, 2, axis=1)
    noise = [np.nanpercentile(half, 50) - np.nanpercentile(half, 16) for half in halves]
    assert noise[0] == pytest.approx(noise[1], rel=0.15)
    assert np.nanmedian(mosaic.data) == pytest.approx(sky.SKY_LEVEL, abs=1)
    with pytest.raises(NoDataError):
        combine(images, Box.from_center(SkyCoord(10, 10, unit="deg"), 1 * u.arcmin))


@pytest.fixture
def two_tiles(stars):
    """Two tiles of one zero point that are joined to one image, and its box."""
    pytest.importorskip("reproject")
    places = [
        CENTER.spherical_offsets_by(offset * u.arcsec, 0 * u.arcsec)
        for offset in (-80, 80)
    ]
    tiles = [
        read_image(sky.make_tile(place, stars, shape=(200, 200))) for place in places
    ]
    return tiles, Box.from_center(CENTER, (300, 150) * u.arcsec)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"MAGZP": 20}, {"MAGZP": 20.0}),
        ({"MAGZP": "20.0"}, {"MAGZP": 20.0}),
        ({"MAGZP": np.float32(20)}, {"MAGZP": np.int64(20)}),
        ({"MAGZPT": 22.5, "EXPTIME": 5}, {"MAGZPT": 22.5, "EXPTIME": 5.0}),
        ({"MAGZPT": 22.5, "EXPTIME": "5"}, {"MAGZPT": 22.5, "EXPTIME": np.int32(5)}),
        ({}, {"MAGZP": 20.0}),
        ({"MAGZP": "unknown"}, {"MAGZP": 20.0}),
        ({"SKYVAL": 500}, {"SKYVAL": "500.0"}),
    ],
)
def test_tiles_of_one_zero_point_are_not_scaled(ours, theirs, two_tiles):
    """However it is written, and also where one tile does not say."""
    tiles, box = two_tiles
    expected = combine(tiles, box).data
    for tile, cards in zip(tiles, (ours, theirs), strict=True):
        del tile.header["MAGZP"]
        tile.header.update(cards)
    np.testing.assert_allclose(combine(tiles, box).data, expected, rtol=1e-5)


def test_tiles_of_unlike_units_are_refused(two_tiles):
    tiles, box = two_tiles
    tiles[1] = CCDData(tiles[1], unit="Jy")
    with pytest.raises(ValueError, match="unlike units"):
        combine(tiles, box)


# The cache


@pytest.mark.parametrize("hdu", [2, "SCI", ("SCI", 1)])
def test_a_local_archive_reads_files_with_several_images(tmp_path, stars, hdu):
    tile = sky.make_tile(CENTER, stars)
    (tmp_path / "tile.fits").write_bytes(tile)
    with fits.open(tmp_path / "tile.fits") as hdulist:
        pixels, header = hdulist[0].data, hdulist[0].header
        noise = fits.ImageHDU(np.ones_like(pixels), header, name="RMS")
        science = fits.ImageHDU(pixels, header, name="SCI")
        several = fits.HDUList([fits.PrimaryHDU(), noise, science])
        several.writeto(tmp_path / "several.fits")
    one = LocalArchive(images=tmp_path / "tile.fits")
    several = LocalArchive(images=tmp_path / "several.fits", hdu=hdu)
    size = 2 * u.arcmin
    expected = one.get_image(CENTER, size=size)
    assert_array_equal(several.get_image(CENTER, size=size).data, expected.data)
    with pytest.raises(ValueError, match="hdu: choose one of the 2 images"):
        LocalArchive(images=tmp_path / "several.fits").get_image(CENTER, size=size)


def test_a_local_archive_says_what_it_lacks(stars):
    empty = LocalArchive()
    with pytest.raises(NoDataError, match="no catalogue"):
        empty.get_catalog(CENTER, radius=1 * u.arcmin)
    with pytest.raises(NoDataError, match="none of its 0 images"):
        empty.get_image(CENTER, size=1 * u.arcmin)
    with pytest.raises(NoDataError, match="in Ks, not J"):
        empty.get_image(CENTER, size=1 * u.arcmin, band="J")
    with pytest.raises(TypeError, match="images must be"):
        LocalArchive(images=[3])
    with pytest.raises(TypeError, match="catalog must be"):
        LocalArchive(catalog=3)
