"""SAOImage DS9 itself reads the regions; skipped where it is not installed."""

import os
import shutil
import subprocess

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from regions import Regions

from ..example_catalog import make_catalog, make_pixels, make_wcs

DS9, XVFB = shutil.which("ds9"), shutil.which("xvfb-run")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(DS9 is None, reason="needs SAOImage DS9"),
    pytest.mark.skipif(
        XVFB is None and not os.environ.get("DISPLAY"),
        reason="DS9 needs a display or xvfb-run",
    ),
]


@pytest.mark.parametrize("n_clusters", [0, 1, 3])
def test_ds9_reads_regions_and_labels(tmp_path, n_clusters):
    catalog = make_catalog(n_clusters)
    catalog.write(tmp_path / "clusters.reg")
    image = fits.PrimaryHDU(make_pixels(), make_wcs().to_header())
    image.writeto(tmp_path / "image.fits")
    display = [XVFB, "-a"] if XVFB else []
    load = ["-regions", "load", "clusters.reg"]
    system = ["-regions", "system", "wcs", "-regions", "sky", "icrs"]
    save = ["-regions", "save", "saved.reg", "-exit"]
    subprocess.run(
        [*display, DS9, "image.fits", *load, *system, *save],
        cwd=tmp_path,
        timeout=120,
        check=True,
    )
    saved = Regions.read(tmp_path / "saved.reg", format="ds9")
    assert len(saved) == n_clusters
    for region, row in zip(saved, catalog.table, strict=True):
        assert region.center.separation(row["sky_center"]) < 0.01 * u.arcsec
        np.testing.assert_allclose(
            region.radius.to_value(u.arcsec), row["radius"].value, atol=2e-3
        )
        assert region.meta["text"].startswith(f"{row['id']}: radius=")
        assert f"score={row['score']:.3f}" in region.meta["text"]
