# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Each null and each artefact leaves its mark, and nothing else changes."""

import astropy.units as u
import numpy as np
import pytest

from astro_vaeclust.simulation import NULLS, SURVEYS, simulate_tile
from astro_vaeclust.simulation.artefacts import ARTEFACTS, paint_artefacts
from astro_vaeclust.simulation.observation import saturate

SHAPE = (400, 400)


def tile(*nulls, density=0.0, **settings):
    return simulate_tile(
        shape=SHAPE,
        density=density,
        extinction=0 * u.mag,
        artefacts=(),
        noise=False,
        nulls=nulls,
        seed=21,
        **settings,
    )


def change(kind):
    difference = tile(kind).image.data - tile().image.data
    return np.nan_to_num(difference)


def where(mock):
    (row,) = mock.nulls
    radius = row["radius"].to_value(u.arcsec)
    return row["x_center"], row["y_center"], radius


@pytest.mark.parametrize("kind", NULLS)
def test_null_is_in_the_table_and_no_cluster(kind):
    mock = tile(kind)
    assert list(mock.nulls["kind"]) == [kind]
    x, y, radius = where(mock)
    assert 0 < x < 400
    assert 0 < y < 400
    assert radius > 0
    assert len(mock.clusters) == 0
    assert not mock.stars["is_member"].any()


SHINING = [
    "nebula",
    "galaxy",
    "galaxy-group",
    "bright-star",
    "bright-group",
    "double-star",
    "asterism",
]


@pytest.mark.parametrize("kind", SHINING)
def test_null_shines_at_its_place(kind):
    x, y, radius = where(tile(kind))
    light = change(kind)
    rows, columns = np.mgrid[:400, :400]
    inner = np.hypot(columns - x, rows - y) < radius
    assert light.max() > 5
    assert light[inner].sum() > 0.5 * light.sum()


def test_nebula_has_no_stars():
    assert len(tile("nebula").stars) == len(tile().stars)


def test_double_star_is_two_stars():
    x, y, _ = where(tile("double-star"))
    stars = tile("double-star").stars
    near = stars[np.hypot(stars["x"] - x, stars["y"] - y) < 10]
    assert len(near) == 2


def test_extinction_window_has_more_stars_than_its_surroundings():
    mock = tile("extinction-window", density=5.2)
    x, y, radius = where(mock)
    distance = np.hypot(mock.stars["x"] - x, mock.stars["y"] - y)
    bright = mock.stars["mag"] < 15 * u.mag
    inside = np.sum(bright & (distance < 0.8 * radius)) / 0.64
    around = np.sum(bright & (distance > 1.4 * radius) & (distance < 2 * radius)) / 2.04
    assert inside > 1.5 * around


def test_edge_is_a_step_of_the_sky():
    step = change("edge")
    values = np.unique(np.round(step[:, 8:-8], 2))
    assert len(values) == 2
    assert 0.5 < np.abs(values).max() < 8


def test_asterism_is_a_few_bright_stars():
    x, y, radius = where(tile("asterism"))
    stars = tile("asterism").stars
    near = stars[np.hypot(stars["x"] - x, stars["y"] - y) < radius]
    assert 3 <= len(near) <= 5
    assert np.all(near["mag"] < 12 * u.mag)


def test_dark_cloud_takes_stars_away():
    mock = tile("dark-cloud", density=5.2)
    x, y, radius = where(mock)
    bright = mock.stars[mock.stars["mag"] < 15 * u.mag]
    distance = np.hypot(bright["x"] - x, bright["y"] - y)
    clear = tile(density=5.2).stars
    clear = clear[clear["mag"] < 15 * u.mag]
    here = np.hypot(clear["x"] - x, clear["y"] - y) < 0.4 * radius
    assert np.sum(distance < 0.4 * radius) < 0.8 * here.sum()


def test_seam_is_a_step_of_the_sky():
    step = change("seam")[:, 8:-8]
    assert len(np.unique(np.round(step, 2))) == 2


