# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Bands have one name, however a file or a person calls them."""

import pytest

from astro_vaeclust.utils.bands import BANDS, band_of, known_band


@pytest.mark.parametrize(
    "name",
    [
        "k",
        "Ks",
        "K",
        "K_s",
        "Kshort",
        " k ",
        "K98",
        "Ks.WC8302",
        "K + clear",
        "k_G0204",
    ],
)
def test_names_of_a_band(name):
    assert band_of(name) == "Ks"


def test_each_band_is_its_own_name():
    assert [band_of(band) for band in BANDS] == ["J", "H", "Ks"]


@pytest.mark.parametrize(
    "name", ["Y", "F125W", "H alpha", "Halpha", "H2", "Y+J", "J-K", "K cont", "J + H"]
)
def test_other_filters_are_of_no_band(name):
    assert known_band(name) is None


def test_an_unknown_band_names_the_argument():
    with pytest.raises(ValueError, match="reference must be one of J, H, Ks, got 'Y'"):
        band_of("Y", "reference")
