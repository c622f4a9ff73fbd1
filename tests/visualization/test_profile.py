# Licensed under a 3-clause BSD style license - see LICENSE.rst
import astropy.units as u
import numpy as np
import pytest
from astropy.table import QTable
from matplotlib import pyplot
from matplotlib.figure import Figure

from astro_vaeclust.detector.latent_cells import LatentCells
from astro_vaeclust.visualization.latents import plot_latents

from ..example_catalog import make_catalog, make_wcs


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    pyplot.close("all")


def make_sources(n=400):
    rng = np.random.default_rng(4)
    x, y = rng.uniform(3, 75, n), rng.uniform(3, 55, n)
    sky = make_wcs().pixel_to_world(x, y)
    return QTable({"ra": sky.ra, "dec": sky.dec, "mag": rng.uniform(9, 15, n) * u.mag})


def test_radial_profile_has_errors_fit_and_field():
    ax = make_catalog(2).plot_radial_profile(2, sources=make_sources())
    assert ax.get_title() == "Cluster 2"
    (points,) = ax.containers
    assert points.has_yerr
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert any(label.startswith("field ") for label in labels)
    assert any(label.startswith("Plummer, ") for label in labels)
    assert ax.get_ylim()[0] == 0


def test_radial_profile_counts_what_is_in_the_image():
    ax = make_catalog(1).plot_radial_profile(1, ax=Figure().add_subplot())
    assert len(ax.containers) == 1


def test_radial_profile_with_a_fit():
    catalog = make_catalog(1)
    rng = np.random.default_rng(0)
    near = catalog["sky_center"][0].directional_offset_by(
        rng.uniform(0, 360, 150) * u.deg, np.abs(rng.normal(0, 4, 150)) * u.arcsec
    )
    field = make_sources()
    ra, dec = ([*field[n].deg, *getattr(near, n).deg] * u.deg for n in ("ra", "dec"))
    sources = QTable({"ra": ra, "dec": dec})
    ax = catalog.plot_radial_profile(1, sources=sources, reach=20 * u.arcsec)
    profile = catalog.profile(1, sources=sources, reach=20 * u.arcsec)
    fit = next(line for line in ax.lines if line.get_label().startswith("Plummer, "))
    assert f"{profile.n_counts:.0f} $" in fit.get_label()
    assert 100 < profile.n_counts < 200
    middles = (profile.edges[1:] + profile.edges[:-1]) / 2
    drawn = np.interp(middles.value, *fit.get_data())
    np.testing.assert_allclose(drawn, profile.fitted(middles).value, rtol=0.02)


def test_legend_says_why_there_is_no_fit():
    ax = make_catalog(1).plot_radial_profile(1, sources=make_sources(5))
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert any(label.startswith("no fit: ") for label in labels)
    assert any("too few" in label for label in labels)


def test_unknown_cluster_lists_those_there_are():
    with pytest.raises(ValueError, match=r"one of \[1, 2\]; got 7"):
        make_catalog(2).plot_radial_profile(7)


def test_luminosity_function_of_a_cluster():
    ax = make_catalog(2).plot_luminosity_function(1, make_sources(), cut=None)
    assert pyplot.gcf() is ax.figure
    assert "all sources" in [text.get_text() for text in ax.get_legend().get_texts()]
    with pytest.raises(ValueError, match="id must be one of"):
        make_catalog(2).plot_luminosity_function(9, make_sources(), cut=None)


def test_latents_by_component_with_the_clusters():
    rng = np.random.default_rng(5)
    latents = rng.normal(size=(50, 6)) * [9, 3, 1, 1, 1, 1]
    components = np.repeat(np.arange(5), 10)
    cells = LatentCells(latents, components, clusters=np.array([3, 40]))
    ax = plot_latents(cells, ids=[1, 2])
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels[1] == "cluster (10)"
    styles = {(line.get_color(), line.get_marker()) for line in ax.lines[:5]}
    assert len({marker for _, marker in styles}) == len(styles) == 5
    assert [text.get_text() for text in ax.texts] == ["1", "2"]
    stars = ax.lines[-1].get_xdata()
    assert stars[0] == ax.lines[0].get_xdata()[3]
    assert np.ptp(ax.lines[0].get_xdata()) > 10  # the widest direction is first


def test_latent_space_of_an_image():
    catalog = make_catalog(2)
    ax = catalog.plot_latent_space(scale=0)
    assert sum(len(line.get_xdata()) for line in ax.lines[:5]) == 8 * 10 - 1  # a corner
    assert len(ax.lines[-1].get_xdata()) == 2
    with pytest.raises(ValueError, match="scale must be one of 0, 1, 2, 3; got 4"):
        catalog.plot_latent_space(scale=4)
