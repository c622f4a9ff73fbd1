# Licensed under a 3-clause BSD style license - see LICENSE.rst

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.utils.exceptions import AstropyUserWarning
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from photutils.segmentation import SegmentationImage
from regions import (
    CircleAnnulusSkyRegion,
    CirclePixelRegion,
    EllipseAnnulusSkyRegion,
    EllipseSkyRegion,
    LineSkyRegion,
    PixCoord,
    PointSkyRegion,
    PolygonSkyRegion,
    RectangleAnnulusSkyRegion,
    RectangleSkyRegion,
    Regions,
)

from astro_vaeclust.matching.areas import (
    CircleArea,
    DifferenceArea,
    HullArea,
    PixelArea,
    shared_and_joint,
)
from astro_vaeclust.matching.references import as_area

from .examples import CENTER, circle, make_wcs, position, square_of_sources

LENS = 2 / 3 - np.sqrt(3) / (2 * np.pi)
"""Fraction of a circle in an equal one whose centre lies on its rim."""


def area(east, north, radius):
    return CircleArea(position(east, north), radius * u.arcsec)


def lens_area(first, second, distance):
    """Area that two circles in a plane share."""
    if distance >= first + second:
        return 0.0
    if distance <= abs(first - second):
        return np.pi * min(first, second) ** 2
    total = 0.0
    for one, other in ((first, second), (second, first)):
        cosine = (distance**2 + one**2 - other**2) / (2 * distance * one)
        angle = np.arccos(np.clip(cosine, -1, 1))
        total += one**2 * (angle - np.sin(2 * angle) / 2)
    return total


def test_circles_through_each_others_centres():
    first, second = area(0, 0, 100), area(100, 0, 100)
    shared, joint = shared_and_joint(first, second)
    assert_allclose(shared / first.area, LENS, rtol=1e-3)
    assert_allclose(joint / first.area, 2 - LENS, rtol=1e-3)


@pytest.mark.parametrize("radius", [0.5, 100, 3600])
def test_an_area_shares_exactly_itself(radius):
    shared, joint = shared_and_joint(area(0, 0, radius), area(0, 0, radius))
    assert shared == joint > 0


def test_what_is_apart_shares_nothing():
    first, second = area(0, 0, 100), area(0, 7200, 50)
    shared, joint = shared_and_joint(first, second)
    assert shared == 0
    assert_allclose(joint.value, np.pi * (100**2 + 50**2), rtol=1e-6)


def test_a_circle_in_a_circle_is_all_shared():
    shared, joint = shared_and_joint(area(0, 0, 100), area(30, 0, 50))
    assert_allclose((shared / joint).value, 0.25, rtol=2e-3)


@settings(max_examples=12, deadline=None)
@given(
    radii=st.tuples(st.floats(5, 300), st.floats(5, 300)),
    offset=st.floats(0, 400),
    angle=st.floats(0, 6.28),
    ra=st.floats(0, 360),
    dec=st.floats(-89, 89),
)
def test_shared_area_of_circles_is_that_of_the_plane(radii, offset, angle, ra, dec):
    here = SkyCoord(ra, dec, unit="deg")
    there = here.directional_offset_by(angle * u.rad, offset * u.arcsec)
    first = CircleArea(here, radii[0] * u.arcsec)
    second = CircleArea(there, radii[1] * u.arcsec)
    shared, joint = shared_and_joint(first, second)
    expected = lens_area(*radii, offset)
    sum_of_both = np.pi * (radii[0] ** 2 + radii[1] ** 2)
    assert_allclose(shared.value, expected, atol=2e-3 * sum_of_both)
    assert_allclose(joint.value, sum_of_both - expected, rtol=4e-3)


def test_the_rim_of_a_circle_belongs_to_it():
    first = CircleArea(SkyCoord(10, 0, unit="deg"), 1 * u.deg)
    sky = SkyCoord([10, 10, 10, 10], [0, 0.999, 1.001, -1.001], unit="deg")
    assert_array_equal(first.contains(sky), [True, True, False, False])


def test_a_large_circle_has_the_area_of_a_cap():
    assert_allclose(
        CircleArea(CENTER, 90 * u.deg).area.to_value(u.sr), 2 * np.pi, rtol=1e-12
    )


