# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Several images become one table, which is printed as text, JSON or CSV."""

import csv
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits

from astro_vaeclust.catalog import ClusterCatalog, cluster_table
from astro_vaeclust.cli import main

from ..example_catalog import make_columns, make_wcs


class Stub:
    """Finds as many clusters as the name of the file says."""

    learns_on_image = True

    def detect(self, path):
        if not path.startswith("n"):
            raise FileNotFoundError(2, "data: no such file", path)
        meta = {"image": path, "seed": 0, "none": None}
        return ClusterCatalog(cluster_table(make_columns(int(path[1])), meta))


@pytest.fixture(autouse=True)
def finder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("astro_vaeclust.cli.detect.make_finder", lambda _: Stub())


def test_there_is_one_table_with_the_images(capsys):
    images = ["n2.fits", "n0.fits", "n1.fits"]
    assert main(["detect", *images, "--output", "all.fits"]) == 0
    catalog = ClusterCatalog.read("all.fits")
    assert catalog["id"].tolist() == [1, 2, 3]
    assert catalog["image"].tolist() == ["n2.fits", "n2.fits", "n1.fits"]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[3:6]] == catalog["image"].tolist()


def test_an_image_that_fails_does_not_end_the_run(capsys):
    assert main(["detect", "n1.fits", "lost.fits", "n2.fits", "--csv"]) == 1
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 4
    assert captured.err.splitlines() == [
        "vaeclust: warning: lost.fits failed: IMAGE: no such file: lost.fits",
        "vaeclust: warning: without lost.fits",
    ]
    assert main(["detect", "lost.fits", "gone.fits", "--quiet"]) == 2
    assert main(["detect", "lost.fits"]) == 2


def test_json_has_no_nan_and_all_columns(capsys):
    assert main(["detect", "n2.fits", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    expected = cluster_table(make_columns(2))
    assert [row["false_alarm_rate"] for row in found["clusters"]] == [None, 0.25]
    assert found["clusters"][1]["ra"] == expected["sky_center"].ra.deg[1]
    assert found["units"]["radius"] == "arcsec"
    assert found["meta"]["image"] == "n2.fits"
    assert main(["detect", "n0.fits", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["clusters"] == []


def test_csv_goes_to_the_standard_output(capsys):
    assert main(["detect", "n2.fits", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    expected = cluster_table(make_columns(2))
    assert [row["score"] for row in rows] == [f"{one:.9g}" for one in expected["score"]]


@pytest.mark.parametrize("option", ["--heatmap h.fits", "--plot p.png"])
def test_pictures_are_of_one_image(option, capsys):
    assert main(["detect", "n1.fits", "n2.fits", *option.split()]) == 2
    assert "are for one image, got 2" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--heatmap h.fits", "--plot p.png"])
def test_images_that_leave_no_heat_map_are_refused_before_the_search(
    option, capsys, monkeypatch
):
    monkeypatch.setattr(Stub, "learns_on_image", False)
    model = SimpleNamespace(fine_scale=0.6)
    monkeypatch.setattr(Stub, "trained_model", model, raising=False)
    monkeypatch.setattr("astro_vaeclust.blocks.MAX_WHOLE_PIXELS", 200 * 200)
    pixels = np.zeros((220, 200), np.float32)
    fits.writeto("n1.fits", pixels, make_wcs().to_header())
    assert main(["detect", "n1.fits", *option.split()]) == 2
    line = capsys.readouterr().err
    assert "an image of 200 x 220 pixels is searched in blocks" in line
    assert main(["detect", "n1.fits"]) == 0
