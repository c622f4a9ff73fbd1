# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Sources in circles on an image, and what may be wrong with these circles."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import astropy.units as u
import numpy as np

from ..images.celestial import MAX_AXIS_RATIO, pixel_area, pixel_axis_ratio
from ..sources.find import find_sources, measure_fwhm
from ..sources.points import PointSources
from .flags import ClusterFlags

__all__ = [
    "CircleMeasurements",
    "bands_of_circles",
    "circle",
    "image_part",
    "radii_in_pixels",
    "sky_circle",
]

BRIGHT_STAR_SIGNIFICANCE = 5000.0
BRIGHT_STAR_RADII = 1.5
MASKED_FRACTION = 0.1
LARGE_FRACTION = 0.25
HALF = 0.5

MARGIN = 8
"""Pixels beyond a circle in which sources are looked for, to find those on its rim."""

SEEING_RADIUS = 96
"""Pixels around the centre of a circle in which the width of the stars is measured."""


class CircleMeasurements:
    """
    Flags and numbers of sources of circles, by one rule for every finder.

    Parameters
    ----------
    image : `~astro_vaeclust.images.image.Image`
        The image.
    centers : (n, 2) array
        Centres in pixels, x and y.
    radii : (n,) array
        Radii in pixels.
    sources : `~astro_vaeclust.sources.points.PointSources`, optional
        What to count; by default the sources that
        `~astro_vaeclust.sources.find.find_sources` finds around each circle.
    fwhm : float, optional
        Full width at half maximum of the stars in pixels, to find sources; by default
        it is measured around each circle.
    """

    def __init__(self, image, centers, radii, *, sources=None, fwhm=None):
        self.image = image
        self.centers = centers
        self.radii = radii
        self.sources = sources
        self.given_fwhm = fwhm

    @cached_property
    def n_sources(self):
        """Sources within each circle, (n,) int array; -1 where nothing is seen."""
        counts = (self._count(*one) for one in self._circles())
        return np.fromiter(counts, dtype=np.int64, count=len(self.radii))

    @cached_property
    def flags(self):
        """Bits of `~astro_vaeclust.measure.flags.ClusterFlags`, (n,) int array."""
        flags = (int(self._flags(*one)) for one in self._circles())
        return np.fromiter(flags, dtype=np.int64, count=len(self.radii))

    def _circles(self):
        return zip(self.centers, self.radii, strict=True)

    def _count(self, center, radius):
        sources, corner = self.sources, (0, 0)
        if sources is None:
            part, _ = circle(self.image.shape, center, radius + MARGIN)
            if self.image.mask[part].all():
                return -1
            sources = self._found(part, center)
            corner = part[1].start, part[0].start
        x, y = center - np.array(corner)
        return np.count_nonzero(np.hypot(sources.x - x, sources.y - y) <= radius)

    def _found(self, part, center):
        """Find the sources in a part of the image, in pixels of that part."""
        try:
            return find_sources(image_part(self.image, part), fwhm=self._fwhm(center))
        except ValueError:  # too few usable pixels to measure the sky
            return PointSources(np.empty(0), np.empty(0))

    def _fwhm(self, center):
        if self.given_fwhm is not None:
            return self.given_fwhm
        part, _ = circle(self.image.shape, center, SEEING_RADIUS)
        return measure_fwhm(image_part(self.image, part))

    def _flags(self, center, radius):
        part, inside = circle(self.image.shape, center, radius)
        masked = self.image.mask[part][inside]
        remarks = {
            ClusterFlags.TOUCHES_EDGE: self.image.distance_to_border(*center) < radius,
            ClusterFlags.MASKED: masked.mean() > MASKED_FRACTION,
            ClusterFlags.NEAR_BRIGHT_STAR: self._has_bright_star(center, radius),
            ClusterFlags.LARGE: np.sum(~masked) > LARGE_FRACTION * self.image.n_usable,
            ClusterFlags.LOSSY_INPUT: self.image.lossy,
            ClusterFlags.DISTORTED: (
                pixel_axis_ratio(self.image.wcs, *center) > MAX_AXIS_RATIO
            ),
        }
        return ClusterFlags.of(remarks)

    def _has_bright_star(self, center, radius):
        """Whether a pixel nearby is far above the median there."""
        part, near = circle(self.image.shape, center, BRIGHT_STAR_RADII * radius)
        pixels = self.image.data[part]
        bright = np.max(pixels[near & ~self.image.mask[part]], initial=-np.inf)
        return bright - np.median(pixels) > BRIGHT_STAR_SIGNIFICANCE * self._pixel_noise

    @cached_property
    def _pixel_noise(self):
        usable = self.image.sample
        return 1.4826 * np.median(np.abs(usable - np.median(usable))) or 1.0


def circle(shape, center, radius):
    """
    Cut out a circle.

    Parameters
    ----------
    shape : tuple of int
        Of the image, in y and x.
    center : (2,) array
        Centre in pixels, x and y.
    radius : float
        Radius in pixels; at least one is taken.

    Returns
    -------
    part : tuple of slice
        The part of the image that holds it.
    inside : bool array
        Which pixels of the part are in it.
    """
    center, radius = np.asarray(center)[::-1], max(radius, 1.0)
    low = np.maximum(np.floor(center - radius).astype(int), 0)
    high = np.minimum(np.ceil(center + radius).astype(int) + 1, shape)
    low = np.minimum(low, np.maximum(high - 1, 0))
    y, x = np.ogrid[low[0] : high[0], low[1] : high[1]]
    part = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    return part, np.hypot(y - center[0], x - center[1]) <= radius


def radii_in_pixels(image, centers, radius):
    """Return radii, a Quantity (n,), in pixels at centres in pixels, (n, 2)."""
    area = pixel_area(image.wcs, *centers.T) * u.deg**2
    return (radius / np.sqrt(area)).to_value(u.one)


def bands_of_circles(image, centers, radii):
    """
    Return the bands that show half or more of each circle.

    Parameters
    ----------
    image : `~astro_vaeclust.images.image.Image`
        The image, with its bands.
    centers : (n, 2) array
        x and y in pixels.
    radii : (n,) array
        Radii in pixels.

    Returns
    -------
    bands : (n,) array of str
        Such as "J,H,Ks"; empty where none does.
    """
    names = []
    for center, radius in zip(centers, radii, strict=True):
        part, inside = circle(image.shape, center, radius)
        shown = (
            band
            for band, one in image.bands.items()
            if one.mask[part][inside].mean() <= HALF
        )
        names.append(",".join(shown))
    return np.array(names, dtype=str)


def image_part(image, part):
    """Return a part of an image; its WCS is that of the whole, for the pixel scale."""
    error = None if image.error is None else image.error[part]
    return replace(
        image,
        data=image.data[part],
        mask=image.mask[part],
        error=error,
        whole=None,
        bands={},
    )


def sky_circle(row):
    """Return the circle of a row of a table of clusters (CircleSkyRegion)."""
    from regions import CircleSkyRegion  # imports matplotlib

    radius = row["radius"].to(u.arcsec)
    text = f"{row['id']}: radius={radius.value:.1f} arcsec score={row['score']:.3f}"
    if "a_k" in row.colnames and np.isfinite(row["a_k"]):
        text += f" a_k={row['a_k'].value:.2f} mag"
    return CircleSkyRegion(row["sky_center"], radius, meta={"text": text})
