# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""False positives by kind, errors of measurement, and stated false-alarm rates."""

import astropy.units as u
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust.evaluation import froc
from astro_vaeclust.evaluation.quality import _circle_iou
from astro_vaeclust.evaluation.summary import calibration_table, write_results

from .examples import NO_CLUSTERS, detections, table, truth

PER = u.deg**-2


def nulls(x=(), kind=(), radius=()):
    return table(
        x, kind=np.array(kind, "U20"), radius=np.array(radius, float) * u.arcsec
    )


def counts(found):
    return {row["kind"]: int(row["n_false_positives"]) for row in found}


def test_kinds_of_false_positives():
    catalogs = [
        detections([0, 10, 900], [0.9, 0.8, 0.7]),
        detections([49, 51, 500, 5000], [0.6, 0.5, 0.4, 0.3]),
    ]
    truths = [truth([0], 30), NO_CLUSTERS]
    hard = [nulls(), nulls([0, 500, 510, 9000], ["galaxy"] * 4, [20, 5, 5, 5])]
    result = froc(catalogs, truths, [1, 1] * u.deg**2, nulls=hard)
    # galaxies reach 20 + 30 arcsec: 49 is on one, 51 is not; 500 is on two of them
    assert list(result.detections["kind"]) == [
        *("match", "duplicate", "field"),
        *("galaxy", "field", "galaxy", "field"),
    ]
    found = result.false_positives_by_kind()
    assert counts(found) == {"galaxy": 2, "duplicate": 1, "field": 3}
    galaxies = found[found["kind"] == "galaxy"]
    assert (galaxies["n_nulls"][0], galaxies["n_hit"][0]) == (4, 2)
    assert_allclose(found["fraction"].sum(), 1)
    above = result.false_positives_by_kind(1 * PER)
    assert counts(above) == {"galaxy": 1, "duplicate": 1, "field": 1}


def test_the_smallest_null_has_it_and_lines_come_last():
    hard = nulls([0, 5, 0], ["extinction-window", "double-star", "edge"], [60, 4, 3])
    catalog = detections([0, 60, 32], [3, 2, 1])
    result = froc([catalog], [NO_CLUSTERS], [1] * u.deg**2, nulls=[hard])
    assert list(result.detections["kind"]) == [
        "double-star",
        "extinction-window",
        "double-star",
    ]
    far = froc(
        [detections([32], [1])],
        [NO_CLUSTERS],
        [1] * u.deg**2,
        nulls=[nulls([0, 0], ["edge", "nebula"], [3, 1])],
    )
    assert list(far.detections["kind"]) == ["edge"]


@pytest.mark.parametrize("line", ["edge", "density-gradient", "dark-lane"])
def test_what_crosses_the_image_comes_after_what_is_at_a_place(line):
    result = froc(
        [detections([0], [1])],
        [NO_CLUSTERS],
        [1] * u.deg**2,
        nulls=[nulls([0, 0], [line, "sharp-cloud"], [300, 500])],
    )
    assert list(result.detections["kind"]) == ["sharp-cloud"]


def test_without_nulls_the_rest_is_field():
    result = froc([detections([0], [1])], [NO_CLUSTERS], [1] * u.deg**2)
    assert counts(result.false_positives_by_kind()) == {"duplicate": 0, "field": 1}


def test_errors_of_measurement():
    clusters = truth([0, 1000, 2000], [40, 20, 10])
    clusters["n_members"] = [100, 10, 5]
    catalog = detections(
        [10, 1005, 2000, 5000],
        [4, 3, 2, 1],
        radius=[80, 40, 20, 7] * u.arcsec,
        n_sources=[50, 5, 0, 7],
    )
    result = froc([catalog], [clusters], [1] * u.deg**2, sky="all")
    offset, radius, members, _ = result.measurement_errors()
    assert (offset["n"], radius["n"], members["n"]) == (3, 3, 2)  # none has no log
    assert_allclose(offset["bias"], 0.25, rtol=1e-6)
    assert_allclose(radius["bias"], np.log10(2))
    assert_allclose(radius["scatter"], 0, atol=1e-12)
    assert_allclose(members["bias"], np.log10(0.5))
    low, high = np.percentile([0, 0.25, 0.25], [16, 84])
    assert_allclose(offset["scatter"], (high - low) / 2, rtol=1e-5)


def test_errors_above_the_threshold_of_a_rate():
    catalogs = [
        detections([0, 1000], [3, 1], radius=[30, 60] * u.arcsec),
        detections([0, 1], [2, 1.5], radius=[1, 1] * u.arcsec),
    ]
    truths = [truth([0, 1000], 30), NO_CLUSTERS]
    result = froc(catalogs, truths, [1, 1] * u.deg**2)
    assert result.measurement_errors(1 * PER)["n"][1] == 1
    assert result.measurement_errors(2 * PER)["n"][1] == 2


