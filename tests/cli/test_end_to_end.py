# Licensed under a 3-clause BSD style license - see LICENSE.rst

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_array_equal
from regions import Regions

from astro_vaeclust.catalog import ClusterCatalog
from astro_vaeclust.cli import main
from astro_vaeclust.images.write import write_image
from astro_vaeclust.simulation import MockCluster, simulate_tile

QUICK = ["--embedding", "pca", "--mixture", "gmm", "--patch-sizes", "16,32"]


@pytest.fixture(scope="module")
def tile(tmp_path_factory):
    """Return the path of a small mock tile with one rich cluster."""
    cluster = MockCluster(n_members=80, half_number_radius=15 * u.arcsec)
    tile = simulate_tile(shape=(256, 256), clusters=cluster, seed=5)
    path = tmp_path_factory.mktemp("tile") / "tile.fits"
    write_image(tile.image, path)
    return str(path)


def detect(tile, folder, *options):
    """Run the command and return its exit code and the four files."""
    files = [folder / name for name in ("c.ecsv", "c.reg", "heat.fits", "plot.png")]
    names = ("--output", "--regions", "--heatmap", "--plot")
    arguments = ["detect", tile, "--quiet", *options]
    for name, path in zip(names, files, strict=True):
        arguments += [name, str(path)]
    return main(arguments), *files


def test_files_agree_with_each_other(tile, tmp_path):
    options = [*QUICK, "--threshold", "peak-fraction"]
    code, table, regions, heatmap, plot = detect(tile, tmp_path, *options)
    assert code == 0
    catalog = ClusterCatalog.read(table)
    circles = Regions.read(regions)
    assert len(catalog) == len(circles) > 0
    for circle, row in zip(circles, catalog.table, strict=True):
        assert circle.center.separation(row["sky_center"]) < 0.001 * u.arcsec
    heat = fits.getdata(heatmap)
    assert heat.shape == (256, 256)
    assert 0 <= np.nanmin(heat) < np.nanmax(heat) <= 1
    assert plot.stat().st_size > 10_000
    assert catalog.table.meta["settings"]["embedding"]["patch_sizes"] == [16, 32]


def test_same_seed_gives_the_same_table(tile, tmp_path):
    tables = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        options = [*QUICK, "--threshold", "peak-fraction", "--seed", "7"]
        _, path, *_ = detect(tile, tmp_path / name, *options)
        tables.append(ClusterCatalog.read(path).table)
    for name in ("id", "x_center", "y_center", "radius", "score", "flags"):
        assert_array_equal(tables[0][name], tables[1][name])
    assert tables[0].meta["seed"] == 7


def test_blocks_give_a_table_and_no_heat_map(tile, tmp_path, capsys):
    path = tmp_path / "c.ecsv"
    options = ["--quiet", "--block-size", "128", "--output", str(path)]
    assert main(["detect", tile, *options]) == 0
    table = ClusterCatalog.read(path).table
    assert table.meta["n_blocks"] == 4
    lines = path.read_text().partition("# meta: ")[2].splitlines()
    assert sum(line.startswith("#") for line in lines) <= 40
    assert "training" not in str(table.meta)
    assert table.meta["image"] == "tile.fits"
    code, *_ = detect(tile, tmp_path / "other", "--block-size", "128")
    assert code == 2
    assert "--block-size leaves no heat map" in capsys.readouterr().err


def test_image_smaller_than_a_patch_is_one_line(tile, tmp_path, capsys):
    code, *_ = detect(tile, tmp_path, "--embedding", "pca", "--patch-sizes", "512")
    assert code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("vaeclust: error: --patch-sizes")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("default:posterior collapse")  # told, and no failure
def test_paper_preset_reports_one_cluster_and_four_models(tile, tmp_path):
    code, path, *_ = detect(tile, tmp_path, "--preset", "paper")
    assert code == 0
    table = ClusterCatalog.read(path).table
    assert len(table) == 1
    sizes = [model["patch_size"] for model in table.meta["model"]]
    assert sizes == [16, 32, 48, 64]
