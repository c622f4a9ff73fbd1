# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Stars are painted where they are, with their light and their profile."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from astro_vaeclust.simulation import rendering
from astro_vaeclust.simulation.rendering import PointSpread, render_stars


def exact_star(shape, x, y, flux, psf):
    """The profile evaluated pixel by pixel at the sub-pixel position."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    radius = np.hypot(columns - x, rows - y)
    core = psf._core(radius)
    return flux * core / core.sum()


@pytest.mark.parametrize("fwhm", [2.4, 4.0])
@pytest.mark.parametrize(("x", "y"), [(50, 50), (50.5, 49.5), (50.27, 50.81)])
def test_star_has_its_profile_at_its_position(fwhm, x, y):
    psf = PointSpread(fwhm=fwhm, kind="exponential", shape=2.0)
    image = render_stars((101, 101), [x], [y], [1000.0], psf)
    expected = exact_star((101, 101), x, y, 1000.0, psf)
    assert_allclose(image, expected, atol=2e-3 * expected.max())


@pytest.mark.parametrize("kind", ["exponential", "moffat"])
def test_light_of_a_star_is_kept(kind):
    psf = PointSpread(fwhm=2.8, kind=kind, shape=2.5, halo_fraction=0.05)
    image = render_stars((128, 128), [64.3], [60.9], [1e5], psf)
    assert_allclose(image.sum(), 1e5, rtol=1e-3)


def test_centroid_and_light_do_not_depend_on_the_subpixel_position():
    psf = PointSpread(fwhm=2.5)
    rows, columns = np.mgrid[:64, :64]
    for x, y in np.random.default_rng(3).uniform(31, 33, (10, 2)):
        image = render_stars((64, 64), [x], [y], [1.0], psf)
        assert_allclose((image * columns).sum() / image.sum(), x, atol=2e-3)
        assert_allclose((image * rows).sum() / image.sum(), y, atol=2e-3)


def test_stars_beyond_the_edge_leave_their_wings():
    psf = PointSpread(fwhm=3.0, halo_fraction=0.1, halo_radius=4.0)
    image = render_stars((64, 64), [-3.0], [30.0], [1e4], psf)
    assert 10 < image[28:33, 0].sum() < 2000
    assert np.unravel_index(image.argmax(), image.shape) == (30, 0)


def test_blocks_join_without_a_seam(monkeypatch):
    psf = PointSpread(fwhm=2.8, halo_fraction=0.05)
    rng = np.random.default_rng(11)
    x, y, flux = rng.uniform(0, 200, 80), rng.uniform(0, 160, 80), rng.uniform(1, 9, 80)
    whole = render_stars((160, 200), x, y, flux, psf)
    monkeypatch.setattr(rendering, "BLOCK", 64)
    pieces = render_stars((160, 200), x, y, flux, psf)
    assert_allclose(pieces, whole, atol=2e-4)


def test_no_stars_give_an_empty_image():
    image = render_stars((32, 48), [], [], [], PointSpread(fwhm=2.0))
    assert image.shape == (32, 48)
    assert not image.any()


@pytest.mark.parametrize("kind", ["exponential", "moffat"])
def test_half_maximum_is_where_it_should_be(kind):
    psf = PointSpread(fwhm=5.0, kind=kind, shape=2.2)
    assert_allclose(psf._core(np.array([2.5])), 0.5)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"fwhm": 0}, "fwhm"),
        ({"fwhm": np.nan}, "fwhm"),
        ({"fwhm": 2, "kind": "x"}, "kind"),
    ],
)
def test_wrong_settings_are_refused(settings, match):
    with pytest.raises(ValueError, match=match):
        PointSpread(**settings)
