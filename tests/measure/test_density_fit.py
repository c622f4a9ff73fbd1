# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Density laws against their closed forms, and fits against what was drawn."""

import numpy as np
import pytest
from scipy.integrate import quad

from astro_vaeclust.measure.density_fit import (
    DENSITY_LAWS,
    DensityFit,
    NoFitError,
    Rings,
)

SHAPES = {"plummer": (), "king": (0.9,)}
REACH = 160.0
R50 = 20.0
FIELD = 8 / 3600
"""Sources per arcsec2."""

TOLD = ("background", "r_core", "r50_counts", "n_counts")
EDGES = np.linspace(0, REACH, 129)
RING_AREAS = np.pi * np.diff(EDGES**2)


def expected_counts(tag, n_members, coverage=1.0):
    """Return the mean counts of a cluster of this law on a field."""
    law, shape = DENSITY_LAWS[tag], SHAPES[tag]
    enclosed = law.enclosed(EDGES * law.half(*shape) / R50, *shape)
    members = n_members * np.diff(enclosed) / law.enclosed(np.inf, *shape)
    return coverage * (members + FIELD * RING_AREAS)


def fit(tag, counts, coverage=1.0):
    return DensityFit(Rings(EDGES, counts, np.broadcast_to(coverage, 128)), tag)


@pytest.mark.parametrize("tag", DENSITY_LAWS)
def test_enclosed_is_the_integral_of_the_density(tag):
    law, shape = DENSITY_LAWS[tag], SHAPES[tag]
    for radius in (0.3, 2.0, 7.0, 12.0):
        integral, _ = quad(lambda x: 2 * x * law.density(x, *shape), 0, radius)
        assert law.enclosed(radius, *shape) == pytest.approx(integral, rel=1e-6)
    assert law.enclosed(np.inf, *shape) > law.enclosed(6.0, *shape)


def test_half_number_radii():
    assert DENSITY_LAWS["plummer"].half() == pytest.approx(1)
    king = DENSITY_LAWS["king"]
    half = king.half(0.9)
    assert king.enclosed(half, 0.9) == pytest.approx(king.enclosed(10**0.9, 0.9) / 2)
    assert king.density(10**0.9, 0.9) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("tag", DENSITY_LAWS)
def test_mean_counts_give_back_the_cluster(tag):
    coverage = np.where(np.arange(128) % 3, 1.0, 0.4)
    found = fit(tag, expected_counts(tag, 500, coverage), coverage)
    values = dict(zip(found.NAMES, found.values, strict=True))
    assert values["r50_counts"] == pytest.approx(R50, rel=0.01)
    assert values["n_counts"] == pytest.approx(500, rel=0.01)
    assert values["background"] == pytest.approx(FIELD, rel=0.01)
    half = DENSITY_LAWS[tag].half(*SHAPES[tag])
    assert values["r_core"] == pytest.approx(R50 / half, rel=0.02)
    if tag == "king":
        assert values["r_tidal"] == pytest.approx(R50 / half * 10**0.9, rel=0.05)
    else:
        assert np.isnan(values["r_tidal"])


def test_errors_hold_two_thirds_of_the_truths():
    rng = np.random.default_rng(5)
    counts = rng.poisson(expected_counts("plummer", 200), size=(60, 128))
    fits = [fit("plummer", one) for one in counts]
    truth = (FIELD, R50, R50, 200)
    columns = [fits[0].NAMES.index(name) for name in TOLD]
    pulls = [(f.values[columns] - truth) / f.errors[columns] for f in fits]
    inside = np.mean(np.abs(pulls) < 1, axis=0)
    assert ((inside > 0.55) & (inside < 0.83)).all()
    assert (np.abs(np.median(pulls, axis=0)) < 0.45).all()


def test_too_few_sources_are_not_fitted():
    counts = np.zeros(128)
    counts[:9] = 1
    with pytest.raises(NoFitError, match="9 sources within 160 arcsec are too few"):
        fit("plummer", counts)


def test_a_hole_is_no_cluster():
    counts = FIELD * RING_AREAS * np.where(EDGES[1:] < 40, 0.1, 1)
    with pytest.raises(NoFitError, match="no more sources than in the field"):
        fit("plummer", counts)


def test_a_point_has_no_radius():
    counts = FIELD * RING_AREAS
    counts[0] += 40
    with pytest.raises(NoFitError, match=r"radius between 1\.25 and 80 arcsec"):
        fit("plummer", counts)


def test_a_tidal_radius_that_is_not_constrained_has_no_error():
    x = EDGES / (R50 / 4)  # falls as 1 / r^2, much slower than King's law within 2 dex
    counts = 400 * np.diff(np.log1p(x**2)) + FIELD * RING_AREAS
    found = fit("king", counts)
    assert not found.is_constrained
    assert np.isnan(found.errors[found.NAMES.index("r_tidal")])
    assert np.isfinite(found.errors[found.NAMES.index("n_counts")])
