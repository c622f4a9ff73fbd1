# Licensed under a 3-clause BSD style license - see LICENSE.rst
import json
import os
import re
import sys
import tempfile
import warnings
from io import StringIO
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits, registry
from astropy.nddata import CCDData
from astropy.table import QTable, Table
from astropy.wcs import WCS
from numpy.testing import assert_array_equal
from regions import Regions

from astro_vaeclust.catalog import ClusterCatalog, cluster_table
from astro_vaeclust.images.write import write_image
from astro_vaeclust.io.region_files import _safe_text
from astro_vaeclust.measure.flags import ClusterFlags
from astro_vaeclust.utils.files import atomic_path, check_output

from ..example_catalog import (
    META,
    assert_same_table,
    make_band_columns,
    make_catalog,
    make_columns,
    make_pixels,
)

TABLES = ["c.ecsv", "c.fits", "c.fits.gz", "c.vot", "c.xml", "c.parquet"]
FORMATS = ["ecsv", "fits", "votable", "parquet", "csv", "ds9", "crtf"]
CIRCLES = ["c.reg", "c.crtf"]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("n_clusters", [0, 1, 3])
def test_tables_round_trip(tmp_path, name, n_clusters):
    catalog = make_catalog(n_clusters)
    catalog.write(tmp_path / name)
    again = ClusterCatalog.read(tmp_path / name)
    assert_same_table(again.table, catalog.table)
    assert again.table.meta == META


@pytest.mark.parametrize("name", [*TABLES, "c.csv"])
@pytest.mark.parametrize("n_clusters", [0, 1, 3])
def test_columns_of_several_bands_round_trip(tmp_path, name, n_clusters):
    columns = make_columns(n_clusters) | make_band_columns(n_clusters)
    table = cluster_table(columns, META)
    ClusterCatalog(table).write(tmp_path / name)
    again = ClusterCatalog.read(tmp_path / name).table
    assert_same_table(again, table)
    assert again["a_k"].unit == u.mag
    assert again["a_k"].info.description.startswith("Extinction")


@pytest.mark.parametrize("name", TABLES)
def test_clusters_of_one_band_and_of_several_are_stacked(tmp_path, name):
    colored = cluster_table(make_columns(1) | make_band_columns(1))
    stacked = ClusterCatalog.vstack([ClusterCatalog(colored), make_catalog(1)])
    stacked.write(tmp_path / name)
    again = ClusterCatalog.read(tmp_path / name)
    assert_array_equal(again["bands"], ["J,H,Ks", ""])
    assert_array_equal(again["a_k"], [0.75, np.nan] * u.mag)


@pytest.mark.parametrize("name", CIRCLES)
def test_circles_have_the_extinction_in_their_text(tmp_path, name):
    table = cluster_table(make_columns(2) | make_band_columns(2))
    ClusterCatalog(table).write(tmp_path / name)
    key = "text" if name.endswith(".reg") else "label"
    with_color, without = (one.meta[key] for one in Regions.read(tmp_path / name))
    assert with_color.endswith(" a_k=0.75 mag")
    assert "a_k" not in without


@pytest.mark.parametrize("name", TABLES)
def test_masked_values_are_read_as_nan(tmp_path, name):
    more = cluster_table(make_columns(1) | {"center_err": [2.0] * u.arcsec})
    stacked = ClusterCatalog.vstack([ClusterCatalog(more), make_catalog(1)])
    stacked.write(tmp_path / name)
    again = ClusterCatalog.read(tmp_path / name)
    assert_array_equal(again["center_err"], [2, np.nan] * u.arcsec)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("values", [["Stock 2"], [7], [False], [2.5]])
def test_what_is_masked_stays_missing(tmp_path, name, values):
    more = make_catalog(1).table.copy()
    more["more"] = values
    stacked = ClusterCatalog.vstack([ClusterCatalog(more), make_catalog(1)])
    stacked.write(tmp_path / name)
    one, missing = ClusterCatalog.read(tmp_path / name)["more"]
    assert one == values[0]
    assert missing is np.ma.masked or np.isnan(missing)


@pytest.mark.parametrize("name", ["c.ecsv", "c.fits", "c.vot", "c.parquet"])
def test_plain_astropy_reads_ra_and_dec(tmp_path, name):
    catalog = make_catalog(2)
    catalog.write(tmp_path / name)
    table = QTable.read(tmp_path / name)
    assert table.colnames[:3] == ["id", "ra", "dec"]
    assert_array_equal(table["ra"], catalog.table["sky_center"].ra)
    assert_array_equal(table["dec"], catalog.table["sky_center"].dec)
    assert table["area"].unit == u.arcsec**2
    assert (table.meta == META) == (name in ("c.ecsv", "c.parquet"))


