# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""One reader of tables of sources, for all that take one."""

import re
import warnings
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.nddata import CCDData
from astropy.table import Column, MaskedColumn, QTable, Table
from astropy.utils.exceptions import AstropyUserWarning
from astropy.wcs import Sip
from numpy.testing import assert_allclose
from regions import CircleSkyRegion

from astro_vaeclust import NoDetectionsWarning, VAEClusterFinder
from astro_vaeclust.archives.source_tables import standard_catalog
from astro_vaeclust.baselines import StarCounts
from astro_vaeclust.catalog import ClusterCatalog, cluster_table
from astro_vaeclust.cli import main
from astro_vaeclust.matching import ClusterMatch
from astro_vaeclust.sources.table import read_sources, sky_positions

from ..matching.examples import columns as cluster_columns

SHAPE = (128, 160)
CENTER = (100.0, 60.0)
N_FIELD, N_CLUSTER = 60, 80
ROWS = N_FIELD + N_CLUSTER


@pytest.fixture(scope="module")
def positions():
    """Positions in pixels with a cluster, all on the image."""
    rng = np.random.default_rng(5)
    spread = rng.uniform((2, 2), (SHAPE[1] - 3, SHAPE[0] - 3), (N_FIELD, 2))
    return np.concatenate([spread, rng.normal(CENTER, 7, (N_CLUSTER, 2))]).T


def angles(names, unit, spelled=None):
    """Return what makes a table of angles in a unit, which may be spelled oddly."""

    def make(x, y, sky):
        table = Table()
        for name, angle in zip(names, (sky.ra, sky.dec), strict=True):
            table[name] = Column(angle.to_value(unit), unit=spelled or unit)
        return table

    return make


def with_parts(name):
    return lambda x, y, sky: Table(
        {f"{name}.ra": sky.ra.deg, f"{name}.dec": sky.dec.deg}
    )


def pixels(*names, unit=None):
    return lambda x, y, sky: Table(
        [Column(x, unit=unit), Column(y, unit=unit)], names=names
    )


def words(separator, dtype=str):
    of_dec = separator.replace("h", "d")

    def make(x, y, sky):
        ra = sky.ra.to_string(u.hourangle, sep=separator, precision=5, pad=True)
        dec = sky.dec.to_string(u.deg, sep=of_dec, precision=4, alwayssign=True)
        return Table({"RAJ2000": ra.astype(dtype), "DEJ2000": dec.astype(dtype)})

    return make


def of_wsa(x, y, sky):
    table = Table({"RA": sky.ra.rad, "DEC": sky.dec.rad})
    table["ra2000"], table["dec2000"] = sky.ra.deg, sky.dec.deg
    return table


def two_dimensional(x, y, sky):
    return Table({"ra": sky.ra.deg[:, None], "dec": sky.dec.deg[:, None]})


def masked(x, y, sky):
    return Table({"ra": MaskedColumn(sky.ra.deg), "dec": MaskedColumn(sky.dec.deg)})


def decimal_words(x, y, sky):
    return Table({"ra": sky.ra.deg.astype(str), "dec": sky.dec.deg.astype(str)})


def physical(x, y, sky):
    """Cartesian coordinates in parsecs are no pixels."""
    return QTable({"X": x * u.pc, "Y": y * u.pc, "ra": sky.ra, "dec": sky.dec})


def sexagesimal_in(unit_of_ra):
    """Return what makes a table of words whose unit is that of the column."""

    def make(x, y, sky):
        ra = sky.ra.to_string(unit_of_ra, sep=" ", precision=5)
        dec = sky.dec.to_string(u.deg, sep=" ", precision=4)
        spelled = "deg" if unit_of_ra is u.deg else '"h:m:s"'
        columns = {"ra": Column(ra, unit=spelled), "dec": Column(dec, unit="deg")}
        return Table(columns)

    return make


def numbers_beside_words(x, y, sky):
    dec = sky.dec.to_string(u.deg, sep=":", precision=4)
    return Table({"ra": Column(sky.ra.hour, unit="h"), "dec": dec})


def words_with_units(x, y, sky):
    ra = [f"{angle:.8f}h" for angle in sky.ra.hour]
    return Table({" RA ": ra, "Decl": [f"{angle:.8f} deg" for angle in sky.dec.deg]})


def typographic(x, y, sky):
    dec = sky.dec.to_string(u.deg, sep="dms", precision=4)
    dec = [text.replace("-", "\N{MINUS SIGN}") for text in dec]
    return Table({"ra": sky.ra.to_string(u.hourangle, precision=5), "de": dec})


