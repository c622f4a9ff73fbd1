# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Bands have one name, however a file or a person calls them."""

import pytest

from astro_vaeclust.utils.bands import BANDS, band_of


@pytest.mark.parametrize("name", ["k", "Ks", "K", "K_s", "Kshort", " k "])
def test_names_of_a_band(name):
    assert band_of(name) == "Ks"


def test_each_band_is_its_own_name():
    assert [band_of(band) for band in BANDS] == ["J", "H", "Ks"]


def test_an_unknown_band_names_the_argument():
    with pytest.raises(ValueError, match="reference must be one of J, H, Ks, got 'Y'"):
        band_of("Y", "reference")
