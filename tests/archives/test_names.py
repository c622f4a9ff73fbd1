# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Positions of objects by their names."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from astro_vaeclust.archives import resolve
from astro_vaeclust.archives.names import iras_position

# Name and middle of its box, in the paper's Table I (ICRS, degrees).
IRAS_FIELDS = [
    ("06055+2039", 92.1330, 20.6498),
    ("05274+3345", 82.6876, 33.7957),
    ("05345+3157", 84.4509, 31.9872),
    ("05358+3543", 84.8024, 35.7522),
    ("05490+2658", 88.0447, 26.9864),
    ("05553+1631", 89.5607, 16.5289),
    ("06056+2131", 92.1628, 21.5163),
    ("06061+2151", 92.2897, 21.8490),
]


@pytest.mark.parametrize(("name", "ra", "dec"), IRAS_FIELDS)
def test_iras_names_stand_for_boxes(name, ra, dec):
    position = resolve(f"IRAS {name}")
    assert position.source == "IRAS name"
    expected = SkyCoord(ra, dec, unit="deg")
    assert position.coordinates.separation(expected) < 0.5 * u.arcsec
    across, along = position.uncertainty
    assert along == 30 * u.arcsec
    assert across.to_value(u.arcsec) == pytest.approx(
        45 * np.cos(np.radians(dec)), 0.01
    )


def test_iras_names_of_the_south_are_cut_off_towards_the_equator():
    frame = "fk4"
    north = iras_position("IRAS 12000+0000").coordinates.transform_to(frame)
    south = iras_position("IRAS 12000-0000").coordinates.transform_to(frame)
    assert (north.dec - south.dec).arcmin == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("name", ["IRAS 25000+0000", "IRAS 06600+2039", "IRAS 0605"])
def test_impossible_iras_names_are_refused(name):
    with pytest.raises(ValueError, match="name must"):
        iras_position(name)


@pytest.mark.parametrize(
    "text",
    [
        "275.12 -16.18",
        "275.12d -16.18d",
        "18h20m28.8s -16d10m48s",
        "18:20:28.8 -16:10:48",
        "18 20 28.8 -16 10 48",
    ],
)
def test_coordinates_as_text(text):
    expected = SkyCoord(275.12, -16.18, unit="deg")
    assert resolve(text).coordinates.separation(expected) < 1 * u.arcsec


@pytest.mark.parametrize(
    ("position", "error"),
    [
        ("", ValueError),
        ("x" * 101, ValueError),
        ("M\x0017", ValueError),
        (SkyCoord([1, 2], [3, 4], unit="deg"), ValueError),
        (SkyCoord(np.nan, 0, unit="deg"), ValueError),
        ((1, 2), TypeError),
    ],
)
def test_bad_positions_are_refused(position, error):
    with pytest.raises(error, match="position must"):
        resolve(position)
