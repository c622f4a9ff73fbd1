# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Settings of the catalogue methods for surveys unlike that of their defaults."""

from __future__ import annotations

import astropy.units as u

__all__ = ["tuned_settings"]

TUNED = {
    "ukidss-k": {
        "star-counts": {"bandwidth": 16 * u.arcsec},
        "voronoi": {"rings": 1},
        "hdbscan": {"min_samples": 20},
        "matched-filter": {"outer_slope": 3.0},
    },
}
"""Settings by the tags of survey and method."""


def tuned_settings(tag, survey):
    """
    Return what differs from the defaults for a method and a survey, by tags (dict).

    The best on mock tiles of UKIDSS in K for that survey; nothing for others: the
    defaults are the best on those of 2MASS in Ks.
    """
    return dict(TUNED.get(survey, {}).get(tag, {}))
