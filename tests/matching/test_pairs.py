# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Detections and clusters are matched one to one, by falling score."""

import astropy.units as u
import numpy as np
import pytest
from astropy.table import QTable
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from astro_vaeclust.matching import match_clusters

from ..evaluation.examples import NO_CLUSTERS, catalog_of, detections, positions, truth

REACH = st.integers(-150, 150)
FOUND = st.lists(st.tuples(REACH, st.integers(0, 3)), max_size=8)
TRUE = st.lists(st.tuples(REACH, st.integers(0, 100)), max_size=5)


def pairs(matches):
    return list(zip(matches.detection.tolist(), matches.cluster.tolist(), strict=True))


def columns(rows):
    return tuple(zip(*rows, strict=True)) if rows else ((), ())


def test_radius_is_the_larger_of_r50_and_30_arcsec():
    small, large = truth([0], 5), truth([0], 50)
    for offset, matched in ((29.9, 1), (30.1, 0)):
        assert len(match_clusters(detections([offset], [1]), small)) == matched
    for offset, matched in ((49.9, 1), (50.1, 0)):
        assert len(match_clusters(detections([offset], [1]), large)) == matched


def test_the_higher_score_has_the_cluster():
    matches = match_clusters(detections([1, 20], [0.5, 0.9]), truth([0], 30))
    assert pairs(matches) == [(1, 0)]
    assert_array_equal(matches.is_matched, [False, True])
    assert_array_equal(matches.near_cluster, [True, True])
    assert_allclose(matches.separation.to_value(u.arcsec), [20], rtol=1e-6)


def test_each_detection_takes_the_nearest_free_cluster():
    matches = match_clusters(detections([10, 12], [0.9, 0.8]), truth([0, 15], 30))
    assert pairs(matches) == [(0, 1), (1, 0)]


def test_of_equal_scores_the_nearest_is_first_and_then_the_row():
    matches = match_clusters(detections([20, 5], [1, 1]), truth([0], 30))
    assert pairs(matches) == [(1, 0)]
    matches = match_clusters(detections([5, 5], [1, 1]), truth([0], 30))
    assert pairs(matches) == [(0, 0)]


def test_catalogues_and_empty_tables_are_taken():
    center = positions([0])
    catalog = catalog_of(center.ra.deg, center.dec.deg, [1])
    assert match_clusters(catalog, truth([0], 30)).is_found.all()
    assert len(match_clusters(catalog, NO_CLUSTERS)) == 0
    assert len(match_clusters(catalog_of([], [], []), truth([0], 30))) == 0


@settings(max_examples=60, deadline=None)
@given(found=FOUND, true=TRUE)
def test_matching_is_one_to_one_within_reach_and_leaves_no_pair(found, true):
    x, score = columns(found)
    x_true, r50 = columns(true)
    matches = match_clusters(detections(x, score), truth(x_true, r50))
    assert len(set(matches.detection)) == len(set(matches.cluster)) == len(matches)
    reach = np.maximum(r50, 30)
    distance = np.abs(np.subtract.outer(x, x_true))
    for row, column in pairs(matches):
        assert distance[row, column] <= reach[column] + 1e-6
    # (a little inside, since these distances are not those on the sphere)
    left = np.outer(~matches.is_matched, ~matches.is_found)
    assert not (left & (distance < reach - 1e-3)).any()


@settings(max_examples=60, deadline=None)
@given(found=FOUND, true=TRUE, cut=st.integers(0, 3))
def test_matches_above_a_score_are_those_of_the_catalogue_cut_there(found, true, cut):
    x, score = columns(found)
    table, clusters = detections(x, score), truth(*columns(true))
    keep = np.nonzero(np.asarray(score) >= cut)[0]
    whole = [pair for pair in pairs(match_clusters(table, clusters)) if pair[0] in keep]
    part = match_clusters(table[keep], clusters)
    assert whole == [(keep[row], column) for row, column in pairs(part)]


@pytest.mark.parametrize(
    ("catalog", "clusters", "error", "message"),
    [
        (3, NO_CLUSTERS, TypeError, "catalog must be a table"),
        (detections([0], [1]), [], TypeError, "truth must be a table"),
        (detections([0], [1])["score",], NO_CLUSTERS, ValueError, "sky_center"),
        (detections([0], [1]), truth([0], 1)["sky_center",], ValueError, "r50"),
        (detections([0], [np.nan]), NO_CLUSTERS, ValueError, "NaN"),
        (detections([0], [1]), truth([0], -1), ValueError, "negative"),
        (detections([0], [1]), truth([0], np.nan), ValueError, "finite"),
        (
            detections([0], [1]),
            QTable({"sky_center": positions([0]), "r50": [1.0]}),
            TypeError,
            "angle",
        ),
        (
            QTable({"sky_center": [0.0], "score": [1.0]}),
            NO_CLUSTERS,
            TypeError,
            "SkyCoord",
        ),
    ],
)
def test_bad_tables_are_refused(catalog, clusters, error, message):
    with pytest.raises(error, match=message):
        match_clusters(catalog, clusters)
