# Licensed under a 3-clause BSD style license - see LICENSE.rst
import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table

from astro_vaeclust.evaluation import SelectionFunction
from astro_vaeclust.survey import completeness
from astro_vaeclust.survey.completeness import (
    REFERENCES,
    choose_fields,
    completeness_table,
)

from .examples import sky, write


def test_fields_are_chosen_from_every_stratum():
    rng = np.random.default_rng(0)
    rows = [
        {"field": n, "density": density, "noise": rng.uniform(1, 2)}
        for n, density in enumerate(rng.lognormal(0, 1, 200))
    ]
    rows.append({"field": 999, "density": np.nan, "noise": 1.0})
    chosen = choose_fields(rows, 18)
    assert len({row["field"] for row in chosen}) == 18
    edges = np.quantile([row["density"] for row in rows[:-1]], [1 / 3, 2 / 3])
    counts = np.bincount(np.searchsorted(edges, [row["density"] for row in chosen]))
    assert list(counts) == [6, 6, 6]
    assert choose_fields(rows[::-1], 18) == chosen
    assert len(choose_fields(rows, 1000)) == 200


def injections(rng, n=400):
    """Return injections that are found by a law in members and density."""
    members, density = rng.uniform(10, 300, n), rng.uniform(5, 50, n)
    logit = 4 * np.log10(members) - 3 * np.log10(density) - 3
    return QTable(
        {
            "n_members": members,
            "r50": rng.uniform(10, 120, n) * u.arcsec,
            "local_density": density / u.arcmin**2,
            "sky_center": SkyCoord(np.zeros(n), np.zeros(n), unit="deg"),
            "is_found": rng.uniform(size=n) < 1 / (1 + np.exp(-logit)),
        }
    )


def test_every_field_has_the_completeness_of_its_density():
    parts = [injections(np.random.default_rng(seed)) for seed in range(5)]
    densities = (6.0, 40.0, np.nan)
    rows = [{"name": str(d), "density": d} for d in densities]
    table, _ = completeness_table(parts, rows)
    for members, radius in REFERENCES:
        name = f"n{members}_r{radius}"
        for row, density in enumerate(densities[:2]):
            logit = 4 * np.log10(members) - 3 * np.log10(density) - 3
            truth = 1 / (1 + np.exp(-logit))
            assert abs(table[name][row] - truth) < 4 * table[f"{name}_err"][row]
            assert table[f"{name}_err"][row] < 0.1
        assert np.isnan(table[name][2])
    with pytest.raises(ValueError, match="no field has enough pixels"):
        completeness_table([], rows)


def test_at_the_end_of_a_run_clusters_are_painted(survey, tmp_path, monkeypatch):
    monkeypatch.setattr("astro_vaeclust.survey.run.inject_into_field", painted)
    survey([write(tmp_path / "a.fits", *sky())], completeness=3)
    table = Table.read(tmp_path / "out" / "completeness.parquet")
    assert len(table) == 9
    selection = SelectionFunction.read(tmp_path / "out" / "selection.ecsv")
    assert len(selection.injections) == 3 * 400
    with pytest.raises(ValueError, match="completeness needs the zero point"):
        survey(
            [write(tmp_path / "b.fits", *sky(), MAGZP="")],
            tmp_path / "other",
            completeness=3,
        )


def painted(row, search, imitated):
    """Stand in for the search of painted clusters, which has tests of its own."""
    assert imitated == "2mass-ks"
    return injections(np.random.default_rng(row["field"]))


@pytest.mark.slow
def test_clusters_are_painted_into_the_middle_of_a_field(tmp_path, monkeypatch):
    from astro_vaeclust import VAEClusterFinder
    from astro_vaeclust.survey.field import FieldSearch
    from astro_vaeclust.survey.grid import SurveyGrid

    monkeypatch.setattr(completeness, "CUT", 400)
    monkeypatch.setattr(completeness, "PER_FIELD", 12)
    pixels, wcs = sky(shape=(700, 700), n_blobs=0)
    path = write(tmp_path / "a.fits", pixels, wcs)
    grid = SurveyGrid.from_scale(1.0, 0.6, side=0.0625, zero_point=20.0)
    row = {
        "field": grid.sky.locate(275.12, -16.18),
        "inputs": [{"path": path}],
        "seeing": 2.8,
        "density": 7.0,
    }
    search = FieldSearch(VAEClusterFinder(), grid)
    outcome = completeness.inject_into_field(row, search, "2mass-ks")
    assert len(outcome) == 12
    assert np.all(outcome["local_density"] == 7 / u.arcmin**2)
    assert np.sum(outcome["is_found"]) > 0
    row["field"] = grid.sky.locate(275.12, -15.0)
    assert completeness.inject_into_field(row, search, "2mass-ks") is None
