# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Errors are calibrated on the clusters that are found."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from astro_vaeclust.detector.candidates import Candidates
from astro_vaeclust.detector.network import CELL, MEASURES
from astro_vaeclust.training.calibrate import MIN_PAIRS, calibrate
from astro_vaeclust.training.tiles import TrainingTile

from ..detector.examples import CALIBRATION, tiny_model

BIAS = 0.1
"""By which the logarithms are measured too large, in dex."""

ERROR, FACTOR = 0.05, 1.6
"""The error that is stated in every measure, and the true one over it."""

BEFORE = replace(CALIBRATION, biases=((0.5,) * 5,) * 2)


@pytest.fixture
def tile_file(tmp_path):
    """A coarse tile with 400 clusters on a grid, 64 pixels from each other."""
    x, y = np.meshgrid(np.arange(20) * 64.0 + 32, np.arange(20) * 64.0 + 32)
    clusters = np.column_stack([x.ravel(), y.ravel(), *np.full((3, 400), 20.0)])
    TrainingTile(
        channels=np.zeros((3, 8, 8), dtype=np.float16),
        clusters=clusters.astype(np.float32),
        members=np.zeros((0, 2), dtype=np.float32),
        regions=np.zeros((0, 4), dtype=np.float32),
    ).save(tmp_path / "1.npz")
    return tmp_path / "1.npz"


def measured(tile, n_found=400):
    """Return candidates on the first clusters with known errors, and a lower one."""
    rng = np.random.default_rng(1)
    x, y, r50, r80, members = tile.clusters[:n_found].T.astype(float)
    x, y = np.append(x, x[-1]), np.append(y, y[-1] + 5)
    cells = np.column_stack([y, x]).astype(int) // CELL
    true = {
        "dx": (x + 0.5) / CELL - 0.5 - cells[:, 1],
        "dy": (y + 0.5) / CELL - 0.5 - cells[:, 0],
        "log_r50": np.log10(np.append(r50, 1)) + BIAS,
        "log_r80": np.log10(np.append(r80, 1)) + BIAS,
        "log_members": np.log10(np.append(members, 1)) + BIAS,
    }
    measures = {
        name: true[name] + rng.normal(0, FACTOR * ERROR, len(x)) for name in MEASURES
    }
    errors = {name: np.full(len(x), ERROR) for name in MEASURES}
    score = np.append(np.full(len(x) - 1, 3.0), 1.0)
    return Candidates(score, x, y, measures, errors, cells)


def calibrated(tile_file, monkeypatch, **choice):
    conditions = np.zeros((1, 1)), np.zeros((1, 1))
    monkeypatch.setattr(
        TrainingTile,
        "candidates",
        lambda tile, network: (measured(tile, **choice), conditions),
    )
    return calibrate(tiny_model(BEFORE), [tile_file]).calibration


def test_biases_and_errors_are_those_of_the_matched_clusters(tile_file, monkeypatch):
    found = calibrated(tile_file, monkeypatch)
    assert found.biases[0][:2] == (0, 0)  # the sky has no preferred direction
    assert_allclose(found.biases[0][2:], BIAS, atol=0.015)
    factors, floors = np.array(found.error_factors[0]), np.array(found.error_floors[0])
    within = np.hypot(factors * ERROR, floors)
    # the errors of logarithms are those of the numbers themselves
    assert_allclose(within, FACTOR * ERROR, rtol=0.15)
    for name in ("biases", "error_factors", "error_floors"):  # no fine clusters
        assert getattr(found, name)[1] == getattr(BEFORE, name)[1]
    assert found.intensities == BEFORE.intensities  # no sky without clusters


def test_few_clusters_leave_the_errors_as_they_were(tile_file, monkeypatch):
    found = calibrated(tile_file, monkeypatch, n_found=MIN_PAIRS - 1)
    assert found.biases == BEFORE.biases
    enough = calibrated(tile_file, monkeypatch, n_found=MIN_PAIRS)
    assert enough.biases != BEFORE.biases
