# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Radial profiles of clusters: the density of sources in rings, and its fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import astropy.units as u
import numpy as np
from scipy.spatial import cKDTree

from ..images.bands import as_image
from ..sources.find import find_sources, measure_fwhm
from ..sources.points import PointSources, on_usable_pixels
from ..sources.table import read_point_sources
from ..utils.validation import check_angle, check_choice
from .circles import circle, image_part
from .density_fit import DENSITY_LAWS, DensityFit, NoFitError, Rings

__all__ = ["RadialProfile", "profile_of", "radial_profile"]

REACH = 4.0
"""Outer radius of a profile over that of the cluster."""

N_RINGS = 16
"""Rings of equal width of a profile."""

N_NARROW = 64
"""Rings in which sources are counted for the fit, a multiple of `N_RINGS`."""

GRID = 128
"""Points along the outer radius at which it is asked whether pixels are usable."""

MIN_COVERAGE = 0.05
"""Usable fraction of a ring without which its density is not stated."""

SIGNIFICANCE = 7.0
"""Least peak over the noise of sources that are found: they reach about as deep as
``n_members``, which are brighter than ten times the noise."""

FIELD = 2 / 3
"""Radius over the outer one from which on there is only field, where no fit tells."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RadialProfile:
    """
    The density of sources around a cluster, and a density law fitted to it.

    What could not be fitted is NaN, and ``message`` says why. Errors are standard
    deviations.

    Parameters
    ----------
    edges : (n + 1,) `~astropy.units.Quantity`
        Radii in arcsec between which the rings lie.
    counts : (n,) int array
        Sources in the rings.
    area : (n,) `~astropy.units.Quantity`
        Area of the rings in arcmin2 in which a further source would be seen: that of
        usable pixels, of sources found in the image without what is closer to one than
        their width, where two would be seen as one.
    model : str
        The law that was fitted, ``"king"`` or ``"plummer"``.
    background, background_err : `~astropy.units.Quantity`
        Density of the field in 1 / arcmin2: of the fit, or else of the outer rings.
    r_core, r_core_err : `~astropy.units.Quantity`
        Core radius in arcsec.
    r_tidal, r_tidal_err : `~astropy.units.Quantity`
        Tidal radius in arcsec, of ``"king"`` only. Where the sources do not constrain
        it, it is an end of its range, 2 or 100 core radii, and its error NaN.
    r50_counts, r50_counts_err : `~astropy.units.Quantity`
        Radius in arcsec that holds half of the members, by the fit.
    n_counts, n_counts_err : float
        Members among the sources, by the fit, those beyond the rings included.
    message : str
        Why something is not fitted; empty if all is.
    """

    edges: u.Quantity
    counts: np.ndarray
    area: u.Quantity
    model: str
    background: u.Quantity
    background_err: u.Quantity
    r_core: u.Quantity = np.nan * u.arcsec
    r_core_err: u.Quantity = np.nan * u.arcsec
    r_tidal: u.Quantity = np.nan * u.arcsec
    r_tidal_err: u.Quantity = np.nan * u.arcsec
    r50_counts: u.Quantity = np.nan * u.arcsec
    r50_counts_err: u.Quantity = np.nan * u.arcsec
    n_counts: float = np.nan
    n_counts_err: float = np.nan
    message: str = ""

    @property
    def density(self):
        """Sources per area, (n,) in 1 / arcmin2; NaN where hardly a pixel is usable."""
        return self._per_area(self.counts)

    @property
    def density_err(self):
        """Poisson errors of the density, (n,), with 1 for the error of no source."""
        return self._per_area(np.sqrt(np.maximum(self.counts, 1)))

    def _per_area(self, counts):
        full = np.pi * np.diff(self.edges**2)
        return counts / np.where(self.area > MIN_COVERAGE * full, self.area, np.nan)

    def fitted(self, radius):
        """
        Return the density of the fit, cluster and field.

        Parameters
        ----------
        radius : `~astropy.units.Quantity`
            Radii, angles of any shape.

        Returns
        -------
        density : `~astropy.units.Quantity`
            Sources per area in 1 / arcmin2; NaN without a fit.
        """
        law = DENSITY_LAWS[self.model]
        shape = (np.log10(self.r_tidal / self.r_core).value,) if law.bounds else ()
        x = (radius / self.r_core).to_value(u.one)
        total = np.pi * self.r_core**2 * law.enclosed(np.inf, *shape)
        cluster = self.n_counts * law.density(x, *shape) / total
        return (cluster + self.background).to(u.arcmin**-2)


def profile_of(catalog, id, *, model="plummer", sources=None, image=None, reach=None):
    """
    Return the profile of a cluster of a catalogue.

    Within its rings, the circles of other clusters count neither as area nor for their
    sources, unless their centres are within the radius of this one, as those of its
    parts are.

    Parameters
    ----------
    catalog : `~astro_vaeclust.ClusterCatalog`
        The catalogue.
    id : int
        The cluster, an entry of the column ``id``.
    model : {"plummer", "king"}
        The law.
    sources : `~astropy.table.Table`, optional
        What to count, as ``sources`` of `~astro_vaeclust.VAEClusterFinder.detect`; by
        default the sources that were given there, or else those that
        `~astro_vaeclust.sources.find_sources` finds in the image as a crowded one, down
        to about ten times the noise.
    image : image, optional
        The image, as `~astro_vaeclust.images.read_image` takes it; by default that of
        the catalogue, which one that was read from a file has not. Sources that were
        given to the search do not count on another image.
    reach : `~astropy.units.Quantity`, optional
        Outer radius of the rings, an angle; by default 4 times the ``radius``.

    Returns
    -------
    profile : `RadialProfile`
        Densities and fit; NaN with a ``message`` where nothing can be fitted.

    Raises
    ------
    ValueError
        If there is no such cluster, law or image, the cluster is not on the image, or
        the sources cannot be used.
    TypeError
        If ``reach`` is no angle, ``sources`` no table or ``image`` no image.
    """
    table = catalog.table
    rows = np.flatnonzero(np.asarray(table["id"]) == id)
    if len(rows) != 1:
        ids = np.asarray(table["id"]).tolist()
        raise ValueError(f"id must be that of one cluster, one of {ids}; got {id!r}")
    row = table[rows[0]]
    reach = REACH * row["radius"] if reach is None else reach
    check_angle("reach", reach)
    image, sources = _searched(catalog, image, sources)
    center = np.array(image.wcs.world_to_pixel(row["sky_center"]))
    if not (np.isfinite(center).all() and image.distance_to_border(*center) > 0):
        raise ValueError(
            f"image must show the centre of cluster {id}, which is at x, y = "
            f"{np.round(center, 1)} of {image.shape[::-1]} pixels"
        )
    image = replace(image, mask=image.mask | _others(table, row, reach, image))
    return radial_profile(image, center, reach, model=model, sources=sources)


def _searched(catalog, image, sources):
    """Return image and sources that are given, or else those of the catalogue."""
    given = catalog.image if image is None else image
    if given is None:
        raise ValueError("image: the catalogue has none; give that which was searched")
    if image is None and sources is None:
        sources = catalog.sources
    given = as_image(given)
    if sources is not None:
        sources = read_point_sources(sources, given)
    return given, sources


def _others(table, row, reach, image):
    """Return a mask of the circles of other clusters within the rings, (ny, nx)."""
    mask = np.zeros(image.shape, dtype=bool)
    distance = row["sky_center"].separation(table["sky_center"])
    others = table[(distance > row["radius"]) & (distance < reach + table["radius"])]
    x, y = image.wcs.world_to_pixel(others["sky_center"])
    scales = np.sqrt(image.pixel_area_at(x, y))
    radii = (others["radius"] / scales).to_value(u.one)
    for center, radius in zip(zip(x, y, strict=True), radii, strict=True):
        part, inside = circle(image.shape, center, radius)
        mask[part] |= inside
    return mask


def radial_profile(image, center, reach, *, model="plummer", sources=None):
    """
    Count sources in rings around a centre, and fit a density law and the field.

    Parameters
    ----------
    image : `~astro_vaeclust.images.image.Image`
        The image; only its usable pixels count as area, see `RadialProfile`.
    center : (2,) array
        Centre in pixels, x and y, on the image.
    reach : `~astropy.units.Quantity`
        Outer radius of the rings, an angle.
    model : {"plummer", "king"}
        The law, a key of `~astro_vaeclust.measure.density_fit.DENSITY_LAWS`.
    sources : `~astro_vaeclust.sources.points.PointSources`, optional
        What to count, in pixels of the image; by default the sources that
        `~astro_vaeclust.sources.find.find_sources` finds, as in a crowded field.

    Returns
    -------
    profile : `RadialProfile`
        Counts, and what `~astro_vaeclust.measure.density_fit.DensityFit` makes of them.

    Raises
    ------
    ValueError
        If the law is not known.
    """
    check_choice("model", model, DENSITY_LAWS)
    scale = np.sqrt(image.pixel_area_at(*center)).to_value(u.arcsec)
    edges = np.linspace(0, reach.to_value(u.arcsec), N_NARROW + 1)
    part, _ = circle(image.shape, center, edges[-1] / scale)
    near = image_part(image, part)
    x, y = center - np.array([part[1].start, part[0].start])
    sources, blended = _found(near) if sources is None else (sources.within(part), 0)
    sources = sources.on(near.mask)
    counts, _ = np.histogram(scale * np.hypot(sources.x - x, sources.y - y), edges)
    coverage = _coverage(near.mask, sources, blended, x, y, edges[-1] / scale)
    return _profile(Rings(edges, counts, coverage), model)


def _found(image):
    """Return the sources in an image, and the distance below which two are blended."""
    fwhm = measure_fwhm(image)
    options = {"significance": SIGNIFICANCE, "fwhm": fwhm, "crowded": True}
    try:
        return find_sources(image, **options), fwhm
    except ValueError:  # too few usable pixels to measure the sky
        return PointSources(np.empty(0), np.empty(0)), fwhm


def _coverage(mask, sources, blended, x, y, outer):
    """Return the fractions of narrow rings where a further source would be seen."""
    dx, dy, ring = _points_in_rings()
    x, y = x + outer * dx, y + outer * dy
    usable = on_usable_pixels(mask, x, y)
    if blended and len(sources):
        tree = cKDTree(np.column_stack([sources.x, sources.y]))
        points = np.column_stack([x, y])
        usable &= np.isinf(tree.query(points, distance_upper_bound=blended)[0])
    return np.bincount(ring[usable], minlength=N_NARROW) / np.bincount(ring)


@cache
def _points_in_rings():
    """Return a grid of points within a radius of 1, and the narrow ring of each."""
    axis = np.linspace(-1, 1, 2 * GRID + 1)
    dx, dy = (points.ravel() for points in np.meshgrid(axis, axis))
    ring = (N_NARROW * np.hypot(dx, dy)).astype(int)
    inside = ring < N_NARROW
    return dx[inside], dy[inside], ring[inside]


def _profile(rings, model):
    """Return the profile of narrow rings, with a fit or why there is none."""
    per_ring = N_NARROW // N_RINGS
    counts, areas = (
        values.reshape(N_RINGS, per_ring).sum(axis=1)
        for values in (rings.counts, rings.areas)
    )
    return RadialProfile(
        edges=rings.edges[::per_ring] * u.arcsec,
        counts=counts,
        area=(areas * u.arcsec**2).to(u.arcmin**2),
        model=model,
        **_fit(rings, model),
    )


def _fit(rings, model):
    """Return the fields of a `RadialProfile` that a fit fills (dict)."""
    try:
        fit = DensityFit(rings, model)
    except NoFitError as error:
        return _field(rings) | {"message": str(error)}
    message = "" if fit.is_constrained else "the sources do not constrain r_tidal"
    columns = zip(fit.NAMES, fit.values, fit.errors, strict=True)
    facts = {name: (value, error) for name, value, error in columns}
    return _with_units(facts) | {"message": message}


def _field(rings):
    """Return the density of the field in the outer rings (dict)."""
    outer = rings.edges[:-1] >= FIELD * rings.edges[-1]
    count, area = rings.counts[outer].sum(), rings.areas[outer].sum()
    area = area if area > 0 else np.nan
    return _with_units({"background": (count / area, np.sqrt(max(count, 1)) / area)})


def _with_units(facts):
    """Return values and errors of lengths in arcsec, by their names (dict)."""
    units = {"background": 3600 / u.arcmin**2, "n_counts": 1}
    return {
        name + ending: value * units.get(name, u.arcsec)
        for name, pair in facts.items()
        for ending, value in zip(("", "_err"), pair, strict=True)
    }
