# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Fields of stars with and without a cluster."""

import astropy.units as u
import numpy as np
import pytest
from astropy.table import Table
from astropy.wcs import WCS

from astro_vaeclust.baselines import BASELINES
from astro_vaeclust.simulation import MockCluster, simulate_tile

SIDE = 400
CLUSTER = (260.0, 150.0)


def uniform_stars(seed, number=900, side=SIDE):
    """Poisson-distributed positions in pixels, (n, 2)."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.5, side - 0.5, (rng.poisson(number), 2))


def as_table(points):
    return Table({"x": points[:, 0], "y": points[:, 1]})


@pytest.fixture(scope="session")
def wcs():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [275.12, -16.18]
    wcs.wcs.crpix = [SIDE / 2, SIDE / 2]
    wcs.wcs.cdelt = [-1 / 3600, 1 / 3600]
    wcs.wcs.set()
    wcs.array_shape = (SIDE, SIDE)
    return wcs


@pytest.fixture(scope="session")
def clustered():
    """Uniform stars and 70 more around ``CLUSTER``, (n, 2)."""
    members = np.random.default_rng(7).normal(CLUSTER, 14, (70, 2))
    return np.concatenate([uniform_stars(6), members])


@pytest.fixture(scope="session")
def tile():
    """A mock image of uniform stars with a rich cluster in the open."""
    cluster = MockCluster(
        n_members=80,
        half_number_radius=28 * u.arcsec,
        profile="plummer",
        extinction=0.1 * u.mag,
        nebulosity="none",
    )
    return simulate_tile(
        shape=(SIDE, SIDE),
        clusters=cluster,
        density=4.0,
        extinction=0 * u.mag,
        artefacts=False,
        seed=11,
    )


@pytest.fixture(params=BASELINES.tags)
def finder(request):
    """Each catalogue method with its default settings."""
    return BASELINES.resolve(request.param)
