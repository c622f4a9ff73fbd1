# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A small catalogue for tests, without a finder."""

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.nddata import NDData
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust.catalog import ClusterCatalog, cluster_table

SHAPE = (60, 80)

META = {
    "versions": {"astro_vaeclust": "0.1", "numpy": "2.4"},
    "date": "2026-11-22T20:00:00+00:00",
    "seed": 3,
    "settings": {
        "patch_sizes": [16, 32, 48, 64],
        "overlap": 0.5,
        "threshold": None,
        "note": "braces {}, quotes '\", a newline\n and μ" + 90 * " long",
    },
    "model": {"embedding": "dense-vae", "trained": True},
}


def make_wcs():
    """Return a tangential projection of 1 arcsec per pixel near M17."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [275.1246, -16.1790]
    wcs.wcs.crpix = [40.5, 30.5]
    wcs.wcs.cdelt = [-1 / 3600, 1 / 3600]
    return wcs


def make_columns(n_clusters=3):
    """Return columns of clusters, reproducible and with many digits."""
    rng = np.random.default_rng(1)
    x = rng.uniform(10, 70, n_clusters)
    y = rng.uniform(10, 50, n_clusters)
    radius = rng.uniform(3, 9, n_clusters)
    return {
        "id": np.arange(n_clusters) + 1,
        "sky_center": SkyCoord(make_wcs().pixel_to_world(x, y)),
        "x_center": x,
        "y_center": y,
        "radius": radius * u.arcsec,
        "radius_err": 0.1 * radius * u.arcsec,
        "area": np.pi * radius**2 * u.arcsec**2,
        "score": rng.uniform(0.5, 1, n_clusters),
        "false_alarm_rate": np.resize([np.nan, 0.25], n_clusters) / u.deg**2,
        "n_sources": rng.integers(5, 90, n_clusters),
        "flags": np.resize([0, 17, 4], n_clusters),
    }


def make_band_columns(n_clusters=3):
    """Return what a search of several bands adds."""
    return {
        "bands": np.resize(["J,H,Ks", "Ks", ""], n_clusters).astype(str),
        "a_k": np.resize([0.75, np.nan, 1.25], n_clusters) * u.mag,
        "a_k_err": np.resize([0.1, np.nan, 0.2], n_clusters) * u.mag,
    }


def make_pixels():
    """Return an image of noise with a bright spot, and some pixels that are NaN."""
    pixels = np.random.default_rng(2).normal(100, 5, SHAPE).astype(np.float32)
    pixels[20:24, 30:34] += 200
    pixels[:, :2] = np.nan
    return pixels


def make_catalog(n_clusters=3):
    """Return a catalogue with a heat map and an image."""
    y, x = np.indices(SHAPE)
    heat = np.exp(-((x - 32) ** 2 + (y - 22) ** 2) / 200)
    pixels = make_pixels()
    return ClusterCatalog(
        cluster_table(make_columns(n_clusters), META),
        heatmap=NDData(heat, wcs=make_wcs()),
        image=NDData(pixels, mask=np.isnan(pixels), wcs=make_wcs()),
    )


def assert_same_table(table, expected):
    assert table.colnames == expected.colnames
    for name in expected.colnames:
        assert table[name].info.description == expected[name].info.description
        if name == "sky_center":
            separation = table[name].separation(expected[name])
            assert_array_equal(separation < 1e-9 * u.arcsec, True)
        else:
            assert type(table[name]) is type(expected[name])
            assert table[name].info.unit == expected[name].info.unit
            assert table[name].dtype == expected[name].dtype
            if table[name].dtype.kind == "U":
                assert_array_equal(table[name], expected[name])
            else:
                assert_allclose(table[name], expected[name], rtol=1e-8)