def test_positions_belong_to_the_pixel_they_fall_in():
    pixels = np.zeros((4, 6), bool)
    pixels[1, 2] = pixels[3, 5] = True
    wcs = make_wcs(shape=pixels.shape)
    mask = PixelArea(pixels, wcs)
    x = [1.51, 2.49, 2, 2, 1.4, 5.49, 5.51, 5, -0.6]
    y = [1, 1, 1.49, 1.51, 1, 3, 3, 3.51, 1]
    inside = mask.contains(wcs.pixel_to_world(x, y))
    assert_array_equal(
        inside, [True, True, True, False, False, True, False, False, False]
    )
    assert_allclose(mask.area.value, 2, rtol=1e-6)
    assert_allclose(mask.radius.value, np.sqrt(2 / np.pi), rtol=1e-6)


def test_the_far_side_of_the_sky_is_in_nothing():
    far = SkyCoord([CENTER.ra + 180 * u.deg, CENTER.ra], [-CENTER.dec, CENTER.dec])
    mask = PixelArea(np.ones((200, 200), bool), make_wcs())
    box = as_area(RectangleSkyRegion(CENTER, 60 * u.arcsec, 30 * u.arcsec))
    for piece in (mask, box, area(0, 0, 60)):
        assert_array_equal(piece.contains(far), [False, True])


def test_a_mask_of_a_disc_is_like_the_circle():
    y, x = np.indices((200, 200))
    mask = PixelArea(np.hypot(x - 99.5, y - 99.5) < 60, make_wcs())
    shared, joint = shared_and_joint(mask, area(0, 0, 60))
    assert shared / joint > 0.98
    assert mask.center.separation(CENTER) < 0.01 * u.arcsec


def test_hull_of_a_square():
    hull = HullArea(square_of_sources(600, 60)["sky"])
    assert_allclose(hull.area.value, 600**2, rtol=0.01)
    sky = position([0, 299, 301, 0], [0, 299, 0, -40_000])
    assert_array_equal(hull.contains(sky), [True, True, False, False])
    far = SkyCoord(CENTER.ra + 180 * u.deg, -CENTER.dec)
    assert not hull.contains(SkyCoord([far]))[0]


@pytest.mark.parametrize(
    "positions", [(0, 0), ([0, 10], [0, 10]), ([0, 1, 2], [0, 1, 2])]
)
def test_hull_without_extent_has_no_area(positions):
    assert HullArea(position(*np.atleast_1d(*positions))).area < 0.01 * u.arcsec**2


def test_sources_over_half_the_sky_have_no_hull():
    with pytest.raises(ValueError, match="sources spread over"):
        HullArea(SkyCoord([0, 100, 200], [0, 40, -40], unit="deg"))


def test_regions_on_the_sky():
    size = 60 * u.arcsec
    corners = position([-30, 30, 30, -30], [-30, -30, 30, 30])
    shapes = {
        "circle": (circle(0, 0, 30), np.pi * 900),
        "ellipse": (EllipseSkyRegion(CENTER, size, size / 2), np.pi * 450),
        "rectangle": (RectangleSkyRegion(CENTER, size, size / 2), 1800),
        "polygon": (PolygonSkyRegion(corners), 3600),
        "annulus": (
            CircleAnnulusSkyRegion(CENTER, size / 4, size / 2),
            np.pi * (900 - 225),
        ),
        "both": (circle(0, 0, 30) | circle(200, 0, 30), 2 * np.pi * 900),
    }
    for name, (region, expected) in shapes.items():
        measured = as_area(region).area.value
        assert_allclose(measured, expected, rtol=0.01, err_msg=name)
    assert_array_equal(
        as_area(shapes["annulus"][0]).contains(position([0, 20, 40], 0)),
        [False, True, False],
    )


ANGLE = 25 * u.deg
WIDE, HIGH = 300, 100


def own_outline(center, x, y, scale=1.0):
    """Return a polygon with corners in arcsec west and north, turned by `ANGLE`."""
    cos, sin = np.cos(ANGLE), np.sin(ANGLE)
    west, north = scale * (cos * x - sin * y), scale * (sin * x + cos * y)
    frame = center.skyoffset_frame()
    corners = SkyCoord(-west * u.arcsec, north * u.arcsec, frame=frame)
    return as_area(PolygonSkyRegion(corners.transform_to(center.frame)))


def box_corners():
    return np.array([-1, 1, 1, -1]) * WIDE / 2, np.array([-1, -1, 1, 1]) * HIGH / 2


def ellipse_corners():
    angle = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    return np.cos(angle) * WIDE / 2, np.sin(angle) * HIGH / 2


