# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What is wrong with an image does not change what is found on it."""

import warnings
from functools import partial

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.utils.exceptions import AstropyUserWarning

from astro_vaeclust import LossyDataWarning, NoDetectionsWarning, VAEClusterFinder
from astro_vaeclust.baselines.density_maps import StarCounts
from astro_vaeclust.embeddings.dense import DenseVAE
from astro_vaeclust.embeddings.pca import PCAEmbedding
from astro_vaeclust.images.read import read_image
from astro_vaeclust.measure.flags import ClusterFlags
from astro_vaeclust.simulation import MockCluster, simulate_tile
from astro_vaeclust.sources.find import find_sources

SIZES = {"patch_sizes": (16, 32)}
FINDERS = {
    "trained": VAEClusterFinder(),
    "pca": VAEClusterFinder(embedding=PCAEmbedding(**SIZES)),
    "dense": VAEClusterFinder(embedding=DenseVAE(n_steps=5, **SIZES)),
    "baseline": StarCounts(),
}


@pytest.fixture(scope="module")
def image():
    cluster = MockCluster(n_members=150, half_number_radius=25 * u.arcsec)
    return simulate_tile(shape=(400, 400), clusters=[cluster], seed=5).image


def found(finder, pixels, wcs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        table = finder.detect(pixels, wcs=wcs).table
    return np.column_stack(
        [table["x_center"], table["y_center"], table["radius"].value]
    )


@pytest.mark.parametrize("unit", [1e-30, 1e-24, 1e18, 1e30])
@pytest.mark.parametrize("kind", FINDERS)
def test_the_unit_does_not_matter(kind, unit, image):
    part = np.asarray(image.data[:200, :256], float)
    wcs = image.wcs[:200, :256]
    expected = found(FINDERS[kind], part, wcs)
    np.testing.assert_allclose(
        found(FINDERS[kind], part * unit, wcs), expected, rtol=0.05, atol=1
    )


@pytest.mark.parametrize("kind", ["trained", "pca", "baseline"])
@pytest.mark.parametrize("fill", [0, -1e30, 1.6e38])
def test_blank_sky_is_as_nan(fill, kind, image):
    blank, missing = (np.array(image.data, float) for _ in range(2))
    blank[:, :70], missing[:, :70] = fill, np.nan
    expected = found(FINDERS[kind], missing, image.wcs)
    if fill == 0:
        with pytest.warns(AstropyUserWarning, match="18 % of the image are constant"):
            same = found(FINDERS[kind], blank, image.wcs)
    else:
        same = found(FINDERS[kind], blank, image.wcs)
    np.testing.assert_array_equal(same, expected)


SCATTERED = {
    "hole": np.s_[185:215, 185:215],
    "dead columns": np.s_[:, ::10],
    "dead rows": np.s_[::2],
    "tiles": np.kron(np.random.default_rng(0).random((50, 50)) < 0.2, np.ones((8, 8)))
    > 0,
    "pixels": np.random.default_rng(1).random((400, 400)) < 0.03,
}


@pytest.mark.parametrize("place", SCATTERED.values(), ids=SCATTERED)
@pytest.mark.parametrize(
    ("kind", "fill"),
    [("trained", 0), ("trained", -9999), ("pca", -99), ("baseline", -32768)],
)
def test_blank_pixels_anywhere_are_as_nan(place, kind, fill, image):
    blank, missing = (np.array(image.data, float) for _ in range(2))
    blank[place], missing[place] = fill, np.nan
    expected = found(FINDERS[kind], missing, image.wcs)
    with pytest.warns(AstropyUserWarning, match="% of the image are constant"):
        same = found(FINDERS[kind], blank, image.wcs)
    np.testing.assert_array_equal(same, expected)


@pytest.mark.filterwarnings("ignore:.* is unlike those")
@pytest.mark.parametrize("code", ["CAR", "MER"])
@pytest.mark.parametrize("kind", ["trained", "pca"])
def test_radii_far_from_the_reference_point(kind, code, image):
    """MER shrinks pixels along both axes by the cosine of the latitude, CAR one."""
    center = SkyCoord(30, 55, unit="deg")
    wcs = image.wcs.deepcopy()
    wcs.sip = None
    wcs.wcs.ctype = f"RA---{code}", f"DEC--{code}"
    wcs.wcs.crval, wcs.wcs.crpix = (30, 0), (200.5, 200.5)
    wcs.wcs.cdelt = -1 / 3600, 1 / 3600
    _, y = wcs.world_to_pixel(center)
    wcs.wcs.crpix = 200.5, 200.5 - (y - 199.5)
    scale = np.cos(center.dec) ** {"CAR": 0.5, "MER": 1}[code]
    square = wcs.deepcopy()
    square.wcs.ctype, square.wcs.crpix = ("RA---TAN", "DEC--TAN"), (200.5, 200.5)
    square.wcs.cdelt = -scale / 3600, scale / 3600
    expected = found(FINDERS[kind], image.data, square)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "wcs: on the sky, pixels are")
        warnings.simplefilter("ignore", NoDetectionsWarning)
        table = FINDERS[kind].detect(image.data, wcs=wcs).table
    assert len(table) == len(expected) > 0
    np.testing.assert_allclose(table["radius"].value, expected[:, 2], rtol=0.01)
    is_distorted = (table["flags"] & ClusterFlags.DISTORTED) > 0
    assert (is_distorted == (code == "CAR")).all()