def spelled_units(x, y, sky):
    ra = sky.ra.to_string(u.hourangle, sep=":", precision=5)
    with_units = Table({"ra": ra, "dec": sky.dec.to_string(sep=":", precision=4)})
    with_units["ra"].unit = u.Unit("hh:mm:ss", parse_strict="silent")
    with_units["dec"].unit = u.Unit("dd:mm:ss", parse_strict="silent")
    return with_units


def decimal_hours(x, y, sky):
    ra = Column(sky.ra.hour.astype(str), unit="hours")
    return Table({"ra": ra, "dec": sky.dec.deg.astype(str)})


KINDS = {
    "sky": lambda x, y, sky: QTable({"sky": sky}),
    "galactic": lambda x, y, sky: QTable({"sky": sky.galactic}),
    "distant": lambda x, y, sky: QTable(
        {"sky_center": SkyCoord(sky.ra, sky.dec, distance=2 * u.kpc)}
    ),
    "photutils": lambda x, y, sky: QTable({"sky_centroid": sky, "xcentroid": x}),
    "another name": lambda x, y, sky: QTable({"coord": sky.fk5, "x": 0 * x, "y": y}),
    "one of several": lambda x, y, sky: QTable({"corner": sky[::-1], "Sky": sky}),
    "beside angles": lambda x, y, sky: QTable(
        {"corner": sky[::-1], "edge": sky[::-1], "ra": sky.ra, "dec": sky.dec}
    ),
    "longitudes": lambda x, y, sky: Table(
        {"GLON": sky.galactic.l.deg, "GLAT": sky.galactic.b.deg}
    ),
    "l and b": lambda x, y, sky: QTable({"l": sky.galactic.l, "b": sky.galactic.b}),
    "SExtractor": angles(("ALPHA_J2000", "DELTA_J2000"), u.deg),
    "Pan-STARRS": angles(("raMean", "decMean"), u.deg),
    "split": with_parts("sky_center"),
    "degrees": angles(("ra", "dec"), u.deg),
    "upper case": angles(("RA", "DEC"), u.deg, "DEGREE"),
    "brackets": angles(("RAdeg", "DEdeg"), u.deg, "[deg]"),
    "radians": angles(("RA", "DEC"), u.rad, "RADIANS"),
    "hours": angles(("ra", "dec"), u.hourangle, "hour"),
    "arcsec": angles(("ra", "dec"), u.arcsec),
    "VizieR": angles(("_RAJ2000", "_DEJ2000"), u.deg),
    "VizieR, ICRS": angles(("RA_ICRS", "DE_ICRS"), u.deg),
    "VizieR, words": words(" "),
    "colons": words(":"),
    "letters": words("hms"),
    "bytes": words(" ", bytes),
    "WSA": of_wsa,
    "columns of columns": two_dimensional,
    "masked columns": masked,
    "decimal words": decimal_words,
    "decimal words in hours": decimal_hours,
    "arcmin": angles(("ra", "dec"), u.arcmin),
    "words in hours": sexagesimal_in(u.hourangle),
    "words in degrees": sexagesimal_in(u.deg),
    "numbers beside words": numbers_beside_words,
    "words with units": words_with_units,
    "typographic": typographic,
    "spelled units": spelled_units,
    "parsecs": physical,
    "pixels": pixels("x", "y"),
    "upper pixels": pixels("X", "Y", unit="pix"),
    "centroids": pixels("x_centroid", "y_centroid"),
    "centres": pixels("x_center", "y_center"),
    "old centroids": pixels("xcentroid", "ycentroid"),
    "fitted": pixels("x_fit", "y_fit"),
}


@pytest.fixture(params=KINDS.values(), ids=KINDS.keys())
def table(request, positions, celestial_wcs):
    sky = celestial_wcs.pixel_to_world(*positions).icrs
    return request.param(*positions, sky)


@pytest.fixture
def image(celestial_wcs):
    noise = np.random.default_rng(6).normal(500, 1, SHAPE)
    return CCDData(noise, unit="adu", wcs=celestial_wcs)


@pytest.fixture
def reference(celestial_wcs):
    side = np.sqrt(np.abs(np.linalg.det(celestial_wcs.pixel_scale_matrix))) * u.deg
    return CircleSkyRegion(celestial_wcs.pixel_to_world(*CENTER), 14 * side)


