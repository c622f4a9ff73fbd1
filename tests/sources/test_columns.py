# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Magnitudes, flags and units of tables of sources."""

import astropy.units as u
import numpy as np
import pytest
from astropy.table import Column, MaskedColumn, QTable, Table
from numpy.testing import assert_allclose

from astro_vaeclust.archives.exceptions import ArchiveFormatError
from astro_vaeclust.archives.source_tables import standard_catalog
from astro_vaeclust.sources.columns import as_magnitudes
from astro_vaeclust.sources.table import read_sources


@pytest.mark.parametrize("unit", [None, u.mag, u.mmag, "MAG"])
def test_magnitudes_are_finite_and_in_their_unit(unit):
    factor = 1000 if unit is u.mmag else 1
    values = np.array([12.5, 99.9, -9999.0, np.inf, 0.0]) * factor
    column = MaskedColumn(values, unit=unit, mask=[0, 0, 0, 0, 1])
    nothing = np.full(4, np.nan)
    assert_allclose(as_magnitudes(column), [12.5, *nothing])


def test_codes_of_missing_magnitudes_are_known_in_every_unit():
    column = Column([12500.0, -9999.0, -9.99e8], unit="mmag")
    assert_allclose(as_magnitudes(column), [12.5, np.nan, np.nan])
    assert_allclose(as_magnitudes(Column([12.5], unit="mag(AB)")), [12.5])


def test_standard_catalogues_convert_units_or_name_the_column(celestial_wcs):
    table = QTable({"ra": [18.5] * u.hourangle, "dec": [-600] * u.arcmin})
    table["k_m"], table["k_msigcom"] = [12500] * u.mmag, [20] * u.mmag
    catalog = standard_catalog(table)
    assert_allclose([catalog["ra"][0].value, catalog["dec"][0].value], [277.5, -10])
    assert_allclose(
        [catalog["mag"][0].value, catalog["mag_err"][0].value], [12.5, 0.02]
    )
    table["k_m"] = [0.3] * u.Jy
    message = "catalog: column 'k_m' is in Jy, and not in mag"
    with pytest.raises(ArchiveFormatError, match=message):
        standard_catalog(table)
    table["k_m"], table["dec"] = [12] * u.mag, [1] * u.s
    with pytest.raises(ArchiveFormatError, match="column 'dec' is in s, and not"):
        standard_catalog(table)


@pytest.mark.parametrize("flags", [[2.0, 222.0, np.nan], ["2.0", "222", ""]])
def test_flags_that_other_programs_made_floats(flags):
    table = Table({"ra": [1.0, 2.0, 3.0], "dec": [1.0] * 3, "k_m": [9.0] * 3})
    table["rd_flg"] = flags
    assert standard_catalog(table)["rd_flg"].tolist() == ["002", "222", ""]


def test_magnitude_limit(celestial_wcs):
    table = QTable({"x": [1.0, 2.0], "y": [3.0, 4.0], "MAG": [12.0, 14.5] * u.mag})
    points = read_sources(table, celestial_wcs, magnitude_limit=14.0)
    assert points.x.tolist() == [1.0]
    with pytest.raises(ValueError, match="sources must have magnitudes"):
        read_sources(table["x", "y"], celestial_wcs, magnitude_limit=14.0)


def test_archives_name_what_they_lack_and_take_odd_units():
    with pytest.raises(ArchiveFormatError, match=r"no right ascension.*ra and dec"):
        standard_catalog(Table({"l": [1.0], "k_m": [9.0]}))
    table = Table({"ra": [1.0], "dec": [0.5], "k_m": [9.0]})
    table["ra"].unit = table["dec"].unit = "RADIANS"
    assert_allclose(standard_catalog(table)["sky"].dec.deg, np.degrees(0.5))


def test_magnitudes_of_bands_go_with_their_sources(celestial_wcs):
    table = QTable({"x": [1.0, np.nan, 3.0], "y": [3.0, 4.0, 5.0]})
    table["Jmag"], table["KSAPERMAG3"] = [14, 15, 99.9], [12000, 13000, 13500] * u.mmag
    points = read_sources(table, celestial_wcs, colors=True)
    expected = [[14, np.nan], [np.nan, np.nan], [12, 13.5]]
    assert_allclose(points.magnitudes, expected)
    assert_allclose(points[1:].magnitudes, np.array(expected)[:, 1:])
    inside = points.within((slice(4, 8), slice(2, 9)))
    assert_allclose([inside.x, inside.y], [[1.0], [1.0]])
    assert_allclose(inside.magnitudes[:, 0], [np.nan, np.nan, 13.5])
    assert read_sources(table, celestial_wcs).magnitudes is None
    table["Jmag"] = [1.0, 2.0, 3.0] * u.Jy
    assert len(read_sources(table, celestial_wcs)) == 2
    with pytest.raises(ValueError, match="column 'Jmag' is in Jy, and not in mag"):
        read_sources(table, celestial_wcs, colors=True)
    with pytest.raises(ValueError, match="colors=True needs sources= with magnitudes"):
        read_sources(read_sources(table, celestial_wcs), celestial_wcs, colors=True)
