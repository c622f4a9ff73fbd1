# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The size of pixels on the sky is that where they are."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import NDData
from astropy.utils.exceptions import AstropyUserWarning
from astropy.wcs import WCS, DistortionLookupTable
from astropy.wcs.utils import proj_plane_pixel_area
from numpy.testing import assert_allclose

from astro_vaeclust.images.celestial import pixel_area, pixel_axis_ratio
from astro_vaeclust.images.read import open_image, read_image
from astro_vaeclust.images.write import write_image

ARCSEC2 = 3600**2


def far_wcs(code, distance, scale=1 / 3600):
    """A WCS whose image is so many degrees to the north of the reference point."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"RA---{code}", f"DEC--{code}"]
    wcs.wcs.crval = [30, 0]
    wcs.wcs.cdelt = [-scale, scale]
    wcs.wcs.crpix = [24.5, 16.5]
    if code == "CEA":
        wcs.wcs.set_pv([(2, 1, 1.0)])
    _, y = wcs.world_to_pixel_values(30, distance)
    wcs.wcs.crpix = [24.5, 16.5 - (y - 15.5)]
    return wcs


FACTORS = {
    ("TAN", 30): np.cos(np.pi / 6) ** 3,
    ("CAR", 60): 0.5,
    ("MER", 60): 0.25,
    ("CEA", 60): 1,
    ("STG", 40): np.cos(np.pi / 9) ** 4,
    ("SIN", 40): 1 / np.cos(np.pi / 4.5),
    ("ZEA", 60): 1,
}


@pytest.mark.filterwarnings("ignore:wcs. on the sky, pixels are")
@pytest.mark.parametrize(("code", "distance"), FACTORS)
def test_area_far_from_the_reference_point(code, distance, sky_image):
    wcs = far_wcs(code, distance)
    image = read_image(sky_image, wcs=wcs)
    factor = FACTORS[code, distance]
    assert_allclose(image.pixel_area.value, factor, rtol=1e-3)
    assert_allclose(image.pixel_area_at(23.5, 15.5).value, factor, rtol=1e-3)
    with open_image(sky_image, wcs=wcs) as source:
        part = source.part(np.s_[3:20, 5:30])
    assert_allclose(part.pixel_area, image.pixel_area, rtol=1e-9)


def test_area_near_the_reference_point_is_exactly_that_there(celestial_wcs):
    x = np.array([0.0, 1000, 5000])
    expected = proj_plane_pixel_area(celestial_wcs)
    assert (pixel_area(celestial_wcs, x, x) == expected).all()
    assert pixel_area(celestial_wcs, 30000.0, 0.0) != expected


@pytest.mark.parametrize("angle", [0, 30, 90])
@pytest.mark.parametrize("ratio", [1, 1.1, 1.5, 4])
def test_pixels_that_are_no_squares_warn(ratio, angle, sky_image, celestial_wcs):
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    celestial_wcs.wcs.cdelt = -ratio / 3600, 1 / 3600
    celestial_wcs.wcs.pc = [[cos, -sin], [sin, cos]]
    assert_allclose(pixel_axis_ratio(celestial_wcs, 23.5, 15.5), ratio, rtol=1e-6)
    if ratio < 1.2:
        read_image(sky_image, wcs=celestial_wcs)
    else:
        with pytest.warns(AstropyUserWarning, match=f"{ratio} times as long as wide"):
            read_image(sky_image, wcs=celestial_wcs)


def test_sheared_pixels_warn(sky_image, celestial_wcs):
    celestial_wcs.wcs.pc = [[1, 0.5], [0, 1]]
    with pytest.warns(AstropyUserWarning, match="as long as wide"):
        read_image(sky_image, wcs=celestial_wcs)


@pytest.mark.filterwarnings("ignore:wcs. on the sky, pixels are")
def test_what_can_be_cards_goes_into_the_header(celestial_wcs, tmp_path):
    meta = {"MAGZP": 20.1, "FILTER": "Ks", "bands": ["J"], "origin": "a survey"}
    image = NDData(np.zeros((20, 30)), wcs=celestial_wcs, meta=meta)
    write_image(image, tmp_path / "tile.fits")
    header = fits.getheader(tmp_path / "tile.fits")
    assert (header["MAGZP"], header["FILTER"]) == (20.1, "Ks")
    assert not {"BANDS", "ORIGIN", "VAECLUST"} & set(header)


@pytest.mark.parametrize("kind", ["cpdis", "det2im"])
def test_lookup_tables_are_written_beside_an_image(kind, celestial_wcs, tmp_path):
    size = (32, 48)
    table = DistortionLookupTable(
        np.full((40, 60), 4, dtype=np.float32), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0)
    )
    for axis in (1, 2):
        setattr(celestial_wcs, f"{kind}{axis}", table)
    celestial_wcs.array_shape = size
    pixels = np.random.default_rng(0).normal(size=size)
    image = NDData(pixels, wcs=celestial_wcs)
    write_image(image, tmp_path / "heat.fits")
    again = read_image(tmp_path / "heat.fits")
    expected = celestial_wcs.pixel_to_world_values(20, 10)
    assert_allclose(again.wcs.pixel_to_world_values(20, 10), expected, rtol=1e-12)
