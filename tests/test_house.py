# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What the layout of the package promises."""

import subprocess
import sys

import pytest

FORBIDDEN = ("simulation", "training", "baselines", "evaluation")

SEARCH = """
import sys
import numpy as np
from astropy.nddata import NDData
from astropy.wcs import WCS
from astro_vaeclust import VAEClusterFinder

wcs = WCS(naxis=2)
wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
wcs.wcs.cdelt = -1 / 3600, 1 / 3600
pixels = np.random.default_rng(0).normal(size=(128, 128))
VAEClusterFinder().detect(NDData(pixels, wcs=wcs))
print(*sorted(name for name in sys.modules if name.startswith("astro_vaeclust.")))
"""


@pytest.fixture(scope="module")
def loaded_modules():
    """Names of the modules of the package that one search loads."""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SEARCH],
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.split()


@pytest.mark.parametrize("room", FORBIDDEN)
def test_a_search_loads_only_what_it_needs(loaded_modules, room):
    assert "astro_vaeclust.detector.search" in loaded_modules
    assert not [n for n in loaded_modules if n.split(".")[1] == room]
