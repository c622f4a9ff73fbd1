# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Mock tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np

from ..photometry.palette import checked_surveys
from ..utils.validation import check_number
from .checks import checked_center, checked_extinction, checked_shape, checked_tags
from .clusters import checked_clusters
from .exposure import checked_artefacts, start_exposures, take_tile
from .fields import draw_field, draw_galaxies, paint_galaxies
from .members import draw_members, place_cluster
from .nebulae import paint_cluster_nebula
from .nulls import NULLS, draw_defects, draw_nulls
from .observation import make_wcs
from .tables import cluster_row
from .textures import turbulent_screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astropy.coordinates import SkyCoord

    from ..photometry.surveys import Survey
    from .clusters import MockCluster
    from .tables import MockTile

__all__ = ["simulate_tile"]

DUST_STEP = 6.0
"""Distance in arcsec of the samples of the dust."""

DUST_OUTER, DUST_SPREAD = (150.0, 1200.0), (0.5, 1.1)
"""Ranges of the largest scale of the dust in arcsec, and of its log's scatter."""


def simulate_tile(
    *,
    survey: Survey | str | Sequence[Survey | str] = "2mass-ks",
    shape: tuple[int, int] = (1024, 512),
    center: SkyCoord | None = None,
    clusters: int | MockCluster | Sequence[MockCluster] = 0,
    clouds: bool = True,
    density: float = 4.2,
    extinction: u.Quantity = 0.35 * u.mag,
    gradient: float = 0.1,
    nulls: Sequence[str] = (),
    artefacts: bool | Sequence[str] = True,
    noise: bool = True,
    uncertainty: bool = False,
    seed: int | np.random.Generator | None = None,
) -> MockTile:
    """
    Simulate a tile of an imaging survey.

    Parameters
    ----------
    survey : str or Survey or sequence of these
        A key of `SURVEYS`, or a survey; of several, also as ``"2mass-j+2mass-ks"``, the
        sky is the same, see the notes.
    shape : tuple of int
        ``(ny, nx)`` in pixels.
    center : `~astropy.coordinates.SkyCoord`, optional
        Middle of the tile; by default in the Galactic plane at longitude 40 deg.
    clusters : int or MockCluster or sequence of MockCluster
        The clusters, or how many to draw with `draw_clusters`.
    clouds : bool
        Whether clusters that are drawn lie in clouds, see `draw_clusters`.
    density : float
        Decimal logarithm of the expected field stars with Ks < 14 per square degree;
        the plane has 3.2 to 4.7.
    extinction : `~astropy.units.Quantity`
        Mean extinction in Ks of the turbulent screen before the field stars. It makes
        the field clumpy and leaves ``density`` as asked for; 0 mag makes the field
        Poisson.
    gradient : float
        Change of the logarithm of the density across the tile, in a random direction.
    nulls : sequence of str
        Hard negatives to add, keys of `NULLS`; a tag may occur more than once.
    artefacts : bool or sequence of str
        Keys of `ARTEFACTS`; True for those of the survey.
    noise : bool
        Whether the image has noise.
    uncertainty : bool
        Whether the image has a `~astropy.nddata.StdDevUncertainty`.
    seed : int, `~numpy.random.Generator` or None
        The random numbers. The same integer gives the same bits.

    Returns
    -------
    tile : MockTile
        The image and the truth.

    Raises
    ------
    ValueError
        If an argument is out of its range or a tag is not known; the message names
        the argument and what it takes.
    TypeError
        If an argument is of the wrong kind.

    Notes
    -----
    The noise is white noise smoothed by a Gaussian, with a photon part that grows with
    the light of the pixel. The profile of the stars, the zero point, the sky and the
    noise are drawn from the ranges of the survey.

    Surveys of several bands, J, H and K with pixels of one size, give a tile in colour:
    ``tile.images`` has an image in each, with conditions, noise and artefacts of its
    own, and stars that are 0.1 arcsec beside those of another. The sky is that of the
    last band, in wavelength, with the same seed: so is this image, if it is K, and
    magnitudes, limits and numbers of stars are counted in it. Each star has an
    intrinsic colour: dwarfs and giants by what is seen along a line of sight, members
    by the population of their cluster. Its extinction is that by the clouds and that by
    dust that adds up with distance, under a law of extinction between that of
    Indebetouw et al. 2005, ApJ 619, 931 and that of Nishiyama et al. 2009, ApJ 696,
    1407; magnitudes in the last band are those after both. Defects of the image, such
    as ``"edge"``, lie elsewhere in each.

    Mosaics may be as large as the memory: it takes 26 bytes per pixel, 14 more for each
    further band, and about 100 MB, and a square degree of 1" pixels at the default
    density 2 to 3 s of one core.

    Examples
    --------
    >>> from astro_vaeclust.simulation import MockCluster, simulate_tile
    >>> cluster = MockCluster(n_members=40)
    >>> tile = simulate_tile(shape=(256, 256), clusters=cluster, seed=1)
    >>> tile.image.unit
    Unit("adu")
    >>> int(tile.clusters["n_members"][0])
    40
    """
    surveys = checked_surveys(survey)
    for one in surveys:
        checked_artefacts(artefacts, one)
    sky = draw_sky(
        surveys,
        shape=shape,
        center=center,
        clusters=clusters,
        clouds=clouds,
        density=density,
        extinction=extinction,
        gradient=gradient,
        nulls=nulls,
        seed=seed,
    )
    settings = {"artefacts": artefacts, "noise": noise, "uncertainty": uncertainty}
    return take_tile(*sky, **settings)


