# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Radial profiles of clusters of a catalogue."""

from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
from astropy.nddata import NDData
from astropy.table import Table

from astro_vaeclust import ClusterCatalog
from astro_vaeclust.catalog import cluster_table
from astro_vaeclust.images.read import read_image
from astro_vaeclust.measure.profiles import radial_profile
from astro_vaeclust.simulation.rendering import PointSpread, render_stars
from astro_vaeclust.sources.points import PointSources

SIDE = 320
CENTER = np.array([150.0, 160.0])
REACH = 120 * u.arcsec


def drawn(n_members, scale, field, seed=1):
    """Return a Plummer cluster on a field of sources per arcmin2, 1 arcsec pixels."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-0.5, SIDE - 0.5, (2, rng.poisson(field * SIDE**2 / 3600)))
    uniform = rng.uniform(size=n_members)
    radius = scale * np.sqrt(uniform / (1 - uniform))
    angle = rng.uniform(0, 2 * np.pi, n_members)
    x = np.append(x, CENTER[0] + radius * np.cos(angle))
    y = np.append(y, CENTER[1] + radius * np.sin(angle))
    return PointSources(x, y)


@pytest.fixture(scope="module")
def image():
    from ..example_catalog import make_wcs

    noise = np.random.default_rng(0).normal(100, 5, (SIDE, SIDE))
    return read_image(noise, wcs=make_wcs())


def make_catalog(image, /, centers=(CENTER,), radii=(30,), **options):
    """Return a catalogue of clusters at these places, with ids from 1."""
    x, y = np.transpose(centers)
    n_clusters, radius = len(x), np.array(radii) * u.arcsec
    columns = {
        "id": np.arange(n_clusters) + 1,
        "sky_center": image.wcs.pixel_to_world(x, y),
        "x_center": x,
        "y_center": y,
        "radius": radius,
        "radius_err": 0.1 * radius,
        "area": np.pi * radius**2,
        "score": np.ones(n_clusters),
        "false_alarm_rate": np.ones(n_clusters) / u.deg**2,
        "n_sources": np.ones(n_clusters, int),
        "flags": np.zeros(n_clusters, int),
    }
    return ClusterCatalog(cluster_table(columns), **options)


def as_table(sources):
    return Table({"x": sources.x, "y": sources.y})


def test_densities_are_counts_over_usable_area(image):
    sources = drawn(0, 12, 30)
    profile = radial_profile(image, CENTER, REACH, sources=sources)
    np.testing.assert_allclose(profile.area, np.pi * np.diff(profile.edges**2))
    distance = np.hypot(sources.x - CENTER[0], sources.y - CENTER[1]) * u.arcsec
    np.testing.assert_array_equal(
        profile.counts, np.histogram(distance, profile.edges)[0]
    )
    assert profile.edges[-1] == REACH
    assert profile.density.unit == u.arcmin**-2
    inner = profile.counts[0] / (np.pi * profile.edges[1] ** 2)
    assert profile.density[0] == inner.to("arcmin-2")


def test_masked_pixels_and_those_beyond_the_image_are_no_area(image):
    mask = np.zeros(image.shape, bool)
    mask[:, 150:] = True
    half = replace(image, mask=mask)
    profile = radial_profile(half, CENTER, REACH, sources=drawn(0, 12, 30))
    full = np.pi * np.diff(profile.edges**2)
    np.testing.assert_allclose((profile.area / full).to_value(u.one), 0.5, atol=0.07)
    corner = radial_profile(image, np.zeros(2), REACH, sources=drawn(0, 12, 30))
    np.testing.assert_allclose((corner.area / full).to_value(u.one), 0.25, atol=0.07)
    assert profile.density.mean().value == pytest.approx(30, rel=0.2)
    assert corner.density[2:].mean().value == pytest.approx(30, rel=0.2)


def test_rings_of_a_few_pixels_state_no_density(image):
    mask = np.ones(image.shape, bool)
    mask[140:180, 130:170] = False
    mask[160, :60] = False
    profile = radial_profile(
        replace(image, mask=mask), CENTER, REACH, sources=drawn(0, 12, 100)
    )
    assert np.isfinite(profile.density[:2]).all()
    assert np.isnan(profile.density[5:]).all()
    assert np.isnan(profile.density_err[5:]).all()
    assert (profile.area[13:15] > 0).all()


def test_a_mask_does_not_bias_the_fit(image):
    mask = np.zeros(image.shape, bool)
    mask[:, 150:] = True
    half = replace(image, mask=mask)
    profile = radial_profile(half, CENTER, REACH, sources=drawn(2000, 12, 20))
    assert profile.n_counts == pytest.approx(2000, rel=0.1)
    assert profile.r50_counts.value == pytest.approx(12, rel=0.1)


@pytest.mark.parametrize("model", ["plummer", "king"])
def test_the_fit_goes_through_the_densities(image, model):
    profile = radial_profile(
        image, CENTER, REACH, model=model, sources=drawn(1000, 12, 20)
    )
    middle = np.sqrt((profile.edges[1:] ** 2 + profile.edges[:-1] ** 2) / 2)
    pulls = (profile.density - profile.fitted(middle)) / profile.density_err
    assert np.abs(pulls[1:]).max() < 4
    far = profile.fitted(1e5 * u.arcsec)
    assert far.value == pytest.approx(profile.background.value, rel=0.01)
    assert abs(profile.r50_counts.value - 12) < 4 * profile.r50_counts_err.value
    assert profile.model == model


def test_the_fitted_density_integrates_to_the_members(image):
    for model in ("plummer", "king"):
        profile = radial_profile(
            image, CENTER, REACH, model=model, sources=drawn(300, 12, 20)
        )
        edges = np.linspace(0, 3000, 100_001) * u.arcsec
        middle = (edges[1:] + edges[:-1]) / 2
        surface = profile.fitted(middle) - profile.background
        number = np.sum(surface * np.pi * np.diff(edges**2)).to_value(u.one)
        assert number == pytest.approx(profile.n_counts, rel=0.002)


def test_without_sources_there_is_a_message_and_no_fit(image):
    nothing = PointSources(np.empty(0), np.empty(0))
    profile = radial_profile(image, CENTER, REACH, sources=nothing)
    assert "0 sources within 120 arcsec are too few" in profile.message
    assert profile.background == 0
    assert np.isnan(profile.r50_counts)
    assert np.isnan(profile.n_counts)
    assert np.isnan(profile.fitted(profile.edges)).all()
    assert (profile.density_err > 0).all()


def test_stars_are_found_in_the_image(image):
    stars = drawn(60, 30, 4)
    psf = PointSpread(fwhm=2.8)
    light = render_stars(image.shape, stars.x, stars.y, np.full(len(stars), 2e3), psf)
    stars_image = replace(image, data=image.data + light)
    catalog = make_catalog(image, image=stars_image)
    profile = catalog.profile(1, reach=REACH)
    best = catalog.profile(1, sources=as_table(stars), reach=REACH)
    assert profile.message == ""
    full = np.pi * REACH**2
    hidden = (1 - (profile.area.sum() / full).to_value(u.one)) * full
    expected = profile.counts.sum() * np.pi * (2.8 * u.arcsec) ** 2
    assert 0.75 < (hidden / expected).to_value(u.one) < 1.1
    assert best.area.sum().to_value(u.arcsec**2) == pytest.approx(full.value, rel=0.01)
    assert 0.85 < profile.counts.sum() / best.counts.sum() < 1.02
    assert abs(profile.r50_counts - best.r50_counts) < 2 * best.r50_counts_err
    assert abs(profile.n_counts - best.n_counts) < best.n_counts_err


def test_sources_of_the_search_take_precedence_and_given_ones_more(image):
    catalog = make_catalog(image, image=image, sources=drawn(400, 12, 20))
    assert catalog.profile(1).n_counts == pytest.approx(400, rel=0.2)
    fewer = as_table(drawn(150, 12, 20))
    assert catalog.profile(1, sources=fewer).n_counts == pytest.approx(150, rel=0.3)
    assert catalog[:1].sources is catalog.sources
    on_another = catalog.profile(1, image=image)
    assert on_another.counts.sum() < catalog.profile(1).counts.sum() / 4


def test_a_catalogue_from_a_file_takes_the_image(image, tmp_path):
    sources = as_table(drawn(400, 12, 20))
    catalog = make_catalog(image, image=image)
    catalog.write(tmp_path / "clusters.ecsv")
    again = ClusterCatalog.read(tmp_path / "clusters.ecsv")
    with pytest.raises(ValueError, match="image: the catalogue has none"):
        again.profile(1, sources=sources)

    profile = again.profile(1, sources=sources, image=NDData(image.data, wcs=image.wcs))
    assert profile.n_counts == catalog.profile(1, sources=sources).n_counts


def test_other_clusters_do_not_count_as_field(image):
    cluster, neighbour = drawn(200, 12, 10), drawn(300, 6, 0, seed=2)
    shift = np.array([70, 20])
    both = PointSources(
        np.append(cluster.x, neighbour.x + shift[0]),
        np.append(cluster.y, neighbour.y + shift[1]),
    )
    one = make_catalog(image, image=image, sources=both)
    two = make_catalog(image, [CENTER, CENTER + shift], [30, 40], image=image)
    two = replace(two, sources=both)
    assert one.profile(1).background.value > 14
    profile = two.profile(1)
    assert profile.background.value == pytest.approx(11.5, abs=2.5)
    assert profile.n_counts == pytest.approx(200, rel=0.25)
    assert profile.area.sum() < one.profile(1).area.sum() - 1 * u.arcmin**2


def test_parts_of_a_cluster_belong_to_it(image):
    sources = drawn(400, 12, 20)
    alone = make_catalog(image, image=image, sources=sources)
    with_part = make_catalog(
        image, [CENTER, CENTER + 5], [30, 8], image=image, sources=sources
    )
    assert with_part.profile(1).n_counts == alone.profile(1).n_counts


@pytest.mark.parametrize(
    ("error", "message", "options"),
    [
        (ValueError, r"one of \[1\]; got 3", {"id": 3}),
        (ValueError, "model must be one of 'king', 'plummer'", {"model": "hubble"}),
        (TypeError, "reach takes a positive angle", {"reach": 30}),
        (ValueError, "reach takes a positive angle", {"reach": -3 * u.arcsec}),
        (TypeError, "sources must be an astropy Table", {"sources": [(1, 2)]}),
    ],
)
def test_errors_name_the_argument(image, error, message, options):
    catalog = make_catalog(image, image=image)
    with pytest.raises(error, match=message):
        catalog.profile(**({"id": 1} | options))


def test_the_image_must_show_the_cluster(image):
    catalog = make_catalog(image, [(-400.0, 20.0)], image=image)
    with pytest.raises(ValueError, match="image must show the centre of cluster 1"):
        catalog.profile(1)
