# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Settings and finders are described in one way, by what JSON holds."""

import json
from dataclasses import dataclass, replace

import astropy.units as u

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.detector.embedding import ConvVAE
from astro_vaeclust.embeddings.dense import DenseVAE
from astro_vaeclust.utils.provenance import (
    changed_settings,
    describe,
    describe_finder,
    origin,
)

from ..evaluation.examples import PeakFinder


@dataclass(frozen=True)
class Inner:
    rate: u.Quantity = 1 / u.deg**2
    sizes: tuple = (1, 2)


def test_settings_become_what_json_holds():
    class Plain:
        pass

    described = describe({"inner": Inner(), "plain": Plain(), "none": None})
    assert json.loads(json.dumps(described)) == described
    assert described["inner"]["class"].endswith("test_provenance.Inner")
    assert described["inner"]["sizes"] == [1, 2]
    assert "1 / deg2" in described["inner"]["rate"]
    assert "Plain" in described["plain"]
    assert " at 0x" not in described["plain"]


def test_finders_are_described_by_class_and_settings():
    assert describe_finder(PeakFinder(3.0)) == {
        "class": f"{PeakFinder.__module__}.PeakFinder",
        "settings": {"smoothing": 3.0},
    }


def test_descriptions_tell_models_apart(tmp_path):
    trained = VAEClusterFinder()
    model = trained.trained_model
    assert describe_finder(trained)["model"]["identity"] == model.identity
    assert "model" not in describe_finder(VAEClusterFinder(embedding="pca"))
    stricter = replace(model.calibration, real_sky=9.0)
    replace(model, calibration=stricter).save(tmp_path / "stricter.pt")
    described = describe_finder(
        VAEClusterFinder(embedding=ConvVAE(model=tmp_path / "stricter.pt"))
    )
    assert described["model"]["identity"] == model.identity
    assert described["model"]["calibration"]["real_sky"] == 9.0
    assert json.loads(json.dumps(described)) == described


def test_origin_has_date_and_versions():
    found = origin()
    assert found["date"].endswith("+00:00")
    assert {"python", "astro_vaeclust", "numpy", "torch"} <= set(found["versions"])


def test_only_settings_that_were_changed_are_kept():
    assert changed_settings(VAEClusterFinder()) == {}
    finder = VAEClusterFinder(embedding=DenseVAE(patch_sizes=(16,)), n_largest=2)
    assert changed_settings(finder) == {
        "embedding": {"class": "DenseVAE", "patch_sizes": [16]},
        "n_largest": 2,
    }
    rate = VAEClusterFinder(max_false_alarm_rate=0.1 / u.deg**2)
    assert "0.1" in changed_settings(rate)["max_false_alarm_rate"]
