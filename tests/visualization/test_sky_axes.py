# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest
from astropy.wcs import WCS
from matplotlib.figure import Figure

from astro_vaeclust.visualization.sky_axes import draw_scale_bar, north_and_east


def rotated(angle, parity=-1, dec=-16.0, scale=1.0):
    """Return a WCS whose north is turned by an angle from up towards the left."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [0.0, dec]
    wcs.wcs.crpix = [51, 51]
    c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    turn = np.array([[c, -s], [s, c]])
    wcs.wcs.cd = scale / 3600 * np.diag([parity, 1]) @ turn.T
    return wcs


@pytest.mark.parametrize("parity", [-1, 1])
@pytest.mark.parametrize("angle", [0, 35, 180, 270])
def test_compass_follows_rotation_and_parity(angle, parity):
    turn = np.deg2rad(angle)
    north, east = north_and_east(rotated(angle, parity), 50, 50, 10)
    assert north == pytest.approx([-10 * np.sin(turn), 10 * np.cos(turn)], abs=0.01)
    left = parity * np.array([np.cos(turn), np.sin(turn)]) * 10
    assert east == pytest.approx(left, abs=0.01)


@pytest.mark.parametrize("dec", [-90.0, 90.0, 0.0])
def test_compass_at_the_poles_and_at_right_ascension_zero(dec):
    north, east = north_and_east(rotated(0, dec=dec), 30, 70, 10)
    assert np.hypot(*north) == pytest.approx(10)
    assert north @ east == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(("scale", "text", "pixels"), [(1, '20"', 20), (10, "2'", 12)])
def test_scale_bar_has_a_round_length(scale, text, pixels):
    wcs = rotated(20, scale=scale)
    ax = Figure().add_subplot(projection=wcs)
    draw_scale_bar(ax, wcs, (100, 100))
    (bar,) = ax.lines
    assert np.ptp(bar.get_xdata()) == pytest.approx(pixels, rel=1e-3)
    assert [label.get_text() for label in ax.texts] == [text]
