# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A model trained in miniature by the command, once for all tests."""

import pytest

from astro_vaeclust.cli import main

SMALL = [
    *("--tiles", "3", "--nulls", "1", "--steps", "8", "--side", "64", "--seed", "5"),
    *("--surveys", "2mass-ks,vvv-ks", "--quiet"),
]


@pytest.fixture(scope="session")
def train():
    """Run the command with a model, a folder and further options; return its code."""

    def run(model, folder, *options):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("astro_vaeclust.training.loop.N_STATISTICS", 2)
            return main(
                ["train", str(model), "--folder", str(folder), *SMALL, *options]
            )

    return run


@pytest.fixture(scope="session")
def trained(train, tmp_path_factory):
    """Model and folder of a training; neither is to be changed."""
    folder = tmp_path_factory.mktemp("trained")
    assert train(folder / "model.pt", folder / "work") == 0
    return folder / "model.pt", folder / "work"