@pytest.mark.parametrize("annulus", [False, True])
@pytest.mark.parametrize("shape", ["box", "ellipse"])
@pytest.mark.parametrize(
    "frame", ["icrs", "fk5", "fk4", "galactic", "barycentricmeanecliptic"]
)
def test_angles_are_those_of_the_frame_of_a_region(frame, shape, annulus):
    center = SkyCoord(120, 35, unit="deg", frame=frame)
    width, height = WIDE * u.arcsec, HIGH * u.arcsec
    corners = box_corners() if shape == "box" else ellipse_corners()
    outline = own_outline(center, *corners)
    if annulus:
        kind = RectangleAnnulusSkyRegion if shape == "box" else EllipseAnnulusSkyRegion
        region = kind(center, width / 2, width, height / 2, height, ANGLE)
        outline = DifferenceArea(outline, [own_outline(center, *corners, scale=0.5)])
    else:
        kind = RectangleSkyRegion if shape == "box" else EllipseSkyRegion
        region = kind(center, width, height, ANGLE)
    shared, joint = shared_and_joint(as_area(region), outline)
    assert_allclose(shared / joint, 1, atol=0.005)
    either = as_area(region | region)
    shared, joint = shared_and_joint(either, outline)
    assert_allclose(shared / joint, 1, atol=0.005)


DS9_FILE = """galactic
circle(173.75,2.69,60")
# text(173.75,2.69) text={cluster}
-circle(173.75,2.69,30")
point(173.76,2.69) # point=x
line(173.75,2.69,173.76,2.69)
-box(173.75,2.7,3600",1",0)
"""


def test_excluded_regions_are_cut_out_and_flat_ones_are_left_out():
    regions = Regions.parse(DS9_FILE, format="ds9")
    with pytest.warns(AstropyUserWarning) as caught:
        ring = as_area(regions)
    place = regions[0].center.icrs.to_string("decimal", precision=5)
    messages = [str(warning.message) for warning in caught]
    assert messages[0] == (
        "reference: region 2 of 6 is left out, since text has no extent: "
        f"at {place} deg (ICRS)"
    )
    assert [" 4 of 6" in messages[1], " 5 of 6" in messages[2]] == [True, True]
    chord = 2 * np.sqrt(60**2 - 36**2)  # of the box, 1 arcsec high
    assert_allclose(ring.area.value, np.pi * (60**2 - 30**2) - chord, rtol=2e-3)
    center = regions[0].center.icrs
    inside = [
        center.directional_offset_by(30 * u.deg, offset * u.arcsec)
        for offset in (0, 29, 31, 59, 61)
    ]
    assert [bool(ring.contains(sky)) for sky in inside] == [0, 0, 1, 1, 0]


def test_references_in_pixels():
    wcs = make_wcs()
    region = CirclePixelRegion(PixCoord(99.5, 99.5), 30)
    assert_allclose(as_area(region, wcs=wcs).area.value, np.pi * 900, rtol=0.01)
    labels = np.zeros((200, 200), int)
    labels[:10, :10], labels[50:60, 50:60] = 1, 7
    both = as_area(SegmentationImage(labels), wcs=wcs)
    assert_allclose(both.area.value, 200, rtol=1e-6)


def excluded(region):
    region.meta["include"] = False
    return region


@pytest.mark.parametrize(
    ("reference", "wcs", "error", "message"),
    [
        ("circle", None, TypeError, "reference takes a region"),
        (CENTER, None, TypeError, "got SkyCoord"),
        (Regions([]), None, ValueError, "takes one region, got 0"),
        (Regions([circle(0, 0, 1)] * 2), None, ValueError, "got 2 with an extent"),
        (excluded(circle(0, 0, 1)), None, ValueError, "is an excluded region"),
        (Regions([excluded(circle(0, 0, 1))]), None, ValueError, "got 0 with an"),
        (
            Regions([circle(0, 0, 1), excluded(circle(0, 0, 2))]),
            None,
            ValueError,
            "no extent: it is all excluded",
        ),
        (circle(0, 0, 1), "wcs", TypeError, "wcs must be an astropy"),
        (CirclePixelRegion(PixCoord(1, 1), 3), None, ValueError, "wcs is needed"),
        (SegmentationImage(np.eye(3, dtype=int)), None, ValueError, "wcs is needed"),
        (
            SegmentationImage(np.eye(3, dtype=int)),
            make_wcs(),
            ValueError,
            r"\(200, 200\).*\(3, 3\)",
        ),
        (PointSkyRegion(CENTER), None, ValueError, "no extent"),
        (LineSkyRegion(CENTER, position(9, 9)), None, ValueError, "no extent"),
    ],
)
def test_references_that_cannot_be_used(reference, wcs, error, message):
    with pytest.raises(error, match=message):
        as_area(reference, wcs=wcs)