@pytest.fixture
def clusters(reference):
    radius = reference.radius.to_value(u.arcsec)
    center = reference.center.icrs.reshape(1)
    return ClusterCatalog(cluster_table(cluster_columns(center, np.array([radius]))))


def quietly(finder, data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        return finder.detect(data, **options)


def test_detect_takes_every_kind(table, image):
    found = quietly(VAEClusterFinder(), image, sources=table)
    assert found.table.meta["n_sources_in_image"] == ROWS


def test_catalogue_methods_take_every_kind(table, image):
    mask = np.zeros(SHAPE, dtype=bool)
    found = quietly(StarCounts(), None, wcs=image.wcs, mask=mask, sources=table)
    assert found.table.meta["n_sources_in_image"] == ROWS


def test_the_reader_takes_every_kind(table, positions, celestial_wcs):
    points = read_sources(table, celestial_wcs)
    assert_allclose((points.x, points.y), positions, atol=2e-3)
    sky = sky_positions(table, wcs=celestial_wcs)
    assert_allclose(celestial_wcs.world_to_pixel(sky), positions, atol=2e-3)


def n_inside(positions):
    return np.count_nonzero(np.hypot(positions[0] - 100, positions[1] - 60) <= 14)


def test_matching_takes_every_kind(
    table, clusters, reference, positions, celestial_wcs
):
    match = ClusterMatch(clusters.table, table, wcs=celestial_wcs)
    assert len(match.sources) == ROWS
    overlap = match.iou(reference, region="circle")
    assert overlap.n_union == pytest.approx(n_inside(positions), abs=1)


def test_score_takes_every_kind(
    table, clusters, reference, positions, image, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    clusters.write("clusters.ecsv")
    image.write("image.fits")
    reference.write("reference.reg", format="ds9")
    table.write("sources.ecsv")
    options = ["--catalog", "sources.ecsv", "--reference", "reference.reg"]
    assert main(["score", "clusters.ecsv", *options, "--image", "image.fits"]) == 0
    assert f"{ROWS} sources of sources.ecsv count" in capsys.readouterr().out


def test_positions_on_the_sky_take_precedence_over_pixels(positions, celestial_wcs):
    sky = celestial_wcs.pixel_to_world(*positions).icrs
    table = QTable({"x": positions[0] + 7, "y": positions[1], "sky": sky})
    assert_allclose(read_sources(table, celestial_wcs).x, positions[0], atol=1e-6)


def test_an_absurd_row_does_not_refuse_the_table(celestial_wcs):
    table = Table({"ra": [275.12, 275.12, -9999.0], "dec": [-16.18, 131.0, -9999.0]})
    with pytest.warns(AstropyUserWarning, match="sources: 2 of 3 rows"):
        assert len(read_sources(table, celestial_wcs)) == 1
    words = ["18 20 28.8", "18 61 00", "nonsense", "275.12", ""]
    table = Table({"ra": words, "dec": ["-16 10 48"] * 5})
    with pytest.warns(AstropyUserWarning, match="sources: 3 of 5 rows"):
        sky = sky_positions(table)
    assert np.isfinite(sky.ra.deg).tolist() == [True, False, False, False, False]
    table = Table({"ra": ["275.12", "275,12", "nan", ""], "dec": [-16.18] * 4})
    with pytest.warns(AstropyUserWarning, match="sources: 1 of 4 rows"):
        assert len(read_sources(table, celestial_wcs)) == 1


@pytest.mark.parametrize("column", ["k_m", "brightness"])
def test_every_reader_counts_absurd_rows_once(column, clusters, celestial_wcs):
    center = clusters["sky_center"][0]
    ra, dec = center.ra.deg, center.dec.deg
    table = Table({"ra": [ra, 999, -9999, ra], "dec": [dec, dec, -9999, 95]})
    table[column] = 12.0
    message = "3 of 4 rows have impossible positions"
    for read in (
        clusters.match,
        sky_positions,
        lambda table: read_sources(table, celestial_wcs),
        *([standard_catalog] if column == "k_m" else []),
    ):
        with pytest.warns(AstropyUserWarning, match=message) as caught:
            read(table)
        assert len(caught) == 1


def test_sources_far_from_a_distorted_image_do_not_hinder(celestial_wcs):
    wcs = celestial_wcs.deepcopy()
    wcs.wcs.ctype = "RA---TAN-SIP", "DEC--TAN-SIP"
    bend = np.zeros((3, 3))
    bend[2, 0] = 1e-4
    wcs.sip = Sip(bend, bend, None, None, wcs.wcs.crpix)
    wcs.array_shape = SHAPE
    center = wcs.pixel_to_world(80, 60)
    ra = center.ra.deg + np.array([0, 3, 20, 50, -180])
    table = Table({"ra": ra, "dec": np.full(5, center.dec.deg)})
    points = read_sources(table, wcs)
    assert_allclose((points.x, points.y), [[80], [60]], atol=1e-3)


@pytest.mark.parametrize(
    "table",
    [
        Table({"ra": [275.12, np.nan], "dec": [-16.18, -16.18]}),
        Table({"x": MaskedColumn([1.0, 2.0], mask=[False, True]), "y": [3.0, 4.0]}),
        QTable({"x": [np.nan, 1.0] * u.pix, "y": [3.0, 4.0] * u.pix}),
    ],
    ids=["NaN", "masked", "pixels"],
)
def test_rows_without_a_position_are_left_out(table, celestial_wcs):
    assert len(read_sources(table, celestial_wcs)) == 1


def test_a_table_of_absurd_rows_is_refused_and_one_without_rows_is_not(celestial_wcs):
    absurd = Table({"ra": [84.0], "dec": [131.0]})
    message = "sources has no row with a usable position; it has 1 rows"
    with (
        pytest.warns(AstropyUserWarning, match="1 of 1 rows"),
        pytest.raises(ValueError, match=message),
    ):
        read_sources(absurd, celestial_wcs)
    assert len(read_sources(absurd[:0], celestial_wcs)) == 0


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ([[1, 2]], TypeError, "sources must be an astropy Table"),
        (Table({"l": [1.0]}), ValueError, r"sources must have positions.*got.*\['l'\]"),
        (
            QTable({name: SkyCoord([1] * u.deg, [2] * u.deg) for name in "ab"}),
            ValueError,
            "sources: call one of the SkyCoord columns .*'a', 'b'.* 'sky'",
        ),
        (
            QTable({"up": SkyCoord([1] * u.deg, [2] * u.deg, frame="altaz")}),
            ValueError,
            "sources: positions in altaz are no ICRS",
        ),
        (
            Table({"ra": np.ones((2, 2)), "dec": np.ones((2, 2))}),
            ValueError,
            "sources: column 'dec' has several values in a row",
        ),
        (Table({"x": [1.0], "ra": [2.0]}), ValueError, "sources must have positions"),
        (QTable({"x": [1] * u.pc, "y": [1] * u.pc}), ValueError, "must have positions"),
        (
            QTable({"ra": [1] * u.Jy, "dec": [1] * u.Jy}),
            ValueError,
            "sources: column 'ra' is in Jy, and not in deg",
        ),
        (
            Table({"RA": ["18.34"], "Dec": ["-16 10 48"]}),
            ValueError,
            "sources: column 'RA' has plain numbers beside the sexagesimal",
        ),
        (
            Table({"ra": [18.34], "dec": ["-16:10:48"]}),
            ValueError,
            "they may be hours or degrees",
        ),
    ],
    ids=[
        *("list", "longitudes", "two skies", "horizontal", "pairs"),
        *("half", "parsecs", "janskys", "words", "numbers"),
    ],
)
def test_bad_tables_are_refused(table, error, message, celestial_wcs):
    with pytest.raises(error, match=message):
        read_sources(table, celestial_wcs)


@pytest.mark.parametrize(
    ("sources", "remedy"),
    [
        (SkyCoord([1] * u.deg, [2] * u.deg), "Table({'sky': sources})"),
        ("stars.vot", "Table.read(sources)"),
        (Path("stars.vot"), "Table.read(sources)"),
        (np.zeros((3, 2)), "Table(sources, names=('x', 'y'))"),
        ({"ra": [1.0], "dec": [2.0]}, "Table(sources)"),
        ([(1.0, 2.0)], "Table(rows=sources, names=('ra', 'dec'))"),
        (type("DataFrame", (), {})(), "Table.from_pandas(sources)"),
    ],
)
def test_what_is_no_table_is_told_how_to_become_one(sources, remedy, clusters, image):
    for read in (
        lambda: StarCounts().detect(image, sources=sources),
        lambda: VAEClusterFinder().detect(image, sources=sources),
        lambda: clusters.match(sources),
    ):
        with pytest.raises(
            TypeError, match=rf"^sources must.*; give {re.escape(remedy)}"
        ):
            read()


def test_pixels_need_a_wcs_to_be_matched(clusters):
    with pytest.raises(ValueError, match="sources has positions in pixels only"):
        clusters.match(Table({"x": [1.0], "y": [2.0]}))
