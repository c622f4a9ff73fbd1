# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A report of five candidates, with text that would do harm if it were run."""

import os
import shutil
import sys

import astropy.units as u
import numpy as np
import pytest

from astro_vaeclust.catalog import ClusterCatalog, cluster_table
from astro_vaeclust.images.write import write_image
from astro_vaeclust.report.page import write_report

from ..example_catalog import make_catalog, make_columns, make_wcs

IS_REQUIRED = bool(os.environ.get("CI")) and sys.platform == "linux"
"""Whether a missing browser is a failure."""

EVIL = (
    "</script><script>window.hurt=1</script><img src=x onerror=window.hurt=1>"
    "javascript:window.hurt=1 \u2028\u2029\"'`${window.hurt=1}<!--" + 10_000 * "x"
)


@pytest.fixture(scope="session")
def candidates():
    columns = make_columns(5)
    columns["r50"] = 0.6 * columns["radius"]
    columns["score"] = np.array([0.9, 0.7, 0.8, 0.6, 0.5])
    columns["name"] = np.array([EVIL, "b", "c", "d", "=1+1"])
    table = cluster_table(columns)
    table["sky_center"].info.description = EVIL
    table["name"].info.description = EVIL
    return ClusterCatalog(table)


@pytest.fixture(scope="session")
def tile(tmp_path_factory):
    path = tmp_path_factory.mktemp("tiles") / "<b>tile.fits"
    write_image(make_catalog(1).image, path)
    return path


@pytest.fixture
def outside(candidates):
    """The same candidates, the last of which is on no image."""
    table = candidates.table.copy()
    table["sky_center"][4] = make_wcs().pixel_to_world(5000, 30)
    table["radius"][3] = np.nan * u.arcsec
    return ClusterCatalog(table)


@pytest.fixture(scope="session")
def report(candidates, tile, tmp_path_factory):
    path = tmp_path_factory.mktemp("reports") / "report"
    assert write_report(candidates, [tile], path) == []
    return path


@pytest.fixture(scope="session")
def chromium():
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if not IS_REQUIRED:
        if path is None:
            pytest.skip("needs chromium")
        pytest.importorskip("playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def new_page(chromium):
    """Open a page; at the end no script may have failed and nothing have left."""
    contexts, faults = [], []

    def open_page(path, script=None, **options):
        context = chromium.new_context(**options)
        contexts.append(context)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda m: faults.append(m.text) if m.type == "error" else 0)
        page.on("request", lambda r: faults.append(r.url) if "http" in r.url[:4] else 0)
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []
