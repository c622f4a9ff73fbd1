# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tables made by hand, and finders that find what they are told to."""

import warnings

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from scipy.ndimage import gaussian_filter

from astro_vaeclust.base import ClusterFinderBase
from astro_vaeclust.catalog import ClusterCatalog, cluster_table
from astro_vaeclust.exceptions import NoDetectionsWarning


def positions(x, y=0.0):
    """Return positions at offsets in arcsec from a point on the equator."""
    x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
    return SkyCoord(10 + x / 3600, y / 3600, unit="deg")


def table(x, **columns):
    """Return a table with centres at offsets in arcsec."""
    return QTable({"sky_center": positions(x), **columns})


def truth(x, r50):
    """Return a truth table; radii in arcsec."""
    r50 = np.broadcast_to(np.asarray(r50, float), np.shape(x))
    return table(x, r50=r50 * u.arcsec)


def detections(x, score, **columns):
    """Return a table of detections."""
    return table(x, score=np.asarray(score, float), **columns)


NO_CLUSTERS = truth([], 10)


class PeakFinder(ClusterFinderBase):
    """
    Reports the brightest position of the smoothed image, with its height as score.

    It counts its calls, and is interrupted after ``calls_left`` of them.
    """

    def __init__(self, smoothing=10.0, calls_left=None):
        self.smoothing = smoothing
        self.calls_left = calls_left
        self.n_calls = 0

    @property
    def settings(self):
        return {"smoothing": self.smoothing}

    def detect(self, data, **choice):
        if self.n_calls == self.calls_left:
            raise KeyboardInterrupt
        self.n_calls += 1
        pixels = np.nan_to_num(np.array(data.data, float), nan=np.nanmedian(data.data))
        smooth = gaussian_filter(pixels - np.median(pixels), self.smoothing)
        y, x = np.unravel_index(np.argmax(smooth), smooth.shape)
        center = data.wcs.pixel_to_world(x, y).icrs
        return catalog_of([center.ra.deg], [center.dec.deg], [smooth.max()])


class BlindFinder(ClusterFinderBase):
    """Finds nothing."""

    settings = {}  # noqa: RUF012

    def detect(self, data, **choice):
        warnings.warn("nothing", NoDetectionsWarning, stacklevel=2)
        return ClusterCatalog(cluster_table())


def catalog_of(ra, dec, score, radius=30.0):
    """Return a catalogue with all its columns."""
    n = len(ra)
    return ClusterCatalog(
        cluster_table(
            {
                "id": np.arange(1, n + 1),
                "sky_center": SkyCoord(ra, dec, unit="deg"),
                "x_center": np.zeros(n),
                "y_center": np.zeros(n),
                "radius": np.full(n, radius) * u.arcsec,
                "radius_err": np.zeros(n) * u.arcsec,
                "area": np.ones(n) * u.arcsec**2,
                "score": np.asarray(score, float),
                "false_alarm_rate": np.full(n, np.nan) / u.deg**2,
                "n_sources": np.full(n, 10),
                "flags": np.zeros(n, int),
            }
            if n
            else None
        )
    )
