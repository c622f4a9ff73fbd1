# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Catalogues of clusters and of sources that are laid out by hand."""

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.nddata import NDData
from astropy.table import QTable
from astropy.wcs import WCS
from photutils.segmentation import SegmentationImage
from regions import CircleSkyRegion

from astro_vaeclust.catalog import ClusterCatalog, cluster_table

CENTER = SkyCoord(84.0, 31.0, unit="deg")


def position(east, north, center=CENTER):
    """Return positions at offsets in arcsec from a centre."""
    east, north = np.broadcast_arrays(
        np.asarray(east, dtype=float), np.asarray(north, dtype=float)
    )
    sky = center.spherical_offsets_by(east * u.arcsec, north * u.arcsec)
    return SkyCoord(sky.ra, sky.dec, frame="icrs")


def circle(east, north, radius):
    """Return a circle around a position, all in arcsec."""
    return CircleSkyRegion(position(east, north), radius * u.arcsec)


def clusters(*circles):
    """Return a catalogue of clusters given as ``(east, north, radius)`` in arcsec."""
    east, north, radius = np.array(circles, dtype=float).reshape(-1, 3).T
    return ClusterCatalog(cluster_table(columns(position(east, north), radius)))


def make_wcs(scale=1.0, shape=(200, 200)):
    """Return a tangential projection with `CENTER` in its middle."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [CENTER.ra.deg, CENTER.dec.deg]
    wcs.wcs.crpix = [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
    wcs.wcs.cdelt = [-scale / 3600, scale / 3600]
    wcs.array_shape = shape
    return wcs


def pixel_clusters(labels):
    """Return a catalogue whose clusters are the labelled pixels of 1 arcsec."""
    segmentation = SegmentationImage(labels)
    wcs = make_wcs(shape=labels.shape)
    middles = np.array(
        [np.argwhere(labels == label).mean(axis=0) for label in segmentation.labels]
    )
    radius = np.sqrt(segmentation.areas / np.pi)
    sky = wcs.pixel_to_world(middles[:, 1], middles[:, 0])
    return ClusterCatalog(
        cluster_table(columns(sky, radius, segmentation.labels)),
        heatmap=NDData(np.zeros(labels.shape), wcs=wcs),
        segmentation=segmentation,
    )


def sources(east, north, **columns):
    """Return a table of sources at offsets in arcsec from `CENTER`."""
    return QTable({"sky": position(east, north), **columns})


def square_of_sources(side, step, **columns):
    """Return sources on a square lattice with `CENTER` in the middle."""
    line = np.arange(-side / 2, side / 2 + step / 2, step)
    east, north = (axis.ravel() for axis in np.meshgrid(line, line))
    return sources(east, north, **columns)


def columns(sky, radius, numbers=None):
    n_clusters = len(radius)
    return {
        "id": np.arange(1, n_clusters + 1) if numbers is None else numbers,
        "sky_center": sky,
        "x_center": np.zeros(n_clusters),
        "y_center": np.zeros(n_clusters),
        "radius": radius * u.arcsec,
        "radius_err": 0 * radius * u.arcsec,
        "area": np.pi * radius**2 * u.arcsec**2,
        "score": np.ones(n_clusters),
        "false_alarm_rate": np.full(n_clusters, np.nan) / u.deg**2,
        "n_sources": np.zeros(n_clusters, dtype=int),
        "flags": np.zeros(n_clusters, dtype=int),
    }
