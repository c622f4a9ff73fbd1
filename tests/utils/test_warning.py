# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Threads do not let out what others ignore, nor change the filters for good."""

import multiprocessing
import os
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import astropy.units as u
import numpy as np
import pytest
from astropy.nddata import NDData
from astropy.utils.exceptions import AstropyUserWarning

from astro_vaeclust import ClusterCatalog, NoDetectionsWarning, VAEClusterFinder
from astro_vaeclust.embeddings.pca import PCAEmbedding
from astro_vaeclust.images.read import read_image
from astro_vaeclust.images.sky import Sky
from astro_vaeclust.utils.warning import (
    WARNINGS_LOCK,
    ignored_warnings,
    muted,
    named,
    warn,
)

SHAPE = (160, 192)


@pytest.fixture
def eager_threads():
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def unlocked(monkeypatch):
    """Names of functions that entered `warnings.catch_warnings` without the lock."""
    names, enter = set(), warnings.catch_warnings.__enter__

    def noting(self):
        if not WARNINGS_LOCK._is_owned():
            code = sys._getframe(1).f_code
            names.add(f"{code.co_filename}: {code.co_name}")
        return enter(self)

    monkeypatch.setattr(warnings.catch_warnings, "__enter__", noting)
    return names


def star_field(wcs, seed=0):
    """Return an image of stars, some in a cluster, of which a corner is missing."""
    rng = np.random.default_rng(seed)
    data = rng.normal(500, 1, SHAPE).astype(np.float32)
    field = rng.uniform((0, 0), SHAPE[::-1], (40, 2))
    y, x = np.indices(SHAPE)
    for x_star, y_star in np.concatenate([field, rng.normal((100, 80), 10, (50, 2))]):
        distance = (x - x_star) ** 2 + (y - y_star) ** 2
        data += rng.uniform(15, 60) * np.exp(-distance / (2 * 1.3**2))
    data[:40, :50] = np.nan
    return NDData(data, wcs=wcs)


def in_threads(function, values):
    """Return the results of a function, and check that no filter has changed."""
    function(values[0])  # imports what it needs
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(function, values))
    assert warnings.filters == before
    return results


def test_skies_in_threads(eager_threads, celestial_wcs):
    image = read_image(star_field(celestial_wcs))

    def level(_):
        return Sky.from_pixels(image.data, image.mask, box_size=32).level_mesh

    for mesh in in_threads(level, range(100)):
        np.testing.assert_array_equal(mesh, level(0))


@pytest.mark.parametrize(
    "embedding", ["conv-vae", PCAEmbedding(patch_sizes=(16,))], ids=["trained", "pca"]
)
def test_a_search_catches_warnings_with_the_lock(embedding, celestial_wcs, unlocked):
    image = star_field(celestial_wcs)
    finder = VAEClusterFinder(embedding=embedding)
    with muted(Warning):
        finder.detect(image)  # imports what it needs
        unlocked.clear()
        finder.detect(image)
    assert not unlocked


def test_a_search_in_bands_catches_warnings_with_the_lock(celestial_wcs, unlocked):
    bands = {
        band: star_field(celestial_wcs, seed)
        for seed, band in enumerate(["J", "H", "Ks"])
    }
    with muted(Warning):
        VAEClusterFinder().detect(bands)
        unlocked.clear()
        VAEClusterFinder().detect(bands)
    assert not unlocked


def test_files_catch_warnings_with_the_lock(celestial_wcs, unlocked, tmp_path):
    image = star_field(celestial_wcs)
    with muted(Warning):
        catalog = VAEClusterFinder().detect(image)
    paths = [tmp_path / f"clusters.{kind}" for kind in ("fits", "ecsv", "vot")]

    def use():
        for path in paths:
            catalog.write(path, overwrite=True)
            ClusterCatalog.read(path)

    with muted(Warning):
        use()
        unlocked.clear()
        use()
    assert not unlocked


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_child_does_not_wait_for_the_threads_of_its_parent():
    held, done = threading.Event(), threading.Event()

    def hold():
        with ignored_warnings(UserWarning):
            held.set()
            done.wait(60)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(hold)
        held.wait()
        child = multiprocessing.get_context("fork").Process(target=read_something)
        child.start()
        child.join(30)
        child.kill()
        done.set()
    child.join()
    assert child.exitcode == 0


def read_something():
    with ignored_warnings(UserWarning):
        warnings.warn("not said", UserWarning, stacklevel=1)


@pytest.mark.parametrize("several", [False, True])
def test_a_warning_points_at_the_line_of_the_user(several, celestial_wcs):
    data = star_field(celestial_wcs)
    if several:
        data.meta = {"FILTER": "Ks"}
        data = {"J": data, "Ks": star_field(celestial_wcs, 1)}
    finder = VAEClusterFinder(max_false_alarm_rate=1e-9 / u.deg**2)
    kinds = NoDetectionsWarning, AstropyUserWarning
    with pytest.warns(kinds) as said:
        finder.detect(data)
    assert {one.filename for one in said} == {__file__}
    assert len(said) >= 1 + several


def test_warnings_are_named_within_the_block_alone():
    with named("image J"), pytest.warns(UserWarning, match="^image J: dark$"):
        warn("dark", UserWarning)
    with pytest.warns(UserWarning, match="^dark$"):
        warn("dark", UserWarning)


def test_one_thread_mutes_itself_alone():
    def say(_):
        warn("nothing", NoDetectionsWarning)

    with muted(NoDetectionsWarning):
        say(0)
        with muted(DeprecationWarning):
            say(0)
        with ThreadPoolExecutor(1) as pool, pytest.raises(NoDetectionsWarning):
            list(pool.map(say, [0]))
    with pytest.warns(NoDetectionsWarning, match="nothing") as said:
        say(0)
    assert said[0].filename == __file__
