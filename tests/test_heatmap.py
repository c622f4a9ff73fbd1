# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The ensemble of probability maps and its regions."""

import numpy as np
import pytest

from astro_vaeclust.heatmap import Ensemble, Member
from astro_vaeclust.segmentation import FixedThreshold, PeakFraction, segment

SHAPE = (40, 50)


def make_ensemble():
    one, other = np.zeros(SHAPE), np.full(SHAPE, 0.5)
    one[10:20, 10:20] = 1.0
    other[:, 0] = np.nan
    mask = np.zeros(SHAPE, bool)
    mask[12, 12] = True
    return Ensemble([Member(one, 16), Member(other, 32)], mask)


def test_heatmap_is_the_mean_where_there_are_windows():
    heatmap = make_ensemble().heatmap
    assert heatmap[15, 15] == 0.75
    assert heatmap[0, 10] == 0.25
    assert heatmap[5, 0] == 0.0
    assert heatmap[12, 12] == 0.0


def test_pixel_without_any_window():
    nothing = Member(np.full(SHAPE, np.nan), 16)
    heatmap = Ensemble([nothing], np.zeros(SHAPE, bool)).heatmap
    np.testing.assert_array_equal(heatmap, np.zeros(SHAPE))


def test_smoothing_keeps_a_flat_map_flat():
    mask = np.zeros(SHAPE, bool)
    mask[:, :10] = True
    mask[5, 30] = True
    flat = Member(np.full(SHAPE, 0.4), 16)
    heatmap = Ensemble([flat], mask, smoothing=6).heatmap
    np.testing.assert_allclose(heatmap[~mask], 0.4)
    assert (heatmap[mask] == 0).all()


def test_smoothing_spreads():
    spike = np.zeros(SHAPE)
    spike[20, 25] = 1.0
    heatmap = Ensemble([Member(spike, 16)], np.zeros(SHAPE, bool), smoothing=2).heatmap
    assert heatmap[20, 25] == pytest.approx(1 / (8 * np.pi), rel=0.01)
    assert heatmap[20, 27] == pytest.approx(np.exp(-0.5) / (8 * np.pi), rel=0.01)


def test_leave_one_out():
    ensemble = make_ensemble()
    without_first, without_second = ensemble.leave_one_out()
    assert without_first[15, 15] == 0.5
    assert without_second[15, 15] == 1.0
    assert not list(Ensemble(ensemble.members[:1], ensemble.mask).leave_one_out())


def test_supporting_sizes():
    region = np.zeros(SHAPE, bool)
    region[10:20, 10:20] = True
    assert make_ensemble().supporting_sizes(region) == {16, 32}
    assert make_ensemble().supporting_sizes(~region) == {32}


@pytest.fixture
def two_regions():
    heatmap = np.full(SHAPE, 0.1)
    heatmap[2:8, 2:8] = 0.9
    heatmap[20:35, 20:35] = 0.8
    heatmap[0, 49] = 1.0
    return heatmap, np.zeros(SHAPE, bool)


def test_regions_are_labelled_by_weight(two_regions):
    segmentation = segment(*two_regions, FixedThreshold(), n_pixels=4)
    assert segmentation.n_labels == 2
    assert segmentation.data[25, 25] == 1
    assert segmentation.data[5, 5] == 2
    assert segmentation.data[0, 49] == 0


def test_largest_region_only(two_regions):
    segmentation = segment(*two_regions, FixedThreshold(), n_pixels=4, n_largest=1)
    assert segmentation.n_labels == 1
    assert segmentation.areas[0] == 15 * 15


def test_threshold_is_drawn_from_usable_pixels(two_regions):
    heatmap, mask = two_regions
    mask[0, 49] = True
    segmentation = segment(heatmap, mask, PeakFraction(fraction=0.95), n_pixels=4)
    assert segmentation.n_labels == 1
    assert segmentation.data[5, 5] == 1


def test_masked_pixels_are_in_no_region(two_regions):
    heatmap, mask = two_regions
    mask[25] = True
    segmentation = segment(heatmap, mask, FixedThreshold(), n_pixels=4)
    assert not segmentation.data[25].any()
    assert segmentation.n_labels == 3


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_nothing_above_the_threshold(value):
    heatmap = np.full(SHAPE, value)
    assert segment(heatmap, heatmap > 1, FixedThreshold(), n_pixels=4) is None


def test_regions_too_small(two_regions):
    assert segment(*two_regions, FixedThreshold(), n_pixels=1000) is None
