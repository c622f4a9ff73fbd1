# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Positions of objects by their names."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from astro_vaeclust.archives import names, resolve
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
        "18h 20m 28.8s -16d 10m 48s",
        "18 20 28.8 -16 10 48",
        "18:20:28.8 -16 10 48",
        "18h20m28.8s -16 10 48",
        "275.12, -16.18",
        "275.12,-16.18",
        "275.12-16.18",
        "275.12 \N{MINUS SIGN}16.18",
        "275.12deg -16.18 deg",
        "2.7512e2 -1.618e1",
        "-84.88 -16.18",
        "18:20:28.8, -16:10:48",
        "18 20 28.8, -16 10 48",
        "18h 20m 28.8s, -16\N{DEGREE SIGN} 10\N{PRIME} 48\N{DOUBLE PRIME}",
        "(275.12, -16.18)",
        "275.12; -16.18",
        "275.12 -16.18 ICRS",
        "18:20:28.8 -16:10:48 (J2000)",
    ],
)
def test_coordinates_as_text(text):
    expected = SkyCoord(275.12, -16.18, unit="deg")
    assert resolve(text).coordinates.separation(expected) < 1 * u.arcsec


@pytest.mark.parametrize(
    ("text", "ra", "dec"),
    [
        ("18 20 -16 10", 275, -16 - 1 / 6),
        ("18 20 16 10", 275, 16 + 1 / 6),
        ("18 20, 16 10", 275, 16 + 1 / 6),
        ("18:20 -16:10", 275, -16 - 1 / 6),
        ("18 20 30 -16 10", 275.125, -16 - 1 / 6),
        ("18 20 -16 10 30", 275, -16.175),
        ("18 20 30, 16 10", 275.125, 16 + 1 / 6),
        ("18 20.5 -0 10", 275.125, -1 / 6),
    ],
)
def test_hours_and_degrees_without_seconds(text, ra, dec):
    expected = SkyCoord(ra, dec, unit="deg")
    assert resolve(text).coordinates.separation(expected) < 1e-6 * u.arcsec


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("400 10", "position must be possible coordinates, got '400 10'"),
        ("275.12 -95", "must be possible"),
        ("275.12, 95", "must be possible"),
        ("182028.8-161048", "must be possible"),
        ("18 20 -96 10", "must be possible"),
        ("25 20 -16 10", "got '25 20 -16 10': An invalid value for 'hours'"),
        ("18 61 00 -16 10 48", "invalid value for 'minute'"),
        ("18h61m -16d10m", "invalid value for 'minute'"),
        ("18,5 -16,2", "takes right ascension and declination"),
        ("18:20 -16.18", "takes right ascension and declination"),
        ("18 20 -16", "takes right ascension and declination"),
        ("18 20 30 16 10", "takes right ascension and declination"),
        ("275.12", "takes right ascension and declination"),
        ("275.12 -16.18 3.5", "takes right ascension and declination"),
    ],
)
def test_impossible_coordinates_are_refused_and_never_looked_up(
    text, message, monkeypatch
):
    monkeypatch.setattr(names, "_simbad_position", pytest.fail)
    with pytest.raises(ValueError, match=message):
        resolve(text)


@pytest.mark.parametrize(
    "name",
    ["3C 273", "47 Tuc", "2E 1234", "4U 1820-30", "1E 1740.7-2942", "[DBS2003] 9"],
)
def test_names_that_begin_with_a_number_are_looked_up(name, monkeypatch):
    center = SkyCoord(1, 2, unit="deg")
    monkeypatch.setattr(names, "_simbad_position", {name: center}.get)
    assert resolve(name).coordinates is center


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
