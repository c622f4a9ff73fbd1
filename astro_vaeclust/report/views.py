# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How candidates look on their images: pictures, circles and curves."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.io import fits
from astropy.nddata import NDData
from astropy.stats import mad_std
from astropy.table import QTable
from astropy.wcs import WCS

from ..catalog import ClusterCatalog
from ..exceptions import LossyDataWarning
from ..images.celestial import middle, pixel_area
from ..images.cutouts import cutout, resampled
from ..images.read import open_image, read_image
from ..measure.profiles import REACH, SIGNIFICANCE
from ..sources.find import find_sources
from ..utils.jobs import run_jobs
from ..utils.warning import muted
from ..visualization.pictures import as_grey, as_webp, in_colour, reduced, step_to
from ..visualization.sky_axes import north_and_east
from .curves import contour_lines, luminosity_lists, profile_lists
from .field_sources import FieldSources

__all__ = ["Viewer", "best_paths", "views_of"]

SIDE = 256
"""Pixels of the side of a picture at most."""

RADII = (4, 12)
"""Widths of the first two scales over the radius."""

WIDE = 900.0
"""Width of the third scale in arcsec."""


def views_of(viewer, paths, *, workers=1):
    """
    Look at candidates on their images, each of which is read once.

    Parameters
    ----------
    viewer : `Viewer`
        Has the candidates, and what is shown beside their images.
    paths : iterable of path-like
        The images. A candidate on none of these is looked at in the first of the other
        bands that has it.
    workers : int, optional
        Processes that look at images.

    Returns
    -------
    views : dict
        By row of those that are on an image: ``image`` (its name), ``pictures``
        (WebP or None, at three scales), ``frames`` (where in these the candidate is,
        in per cent from the upper left corner, and their side in arcsec), ``north``,
        ``east``, ``references``, ``contours``, ``bands``, ``profile`` and
        ``luminosity``.
    """
    best = best_paths(viewer.table, paths)
    for others in viewer.bands.values():
        best = [one or other for one, other in zip(best, others, strict=True)]
    jobs = list(_grouped(best, range(len(best))).items())
    views = {}
    for found in run_jobs(viewer, jobs, workers=workers):
        views |= found
    return views


def best_paths(table, paths):
    """
    Choose an image for each candidate.

    Parameters
    ----------
    table : `~astropy.table.QTable`
        The candidates. Where a column ``image`` names one of the images on which a
        candidate lies, that is taken.
    paths : iterable of path-like
        The images, of which only the headers are read.

    Returns
    -------
    best : list of Path or None
        Of several that hold a candidate, that in which it is the farthest from the
        border.
    """
    depths, best = np.zeros(len(table)), [None] * len(table)
    names = [Path(str(name)).name for name in table.columns.get("image", [])]
    for path in map(Path, paths):
        with open_image(path) as source:
            depth = _depths(table["sky_center"], source.wcs, source.shape)
        named = np.array([name == path.name for name in names])
        depth = np.where(named & (depth > 0), np.inf, depth) if names else depth
        for row in np.flatnonzero(depth > depths):
            depths[row], best[row] = depth[row], path
    return best


def _depths(sky, wcs, shape):
    """Return distances from the border of an image in arcsec, (n,)."""
    ny, nx = shape
    middle_pixel = middle(shape)
    center = wcs.pixel_to_world(*middle_pixel)
    corners = wcs.pixel_to_world([0, 0, nx, nx], [0, ny, 0, ny])
    reach = 1.1 * center.separation(corners).max()
    near = np.flatnonzero(~(center.separation(sky) > reach))  # also of an all-sky image
    depths = np.full(len(sky), -np.inf)
    if near.size:
        x, y = wcs.world_to_pixel(sky[near])
        x, y = x + 0.5, y + 0.5
        inside = np.minimum.reduce([x, y, nx - x, ny - y])
        scale = 3600 * np.sqrt(pixel_area(wcs, *middle_pixel))
        depths[near] = np.nan_to_num(scale * inside, nan=-np.inf)
    return depths


