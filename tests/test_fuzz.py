# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Broken files end in a result, or in an error that names the argument to blame."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .endings import differs_silently, search
from .mutations import MUTATIONS, mutated

NAMES = st.lists(st.sampled_from(sorted(MUTATIONS)), min_size=1, max_size=3)
SEEDS = st.integers(0, 2**31 - 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("broken")


def assert_ends_well(names, seed, folder):
    file = mutated(names, seed)
    path = folder / "broken.fits"
    path.write_bytes(file.to_bytes())
    ending = search(path)
    assert ending.kind in ("result", "typed error"), ending
    assert not differs_silently(file, ending, folder), ending


def test_the_clean_file_has_one_cluster(folder):
    path = folder / "clean.fits"
    path.write_bytes(mutated((), 0).to_bytes())
    ending = search(path)
    assert len(ending.found) == 1
    assert not ending.warned


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_changes_the_file(name):
    clean = mutated((), 0).to_bytes()
    assert any(mutated((name,), seed).to_bytes() != clean for seed in range(5))


@pytest.mark.parametrize("name", MUTATIONS)
@pytest.mark.parametrize("seed", range(2))
def test_every_mutation_ends_well(name, seed, folder):
    assert_ends_well((name,), seed, folder)


@pytest.mark.parametrize(
    ("names", "seed"),
    [
        (("tiny_image", "more_axes"), 620139940),  # three planes of one row
        (("compress_file", "retype_card"), 852145468),  # SIMPLE is text
        (("constant_image", "garble_card"), 705029380),  # bytes that are not ASCII
        (("drop_card",), 1287659881),  # no CRVAL1
        (("duplicate_card",), 1215554792),  # two different CRVAL2
    ],
)
def test_what_went_wrong_before_ends_well(names, seed, folder):
    assert_ends_well(names, seed, folder)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(names=NAMES, seed=SEEDS)
def test_a_broken_file_ends_well(names, seed, folder):
    assert_ends_well(names, seed, folder)
