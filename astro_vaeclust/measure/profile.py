# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Radial profiles: the density of sources in rings around a cluster."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import astropy.units as u
import numpy as np
from scipy.optimize import OptimizeWarning, curve_fit

from ..sources.find import find_sources
from ..sources.points import PointSources
from .circles import circle, image_part

__all__ = ["RadialProfile", "radial_profile"]

N_RINGS = 12
"""Rings of equal width of a profile."""

OUTER = 3.0
"""Radius of the outermost ring over that of the cluster."""


@dataclass(frozen=True, eq=False)
class RadialProfile:
    """
    Densities of sources in rings, and the Plummer profile fitted to them.

    Parameters
    ----------
    edges : (n + 1,) `~astropy.units.Quantity`
        Radii between which the rings lie, in arcsec.
    counts : (n,) int array
        Sources in them.
    area : (n,) `~astropy.units.Quantity`
        Usable area of them, in arcmin2.
    plummer : tuple or None
        Number of members, scale radius in arcsec, and density of the field in arcmin-2
        of the fit; None where it does not converge.
    """

    edges: u.Quantity
    counts: np.ndarray
    area: u.Quantity
    plummer: tuple[float, float, float] | None

    @property
    def density(self):
        """Sources per area, (n,) in arcmin-2; NaN where no pixel is usable."""
        return self._per_area(self.counts)

    @property
    def density_err(self):
        """Poisson errors of the density, (n,) in arcmin-2, from one count or more."""
        return self._per_area(np.sqrt(np.maximum(self.counts, 1)))

    @property
    def field(self):
        """Density of the field in arcmin-2: of the fit, or of the outer third."""
        if self.plummer is not None:
            return self.plummer[2] / u.arcmin**2
        outer = slice(len(self.counts) * 2 // 3, None)
        return self.counts[outer].sum() / self.area[outer].sum()

    def model(self, radius):
        """Return the density of the fit at radii, in arcmin-2; NaN without a fit."""
        r = radius.to_value(u.arcsec)
        if self.plummer is None:
            return np.full(np.shape(r), np.nan) / u.arcmin**2
        number, scale, field = self.plummer
        surface = number * scale**2 / (np.pi * (r**2 + scale**2) ** 2)  # arcsec-2
        return (3600 * surface + field) / u.arcmin**2

    def _per_area(self, counts):
        area = np.where(self.area > 0, self.area, np.nan)
        return counts / area


def radial_profile(image, center, radius, *, sources=None):
    """
    Count sources in rings around a cluster and fit a Plummer profile.

    Parameters
    ----------
    image : `~astro_vaeclust.images.image.Image`
        The image; only its usable pixels count as area.
    center : (2,) array
        Centre in pixels, x and y.
    radius : `~astropy.units.Quantity`
        Radius of the cluster as an angle; rings reach to ``OUTER`` times this.
    sources : `~astro_vaeclust.sources.points.PointSources`, optional
        What to count, in pixels of the image; by default the sources that are found in
        the image.

    Returns
    -------
    profile : `RadialProfile`
        The densities.

    Raises
    ------
    ValueError
        If ``radius`` is not positive.

    Notes
    -----
    The surface density is that of Plummer (1911, MNRAS 71, 460) in projection over a
    constant field, averaged over each ring.
    """
    if not (np.isfinite(radius) and radius > 0):
        raise ValueError(f"radius takes a positive angle, got {radius}")
    edges = np.linspace(0, OUTER * radius.to_value(u.arcsec), N_RINGS + 1)
    scale = image.pixel_scale.to_value(u.arcsec / u.pix)
    part, _ = circle(image.shape, center, edges[-1] / scale)
    center = center - np.array([part[1].start, part[0].start])
    near = image_part(image, part)
    sources = _found(near) if sources is None else sources.within(part)
    sources = sources.on(near.mask)
    y, x = np.nonzero(~near.mask)
    n_pixels = np.histogram(scale * np.hypot(*(np.stack([x, y]).T - center).T), edges)[
        0
    ]
    r = scale * np.hypot(sources.x - center[0], sources.y - center[1])
    counts = np.histogram(r, edges)[0]
    area = n_pixels * scale**2 / 3600
    plummer = _plummer(edges, counts, area)
    return RadialProfile(edges * u.arcsec, counts, area * u.arcmin**2, plummer)


def _found(image):
    """Return the sources in an image; none where too little of it is usable."""
    try:
        return find_sources(image)
    except ValueError:
        return PointSources(np.empty(0), np.empty(0))


def _plummer(edges, counts, area):
    """Fit members, scale radius and field; None if it does not converge."""
    good = area > 0
    if good.sum() < 4 or not counts.any():
        return None
    density = counts[good] / area[good]
    errors = np.sqrt(np.maximum(counts, 1))[good] / area[good]

    def rings(_, number, scale, field):
        enclosed = number * edges**2 / (edges**2 + scale**2)
        full = np.pi * np.diff(edges**2) / 3600  # arcmin2
        return (np.diff(enclosed) / full + field)[good]

    guess = (max(counts.sum() / 4, 1), edges[-1] / 6, max(np.median(density), 1e-3))
    bounds = ([0, edges[-1] / 60, 0], [np.inf, edges[-1], np.inf])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)  # no errors are taken
            values, _ = curve_fit(
                rings, edges[1:][good], density, guess, errors, bounds=bounds
            )
    except RuntimeError:
        return None
    return tuple(map(float, values))