@dataclass(frozen=True, eq=False, kw_only=True)
class Viewer:
    """
    Candidates, and what is shown of them beside their images.

    Parameters
    ----------
    table : `~astropy.table.QTable`
        The candidates.
    bands : dict, optional
        The images of other bands, by name: one path or None for each candidate.
    heatmaps : list of Path or None, optional
        The heat map of each candidate.
    sources : `~astro_vaeclust.report.field_sources.FieldSources`, optional
        Sources to count, instead of those that are found in the images.
    references : list of `~regions.CircleSkyRegion`, optional
        Circles to draw.
    """

    table: QTable
    bands: dict = field(default_factory=dict)
    heatmaps: list | None = None
    sources: FieldSources | None = None
    references: list = field(default_factory=list)

    def __call__(self, job):
        """Return the views of some candidates on one image, a path and rows (dict)."""
        path, rows = job
        with muted(LossyDataWarning):
            image = read_image(path)
            points = self._points(image, rows)
            catalog = ClusterCatalog(self.table, image=image, sources=points)
            views = {row: self._view(catalog, row) for row in rows}
            self._add_contours(views)
            self._add_bands(image, views, path)
        return views

    def _points(self, image, rows):
        """Return the sources to count on an image, None to find them one by one."""
        points = None if self.sources is None else self.sources.on(image)
        if points is not None:
            return points
        sides = 2 * REACH * self.table["radius"][rows] / (image.pixel_scale * u.pix)
        areas = np.nansum(sides.to_value(u.one) ** 2)
        if areas < image.data.size:
            return None
        return find_sources(image, significance=SIGNIFICANCE)

    def _view(self, catalog, row):
        """Return what is seen of a candidate on the image of a catalogue (dict)."""
        image = catalog.image
        sky, radius = self.table["sky_center"][row], self._radius(row)
        center = np.array(image.wcs.world_to_pixel(sky))
        north, east = north_and_east(image.wcs, *center, 1.0)
        near = [
            circle
            for circle in self.references
            if circle.center.separation(sky) < WIDE * u.arcsec / 2 + circle.radius
        ]
        sides = [radius and factor * radius for factor in RADII] + [WIDE]
        pieces = [_piece(image, sky, side) if side else (None, None) for side in sides]
        view = {
            "image": image.name,
            "pictures": [picture for picture, _ in pieces],
            "frames": [frame for _, frame in pieces],
            "north": _on_screen(north),
            "east": _on_screen(east),
            "references": [_offset(circle, image, center) for circle in near],
            "contours": [[]] * len(sides),
            "bands": [],
        }
        if radius is not None:
            profile = catalog.profile(self.table["id"][row])
            view["profile"] = profile_lists(profile)
        if radius is not None and self.sources is not None:
            table = self.sources.luminosity_function(self.table, row)
            view["luminosity"] = table and luminosity_lists(table)
        return view

    def _radius(self, row):
        """Return the radius of a candidate in arcsec; None where it is none."""
        radius = float(self.table["radius"][row].to_value(u.arcsec))
        return radius if np.isfinite(radius) and radius > 0 else None

    def _add_contours(self, views):
        """Add contours of the heat maps."""
        for path, rows in _grouped(self.heatmaps, views).items():
            pixels, header = fits.getdata(path, header=True)
            heatmap = NDData(pixels, wcs=WCS(header))
            for row in rows:
                sky = self.table["sky_center"][row]
                views[row]["contours"] = [
                    contour_lines(heatmap, sky, frame[2] * u.arcsec) if frame else []
                    for frame in views[row]["frames"]
                ]

    def _add_bands(self, image, views, own):
        """Add pictures of the other bands, and of three in colour."""
        rows = [row for row in views if self.bands and self._radius(row) is not None]
        layers = {row: [self._layer(image, row, image)] for row in rows}
        for name, paths in self.bands.items():
            for path, rows_here in _grouped(paths, rows).items():
                if path == own:
                    continue
                other = read_image(path)
                for row in rows_here:
                    layers[row].append(self._layer(image, row, other, name))
        for row, found in layers.items():
            pictures = [(name, as_grey(pixels)) for name, pixels in found[1:]]
            if pictures:
                pictures.append(_colour(found))
            views[row]["bands"] = [(n, as_webp(picture)) for n, picture in pictures]

    def _layer(self, image, row, other, name=""):
        """Return name and significance of a band, on the pixels of the first scale."""
        side = RADII[0] * self._radius(row) * u.arcsec
        pixels, wcs = cutout(image, self.table["sky_center"][row], side)
        if other is not image:
            pixels = resampled(other, wcs, pixels.shape)
        usable = pixels[np.isfinite(pixels)]
        sky_level = np.median(usable) if usable.size else 0
        noise = mad_std(other.sample) or 1
        name = name or image.band or "searched image"
        return name, reduced((pixels - sky_level) / noise, SIDE)


def _grouped(paths, rows):
    """Return the rows that belong to each path (dict)."""
    groups = {}
    for row in rows:
        if paths is not None and paths[row] is not None:
            groups.setdefault(paths[row], []).append(row)
    return groups


def _colour(layers):
    """Return the name and the picture of two or more bands in colour."""
    names, pixels = zip(*(layers[:3] if len(layers) < 4 else layers[1:4]), strict=True)
    return f"{', '.join(names)} as red to blue", in_colour(*pixels)


def _piece(image, sky, side):
    """Return a piece of an image as WebP, and its frame."""
    pixels, wcs = cutout(image, sky, side * u.arcsec)
    x, y = wcs.world_to_pixel(sky)
    small = reduced(pixels, SIDE)
    ny, nx = np.array(small.shape) * step_to(pixels.shape, SIDE)
    per_pixel = image.pixel_scale.to_value(u.arcsec / u.pix)
    frame = (100 * (x + 0.5) / nx, 100 * (ny - 0.5 - y) / ny, nx * per_pixel)
    return as_webp(as_grey(small)), [round(float(value), 2) for value in frame]


def _on_screen(step):
    """Return a step in pixels with y downwards."""
    return [round(float(step[0]), 4), round(float(-step[1]), 4)]


def _offset(circle, image, center):
    """Return x, y (downwards) and radius of a circle in arcsec from the candidate."""
    scale = image.pixel_scale.to_value(u.arcsec / u.pix)
    x, y = (np.array(image.wcs.world_to_pixel(circle.center)) - center) * scale
    return [round(float(v), 2) for v in (x, -y, circle.radius.to_value(u.arcsec))]