def test_fits_header_has_the_metadata(tmp_path):
    make_catalog(1).write(tmp_path / "c.fits")
    header = fits.getheader(tmp_path / "c.fits", "CLUSTERS")
    assert header["CREATOR"].startswith("astro_vaeclust")
    assert header["DATE"] == META["date"]
    assert json.loads(header["VAECLUST"]) == META


@pytest.mark.parametrize("name", CIRCLES)
@pytest.mark.parametrize("n_clusters", [0, 1, 3])
def test_circles_are_read_by_regions(tmp_path, name, n_clusters):
    catalog = make_catalog(n_clusters)
    catalog.write(tmp_path / name)
    circles = Regions.read(tmp_path / name)
    assert len(circles) == n_clusters
    key = "text" if name.endswith(".reg") else "label"
    for circle, expected in zip(circles, catalog.regions, strict=True):
        assert circle.center.separation(expected.center) < 1e-4 * u.arcsec
        assert abs(circle.radius - expected.radius) < 1e-4 * u.arcsec
        assert circle.meta[key] == expected.meta["text"]


@pytest.mark.parametrize("n_clusters", [0, 1, 3])
def test_ds9_text_stays_with_its_circle(tmp_path, n_clusters):
    make_catalog(n_clusters).write(tmp_path / "c.reg")
    lines = (tmp_path / "c.reg").read_text().splitlines()
    assert lines[0].startswith("# Region file format: DS9")
    assert "icrs" in lines
    assert not any(line.startswith("global") for line in lines)
    circles = [line for line in lines if line.startswith("circle(")]
    assert len(circles) == n_clusters
    assert all(" # text={" in line for line in circles)


@pytest.mark.parametrize("nasty", ["a}b", "a{b", "a'b", 'a"b', "a\nb", "a,b", "a;b]"])
def test_no_text_ends_early(nasty):
    safe = _safe_text(nasty + " end")
    for form, line in [
        ("ds9", "icrs\ncircle(1,2,3) # text={%s}\n"),
        ("crtf", "#CRTFv0\nglobal coord=ICRS\ncircle[[1deg, 2deg], 3deg], label='%s'"),
    ]:
        (circle,) = Regions.parse(line % safe, format=form)
        assert safe in circle.meta.values()
    assert safe.endswith("end")


def test_long_text_is_cut_to_what_ds9_takes():
    assert len(_safe_text(200 * "x")) == 80


def test_format_can_be_named(tmp_path):
    make_catalog(1).write(tmp_path / "clusters.txt", format="ds9")
    assert len(Regions.read(tmp_path / "clusters.txt", format="ds9")) == 1


def test_suffix_is_read_in_any_case(tmp_path):
    make_catalog(1).write(tmp_path / "C.FITS.GZ")
    assert len(ClusterCatalog.read(tmp_path / "C.FITS.GZ")) == 1


@pytest.mark.parametrize(("name", "form"), [("c.txt", None), ("c.ecsv", "odd")])
def test_unknown_format_lists_those_there_are(tmp_path, name, form):
    listing = r"(?s)format.*crtf.*ds9.*ecsv.*fits.*parquet.*votable"
    with pytest.raises(registry.IORegistryError, match=listing):
        make_catalog(1).write(tmp_path / name, format=form)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / name).write_text("something")
    with pytest.raises(registry.IORegistryError, match=r"(?s)format.*ecsv.*votable"):
        ClusterCatalog.read(tmp_path / name, format=form)


@pytest.mark.parametrize(("name", "form"), [("c.reg", "ds9"), ("c.crtf", "crtf")])
def test_regions_are_not_read_as_tables(tmp_path, name, form):
    make_catalog(1).write(tmp_path / name)
    with pytest.raises(registry.IORegistryError, match=f"No reader .*'{form}'"):
        ClusterCatalog.read(tmp_path / name)


@pytest.mark.parametrize("name", TABLES)
def test_missing_file_is_named(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=re.escape(name)):
        ClusterCatalog.read(tmp_path / name)


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    make_catalog(1).write("~/c.ecsv")
    assert len(ClusterCatalog.read("~/c.ecsv")) == 1


