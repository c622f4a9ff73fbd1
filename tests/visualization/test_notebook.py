# Licensed under a 3-clause BSD style license - see LICENSE.rst
import base64
import re
import subprocess
import sys
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from astropy.table import vstack
from PIL import Image

from astro_vaeclust.catalog import ClusterCatalog
from astro_vaeclust.visualization.pictures import as_grey, png_url, reduced

from ..example_catalog import SHAPE, make_catalog

EVIL = "<script>alert(1)</script>\"'&"


def decoded(url):
    data = base64.b64decode(url.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(BytesIO(data)))


@pytest.mark.parametrize("shape", [(1, 1), (3, 7)])
def test_png_holds_the_levels(shape):
    grey = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.testing.assert_array_equal(decoded(png_url(grey)), grey)


def test_grey_is_top_down_and_brighter_for_more():
    pixels = np.array([[0.0, 1], [np.nan, 10]])
    assert as_grey(pixels, limits=(0, 10)).tolist() == [[70, 255], [0, 75]]


@pytest.mark.parametrize(("shape", "side", "result"), [
    ((400, 100), 200, (200, 50)), ((401, 3), 200, (133, 1)), ((5, 9), 9, (5, 9)),
])  # fmt: skip
def test_reduced_takes_means(shape, side, result):
    pixels = np.full(shape, 3.0)
    pixels[0, 0] = np.nan
    small = reduced(pixels, side)
    assert small.shape == result
    assert np.nanmean(small) == 3


def test_ten_rows_and_a_thumbnail():
    table = vstack([make_catalog(3).table] * 5, metadata_conflicts="silent")
    catalog = replace(make_catalog(3), table=table)
    html = catalog._repr_html_()
    assert html.count("<tr>") == 11
    assert "5 more" in html
    assert html.count("<circle") == 10
    assert len(html) < 100_000
    url = re.search(r"href='([^']+)'", html)[1]
    assert decoded(url).shape == SHAPE


def test_large_image_makes_no_large_thumbnail():
    catalog = make_catalog(1)
    noise = np.random.default_rng(1).normal(100, 5, (1500, 1500))
    image = type(catalog.image)(noise, wcs=catalog.image.wcs)
    assert len(replace(catalog, image=image)._repr_html_()) < 100_000


def test_text_is_escaped():
    table = make_catalog(1).table.copy()
    table["name"] = [EVIL]
    html = ClusterCatalog(table)._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "<svg" not in html  # without an image


def test_no_clusters():
    assert "0 clusters" in make_catalog(0)._repr_html_()


def test_needs_no_extra():
    code = (
        "import sys; sys.modules.update(matplotlib=None, PIL=None)\n"
        "from astro_vaeclust.catalog import ClusterCatalog, cluster_table\n"
        "print(ClusterCatalog(cluster_table())._repr_html_())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "0 clusters" in done.stdout, done.stderr
