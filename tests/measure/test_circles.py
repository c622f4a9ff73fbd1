# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""One rule for flags and numbers of sources, whichever finder found the cluster."""

from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest

from astro_vaeclust import ClusterFlags, VAEClusterFinder
from astro_vaeclust.baselines import StarCounts
from astro_vaeclust.images.image import Image
from astro_vaeclust.images.read import read_image
from astro_vaeclust.measure.circles import CircleMeasurements, bands_of_circles, circle
from astro_vaeclust.simulation import MockCluster, simulate_tile
from astro_vaeclust.simulation.demo import demo_tile
from astro_vaeclust.sources.find import find_sources
from astro_vaeclust.sources.points import PointSources
from astro_vaeclust.sources.table import read_point_sources

SHAPE = (160, 200)
FWHM = 2.6


@pytest.fixture
def image(celestial_wcs):
    """Noise of 1 on a sky of 500 with a nebula, and stars of 40 times the noise."""
    y, x = np.indices(SHAPE)
    data = np.random.default_rng(4).normal(500, 1, SHAPE)
    data += 30 * np.exp(-0.5 * np.hypot(x - 100, y - 80) ** 2 / 40**2)
    for star_x, star_y in grid_of_stars():
        distance = np.hypot(x - star_x, y - star_y)
        data += 40 * np.exp(-4 * np.log(2) * (distance / FWHM) ** 2)
    mask = np.zeros(SHAPE, dtype=bool)
    return Image(data=data.astype(np.float32), mask=mask, wcs=celestial_wcs)


def grid_of_stars():
    return [(x, y) for x in range(10, 200, 15) for y in range(10, 160, 15)]


def measured(image, center, radius, **options):
    return CircleMeasurements(image, np.array([center]), np.array([radius]), **options)


def flags(image, center, radius):
    return ClusterFlags(int(measured(image, center, radius).flags[0]))


@pytest.mark.parametrize("fwhm", [None, FWHM])
@pytest.mark.parametrize(("center", "radius"), [((100, 80), 30), ((100, 80), 60)])
def test_stars_within_the_radius_are_counted(image, center, radius, fwhm):
    x, y = np.array(grid_of_stars()).T
    expected = np.count_nonzero(np.hypot(x - center[0], y - center[1]) <= radius)
    count = measured(image, center, radius, fwhm=fwhm).n_sources
    assert count.dtype == np.int64
    assert count.tolist() == [expected]


def test_stars_on_masked_pixels_do_not_count(image):
    whole = measured(image, (100, 80), 40).n_sources[0]
    image.mask[:, :100] = True
    assert 0 < measured(image, (100, 80), 40).n_sources[0] < 0.7 * whole
    image.mask[:] = True
    image.mask[80, 100] = False
    assert measured(image, (100, 80), 40, fwhm=FWHM).n_sources[0] == 0


def test_where_nothing_is_seen_there_is_no_count(image):
    mask = image.mask.copy()
    mask[:100] = True
    found = CircleMeasurements(
        replace(image, mask=mask), np.array([(40, 40), (40, 120)]), np.array([15, 15])
    )
    assert found.n_sources[0] == -1
    assert found.n_sources[1] > 0
    assert ClusterFlags.MASKED in ClusterFlags(int(found.flags[0]))


def test_given_sources_are_counted_instead(image):
    sources = PointSources(
        np.array([100.0, 105.0, 111.0]), np.array([80.0, 80.0, 80.0])
    )
    assert measured(image, (100, 80), 10, sources=sources).n_sources[0] == 2


@pytest.mark.parametrize(
    ("center", "radius", "touches"),
    [
        ((100, 80), 30, False),
        ((29.6, 80), 30, False),
        ((29.4, 80), 30, True),
        ((169.6, 80), 30, True),
        ((100, 129.4), 30, False),
        ((100, 129.6), 30, True),
    ],
)
def test_a_circle_that_crosses_the_edge(image, center, radius, touches):
    assert bool(flags(image, center, radius) & ClusterFlags.TOUCHES_EDGE) is touches