def test_missing_pyarrow_names_the_extra(tmp_path, monkeypatch):
    make_catalog(1).write(tmp_path / "c.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"astro_vaeclust\[survey\]"):
        ClusterCatalog.read(tmp_path / "c.parquet")
    with pytest.raises(ImportError, match=r"astro_vaeclust\[survey\]"):
        make_catalog(1).write(tmp_path / "d.parquet")


def test_table_of_another_kind_is_refused(tmp_path):
    Table({"a": [1]}).write(tmp_path / "c.ecsv")
    with pytest.raises(ValueError, match="are missing"):
        ClusterCatalog.read(tmp_path / "c.ecsv")


@pytest.mark.parametrize("form", FORMATS)
def test_formats_are_listed_and_described(form):
    listing, help_text = StringIO(), StringIO()
    ClusterCatalog.write.list_formats(out=listing)
    assert form in listing.getvalue().split()
    assert form in ClusterCatalog.write.__doc__.split()
    make_catalog(0).write.help(form, out=help_text)
    assert "Write " in help_text.getvalue()
    readable = form not in ("ds9", "crtf")
    assert (form in ClusterCatalog.read.__doc__.split()) == readable


def test_formats_of_others(tmp_path):
    def write_ids(catalog, path, *, separator="\n"):
        Path(path).write_text(separator.join(map(str, catalog["id"])))

    def by_suffix(origin, path, fileobj, *args, **kwargs):
        return path is not None and str(path).endswith(".ids")

    registry.register_writer("ids", ClusterCatalog, write_ids)
    registry.register_identifier("ids", ClusterCatalog, by_suffix)
    try:
        make_catalog(2).write(tmp_path / "c.ids", separator=" ")
        assert "ids" in ClusterCatalog.write.__doc__.split()
    finally:
        registry.unregister_writer("ids", ClusterCatalog)
        registry.unregister_identifier("ids", ClusterCatalog)
    assert (tmp_path / "c.ids").read_text() == "1 2"


def test_heatmap_is_an_image_with_wcs(tmp_path):
    catalog = make_catalog(1)
    catalog.write_heatmap(tmp_path / "heat.fits")
    with fits.open(tmp_path / "heat.fits") as hdulist:
        assert hdulist[0].data.dtype == np.dtype(">f4")
        assert_array_equal(hdulist[0].data, catalog.heatmap.data.astype(np.float32))
        header = hdulist[0].header
    assert json.loads(header["VAECLUST"]) == META
    assert header["BUNIT"] == ""
    assert CCDData.read(tmp_path / "heat.fits").unit == u.dimensionless_unscaled
    wcs = WCS(header)
    expected = catalog.heatmap.wcs.pixel_to_world(3, 5)
    assert wcs.pixel_to_world(3, 5).separation(expected) < 1e-6 * u.arcsec


def test_masked_pixels_of_an_image_are_written_as_nan(tmp_path):
    catalog = make_catalog(1)
    catalog.heatmap.mask = np.isnan(make_pixels())
    catalog.write_heatmap(tmp_path / "heat.fits")
    written = fits.getdata(tmp_path / "heat.fits")
    assert_array_equal(np.isnan(written), catalog.heatmap.mask)


def test_an_image_keeps_its_header_but_not_that_of_its_file(tmp_path):
    meta = fits.Header({"MAGZP": 19.9, "BITPIX": 16, "BLANK": -1, "BSCALE": 2.0})
    meta["CRVAL1"], meta["CD1_1"], meta["CTYPE1"] = 1.0, 5.0, "RA---SIN"
    meta["CTYPE2"] = "DEC--SIN"
    wcs = make_catalog(1).heatmap.wcs
    image = CCDData(np.ones((4, 5)), unit="adu", wcs=wcs, meta=meta)
    write_image(image, tmp_path / "image.fits")
    written = CCDData.read(tmp_path / "image.fits")
    assert written.meta["MAGZP"] == 19.9
    assert not {"BLANK", "BSCALE", "CD1_1"} & set(written.meta)
    assert_array_equal(written.data, 1)
    assert (
        written.wcs.pixel_to_world(1, 2).separation(wcs.pixel_to_world(1, 2))
        < 1e-6 * u.arcsec
    )
    assert meta["BITPIX"] == 16  # that of the caller is as it was


def test_no_heatmap_no_file(tmp_path):
    with pytest.raises(ValueError, match="no heat map"):
        ClusterCatalog(cluster_table()).write_heatmap(tmp_path / "heat.fits")


@pytest.mark.parametrize("name", [*TABLES, *CIRCLES])
def test_existing_file_needs_overwrite(tmp_path, name):
    path = tmp_path / name
    path.write_text("precious")
    with pytest.raises(OSError, match=r"exists; give overwrite=True"):
        make_catalog(1).write(path)
    assert path.read_text() == "precious"
    make_catalog(1).write(path, overwrite=True)
    assert path.read_bytes() != b"precious"
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_broken_off_writing_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "c.ecsv"
    path.write_text("precious")
    with pytest.raises(error), atomic_path(path, overwrite=True) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise error
    assert path.read_text() == "precious"
    assert [entry.name for entry in tmp_path.iterdir()] == ["c.ecsv"]


@pytest.mark.parametrize("name", [*TABLES, *CIRCLES])
def test_broken_off_catalog_leaves_nothing(tmp_path, name, monkeypatch):
    def half_a_file(source, target):
        assert Path(source).stat().st_size > 0
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", half_a_file)
    with pytest.raises(KeyboardInterrupt):
        make_catalog(1).write(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_temporary_path_has_the_name_of_the_file(tmp_path):
    with atomic_path(tmp_path / "c.fits.gz") as temporary:
        assert temporary.name == "c.fits.gz"
        assert temporary.parent.parent == tmp_path
        temporary.write_text("x")
    assert (tmp_path / "c.fits.gz").read_text() == "x"


def test_permissions_are_those_of_new_files(tmp_path):
    (tmp_path / "plain").write_text("x")
    with atomic_path(tmp_path / "c") as temporary:
        temporary.write_text("x")
    assert (tmp_path / "c").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "c.reg").write_text("old")
    (tmp_path / "link.reg").symlink_to(tmp_path / "real" / "c.reg")
    make_catalog(1).write(tmp_path / "link.reg", overwrite=True)
    assert (tmp_path / "link.reg").is_symlink()
    assert (tmp_path / "real" / "c.reg").read_text().startswith("# Region")


def test_format_is_that_of_the_link_not_of_its_target(tmp_path):
    (tmp_path / "link.fits.gz").symlink_to(tmp_path / "object")
    make_catalog(1).write(tmp_path / "link.fits.gz")
    assert (tmp_path / "object").read_bytes()[:2] == b"\x1f\x8b"
    assert len(ClusterCatalog.read(tmp_path / "link.fits.gz")) == 1


@pytest.mark.parametrize("check", [check_output, make_catalog(1).write])
def test_missing_folder_is_named(tmp_path, check):
    with pytest.raises(FileNotFoundError, match=r"cannot write c\.ecsv.*nowhere"):
        check(tmp_path / "nowhere" / "c.ecsv")


@pytest.mark.parametrize("check", [check_output, make_catalog(1).write])
def test_folder_that_is_a_file_is_named(tmp_path, check):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match=r"cannot write c\.ecsv.*file"):
        check(tmp_path / "file" / "c.ecsv")


