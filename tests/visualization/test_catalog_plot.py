# Licensed under a 3-clause BSD style license - see LICENSE.rst
import sys
from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
from astropy.nddata import NDData
from astropy.visualization.wcsaxes import WCSAxes
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.patches import Circle
from regions import CircleSkyRegion

from astro_vaeclust.catalog import ClusterCatalog, cluster_table
from astro_vaeclust.images.read import read_image
from astro_vaeclust.visualization.catalog_plot import plot_catalog, write_plot

from ..example_catalog import SHAPE, make_catalog, make_columns, make_wcs


def circles_of(ax, linestyle="-"):
    circles = [patch for patch in ax.patches if isinstance(patch, Circle)]
    return [patch for patch in circles if patch.get_linestyle() == linestyle]


def labels_of(ax):
    return [text for text in ax.texts if text.get_gid() == "label"]


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    pyplot.close("all")


@pytest.mark.parametrize("n_clusters", [0, 1, 3])
def test_one_circle_with_id_and_rate_per_cluster(n_clusters):
    catalog = make_catalog(n_clusters)
    ax = catalog.plot()
    assert isinstance(ax, WCSAxes)
    circles = circles_of(ax)
    assert len(circles) == n_clusters
    labels = ["1", "2: 0.25 deg⁻²", "3"]  # the rate of two is unknown
    assert [text.get_text() for text in labels_of(ax)] == labels[:n_clusters]
    for circle, row in zip(circles, catalog.table, strict=True):
        assert circle.center[0] == pytest.approx(row["x_center"], abs=1e-6)
        assert circle.center[1] == pytest.approx(row["y_center"], abs=1e-6)
        assert circle.radius == pytest.approx(row["radius"].value, rel=1e-3)


@pytest.mark.parametrize("y", [0.0, SHAPE[0] - 1.0])
def test_ids_stay_in_the_picture(y):
    columns = make_columns(1)
    columns["sky_center"] = make_wcs().pixel_to_world([40.0], [y])
    catalog = ClusterCatalog(cluster_table(columns), heatmap=make_catalog(1).heatmap)
    ax = catalog.plot()
    ax.figure.draw_without_rendering()
    (label,) = labels_of(ax)
    box, frame = label.get_window_extent(), ax.get_window_extent()
    assert frame.y0 <= box.y0
    assert box.y1 <= frame.y1


def test_image_is_behind_contours_of_the_heat_map():
    ax = make_catalog(1).plot()
    (image,) = ax.images
    assert image.get_array().shape == SHAPE
    assert image.get_cmap().name == "gray"
    assert len(ax.collections) == 1
    assert ax.get_xlabel() == "Right ascension"


def test_bright_pixels_do_not_set_the_stretch():
    catalog = make_catalog(1)
    before = catalog.plot().images[0].norm.vmax
    catalog.image.data[30, 30] = 1e6
    assert catalog.plot().images[0].norm.vmax == pytest.approx(before, rel=0.3)


@pytest.mark.parametrize("value", [0.0, 0.9, np.nan])
def test_flat_heat_map_has_no_contours(value):
    catalog = make_catalog(1)
    heatmap = NDData(np.full(SHAPE, value), wcs=make_wcs())
    catalog = replace(catalog, heatmap=heatmap)
    assert len(catalog.plot().collections) == 0


def test_masked_pixels_are_not_plotted():
    catalog = make_catalog(1)
    catalog.heatmap.mask = np.ones(SHAPE, dtype=bool)
    catalog.image.mask[:, :40] = True
    ax = catalog.plot()
    assert len(ax.collections) == 0
    assert np.isnan(np.ma.filled(ax.images[0].get_array(), np.nan)[:, :40]).all()


def test_heat_map_stands_in_for_a_missing_image():
    catalog = replace(make_catalog(1), image=None)
    (image,) = catalog.plot().images
    assert image.get_array().max() == pytest.approx(1, abs=0.01)


def test_nothing_to_plot():
    with pytest.raises(ValueError, match="neither an image nor a heat map"):
        plot_catalog(ClusterCatalog(cluster_table()))


def test_given_axes_are_used():
    ax = Figure().add_subplot(projection=make_wcs())
    assert make_catalog(1).plot(ax=ax) is ax
    assert len(ax.images) == 1


