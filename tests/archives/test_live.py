# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The live services, one test each; run with ``pytest --remote-data``.

They say whether the addresses, collections and columns are still what the package
expects.
"""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from astro_vaeclust.archives import UKIDSS, VISTA, Cone, TwoMASS, cuts, resolve
from astro_vaeclust.archives.areas import Box
from astro_vaeclust.archives.standard_columns import standardise

pytestmark = [
    pytest.mark.remote_data,
    pytest.mark.usefixtures("empty_cache"),
    # what live services send is beyond our control
    pytest.mark.filterwarnings("default"),
]

FIELD = SkyCoord(92.133, 20.65, unit="deg")
PLANE = SkyCoord(278.668, -9.0105, unit="deg")
BULGE = SkyCoord(266.0, -31.0, unit="deg")


def assert_has_sources(native, band, center):
    cone = Cone.from_center(center, 2 * u.arcmin)
    catalog = standardise(native, band=band, cone=cone)
    assert cone.contains(catalog["sky"]).sum() > 5
    assert np.isfinite(catalog["mag"]).sum() > 5
    return catalog


def test_sources_of_irsa():
    native = TwoMASS()._sources_of_archive(Cone.from_center(FIELD, 2 * u.arcmin))
    catalog = assert_has_sources(native, "Ks", FIELD)
    assert cuts.paper(catalog).any()


def test_sources_of_2mass_at_vizier():
    native = TwoMASS()._sources_of_vizier(Cone.from_center(FIELD, 2 * u.arcmin))
    catalog = assert_has_sources(native, "Ks", FIELD)
    assert cuts.paper(catalog).any()


def test_images_of_irsa_by_sia_version_2():
    image = TwoMASS()._image_by_sia2(Box.from_center(FIELD, 3 * u.arcmin), "Ks")
    assert np.isfinite(image.data).mean() > 0.99


def test_images_of_irsa_by_the_older_sia():
    image = TwoMASS()._image_by_old_sia(Box.from_center(FIELD, 3 * u.arcmin), "Ks")
    assert np.isfinite(image.data).mean() > 0.99


def test_sources_of_wsa():
    native = UKIDSS()._sources_of_archive(Cone.from_center(PLANE, 2 * u.arcmin))
    catalog = assert_has_sources(native, "K", PLANE)
    assert cuts.paper(catalog).any()


def test_sources_of_ukidss_at_vizier():
    survey = UKIDSS()
    cone = Cone.from_center(PLANE, 2 * u.arcmin)
    native = survey._sources_of_vizier(cone)
    catalog = assert_has_sources(native, "K", PLANE)
    assert cuts.paper(catalog).any()


def test_images_of_wsa():
    image = UKIDSS().get_image(PLANE, size=1 * u.arcmin)
    assert np.isfinite(image.data).mean() > 0.9


def test_sources_of_vsa():
    native = VISTA()._sources_of_archive(Cone.from_center(BULGE, 1 * u.arcmin))
    assert_has_sources(native, "Ks", BULGE)


def test_sources_of_vvv_at_vizier():
    survey = VISTA()
    cone = Cone.from_center(BULGE, 1 * u.arcmin)
    native = survey._sources_of_vizier(cone)
    assert_has_sources(native, "Ks", BULGE)


def test_images_of_vsa():
    image = VISTA().get_image(BULGE, size=1 * u.arcmin)
    assert np.isfinite(image.data).mean() > 0.9


def test_names_of_simbad():
    position = resolve("M 17")
    assert (
        position.coordinates.separation(SkyCoord(275.2, -16.17, unit="deg")) < 1 * u.deg
    )
