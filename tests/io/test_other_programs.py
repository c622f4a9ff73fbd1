# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What other programs get of the files: descriptions, UCDs, and plain numbers."""

import os
import re
import shutil
import subprocess

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.votable import parse, validate
from astropy.io.votable.ucd import check_ucd
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust.catalog import ClusterCatalog, cluster_table
from astro_vaeclust.measure.columns import COLUMNS, MEASURED_COLUMNS

from ..example_catalog import assert_same_table, make_catalog, make_columns


def measured_catalog():
    """Return two clusters with all columns that are declared."""
    columns = make_columns(2)
    for column in MEASURED_COLUMNS:
        values = np.array([1 / 3, np.pi])
        if column.dtype is np.int64:
            values = np.array([0, 1])
        columns[column.name] = values if column.unit is None else values * column.unit
    return ClusterCatalog(cluster_table(columns, make_catalog(1).meta))


def test_csv_has_all_numbers_and_can_be_read(tmp_path):
    catalog = make_catalog(3)
    catalog.write(tmp_path / "c.csv")
    header, *rows = (tmp_path / "c.csv").read_text().splitlines()
    assert header.startswith("id,ra,dec,x_center,")
    assert len(rows) == 3
    assert_same_table(ClusterCatalog.read(tmp_path / "c.csv").table, catalog.table)


@pytest.mark.parametrize("name", ["c.csv", "c.ecsv"])
def test_pandas_reads_text(tmp_path, name):
    pandas = pytest.importorskip("pandas")
    catalog = make_catalog(3)
    catalog.write(tmp_path / name)
    separator = "," if name == "c.csv" else " "
    frame = pandas.read_csv(tmp_path / name, comment="#", sep=separator)
    assert_allclose(frame["score"], catalog["score"], rtol=1e-8)
    assert_array_equal(frame["ra"], catalog["sky_center"].ra.deg)


@pytest.mark.parametrize("name", ["c.csv", "c.ecsv"])
def test_no_number_has_more_digits_than_it_means(tmp_path, name):
    measured_catalog().write(tmp_path / name)
    lines = (tmp_path / name).read_text().splitlines()
    (header,) = [n for n, line in enumerate(lines) if line.startswith("id")]
    numbers = re.findall(r"[\d.]+", " ".join(lines[header + 1 :]))
    assert len(numbers) > 40
    assert max(len(number) for number in numbers) <= 14


def test_every_column_of_a_fits_table_is_described(tmp_path):
    catalog = measured_catalog()
    catalog.write(tmp_path / "c.fits")
    header = fits.getheader(tmp_path / "c.fits", "CLUSTERS")
    numbers = {header[f"TTYPE{n}"]: n for n in range(1, header["TFIELDS"] + 1)}
    for column in (*COLUMNS, *MEASURED_COLUMNS):
        if column.name != "sky_center":
            number = numbers[column.name]
            assert header[f"TCOMM{number}"] == column.description
            assert header.get(f"TUCD{number}") == column.ucd
    assert header[f"TUCD{numbers['ra']}"] == "pos.eq.ra;meta.main"


def test_votable_is_valid_and_has_a_frame(tmp_path):
    measured_catalog().write(tmp_path / "c.vot")
    report = validate(str(tmp_path / "c.vot"), output=None)
    assert "found no violations" in report
    votable = parse(tmp_path / "c.vot")
    fields = {field.name: field for field in votable.get_first_table().fields}
    assert fields["ra"].ucd == "pos.eq.ra;meta.main"
    assert fields["ra"].ref == votable.coordinate_systems[0].ID == "ICRS"


@pytest.mark.skipif(
    not (shutil.which("stilts") or os.environ.get("CI")), reason="STILTS"
)
@pytest.mark.parametrize("n_clusters", [0, 2])
def test_votlint_has_nothing_to_say(tmp_path, n_clusters):
    path = tmp_path / "c.vot"
    measured_catalog()[:n_clusters].write(path)
    assert votlint(path) == ""
    path.write_text(path.read_text().replace('datatype="long"', 'datatype="lng"'))
    assert "Unknown datatype 'lng'" in votlint(path)


def votlint(path):
    """Return what the checker of STILTS says of a VOTable."""
    command = ["stilts", "votlint", "ucd=true", "unit=true", f"votable={path}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("column", [*COLUMNS, *MEASURED_COLUMNS], ids=lambda c: c.name)
def test_ucds_are_those_of_the_vocabulary(column):
    assert column.ucd is None or check_ucd(
        column.ucd, check_controlled_vocabulary=True, has_colon=True
    )
