# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Bands have one name, however a file or a person calls them."""

import pytest

from astro_vaeclust.utils.bands import BANDS, band_of, known_band, stated_band


@pytest.mark.parametrize("name", ["k", "Ks", "K", "K_s", "Kshort", " k "])
def test_names_of_a_band(name):
    assert band_of(name) == known_band(name) == "Ks"


@pytest.mark.parametrize(
    "name",
    [
        *("K98", "Ks.WC8302", "K + clear", "Open + Ks", "k_G0204", "clear+K"),
        *("K98 + clear", "clear1 + K", "K(short)", "K short", "Ks-band", "(open)+Ks"),
        *("KXs", "Ks__(2.15)", "hole + K", "K,clear", "K/open", "Open&Ks_G0804"),
        *("2MASS Ks", "VISTA Ks", "UKIDSS K", "vista_ks", "NIRI K + clear"),
        *("K-98", "K(98)", "(K98)", "K (band)", "(Ks.WC8302)", "K-G0204", "(K_G0204)"),
    ],
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
        *("2MASS", "VISTA Y", "2MASS H2", "UKIDSS J-K"),
        *("HG1", "H (1.644)", "K (2.122)", "J/H", "n/a", "98"),
    ],
)
def test_other_filters_are_of_no_band(name):
    assert known_band(name) is None


@pytest.mark.parametrize(
    ("cards", "band"),
    [
        ({"FILTER": "k"}, "Ks"),
        ({"FILTER": "OPEN1", "BAND": "J98 + clear"}, "J"),
        ({"FILTER": "open+open", "FILTER1": "-", "FILTER2": "H"}, "H"),
        ({"FILTER1": "J", "FILTER2": "J"}, "J"),
        ({"FILTER1": "J", "FILTER2": "NB119", "BAND": " "}, "J + NB119"),
        ({"ESO INS FILT1 NAME": "Ks", "ESO INS FILT2 NAME": "dark"}, "Ks + dark"),
        ({"FILTER": " F125W "}, "F125W"),
        ({"FILTER": 1, "BAND": None}, ""),
        ({"FILTER": "NOFILTER", "BAND": "J"}, "J"),
        ({"FILTER": "N/A", "BAND": "undefined", "FILTER1": "H"}, "H"),
        ({"FILTER01": "HOLE", "FILTER02": "Ks"}, "Ks"),
        ({"FORE": "OPEN", "AFT": "J__(1.25)"}, "J"),
    ],
)
def test_the_band_of_a_header(cards, band):
    assert stated_band(cards) == band


def test_an_unknown_band_names_the_argument():
    with pytest.raises(ValueError, match="reference must be one of J, H, Ks, got 'Y'"):
        band_of("Y", "reference")
