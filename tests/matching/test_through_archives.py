# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""From the archive to the IoU, in Python and in a shell, against the local server."""

import astropy.units as u
import numpy as np
import pytest
from astropy.config import set_temp_cache
from astropy.coordinates import SkyCoord
from astropy.table import QTable, vstack
from regions import CircleSkyRegion, Regions

from astro_vaeclust import ClusterCatalog, VAEClusterFinder
from astro_vaeclust.cli import main

pytest.importorskip("astroquery")
pytest.importorskip("reproject")

from astro_vaeclust.archives import TwoMASS, cuts

from ..archives import sky
from ..archives.server import serve_archives

NAME = "IRAS 06055+2039"
RADIUS = 1 * u.arcmin
REFERENCE = CircleSkyRegion(sky.CENTER, RADIUS)


@pytest.fixture
def server(tmp_path):
    """A server whose two tiles show a field with a rich cluster in the middle."""
    stars = vstack([sky.make_stars(), sky.make_stars(200, radius=RADIUS, seed=9)])
    cache = tmp_path / "cache"
    cache.mkdir()
    with set_temp_cache(cache), serve_archives(stars=stars) as archives:
        for east in (-3.5, 3.5) * u.arcmin:
            center = sky.CENTER.spherical_offsets_by(east, 1 * u.arcmin)
            archives.add_tile(center, sky.make_tile(center, stars))
        with archives.configured():
            yield archives


@pytest.mark.filterwarnings("ignore:.* is unlike those")  # white noise
def test_image_sources_clusters_and_iou(server):
    image = TwoMASS().get_image(NAME, size=12 * u.arcmin, band="Ks")
    psc = TwoMASS().get_catalog(image)
    catalog = VAEClusterFinder().detect(image)
    overlap = catalog.match(psc).iou(REFERENCE)
    assert overlap.region == "mask"
    counted = SkyCoord(psc["sky"][cuts.paper(psc)])
    assert len(counted) < len(psc)
    assert overlap.n_reference == (counted.separation(sky.CENTER) <= RADIUS).sum()
    assert overlap.iou == overlap.n_shared / overlap.n_union
    assert 0.5 < overlap.iou_low < overlap.iou < overlap.iou_high
    assert overlap.member_iou > 0.5
    assert 0.2 < overlap.area_iou < 1
    assert overlap.offset < RADIUS / 2
    assert 0.5 < overlap.radius_ratio < 2
    members = catalog.match(psc).members(overlap.id)
    assert members.meta["n_members"] > 100
    assert np.isclose(
        members["probability"].sum(), members.meta["n_members"], rtol=0.02
    )
    assert ((members["probability"] >= 0) & (members["probability"] <= 1)).all()


@pytest.mark.filterwarnings("ignore:.* is unlike those")  # white noise
def test_the_same_in_a_shell(server, tmp_path, monkeypatch, capsys):
    options = ["--survey", "2mass", "--band", "Ks", "--size", "12arcmin"]
    assert main(["fetch", NAME, *options, "--output", f"{tmp_path}/field/"]) == 0
    monkeypatch.chdir(tmp_path / "field")
    assert main(["detect", "image.fits", "--output", "clusters.ecsv"]) == 0
    Regions([REFERENCE]).write("reference.reg", format="ds9")
    score = ["score", "clusters.ecsv", "--catalog", "psc.vot"]
    score += ["--reference", "reference.reg", "--output", "scores.ecsv"]
    assert main(score) == 0
    assert "sources of psc.vot count (cut: paper)" in capsys.readouterr().out
    (row,) = QTable.read("scores.ecsv")
    catalog = ClusterCatalog.read("clusters.ecsv")
    psc = TwoMASS().get_catalog(sky.CENTER, size=12 * u.arcmin)
    overlap = catalog.match(psc).iou(REFERENCE, region="circle")
    assert row["n_detected"] == overlap.n_detected > 0
    assert np.isclose(row["iou"], overlap.iou)
