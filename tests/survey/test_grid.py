# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS

from astro_vaeclust.survey.geometry import in_pixels
from astro_vaeclust.survey.grid import (
    MAX_FRAME,
    SIDES,
    SkyGrid,
    SurveyGrid,
    fields_of,
    pixel_grid,
)


def make_wcs(ra, dec, scale=1.0, shape=(600, 400), turn=0.0, kind="RA---TAN,DEC--TAN"):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = kind.split(",")
    wcs.wcs.crval = ra, dec
    wcs.wcs.crpix = (shape[1] + 1) / 2, (shape[0] + 1) / 2
    cos, sin = np.cos(turn), np.sin(turn)
    wcs.wcs.cd = np.array([[-cos, sin], [sin, cos]]) * scale / 3600
    wcs.array_shape = shape
    return wcs


@pytest.mark.parametrize("side", [*SIDES, 2.0, 8.0])
def test_every_place_has_one_owner_which_holds_it(side):
    grid = SkyGrid(side)
    rng = np.random.default_rng(0)
    ra = rng.uniform(0, 360, 300)
    dec = np.degrees(np.arcsin(rng.uniform(-1, 1, 300)))
    dec[:4] = -90, 90, -89.99, 89.99
    ra[4:6], dec[6] = (0, 360), 0
    for index, one_ra, one_dec in zip(grid.locate(ra, dec), ra, dec, strict=True):
        field = grid.field(index)
        assert field.index == index
        assert field.depth(one_ra, one_dec) >= -1e-6
        width = (field.ra[1] - field.ra[0]) * np.cos(np.radians(one_dec))
        assert width <= side * 1.0001
        assert grid.locate(*field.center) == index


def test_names_are_unique():
    grid = SkyGrid(0.5)
    n_fields = int(grid.locate(359.999, 90)) + 1
    assert len({grid.field(index).name for index in range(n_fields)}) == n_fields
    area = 4 * 180**2 / np.pi
    assert n_fields == pytest.approx(area / 0.25, rel=0.01)


def test_depth_is_the_distance_to_the_nearest_side():
    field = SkyGrid(0.5).field(SkyGrid(0.5).locate(275.12, -16.18))
    ra, dec = field.center
    assert field.depth(ra, dec) == pytest.approx(900, rel=0.02)
    assert field.depth(ra, field.dec[1] - 10 / 3600) == pytest.approx(10)
    assert field.depth(ra, field.dec[1] + 10 / 3600) == pytest.approx(-10)
    east = field.ra[1] + 10 / 3600 / np.cos(np.radians(dec))
    assert field.depth(east, dec) == pytest.approx(-10)


def test_a_field_at_ra_0_and_one_at_the_pole_know_what_is_beyond():
    grid = SkyGrid(0.5)
    first = grid.field(grid.locate(0.1, 0.1))
    assert first.depth(359.999, 0.25) == pytest.approx(-3.6, abs=1e-3)
    pole = grid.field(grid.locate(10, 89.9))
    assert pole.depth(pole.center[0], 90.0) > -1e-6


@pytest.mark.parametrize(
    ("scale", "side"), [(2.0, 0.5), (1.0, 0.5), (0.6, 0.5), (0.34, 0.25), (0.2, 0.125)]
)
def test_frames_are_small_enough(scale, side):
    grid = SurveyGrid.from_scale(scale, 0.6)
    assert grid.side == side
    frame = grid.frame(grid.sky.field(grid.sky.locate(100, -30)))
    assert max(frame.shape) <= MAX_FRAME + 8
    assert min(frame.shape) * scale >= 0.99 * 3600 * side + 2 * grid.margin


@pytest.mark.parametrize("turn", [0.0, 0.6])
@pytest.mark.parametrize("dec", [0.1, -16.2, 75.0, 89.8, -90.0])
@pytest.mark.parametrize("ra", [0.02, 187.3])
def test_the_fields_of_an_image_are_those_of_its_pixels(ra, dec, turn):
    shape = (900, 700)
    wcs = make_wcs(ra, dec, shape=shape, turn=turn)
    grid = SurveyGrid.from_scale(1.0, 0.6, side=0.0625)
    indices, owned = fields_of(wcs, shape, grid)
    y, x = np.mgrid[: shape[0] : 7, : shape[1] : 7]
    sky = wcs.pixel_to_world(x.ravel(), y.ravel())
    expected = set(grid.sky.locate(sky.ra.deg, sky.dec.deg))
    assert expected <= set(indices[owned])
    assert len(indices[owned]) <= len(expected) + max(3, 0.35 * len(expected))
    near = {int(index) for index in indices}
    for index in expected:  # whoever sees a pixel in its frame has the image
        frame = grid.frame(grid.sky.field(index))
        assert index in near
        corner = frame.wcs.pixel_to_world(frame.shape[1] / 2, 0)
        assert corner.separation(sky).min().arcsec < 3600


def test_many_fields_of_an_image_are_looked_up_at_once(monkeypatch):
    asked = []

    def counted(wcs, sky):
        asked.append(len(sky))
        return in_pixels(wcs, sky)

    monkeypatch.setattr("astro_vaeclust.survey.grid.in_pixels", counted)
    wcs = make_wcs(100, -30, shape=(4000, 4000))
    grid = SurveyGrid.from_scale(1.0, 0.6, side=0.0625)
    indices, owned = fields_of(wcs, (4000, 4000), grid)
    assert owned.sum() > 300
    assert len(asked) == 2
    assert min(asked) > len(indices)


def test_galactic_images_have_fields_in_right_ascension():
    wcs = make_wcs(14.0, -0.5, kind="GLON-TAN,GLAT-TAN")
    grid = SurveyGrid.from_scale(1.0, 0.6, side=0.125)
    indices, owned = fields_of(wcs, (600, 400), grid)
    center = SkyCoord(14.0, -0.5, unit="deg", frame="galactic").icrs
    assert grid.sky.locate(center.ra.deg, center.dec.deg) in indices[owned]


def test_parts_of_an_image_are_on_one_grid_and_others_are_not():
    whole = make_wcs(275.1, -16.2)
    part = whole.slice((slice(100, 300), slice(17, 222)))
    assert pixel_grid(part) == pixel_grid(whole)
    moved = whole.deepcopy()
    moved.wcs.crpix += 0.5
    assert pixel_grid(moved) != pixel_grid(whole)
    assert pixel_grid(make_wcs(275.2, -16.2)) != pixel_grid(whole)


def test_the_frame_of_one_grid_is_a_part_of_it():
    whole = make_wcs(275.1, -16.2, turn=0.3)
    grid = SurveyGrid.from_scale(1.0, 0.6, side=0.0625, pixels=pixel_grid(whole))
    frame = grid.frame(grid.sky.field(grid.sky.locate(275.1, -16.2)))
    shift = frame.wcs.wcs.crpix - whole.wcs.crpix
    np.testing.assert_allclose(shift, np.round(shift), atol=1e-6)
    sky = whole.pixel_to_world(10, 20)
    there = np.array(frame.wcs.world_to_pixel(sky))
    np.testing.assert_allclose(there - shift, [10, 20], atol=1e-6)