def test_vignette_is_in_its_corner():
    x, y, radius = where(tile("vignette"))
    change_ = np.abs(change("vignette"))
    rows, columns = np.mgrid[:400, :400]
    outside = np.hypot(columns - x, rows - y) > radius + 3
    assert change_[outside].max() < 0.01
    assert change_.max() > 1


def test_missing_corner_has_no_data():
    missing = np.isnan(tile("missing-corner").image.data[:, 4:-4])
    assert 0.002 < missing.mean() < 0.1
    assert np.array_equal(missing, tile("missing-corner").image.mask[:, 4:-4])


def test_bad_columns_are_lines():
    noisy = [
        simulate_tile(shape=SHAPE, seed=21, density=0.0, artefacts=(), nulls=nulls)
        for nulls in ([], ["bad-columns"])
    ]
    plain, bad = (np.nan_to_num(mock.image.data[:, 4:-4]) for mock in noisy)
    touched = np.abs(plain - bad) > 0
    share = max(touched.all(axis=0).mean(), touched.all(axis=1).mean())
    assert 0 < share < 0.2
    assert touched.mean() < 0.2


def test_nulls_can_be_repeated():
    assert list(tile("nebula", "nebula").nulls["kind"]) == ["nebula", "nebula"]


def painted(kind, flux=3e6, survey="2mass-ks"):
    image = np.zeros(SHAPE, dtype=np.float32)
    star = {"x": np.array([200.2]), "y": np.array([190.6]), "flux": np.array([flux])}
    rng = np.random.default_rng(5)
    records = paint_artefacts(
        rng, image, [kind], star, survey=SURVEYS[survey], noise=1.1
    )
    return image, records


@pytest.mark.parametrize("kind", ARTEFACTS)
def test_artefact_leaves_a_mark(kind):
    image, records = painted(kind)
    assert np.isfinite(image).all()
    assert np.ptp(image) > 0.2
    assert all(0 <= x < 400 and 0 <= y < 400 for _, x, y, _ in records)


def test_halo_of_a_very_bright_star_reaches_far():
    image, _ = painted("halos", flux=2e8)
    assert image[190, 320] > 1
    assert image[190, 260] > image[190, 320] > image[190, 390] >= 0


def test_microsteps_shift_every_second_pixel():
    image, _ = painted("microsteps", survey="ukidss-k")
    assert len(np.unique(image)) == 4
    assert len(np.unique(image[::2, ::2])) == 1


def test_spikes_lie_along_rows_and_columns():
    image, _ = painted("spikes")
    arm = image[191, 230] + image[220, 200] + image[191, 170] + image[160, 200]
    diagonal = image[211, 220] + image[211, 180] + image[171, 220] + image[171, 180]
    assert arm > 20 * max(diagonal, 0.1)


def test_persistence_follows_the_scan():
    image, records = painted("persistence")
    assert {kind for kind, *_ in records} == {"persistence"}
    _kind, x, y, _ = records[0]
    assert abs(abs(y - 190.6) - 82) < 1
    assert image[round(y), round(x)] > 3


def test_crosstalk_is_a_row_of_rings():
    image, records = painted("crosstalk", survey="vvv-ks")
    assert {round(y, 1) for _, _, y, _ in records} == {190.6}
    assert len(records) >= 2
    assert abs(image[:, :100].sum()) > 0


def test_faint_stars_have_no_artefacts():
    for kind in ("halos", "persistence"):
        assert not painted(kind, flux=1e3)[0].any()


def test_saturation_has_a_ceiling_and_a_hole():
    survey = SURVEYS["2mass-ks"]
    light = np.array([[10.0, 400.0, 5000.0, 2e4, 2e5]])
    image = light.copy()
    saturate(image, survey)
    assert image[0, 0] == 10
    assert abs(image[0, 1] - 400) < 1
    assert 4000 < image[0, 2] < 5000
    assert image[0, 3] < survey.saturation
    assert image[0, 4] < image[0, 2]
