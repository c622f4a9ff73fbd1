# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A small sky as files, and a quick search of it that workers can import."""

import os
import signal
import time
from dataclasses import dataclass
from types import SimpleNamespace

import astropy.units as u
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from photutils.detection import find_peaks

from astro_vaeclust.base import ClusterFinderBase
from astro_vaeclust.catalog import ClusterCatalog, cluster_table

SIDE = 0.0625
"""Side of a field in deg."""

SHAPE = (500, 520)
"""Of the sky; six fields and parts of others."""

HEIGHT, NOISE = 400.0, 1.0


def sky(center=(275.12, -16.18), shape=SHAPE, seed=3, n_blobs=12):
    """Return pixels with blobs for clusters, and their WCS."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
    wcs.wcs.crval = center
    wcs.wcs.crpix = shape[1] / 2, shape[0] / 2
    wcs.wcs.cdelt = -1 / 3600, 1 / 3600
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape)
    pixels = rng.normal(100, NOISE, shape)
    for row, column in places(shape)[:n_blobs]:
        pixels += HEIGHT * np.exp(-((x - column) ** 2 + (y - row) ** 2) / 50)
    return pixels.astype(np.float32), wcs


def places(shape, seed=7):
    """Return rows and columns of twelve clusters that are well apart, (12, 2)."""
    cells = np.indices((3, 4)).reshape(2, -1).T + 0.5
    cells += np.random.default_rng(seed).uniform(-0.3, 0.3, cells.shape)
    return cells / (3, 4) * shape


def write(path, pixels, wcs, **cards):
    """Write an image with a zero point, a band and further cards."""
    header = wcs.to_header()
    header.update({"MAGZP": 20.0, "FILTER": "Ks"} | cards)
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.PrimaryHDU(pixels, header).writeto(path, overwrite=True)
    return str(path)


def write_cut(folder, pixels, wcs, n, overlap=30, **cards):
    """Write an image as n x n that overlap."""
    edges = [np.linspace(0, side, n + 1).astype(int) for side in pixels.shape]
    for row in range(n):
        for column in range(n):
            part = tuple(
                slice(max(edge[k] - overlap, 0), edge[k + 1] + overlap)
                for edge, k in zip(edges, (row, column), strict=True)
            )
            name = f"tile_{row}_{column}.fits"
            write(folder / name, pixels[part], wcs.slice(part), **cards)
    return folder


@dataclass(frozen=True)
class QuickFinder(ClusterFinderBase):
    """
    Takes peaks for clusters; does things to its worker where a file says so.

    ``trap`` is a file with a verb, and the declination and right ascension from which
    on it holds.
    """

    threshold: float = 200.0
    trap: str = ""
    identity: str = "quick"
    progress_bar: object = None

    @property
    def trained_model(self):
        """What identifies it."""
        identity = self.identity
        if identity == "own":  # every process has another
            identity = f"of process {os.getpid()}"
        return SimpleNamespace(
            identity=identity,
            fine_scale=0.6,
            calibration=None,
            source_calibration=None,
        )

    def detect(self, data, **_):
        """Return the peaks above the threshold."""
        self._spring(data.wcs)
        pixels = np.nan_to_num(data.data - np.nanmedian(data.data))
        peaks = find_peaks(pixels, self.threshold, box_size=41)
        if peaks is None:
            return ClusterCatalog(cluster_table())
        x, y = (np.asarray(peaks[n], float) for n in ("x_peak", "y_peak"))
        value = np.asarray(peaks["peak_value"], float)
        radius = np.full(len(x), 10.0) * u.arcsec
        return ClusterCatalog(
            cluster_table(
                {
                    "id": np.arange(1, len(x) + 1),
                    "sky_center": data.wcs.pixel_to_world(x, y).icrs,
                    "x_center": x,
                    "y_center": y,
                    "radius": radius,
                    "radius_err": radius / 10,
                    "area": np.pi * radius**2,
                    "score": value / 1000,
                    "false_alarm_rate": 100 / value / u.deg**2,
                    "n_sources": np.ones(len(x), int),
                    "flags": np.zeros(len(x), int),
                }
            )
        )

    def _spring(self, wcs):
        if not (self.trap and os.path.exists(self.trap)):
            return
        with open(self.trap) as file:
            verb, dec, ra = file.read().split()
        ny, nx = wcs.array_shape
        middle = wcs.pixel_to_world(nx / 2, ny / 2)
        if middle.dec.deg < float(dec) or middle.ra.deg < float(ra):
            return
        if verb == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if verb == "hang":
            time.sleep(3600)
        if verb == "wait":
            time.sleep(0.5)
        if verb == "raise":
            raise RuntimeError("sprung")
