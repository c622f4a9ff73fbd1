# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Axes on the sky: images, circles, compass and scale bar, all by the WCS."""

from __future__ import annotations

import astropy.units as u
import numpy as np

from .pictures import image_limits

__all__ = [
    "CLUSTER_COLOR",
    "HEAT_COLOR",
    "REFERENCE_COLOR",
    "draw_compass",
    "draw_image",
    "draw_regions",
    "draw_scale_bar",
    "north_and_east",
    "outlined",
    "sky_axes",
]

CLUSTER_COLOR = "#56b4e9"  # from the palette of Okabe & Ito, as are the next two
HEAT_COLOR = "#e69f00"
REFERENCE_COLOR = "#d55e00"

_AXIS_LABELS = {
    "pos.eq.ra": "Right ascension",
    "pos.eq.dec": "Declination",
    "pos.galactic.lon": "Galactic longitude",
    "pos.galactic.lat": "Galactic latitude",
}
_LENGTHS = np.array([1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200])
"""Lengths in arcsec that a scale bar may have."""


def sky_axes(figure, wcs, place=111):
    """Add axes to a figure, with labels on the sky unless ``wcs`` is None."""
    if wcs is None:
        return figure.add_subplot(place)
    ax = figure.add_subplot(place, projection=wcs)
    for coordinate, kind in zip(ax.coords, wcs.world_axis_physical_types, strict=True):
        coordinate.set_axislabel(_AXIS_LABELS.get(kind, kind))
    return ax


def draw_image(ax, pixels):
    """
    Draw pixels in grey, zscaled at the faint end, with an asinh stretch.

    A picture in colour, (ny, nx, 3), is drawn as it is.
    """
    from astropy.visualization import AsinhStretch, ImageNormalize

    if pixels.ndim == 3:
        ax.imshow(pixels, origin="lower", interpolation="nearest")
        return
    low, high = image_limits(pixels)
    norm = ImageNormalize(vmin=low, vmax=high, stretch=AsinhStretch(0.1))
    ax.set_facecolor("#556")  # where pixels are masked
    ax.imshow(pixels, cmap="gray", norm=norm, origin="lower", interpolation="nearest")


def draw_regions(ax, regions, wcs, **style):
    """Draw the outlines of regions, on the sky or in pixels, above everything else."""
    from regions import SkyRegion

    for region in regions:
        pixels = region.to_pixel(wcs) if isinstance(region, SkyRegion) else region
        pixels.plot(ax=ax, **({"facecolor": "none", "zorder": 3} | style))


def north_and_east(wcs, x, y, length):
    """
    Return where north and east of a pixel lie.

    Parameters
    ----------
    wcs : `~astropy.wcs.WCS`
        The WCS, also flipped or rotated.
    x, y : float
        The pixel.
    length : float
        Length of what is returned in pixels.

    Returns
    -------
    north, east : (2,) array
        Steps in x and y towards north and east.
    """
    origin = wcs.pixel_to_world(x, y).icrs
    small = origin.separation(wcs.pixel_to_world(x + 1, y).icrs)
    steps = []
    for angle in (0, 90) * u.deg:
        tip = origin.directional_offset_by(angle, small)
        step = np.array(wcs.world_to_pixel(tip)) - (x, y)
        steps.append(length * step / np.hypot(*step))
    return steps


def draw_compass(ax, wcs, shape, fraction=0.07):
    """Draw arrows to north and east in the lower right corner."""
    ny, nx = shape
    length = fraction * min(nx, ny)
    steps = np.array(north_and_east(wcs, nx, 0, length))
    tips = np.append(1.5 * steps, [[0, 0]], axis=0)
    margin = 0.7 * length
    center = np.array([nx - margin - tips[:, 0].max(), margin - tips[:, 1].min()])
    for name, step in zip("NE", steps, strict=True):
        ax.annotate(
            "",
            center + step,
            xytext=center,
            arrowprops={
                "arrowstyle": "->",
                "color": "white",
                "shrinkA": 0,
                "shrinkB": 0,
                "path_effects": outlined(),
            },
        )
        _text(ax, *(center + 1.5 * step), name, ha="center", va="center")


def draw_scale_bar(ax, wcs, shape, fraction=0.25):
    """Draw a bar of a round length, at most this fraction of the width."""
    ny, nx = shape
    x, y = 0.04 * nx, 0.05 * ny
    ends = wcs.pixel_to_world([x, x + 1], [y, y])
    scale = ends[0].separation(ends[1]).arcsec
    fitting = _LENGTHS[fraction * nx * scale >= _LENGTHS]
    length = fitting[-1] if fitting.size else 1
    ax.plot(
        [x, x + length / scale], [y, y], color="white", lw=2, path_effects=outlined()
    )
    text = f"{length // 60}'" if length >= 60 else f'{length}"'
    _text(ax, x + length / scale / 2, y + 0.015 * ny, text, ha="center", va="bottom")


def outlined():
    """Return the effect of a black outline, which is seen on every background."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=3, foreground="black")]


def _text(ax, x, y, text, **keywords):
    ax.text(x, y, text, color="white", path_effects=outlined(), **keywords)
