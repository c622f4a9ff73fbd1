# Licensed under a 3-clause BSD style license - see LICENSE.rst

import astropy.units as u
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust.matching.members import (
    field_fraction,
    nearest_neighbour_areas,
    probabilities,
)

from .examples import CENTER, clusters, position, sources, square_of_sources

N_MEMBERS, FIELD_SIDE, N_FIELD = 80, 600, 900
RADIUS = 60


def crowd(*, seed=3, n_members=N_MEMBERS, colours=False):
    """Return members with a scatter of 20 arcsec in a random field."""
    rng = np.random.default_rng(seed)
    east, north = np.hstack(
        [
            rng.normal(0, 20, size=(2, n_members)),
            rng.uniform(-FIELD_SIDE / 2, FIELD_SIDE / 2, size=(2, N_FIELD)),
        ]
    )
    is_member = np.arange(len(east)) < n_members
    magnitude = np.where(is_member, 13, 15) + rng.normal(0, 0.6, len(east))
    columns = {"mag": magnitude * u.mag, "is_member": is_member}
    if colours:  # members are redder by 1.5 mag
        h_k, j_h = 1.5 * is_member + rng.normal(0, 0.2, size=(2, len(east)))
        columns |= {
            "k_mag": magnitude * u.mag,
            "h_mag": (magnitude + h_k) * u.mag,
            "j_mag": (magnitude + h_k + j_h) * u.mag,
        }
    return sources(east, north, **columns)


def members(table, radius=RADIUS, **options):
    match = clusters((0, 0, radius)).match(table)
    return match.members(region="circle", **options)


def test_ratio_of_densities_is_not_biased():
    rng = np.random.default_rng(5)
    table = sources(*rng.uniform(-300, 300, size=(2, 4000)))
    inner = np.hypot(*CENTER.spherical_offsets_to(table["sky"])).arcsec < 200
    areas = nearest_neighbour_areas(table["sky"], inner, 8)
    density = np.count_nonzero(inner) / (np.pi * 200**2)
    assert_allclose(field_fraction(density, areas, 8).mean(), 1, atol=0.03)


def test_area_to_the_second_neighbour():
    table = sources([0, 3, 0, -50], [0, 0, 4, 0])
    areas = nearest_neighbour_areas(table["sky"], [True, False, False, False], 2)
    assert_allclose(areas, np.pi * 4**2, rtol=1e-6)
    assert np.isnan(nearest_neighbour_areas(table["sky"], np.ones(4, bool), 4)).all()


def test_probabilities_add_up_to_the_members():
    sums, truths = [], []
    for seed in range(4):
        table = members(crowd(seed=seed))
        assert ((table["probability"] >= 0) & (table["probability"] <= 1)).all()
        assert_allclose(table["probability"].sum(), table.meta["n_members"])
        sums.append(table["probability"].sum())
        truths.append(table["is_member"].sum())
    assert_allclose(np.mean(sums), np.mean(truths), rtol=0.08)


def test_probabilities_are_scaled_by_one_factor():
    # with half of each fraction they are 0.8, 0.5 and 0
    result = probabilities([0.4, 1.0, 3.0], 1.3)
    assert_allclose(result, [0.8, 0.5, 0], atol=1e-9)
    assert_array_equal(probabilities([0.4, 1.0], -3.0), [0, 0])
    assert_array_equal(probabilities([0.4, 1.0], 2.0), [1, 1])
    assert_array_equal(probabilities([0.0, 0.0], 2.0), [1, 1])
    assert_allclose(probabilities([1e-300, 1.0], 0.5), [0.5, 0])
    assert_array_equal(probabilities([0.4, 1.0], np.nan), [np.nan, np.nan])
    assert len(probabilities([], 0.0)) == 0


@given(st.lists(st.floats(0.01, 20), min_size=1, max_size=40), st.floats(0, 1))
def test_probabilities_add_up_whatever_the_shares(shares, fraction):
    result = probabilities(shares, fraction * len(shares))
    assert_allclose(result.sum(), fraction * len(shares), atol=1e-6)
    assert ((result >= 0) & (result <= 1)).all()
    by_share = result[np.argsort(shares)]
    assert (np.diff(by_share) <= 1e-12).all()


def test_counts_in_the_meta():
    table = members(crowd())
    meta = table.meta
    assert meta["n_sources"] == len(table) > N_MEMBERS
    assert_allclose(meta["n_members"], meta["n_sources"] - meta["n_field"])
    field = np.pi * RADIUS**2 * N_FIELD / FIELD_SIDE**2
    assert_allclose(meta["n_field"], field, rtol=0.25)
    assert meta["field_density"].unit == u.arcmin**-2
    assert np.sqrt(len(table)) < meta["n_members_err"] < 15
    assert not meta["colours"]
    assert (np.diff(table["separation"].value) >= 0).all()
    assert_array_equal(table["cluster_id"], 1)


def test_in_a_field_nobody_is_a_member():
    table = members(crowd(n_members=0), radius=120)
    assert table["probability"].mean() < 0.2
    assert abs(table.meta["n_members"]) < 3 * table.meta["n_members_err"]


