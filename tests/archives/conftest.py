# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A server with a made-up sky, and a cache that is empty."""

import socket

import astropy.units as u
import pytest
from astropy.config import set_temp_cache

from .server import serve_archives
from .sky import CENTER, make_cutout, make_stars, make_tile


@pytest.fixture(scope="session")
def stars():
    """Stars of the made-up sky; read only."""
    return make_stars()


@pytest.fixture(scope="session")
def tiles(stars):
    """Two Atlas images that overlap: centres and bytes."""
    centers = [
        CENTER.spherical_offsets_by(offset * u.arcmin, 1 * u.arcmin)
        for offset in (-3.5, 3.5)
    ]
    return [
        (center, make_tile(center, stars, sky=500.0 + 8 * i, seed=i))
        for i, center in enumerate(centers)
    ]


@pytest.fixture(scope="session")
def cutout(stars):
    """A cutout of WSA of 3 arcmin."""
    return make_cutout(CENTER, stars, width=3 * u.arcmin)


@pytest.fixture
def empty_cache(tmp_path):
    """Put astropy's cache into an empty folder, which is returned."""
    folder = tmp_path / "cache"
    folder.mkdir()
    with set_temp_cache(folder):
        yield folder


@pytest.fixture
def server(stars, tiles, cutout, empty_cache):
    """A server that is configured and well-behaved."""
    pytest.importorskip("astroquery")
    with serve_archives(stars=stars, names={"M 17": CENTER}) as archives:
        for center, content in tiles:
            archives.add_tile(center, content)
        archives.add_cutout(CENTER, cutout)
        with archives.configured():
            yield archives


@pytest.fixture
def closed_port():
    """Return the number of a port at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