@pytest.mark.parametrize("scale", [21, 60, 300])
def test_coarse_pixels_are_refused_before_any_work(scale, image):
    wcs = image.wcs.deepcopy()
    wcs.wcs.cdelt = -scale / 3600, scale / 3600
    message = r"data has pixels of [0-9.]+ arcsec, but the trained model takes up to 8"
    for finder in (VAEClusterFinder(), VAEClusterFinder(mixture="gmm")):
        with pytest.raises(ValueError, match=message):
            finder.detect(image.data[:64, :64], wcs=wcs)


SEARCHES = {
    **{name: finder.detect for name, finder in FINDERS.items()},
    "trained, mixture": VAEClusterFinder(mixture="gmm").detect,
    "trained, blocks": partial(VAEClusterFinder().detect, block_size=128),
    "sources": lambda *args, **options: find_sources(read_image(*args, **options)),
}

FEW = {
    "12 x 12": (np.s_[100:112, 100:112], 144),
    "column": (np.s_[:, 90:91], 128),
    "three rows": (np.s_[40:43], 384),
    "every 20th": (np.s_[::20, ::20], 49),
}


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
@pytest.mark.parametrize(("usable", "most"), FEW.values(), ids=FEW)
def test_few_usable_pixels_end_in_the_same_error(usable, most, search, image):
    pixels = np.full(image.data.shape, np.nan)
    pixels[usable] = image.data[usable]
    message = f"data has too few usable pixels to measure its sky: {most} in the full"
    with pytest.raises(ValueError, match=message):
        search(pixels, wcs=image.wcs)


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
@pytest.mark.parametrize("shape", [(5, 5), (1, 400), (400, 2)])
def test_tiny_images_end_in_the_same_error(shape, search, image):
    part = tuple(slice(0, side) for side in shape)
    pixels = np.array(image.data[:, 100:][part])
    message = "data has too few usable pixels to measure its sky"
    with pytest.raises(ValueError, match=message):
        search(pixels, wcs=image.wcs)


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
def test_enough_usable_pixels_are_searched_everywhere(search, image):
    holes = np.random.default_rng(0).uniform(size=(130, 200)) < 0.4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        search(np.array(image.data[:130, :200]), wcs=image.wcs, mask=holes)


def test_too_few_windows_for_a_mixture_are_named(image):
    holes = np.random.default_rng(0).uniform(size=(130, 200)) > 0.1
    holes[40:, :100] = False
    message = "data: windows of .* pixels .*features must have at least n_components=3"
    with pytest.raises(ValueError, match=message):
        SEARCHES["trained, mixture"](
            np.array(image.data[:130, :200]), wcs=image.wcs, mask=holes
        )


@pytest.mark.shared_data
@pytest.mark.parametrize("rate", [1, 10])
def test_nothing_along_the_blank_margin_of_a_stack(rate, shared_data):
    finder = VAEClusterFinder(max_false_alarm_rate=rate / u.deg**2)
    with (
        pytest.warns(NoDetectionsWarning),
        pytest.warns(AstropyUserWarning, match="next to none of its noise"),
        pytest.warns(LossyDataWarning),
    ):
        catalog = finder.detect(shared_data / "vista_stack" / "stack_h.fits")
    assert len(catalog) == 0
