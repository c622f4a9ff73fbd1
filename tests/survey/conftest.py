# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A cluster of two processes for all tests, and a small sky on disk."""

import pytest

pytest.importorskip("distributed")

from astro_vaeclust.survey import run_survey
from astro_vaeclust.survey.pool import joined

from .examples import SIDE, QuickFinder, sky, write_cut


@pytest.fixture(scope="session")
def client():
    with joined(None, 2) as client:
        yield client


@pytest.fixture(scope="session")
def tiles(tmp_path_factory):
    """A folder with the sky as four images."""
    return write_cut(tmp_path_factory.mktemp("sky") / "tiles", *sky(), 2)


@pytest.fixture
def survey(client, tmp_path):
    """Run a survey with small fields and return its rows."""

    def run(images, folder=tmp_path / "out", finder=None, **options):
        options = {"client": client, "side": SIDE} | options
        finder = QuickFinder() if finder is None else finder
        return list(run_survey(images, folder, finder=finder, **options))

    return run
