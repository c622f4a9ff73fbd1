# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A table of sources beside the images of a report."""

from __future__ import annotations

import astropy.units as u

from ..matching.areas import HullArea
from ..matching.field import RING
from ..matching.match import ClusterMatch
from ..matching.sources import apply_cut, standard_sources
from ..sources.points import MIN_SOURCES
from ..sources.table import read_sources

__all__ = ["FieldSources"]


class FieldSources:
    """
    Sources to count in profiles and luminosity functions, for many images.

    Parameters
    ----------
    table : `~astropy.table.Table`
        The sources, as `~astro_vaeclust.matching.ClusterMatch` takes them, with the
        same cut.

    Raises
    ------
    TypeError, ValueError
        As there.
    """

    def __init__(self, table):
        sources = standard_sources(table)
        passes, _ = apply_cut(sources, "paper")
        self.footprint = HullArea(sources["sky"])
        self.sources = sources[passes]

    def on(self, image):
        """Return those on an image as `PointSources`; None where there are too few."""
        ny, nx = image.shape
        middle = image.wcs.pixel_to_world(nx / 2, ny / 2)
        reach = 0.6 * (nx + ny) * u.pix * image.pixel_scale
        near = self.sources[self.sources["sky"].separation(middle) < reach]
        if len(near) < MIN_SOURCES:
            return None
        points = read_sources(near, image.wcs).on(image.mask)
        return points if len(points) >= MIN_SOURCES else None

    def luminosity_function(self, table, row):
        """
        Return the luminosity function of a cluster.

        Parameters
        ----------
        table : `~astropy.table.QTable`
            All clusters.
        row : int
            Which one.

        Returns
        -------
        table : `~astropy.table.QTable` or None
            As `~astro_vaeclust.matching.ClusterMatch.luminosity_function`, within the
            radius; None where there are no sources or no magnitudes.
        """
        center, reach = table["sky_center"][row], RING[1] * table["radius"][row]
        near = self.sources[center.separation(self.sources["sky"]) <= reach]
        others = center.separation(table["sky_center"]) <= reach + table["radius"]
        if not len(near) or "mag" not in near.colnames:
            return None
        match = ClusterMatch(table[others], near, cut=None, footprint=self.footprint)
        try:
            return match.luminosity_function(table["id"][row], region="circle")
        except ValueError:  # none of them has a magnitude
            return None