def test_notebooks_show_the_figure():
    ax = make_catalog(1).plot()
    assert pyplot.gcf() is ax.figure


@pytest.mark.parametrize("x", [0.0, SHAPE[1] - 1.0])
def test_saved_pictures_cut_nothing(x):
    columns = make_columns(1)
    columns["sky_center"] = make_wcs().pixel_to_world([x], [30.0])
    columns["false_alarm_rate"] = [0.125] / u.deg**2
    catalog = ClusterCatalog(cluster_table(columns), heatmap=make_catalog(1).heatmap)
    figure = catalog.plot().figure
    figure.draw_without_rendering()
    box = figure.get_tightbbox()  # inches
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= figure.get_figwidth()
    assert box.y1 <= figure.get_figheight()


def test_title_of_a_square_image_is_not_cut():
    wcs = make_wcs()
    pixels = np.random.default_rng(0).normal(size=(200, 200))
    catalog = ClusterCatalog(cluster_table(make_columns(1)))
    references = [catalog.regions[0]]
    image = replace(read_image(pixels, wcs=wcs), name="tile.fits")
    ax = catalog.plot(image=image, references=references)
    ax.figure.draw_without_rendering()
    top = ax.title.get_window_extent().y1
    assert top < ax.figure.bbox.height - 2


def test_r50_is_dashed_within_the_radius():
    columns = make_columns(2) | {"r50": [2.0, 3.0] * u.arcsec}
    image = make_catalog(1).image
    ax = ClusterCatalog(cluster_table(columns), image=image).plot()
    assert [c.radius for c in circles_of(ax, "--")] == pytest.approx([2, 3], rel=1e-3)
    assert len(circles_of(ax)) == 2


def test_references_are_dotted_and_in_the_legend():
    reference = CircleSkyRegion(make_wcs().pixel_to_world(40, 30), 9 * u.arcsec)
    ax = make_catalog(1).plot(references=[reference])
    (circle,) = circles_of(ax, ":")
    assert circle.center == pytest.approx((40, 30))
    (legend,) = ax.figure.legends
    assert "reference" in [text.get_text() for text in legend.get_texts()]


def test_catalogue_that_was_read_takes_the_image():
    read = ClusterCatalog(make_catalog(2).table)
    with pytest.raises(ValueError, match="image="):
        read.plot()
    ax = read.plot(image=make_catalog(2).image)
    assert ax.images[0].get_array().shape == SHAPE
    assert len(circles_of(ax)) == 2


def test_rendered_circle_has_its_colour_where_the_wcs_puts_it():
    ax = make_catalog(1).plot()
    ax.figure.canvas.draw()
    drawn = np.asarray(ax.figure.canvas.buffer_rgba())[..., :3].astype(int)
    (circle,) = circles_of(ax)
    angle = np.linspace(0, 2 * np.pi, 100)
    rim = np.array([np.cos(angle), np.sin(angle)]) * circle.radius
    x, y = ax.transData.transform(rim.T + circle.center).round().astype(int).T
    wanted = np.array([0x56, 0xB4, 0xE9])
    close = np.abs(drawn[len(drawn) - 1 - y, x] - wanted).max(axis=1) < 40
    assert close.mean() > 0.8


def test_pyplot_is_left_alone(tmp_path):
    write_plot(make_catalog(1), tmp_path / "plot.png")
    assert pyplot.get_fignums() == []


def test_picture_is_written_whole(tmp_path):
    path = tmp_path / "plot.png"
    write_plot(make_catalog(2), path)
    pixels = imread(path)
    assert pixels.shape[0] > 200
    assert pixels.std() > 0.05
    with pytest.raises(FileExistsError):
        write_plot(make_catalog(2), path)
    write_plot(make_catalog(2), path, overwrite=True)


def test_unknown_suffix_lists_those_there_are(tmp_path):
    with pytest.raises(ValueError, match=r"plot\.xyz.*\.png"):
        write_plot(make_catalog(1), tmp_path / "plot.xyz")
    assert list(tmp_path.iterdir()) == []


def test_missing_matplotlib_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"astro_vaeclust\[plot\]"):
        make_catalog(1).plot()