def test_colours_tell_members_apart():
    contrasts = []
    for colours in (False, True):
        table = members(crowd(colours=colours))
        assert table.meta["colours"] == colours
        truth = table["is_member"]
        probability = table["probability"]
        contrasts.append(probability[truth].mean() - probability[~truth].mean())
    assert contrasts[1] > contrasts[0] + 0.2
    assert contrasts[1] > 0.7


def test_sources_without_colours_have_their_place_only():
    table = crowd(colours=True)
    blind = np.arange(len(table)) % 3 == 0
    for name in ("j_mag", "h_mag"):
        table[name][blind] = np.nan * u.mag
    table["is_blind"] = blind
    without = crowd()
    without["is_blind"] = blind
    with_colours, by_place = members(table), members(without)
    fields = [
        1 - table["probability"][table["is_blind"]]
        for table in (with_colours, by_place)
    ]
    both = (fields[0] < 1) & (fields[1] < 1)
    ratio = fields[0][both] / fields[1][both]
    assert both.sum() > 20
    assert_allclose(ratio, ratio[0], rtol=1e-6)  # but for the common factor


@pytest.mark.parametrize("value", [np.nan, 14.0])
def test_colours_that_say_nothing_are_left_out(value):
    table = crowd()
    for name in ("j_mag", "h_mag", "k_mag"):
        table[name] = np.full(len(table), value) * u.mag
    result = members(table)
    assert not result.meta["colours"]
    assert_allclose(result["probability"], members(crowd())["probability"])


def test_sources_keep_their_columns():
    assert {"mag", "is_member", "sky"} < set(members(crowd()).colnames)


def test_a_region_without_sources():
    table = members(square_of_sources(400, 20), radius=5)
    assert len(table) == 1
    alone = members(sources([-90, 90, 0, 0], [0, 0, -90, 90]), radius=5)
    assert len(alone) == alone.meta["n_sources"] == 0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"neighbours": 0}, ValueError, "neighbours must be"),
        ({"neighbours": 2.5}, TypeError, "neighbours must be"),
        ({"id": 5}, ValueError, "id must be one of"),
        ({"ring": (1, 1)}, ValueError, "ring takes"),
    ],
)
def test_options_that_cannot_be_used(options, error, message):
    with pytest.raises(error, match=message):
        members(crowd(), **options)


def test_no_clusters_no_members():
    match = clusters().match(crowd())
    for call in (match.members, match.luminosity_function, match.field):
        with pytest.raises(ValueError, match="the catalogue has no clusters"):
            call(region="circle")


def test_luminosity_function_counts_by_hand():
    table = sources(
        [0, 5, -5, 0, 100, 150, -150],
        [0, 0, 0, 75, 0, 0, 0],
        mag=[12.1, 12.4, 14.0, 13.0, 12.2, np.nan, 14.2] * u.mag,
    )
    match = clusters((0, 0, 60)).match(table)
    result = match.luminosity_function(region="circle", bins=[12, 13, 15] * u.mag)
    assert_array_equal(result["n_sources"], [2, 1])
    field = match.field(region="circle")
    scale = np.pi * 60**2 / field.area.value
    assert_allclose(result["n_field"], [scale, scale], rtol=1e-6)
    assert_allclose(result["n_members"], [2 - scale, 1 - scale], rtol=1e-6)
    assert_allclose(result["n_members_err"], np.sqrt([2 + scale**2, 1 + scale**2]))


def test_luminosity_function_finds_the_members():
    match = clusters((0, 0, RADIUS)).match(crowd())
    result = match.luminosity_function(region="circle")
    assert_allclose((result["high"] - result["low"]).value, 0.5)
    assert result["n_sources"].sum() == len(match.members(region="circle"))
    bright = result["high"] < 14 * u.mag
    assert_allclose(result["n_members"][bright].sum(), 70, atol=15)
    assert abs(result["n_members"][~bright].sum()) < 25


@pytest.mark.parametrize("bins", [[12], [13, 12], [[1, 2], [3, 4]]])
def test_bins_must_rise(bins):
    match = clusters((0, 0, RADIUS)).match(crowd())
    with pytest.raises(ValueError, match="bins takes"):
        match.luminosity_function(region="circle", bins=bins)


def test_luminosity_function_needs_magnitudes():
    match = clusters((0, 0, 60)).match(square_of_sources(400, 20))
    with pytest.raises(ValueError, match="must have the column mag"):
        match.luminosity_function(region="circle")
    empty = sources([0, 100], [0, 0], mag=[np.nan, np.nan] * u.mag)
    with pytest.raises(ValueError, match="has a magnitude"):
        clusters((0, 0, 60)).match(empty).luminosity_function(region="circle")


def test_plot_of_the_luminosity_function():
    pytest.importorskip("matplotlib")
    match = clusters((0, 0, RADIUS)).match(crowd())
    ax = match.plot_luminosity_function(region="circle")
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["all sources", "field expected", "members"]
    again = match.plot_luminosity_function(region="circle", ax=ax)
    assert again is ax
    assert position(0, 0).separation(CENTER) < 1e-6 * u.arcsec