def test_stated_and_measured_false_alarm_rates():
    stated = [0.05, 0.5, 5, 50] * PER
    catalogs = [
        detections([0, 900], [9, 8], false_alarm_rate=[0.01, 0.01] * PER),
        detections([0, 1, 2, 3], [4, 3, 2, 1], false_alarm_rate=stated),
    ]
    truths = [truth([0], 30), NO_CLUSTERS]
    result = froc(catalogs, truths, [1, 2] * u.deg**2)
    found = result.calibration()
    assert_array_equal(found["n"], [1, 2, 3])
    assert_allclose(found["measured"].to_value(PER), [0.5, 1, 1.5])
    bounds = found["low"][0], found["high"][0]  # of one (Garwood 1936), 95 %
    assert_allclose(2 * u.Quantity(bounds).to_value(PER), [-np.log(0.975), 5.5716434])
    assert (found["low"] < found["measured"]).all()
    assert (found["high"] > found["measured"]).all()
    everywhere = froc(catalogs, truths, [1, 2] * u.deg**2, sky="all").calibration()
    assert_array_equal(everywhere["n"], [2, 3, 4])


def test_calibration_has_no_rows_if_none_is_stated():
    rate = [np.nan] * PER
    catalog = detections([0], [1], false_alarm_rate=rate)
    result = froc([catalog], [NO_CLUSTERS], [1] * u.deg**2)
    assert len(result.calibration()) == 0


def test_circles_overlap_as_they_should():
    iou = _circle_iou([0, 0, 100, 1.0], [10, 5, 10, 1], [10, 10, 10, 1])
    lens = 2 * np.pi / 3 - np.sqrt(3) / 2  # of two unit circles one radius apart
    assert_allclose(iou, [1, 0.25, 0, lens / (2 * np.pi - lens)], atol=1e-9)


def test_measured_r50_and_members_with_their_errors():
    clusters = truth([0, 1000], [40, 20])
    clusters["n_members"] = [100, 10]
    clusters["r80"] = [70, 40] * u.arcsec
    clusters["a_k"] = [0.5, 1.0] * u.mag
    catalog = detections(
        [0, 1000],
        [4, 3],
        radius=[70, 40] * u.arcsec,
        n_sources=[50, 5],
        r50=[44, 30] * u.arcsec,
        r50_err=[5, 5] * u.arcsec,
        n_members=[80, 12],
        n_members_err=[30, 3],
        a_k=[0.8, np.nan] * u.mag,
        a_k_err=[0.2, np.nan] * u.mag,
    )
    result = froc([catalog], [clusters], [1] * u.deg**2, sky="all")
    errors = {row["quantity"]: row for row in result.measurement_errors()}
    assert_allclose(errors["area IoU"]["bias"], 1)
    assert_allclose(errors["log10(r50 / true)"]["bias"], np.mean(np.log10([1.1, 1.5])))
    assert errors["r50 within error"]["mean"] == 0.5
    assert errors["n_members within error"]["mean"] == 1
    assert errors["a_k - true"]["n"] == 1
    assert_allclose(errors["a_k - true"]["bias"], 0.3)
    assert errors["a_k within error"]["mean"] == 0


def test_false_positives_by_their_stated_rate():
    stated = [0.5, 5] * PER
    catalog = detections([0, 900], [1, 2], false_alarm_rate=stated)
    result = froc([catalog], [NO_CLUSTERS], [2] * u.deg**2)
    found = result.false_positives_by_kind(1 * PER, stated=True)
    assert counts(found) == {"duplicate": 0, "field": 1}
    assert_allclose(found["rate"].to_value(PER), [0, 0.5])


def test_tables_of_stated_rates_are_written(tmp_path):
    stated = detections([0, 900], [1, 2], false_alarm_rate=[0.5, 5] * PER)
    silent = detections([0], [1])
    results = {
        name: froc([catalog, catalog], [truth([0], 30), NO_CLUSTERS], [2, 2] * u.deg**2)
        for name, catalog in (("stated", stated), ("silent", silent))
    }
    calibration = calibration_table(results)
    assert list(calibration["finder"]) == ["stated"] * 3
    assert_allclose(calibration["measured"].to_value(PER), [0, 0.5, 1])
    written = {path.name for path in write_results(results, tmp_path, rate=1 * PER)}
    assert {"calibration.ecsv", "false_positives_stated.ecsv"} <= written