def test_a_masked_border_is_masked_and_no_edge(image):
    image.mask[:, :80] = True
    assert flags(image, (100, 80), 35) == ClusterFlags.MASKED
    assert flags(image, (140, 80), 35) == ClusterFlags(0)


def test_a_bright_star_nearby(image):
    image.data[80, 140] = 1e5
    near = ClusterFlags.NEAR_BRIGHT_STAR
    assert flags(image, (100, 80), 28) == near
    assert not flags(image, (100, 80), 25) & near
    image.mask[80, 140] = True
    assert not flags(image, (100, 80), 28) & near


def test_large_and_lossy(image):
    assert flags(image, (100, 80), 52) == ClusterFlags.LARGE
    assert flags(replace(image, lossy=True), (100, 80), 30) == ClusterFlags.LOSSY_INPUT


def test_no_circles_have_no_flags(image):
    nothing = CircleMeasurements(image, np.empty((0, 2)), np.empty(0))
    assert nothing.flags.shape == nothing.n_sources.shape == (0,)


def test_a_circle_has_at_least_its_central_pixel():
    part, inside = circle(SHAPE, (199.3, 0.2), 0.1)
    assert inside.any()
    assert part[0].start == 0
    assert part[1].stop == 200


@pytest.fixture(scope="module")
def tile():
    cluster = MockCluster(n_members=80, half_number_radius=28 * u.arcsec)
    return simulate_tile(shape=(400, 400), clusters=cluster, density=4.0, seed=11)


FINDERS = {
    "trained": VAEClusterFinder(),
    "learns on the image": VAEClusterFinder(
        embedding="pca", mixture="gmm", n_largest=1
    ),
    "catalogue method": StarCounts(),
}


def rule_of(table, image, sources=None):
    centers = np.column_stack([table["x_center"], table["y_center"]])
    radii = (table["radius"] / image.pixel_scale).to_value(u.pix)
    return CircleMeasurements(image, centers, radii, sources=sources)


@pytest.mark.parametrize("finder", FINDERS.values(), ids=FINDERS.keys())
def test_all_finders_have_one_rule(finder, tile):
    image = read_image(tile.image)
    table = finder.detect(tile.image).table
    rule = rule_of(table, image)
    assert len(table)
    of_all = ~int(ClusterFlags.ONE_SCALE)
    assert (table["flags"] & of_all).tolist() == rule.flags.tolist()
    np.testing.assert_allclose(table["n_sources"], rule.n_sources, rtol=0.1, atol=1)
    table = finder.detect(tile.image, sources=tile.stars).table
    rule = rule_of(table, image, read_point_sources(tile.stars, image))
    assert table["n_sources"].tolist() == rule.n_sources.tolist()
    assert table["n_sources"].min() > 0


def test_sources_around_a_circle_are_those_of_the_whole_image():
    image = read_image(demo_tile().image)
    points = find_sources(image)
    center, radius = np.array([256.0, 512.0]), 60.0
    expected = np.hypot(points.x - center[0], points.y - center[1]) <= radius
    count = measured(image, center, radius).n_sources[0]
    assert count == pytest.approx(np.count_nonzero(expected), rel=0.1)


def test_a_band_counts_where_it_shows_half_of_a_circle(image):
    mask = image.mask.copy()
    mask[:, :101] = True
    half = replace(image, mask=mask)
    bands = {"J": half, "Ks": image}
    centers, radii = np.array([[90, 80], [110, 80], [100, 80]]), [20, 20, 0.5]
    found = bands_of_circles(replace(image, bands=bands), centers, radii)
    assert found.tolist() == ["Ks", "J,Ks", "Ks"]
    nothing = replace(image, mask=np.ones(SHAPE, dtype=bool))
    image = replace(image, bands={"J": half, "Ks": nothing})
    assert bands_of_circles(image, centers, radii).tolist() == ["", "J", ""]