def test_folder_that_refuses_is_named(tmp_path, monkeypatch):
    def refuse(*args, **keywords):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", refuse)
    with pytest.raises(
        PermissionError, match=rf"cannot write c\.ecsv.*{tmp_path.name}"
    ):
        check_output(tmp_path / "c.ecsv")


@pytest.mark.parametrize("overwrite", [True, False])
def test_only_files_are_replaced(tmp_path, overwrite):
    with pytest.raises(OSError, match="is not a file"):
        check_output(tmp_path, overwrite)
    with pytest.raises(OSError, match="is not a file"):
        check_output("/dev/null", overwrite)


def test_check_leaves_nothing_behind(tmp_path):
    assert check_output(tmp_path / "c.ecsv") == tmp_path / "c.ecsv"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", TABLES)
def test_writing_does_not_change_the_catalog(tmp_path, name):
    catalog = make_catalog(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        catalog.write(tmp_path / name)
    assert_same_table(catalog.table, cluster_table(make_columns(2)))
    assert catalog.table.meta == META
    assert ClusterFlags.legend() in catalog.table["flags"].info.description


def test_descriptions_in_any_alphabet_fit_into_fits(tmp_path):
    table = make_catalog(1).table.copy()
    table["score"].info.description = "Güte,\nvon 0 bis 1"
    ClusterCatalog(table).write(tmp_path / "c.fits")
    header = fits.getheader(tmp_path / "c.fits", 1)
    number = 1 + [header[f"TTYPE{i + 1}"] for i in range(9)].index("score")
    assert header[f"TCOMM{number}"] == r"G\xfcte, von 0 bis 1"
