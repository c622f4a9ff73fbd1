# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tables of clusters that other programs have edited."""

import astropy.units as u
import numpy as np
import pytest
from astropy.table import Table

from astro_vaeclust.catalog import ClusterCatalog, cluster_table

from ..example_catalog import (
    assert_same_table,
    make_band_columns,
    make_catalog,
    make_columns,
)


def edited(n_clusters, *, names=("sky_center.ra", "sky_center.dec")):
    """Return the columns that another program keeps: no units, flags as floats."""
    table = make_catalog(n_clusters).table
    flat = Table({"id": table["id"]})
    for name, angle in zip(names, ("ra", "dec"), strict=True):
        flat[name] = getattr(table["sky_center"], angle).deg
    for name in table.colnames[2:]:
        flat[name] = getattr(table[name], "value", table[name])
    flat["flags"] = flat["flags"].astype(float)
    return flat


FORMATS_OF_OTHERS = {
    "c.csv": "ascii.csv",
    "c.ecsv": "ascii.ecsv",
    "c.fits": "fits",
    "c.vot": "votable",
    "c.parquet": "parquet",
}


@pytest.mark.parametrize("names", [("sky_center.ra", "sky_center.dec"), ("ra", "dec")])
@pytest.mark.parametrize("name", FORMATS_OF_OTHERS)
def test_tables_that_other_programs_edited_are_read(tmp_path, name, names):
    edited(3, names=names).write(tmp_path / name, format=FORMATS_OF_OTHERS[name])
    again = ClusterCatalog.read(tmp_path / name)
    assert_same_table(again.table, make_catalog(3).table)


def test_units_of_other_programs_are_converted(tmp_path):
    flat = edited(3, names=("ra", "dec"))
    flat["radius"] /= 60
    flat["radius"].unit, flat["ra"].unit, flat["dec"].unit = "arcmin", "deg", "deg"
    flat["ra"] = flat["ra"].to(u.rad)
    flat.write(tmp_path / "c.fits")
    again, expected = ClusterCatalog.read(tmp_path / "c.fits"), make_catalog(3)
    assert u.allclose(again["radius"], expected["radius"])
    separation = again["sky_center"].separation(expected["sky_center"])
    assert separation.max() < 1e-6 * u.arcsec


def test_tables_of_spreadsheets_are_read(tmp_path):
    edited(3).write(tmp_path / "c.csv")
    text = (tmp_path / "c.csv").read_text()
    (tmp_path / "c.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert_same_table(
        ClusterCatalog.read(tmp_path / "c.csv").table, make_catalog(3).table
    )


@pytest.mark.parametrize("n_clusters", [0, 3])
@pytest.mark.parametrize(("separator", "point"), [("\t", "."), (";", "."), (";", ",")])
def test_other_separators_are_read(tmp_path, separator, point, n_clusters):
    edited(n_clusters, names=("ra", "dec")).write(tmp_path / "c.csv")
    text = (tmp_path / "c.csv").read_text().replace(",", separator)
    (tmp_path / "c.csv").write_text(text.replace(".", point))
    assert_same_table(
        ClusterCatalog.read(tmp_path / "c.csv").table, make_catalog(n_clusters).table
    )


@pytest.mark.parametrize("name", FORMATS_OF_OTHERS)
def test_names_may_be_in_upper_case(tmp_path, name):
    flat = edited(2, names=("RA", "DEC"))
    for column in flat.colnames:
        flat.rename_column(column, column.upper())
    flat.write(tmp_path / name, format=FORMATS_OF_OTHERS[name])
    again = ClusterCatalog.read(tmp_path / name)
    assert_same_table(again.table, make_catalog(2).table)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("flags", [0, 17.5, 4], "'flags' must hold whole numbers, got 17.5"),
        ("flags", [0, np.nan, 4], "'flags' must hold whole numbers, got nan"),
        ("score", ["0.9", "0,8", ""], "'score' must hold numbers, got 0,8"),
        ("radius", ["9", "8", "wide"], "'radius' must hold numbers, got wide"),
        ("ra", [275, 999, 275], "1 of 3 rows have no possible position"),
        ("ra", None, r"the columns \['sky_center'\] are missing"),
        ("score", None, r"the columns \['score'\] are missing"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, column, values, message):
    flat = edited(3, names=("ra", "dec"))
    flat.remove_column(column)
    if values is not None:
        flat[column] = values
    flat.write(tmp_path / "c.csv")
    with pytest.raises(ValueError, match=message):
        ClusterCatalog.read(tmp_path / "c.csv")


def test_a_unit_that_does_not_convert_is_named(tmp_path):
    flat = edited(1)
    flat["area"].unit = "Jy"
    flat.write(tmp_path / "c.fits")
    with pytest.raises(ValueError, match="column 'area' is in Jy, and not in arcsec2"):
        ClusterCatalog.read(tmp_path / "c.fits")


def test_a_decimal_comma_is_between_digits(tmp_path):
    table = cluster_table(make_columns(3) | make_band_columns(3))
    ClusterCatalog(table).write(tmp_path / "c.csv")
    flat = Table.read(tmp_path / "c.csv", format="ascii.csv")
    lines = [";".join(flat.colnames)]
    for row in flat:
        cells = [cell if isinstance(cell, str) else str(cell) for cell in row]
        cells = [
            cell if name == "bands" else cell.replace(".", ",")
            for name, cell in zip(flat.colnames, cells, strict=True)
        ]
        lines.append(";".join(cells).replace("--", ""))
    (tmp_path / "edited.csv").write_text("\n".join(lines) + "\n")
    again = ClusterCatalog.read(tmp_path / "edited.csv").table
    assert again["bands"].tolist() == ["J,H,Ks", "Ks", ""]
    assert again["a_k"][0] == 0.75 * u.mag
    assert np.isnan(again["a_k"][1])
