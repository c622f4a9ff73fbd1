# Licensed under a 3-clause BSD style license - see LICENSE.rst
import astropy.units as u
import numpy as np
import pytest

from astro_vaeclust.images.read import read_image
from astro_vaeclust.measure.profile import radial_profile
from astro_vaeclust.sources.points import PointSources

CENTER = np.array([150.0, 150.0])


def make_sources(n_members, scale, field, seed=1):
    """Return a Plummer cluster on a field of sources per arcmin2, 1 arcsec pixels."""
    rng = np.random.default_rng(seed)
    n_field = rng.poisson(field * 300**2 / 3600)
    x, y = rng.uniform(-0.5, 299.5, (2, n_field))
    uniform = rng.uniform(size=n_members)
    r = scale * np.sqrt(uniform / (1 - uniform))
    angle = rng.uniform(0, 2 * np.pi, n_members)
    x = np.append(x, CENTER[0] + r * np.cos(angle))
    y = np.append(y, CENTER[1] + r * np.sin(angle))
    return PointSources(x, y)


@pytest.fixture(scope="module")
def image():
    from ..example_catalog import make_wcs

    noise = np.random.default_rng(0).normal(100, 5, (300, 300))
    return read_image(noise, wcs=make_wcs())


def test_fit_finds_the_cluster_that_was_drawn(image):
    sources = make_sources(2000, 12.0, 20.0)
    profile = radial_profile(image, CENTER, 24 * u.arcsec, sources=sources)
    number, scale, field = profile.plummer
    assert number == pytest.approx(2000, rel=0.1)
    assert scale == pytest.approx(12, rel=0.1)
    assert field == pytest.approx(20, abs=15)
    middle = (profile.edges[1:] + profile.edges[:-1]) / 2
    pull = (profile.density - profile.model(middle)) / profile.density_err
    assert np.abs(pull[2:]).max() < 4


def test_densities_are_counts_over_usable_area(image):
    sources = make_sources(0, 12.0, 30.0)
    profile = radial_profile(image, CENTER, 30 * u.arcsec, sources=sources)
    full = np.pi * np.diff(profile.edges**2)
    np.testing.assert_allclose(profile.area / full.to("arcmin2"), 1, rtol=0.05)
    r = np.hypot(sources.x - CENTER[0], sources.y - CENTER[1])
    assert profile.counts.sum() == np.sum(r < 90)
    assert profile.field.to_value("arcmin-2") == pytest.approx(30, rel=0.25)


def test_masked_pixels_are_no_area_and_hold_no_sources(image):
    mask = np.zeros((300, 300), bool)
    mask[:, 150:] = True
    half = read_image(image.data, wcs=image.wcs, mask=mask)
    sources = make_sources(0, 12.0, 30.0)
    one = radial_profile(image, CENTER, 30 * u.arcsec, sources=sources)
    other = radial_profile(half, CENTER, 30 * u.arcsec, sources=sources)
    assert 0.4 < other.counts.sum() / one.counts.sum() < 0.6
    np.testing.assert_allclose(other.area / one.area, 0.5, atol=0.06)


def test_without_sources_there_is_no_fit(image):
    nothing = PointSources(np.empty(0), np.empty(0))
    profile = radial_profile(image, CENTER, 30 * u.arcsec, sources=nothing)
    assert profile.plummer is None
    assert profile.field == 0
    assert np.isnan(profile.model(profile.edges)).all()
    assert (profile.density_err > 0).all()


@pytest.mark.parametrize("radius", [0, -1, np.nan])
def test_radius_must_be_positive(image, radius):
    with pytest.raises(ValueError, match="radius takes a positive angle"):
        radial_profile(image, CENTER, radius * u.arcsec)
