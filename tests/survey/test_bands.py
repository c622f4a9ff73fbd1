# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A survey in several bands finds what the search of one image in these finds."""

from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
from astropy.table import QTable

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.detector.embedding import ConvVAE
from astro_vaeclust.detector.model import load_model
from astro_vaeclust.simulation import MockCluster, simulate_tile
from astro_vaeclust.survey import merge
from astro_vaeclust.survey.frames import assemble
from astro_vaeclust.survey.grid import SurveyGrid, pixel_grid
from astro_vaeclust.survey.outputs import status_of, write_outputs

from .examples import sky, write, write_cut

FINDER = VAEClusterFinder(max_false_alarm_rate=1 / u.deg**2)
SHAPE = (640, 700)


@pytest.fixture(scope="module")
def tile():
    wcs = simulate_tile(shape=SHAPE, seed=2).image.wcs
    clusters = [
        MockCluster(
            n_members=number,
            half_number_radius=radius * u.arcsec,
            center=wcs.pixel_to_world(x, y),
        )
        for number, radius, x, y in ((150, 25, 180, 200), (200, 40, 470, 420))
    ]
    return simulate_tile(
        survey="2mass-j+2mass-h+2mass-ks",
        shape=SHAPE,
        clusters=clusters,
        artefacts=False,
        seed=2,
    )


def images_of(tile):
    return {
        band: (np.float32(image.data), image.wcs) for band, image in tile.images.items()
    }


@pytest.fixture(scope="module")
def whole(tile):
    return FINDER.detect(tile.images).table


def primary(folder):
    table = merge(folder).table
    return table[table["is_primary"] & (table["part_of"] == 0)]


def test_clusters_are_those_of_one_search(survey, tile, whole, tmp_path):
    for band, (pixels, wcs) in images_of(tile).items():
        pixels[:, 600:] = np.nan if band == "J" else pixels[:, 600:]
        for n in (1, 2):
            write_cut(tmp_path / str(n) / band, pixels, wcs, n, FILTER=band)
    tables = []
    for n in (1, 2):
        out = tmp_path / f"out{n}"
        options = {"band": "Ks,J,H", "side": None, "finder": FINDER}
        rows = survey(f"{tmp_path / str(n)}/*/*.fits", out, **options)
        assert {row.status for row in rows} <= {"done", "empty"}
        assert any(row.tier for row in rows)
        write_outputs(out)
        tables.append((out / "candidates.parquet").read_bytes())
        assert not status_of(out)["missing"]
        assert (
            survey(f"{tmp_path / str(n)}/*/*.fits", out, **options, resume=True) == []
        )
    assert tables[0] == tables[1]
    table = primary(out)
    assert set(table["bands"]) == {"J,H,Ks"}
    for cluster in tile.clusters:
        row, other = (
            one[one["sky_center"].separation(cluster["sky_center"]).argmin()]
            for one in (table, whole)
        )
        assert row["sky_center"].separation(cluster["sky_center"]) < 10 * u.arcsec
        assert row["sky_center"].separation(other["sky_center"]) < 2 * u.arcsec
        assert row["level"].value == pytest.approx(other["level"].value, rel=1e-3)
        assert abs(row["a_k"] - other["a_k"]) < other["a_k_err"]
        assert row["r50"].value == pytest.approx(other["r50"].value, rel=0.1)
    again = QTable.read(out / "candidates.fits")
    assert set(again["bands"]) == {"J,H,Ks"}
    measured = merge(out).table["a_k"].value
    np.testing.assert_allclose(again["a_k"].value, measured, rtol=1e-8)


def test_a_band_alone_is_searched_as_one(survey, tile, whole, tmp_path):
    images = images_of(tile)
    write(tmp_path / "a.fits", *images["Ks"], FILTER="Ks")
    pixels, wcs = images["J"]
    far = wcs.deepcopy()
    far.wcs.crval = far.wcs.crval + np.array([0, 0.4])
    write(tmp_path / "b.fits", pixels, far, FILTER="J")
    out = tmp_path / "out"
    rows = survey(f"{tmp_path}/*.fits", out, FINDER, band="J,Ks", side=0.25)
    assert not [row.reason for row in rows if row.status == "failed"]
    table = merge(out).table
    assert set(table["bands"]) == {"J", "Ks"}
    assert np.isnan(table["a_k"]).all()


def test_a_band_that_is_nowhere_is_refused_whatever_is_left_out(survey, tmp_path):
    write(tmp_path / "a.fits", *sky(), FILTER="2MASS J")
    options = {"finder": FINDER, "band": "2MASS J,Ks", "skip_bad": True}
    with pytest.raises(ValueError, match="none has the band 'Ks'"):
        survey(f"{tmp_path}/*.fits", **options)
    with pytest.raises(TypeError, match="band must be text, as 'J,H,Ks'; got"):
        survey(f"{tmp_path}/*.fits", finder=FINDER, band=["J", "Ks"])