def draw_sky(
    surveys,
    *,
    shape,
    clusters,
    density,
    extinction,
    gradient,
    nulls,
    seed,
    center=None,
    clouds=True,
):
    """
    Draw what is in the sky of a tile: the arguments of `take_tile`, before any star.

    ``surveys`` are checked ones; the rest are arguments of `simulate_tile`.
    """
    survey, shape = surveys[-1], checked_shape(shape)
    nulls = checked_tags("nulls", nulls, NULLS)
    mean_extinction = checked_extinction(extinction)
    check_number("density", density, high=7)
    check_number("gradient", gradient, low=-3, high=3)
    wcs = make_wcs(survey, shape, checked_center(center))
    exposures = start_exposures(surveys, wcs, seed, density)
    streams, canvas = exposures[-1].streams, exposures[-1].canvas
    clusters = checked_clusters(
        clusters, streams["clusters"], survey, shape, clouds=clouds
    )
    draw_nulls(streams["nulls"], canvas, nulls)
    for exposure in exposures[:-1]:
        draw_defects(exposure.streams["nulls"], exposure.canvas, nulls)
    groups, rows = _add_clusters(streams, canvas, clusters, wcs)
    groups += _draw_background(
        streams, canvas, density, mean_extinction, gradient, exposures[-1].psf.radius
    )
    return exposures, groups, rows


def _add_clusters(streams, canvas, clusters, wcs):
    """Draw the clusters, and hang their nebulae and dust before the field."""
    shape, scale = canvas.shape, canvas.survey.pixel_scale
    groups, rows, taken = [], [], []
    for number, cluster in enumerate(clusters):
        x, y = place_cluster(streams["clusters"], cluster, wcs, shape, scale, taken)
        taken.append((x, y, cluster.radius / scale))
        members, dust = draw_members(
            streams["members"],
            cluster,
            limit=canvas.survey.limit,
            extinction_ratio=canvas.survey.extinction_ratio,
        )
        members |= {"x": x + members["dx"] / scale, "y": y + members["dy"] / scale}
        front = canvas.palette.color_members(members, cluster)
        depth = cluster.extinction.to_value(u.mag)
        paint_cluster_nebula(
            streams["nebulae"],
            canvas.light,
            cluster,
            x,
            y,
            zero_point=canvas.zero_point,
            pixel_scale=scale,
            tint=canvas.palette.nebula_tint(front + depth),
        )
        canvas.screens.append(_shifted(dust, x, y, scale))
        groups.append((members, number, False))
        position = members["x"], members["y"]
        limit = canvas.survey.limit
        rows.append(cluster_row(number, cluster, members, x, y, limit, shape, position))
    return groups, rows


def _shifted(dust, x, y, scale):
    return lambda at_x, at_y: dust((at_x - x) * scale, (at_y - y) * scale)


def _draw_background(streams, canvas, density, extinction, gradient, margin):
    """Draw field stars and galaxies behind the dust."""
    survey, shape = canvas.survey, canvas.shape
    outer = np.exp(streams["dust"].uniform(*np.log(DUST_OUTER)))
    screen = turbulent_screen(
        streams["dust"],
        shape,
        mean=extinction,
        spread=streams["dust"].uniform(*DUST_SPREAD),
        step=DUST_STEP / survey.pixel_scale,
        outer=outer / survey.pixel_scale,
        margin=margin,
    )

    def further(x, y):
        return sum((other(x, y) for other in canvas.screens), np.zeros(x.shape))

    field, foreground = draw_field(
        streams["field"],
        survey,
        shape,
        density=density,
        screen=screen,
        gradient=gradient,
        margin=margin,
        extra=further,
    )
    galaxies = draw_galaxies(
        streams["galaxies"], survey, shape, lambda x, y: screen(x, y) + further(x, y)
    )
    flux = 10 ** (0.4 * (canvas.zero_point - galaxies["mag"]))
    flux = flux * canvas.palette.color_galaxies(galaxies).factor
    paint_galaxies(canvas.light, galaxies, flux, survey.pixel_scale)
    x, y, magnitude = np.array(canvas.stars, dtype=float).reshape(-1, 3).T
    added = {"x": x, "y": y, "mag": magnitude, "extinction": np.zeros(x.size)}
    canvas.palette.color_stars(field, foreground)
    canvas.palette.color_stars(added)
    return [(field, -1, False), (added, -1, False), (galaxies, -1, True)]
