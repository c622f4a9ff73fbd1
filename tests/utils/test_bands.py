# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Bands have one name, however a file or a person calls them."""

import pytest

from astro_vaeclust.utils.bands import BANDS, band_of, known_band


@pytest.mark.parametrize("name", ["k", "Ks", "K", "K_s", "Kshort", " k "])
def test_names_of_a_band(name):
    assert band_of(name) == known_band(name) == "Ks"


@pytest.mark.parametrize(
    "name", ["K98", "Ks.WC8302", "K + clear", "Open + Ks", "k_G0204", "clear+K"]
)
def test_what_instruments_add_to_the_name_of_a_filter(name):
    assert known_band(name) == "Ks"
    with pytest.raises(ValueError, match="band must be one of"):
        band_of(name)


def test_each_band_is_its_own_name():
    assert [band_of(band) for band in BANDS] == ["J", "H", "Ks"]


@pytest.mark.parametrize(
    "name",
    [
        *("Y", "F125W", "H alpha", "Halpha", "H2", "Y+J", "J-K", "K cont", "J + H"),
        *("K_H2", "K.H2", "H_FE2", "J.NB119", "K_NB2166", "J_1", "open"),
    ],
)
def test_other_filters_are_of_no_band(name):
    assert known_band(name) is None


def test_an_unknown_band_names_the_argument():
    with pytest.raises(ValueError, match="reference must be one of J, H, Ks, got 'Y'"):
        band_of("Y", "reference")