def test_a_model_that_was_not_calibrated_is_refused_at_once(survey, tmp_path):
    for n, band in enumerate(("J", "Ks")):
        write(tmp_path / f"{band}.fits", *sky(seed=n), FILTER=band)
    model = tmp_path / "bare.pt"
    replace(load_model(), color_calibrations={}, calibration=None).save(model)
    finder = VAEClusterFinder(embedding=ConvVAE(model=model))
    for band, reason in (("J,Ks", "calibrated for J, Ks$"), ("Ks", "calibrated$")):
        with pytest.raises(ValueError, match=f"its model was not {reason}"):
            survey(f"{tmp_path}/*.fits", finder=finder, band=band)
    assert not (tmp_path / "out").exists()
    finder = replace(finder, max_false_alarm_rate=None)
    rows = survey(f"{tmp_path}/*.fits", finder=finder, band="J,Ks")
    assert [row.reason for row in rows if row.status == "failed"] == []
    assert not any(row.tier for row in rows)


def test_a_band_of_zeros_shows_nothing(survey, tmp_path):
    pixels, wcs = sky()
    write(tmp_path / "a.fits", pixels, wcs, FILTER="J")
    write(tmp_path / "b.fits", 0 * pixels, wcs, FILTER="Ks")
    out = tmp_path / "out"
    finder = VAEClusterFinder(max_false_alarm_rate=None)
    rows = survey(f"{tmp_path}/*.fits", out, finder, band="J,Ks")
    fields = [row for row in rows if row.status == "done" and not row.tier]
    assert fields
    assert all(np.isfinite([row.noise for row in fields]))
    assert set(merge(out).table["bands"]) == {"J"}


def test_images_without_a_band_are_named(survey, tmp_path):
    for band in ("J", "Ks", ""):
        write(tmp_path / f"a{band}.fits", *sky(), FILTER=band)
    with pytest.raises(ValueError, match=r"a\.fits \(no band in its header\)$"):
        survey(f"{tmp_path}/*.fits", finder=FINDER, band="J,Ks")
    with pytest.raises(ValueError, match=r"the band 'H' .*; .*a\.fits \(no band"):
        survey(f"{tmp_path}/*.fits", finder=FINDER, band="J,H")


def test_a_survey_stays_in_its_bands(survey, tmp_path):
    first = write(tmp_path / "a.fits", *sky())
    others = [write(tmp_path / f"{n}.fits", *sky(), FILTER="J") for n in range(2)]
    survey([first], tmp_path / "one")
    with pytest.raises(ValueError, match=r"0\.fits \(band 'J', not 'Ks'"):
        survey([first, *others], tmp_path / "one", resume=True)
    survey([first, *others], tmp_path / "several", band="Ks")
    for band in (None, "J"):
        with pytest.raises(ValueError, match="band is 'Ks' in this survey, got"):
            survey([first], tmp_path / "several", band=band, resume=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"band": "J,Y"}, "band must be one of J, H, Ks, got 'Y'"),
        ({"band": "J,j"}, "band must have each band once, got J twice"),
        ({"band": "H,Ks"}, "none has the band 'H' in its header"),
        ({"band": "J,Ks", "completeness": 3}, "completeness is measured in one band"),
    ],
)
def test_what_cannot_be_searched_together_is_refused(
    survey, tmp_path, options, message
):
    pixels, wcs = sky()
    for band in ("J", "Ks"):
        write(tmp_path / f"{band}.fits", pixels, wcs, FILTER=band)
    with pytest.raises(ValueError, match=message):
        survey(f"{tmp_path}/*.fits", finder=FINDER, **options)


def test_the_zero_point_is_that_of_the_longest_band(tmp_path):
    pixels, wcs = sky()
    files = [
        write(tmp_path / f"{band}.fits", pixels, wcs, FILTER=band, MAGZP=zero_point)
        for band, zero_point in (("J", 22.0), ("Ks", 20.0), ("H", 21.0))
    ]
    grid = SurveyGrid.from_scale(1.0, 0.6, side=0.0625)
    grid = SurveyGrid(**(vars(grid) | {"pixels": pixel_grid(wcs), "zero_point": 20.0}))
    field = grid.sky.field(int(grid.sky.locate(275.12, -16.18)))
    frame = grid.frame(field)
    found = assemble(files, frame, grid, bands=("J", "H", "Ks")).pixels
    seen = np.isfinite(found["Ks"])
    for band, factor in (("J", 10**0.8), ("H", 10**0.4)):
        ratio = found["Ks"][seen] / found[band][seen]
        np.testing.assert_allclose(ratio, factor, rtol=1e-4)
    with pytest.raises(OSError, match=r"J\.fits.*must be one of 'H', 'Ks'; got 'J'"):
        assemble(files, frame, grid, bands=("H", "Ks"))
