# Licensed under a 3-clause BSD style license - see LICENSE.rst
import pickle

import pytest

from astro_vaeclust.measure.flags import ClusterFlags


def test_each_bit_is_one_bit_with_a_meaning():
    for position, flag in enumerate(ClusterFlags):
        assert flag.value == 1 << position
        assert flag.meaning


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOUCHES_EDGE", 1),
        ("MASKED", 2),
        ("NEAR_BRIGHT_STAR", 4),
        ("ONE_SCALE", 8),
        ("LARGE", 16),
        ("LOSSY_INPUT", 32),
        ("DISTORTED", 64),
        ("POSTERIOR_COLLAPSE", 128),
        ("OUT_OF_CALIBRATION", 256),
    ],
)
def test_values_in_files_keep_their_meaning(name, value):
    assert ClusterFlags[name] == value


def test_describe_names_the_set_bits_only():
    text = ClusterFlags.describe(ClusterFlags.TOUCHES_EDGE | ClusterFlags.LARGE)
    assert text == f"{ClusterFlags(1).meaning}; {ClusterFlags(16).meaning}"
    assert ClusterFlags.describe(0) == ""


@pytest.mark.parametrize("value", [-1, 512, 1 + 1024])
def test_describe_refuses_what_is_not_declared(value):
    with pytest.raises(ValueError, match=f"flags={value}"):
        ClusterFlags.describe(value)


def test_combined_flags_pickle():
    flags = ClusterFlags.MASKED | ClusterFlags.ONE_SCALE
    assert pickle.loads(pickle.dumps(flags)) == flags


def test_legend_has_every_bit():
    for flag in ClusterFlags:
        assert f"{flag.value}: {flag.meaning}" in ClusterFlags.legend()
