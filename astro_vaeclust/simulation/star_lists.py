# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Real star lists under a made-up camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table
from scipy.spatial import cKDTree

from ..archives.exceptions import ArchiveFormatError
from ..archives.standard_columns import standardise
from ..photometry.palette import checked_surveys
from ..sources.table import sky_positions
from .checks import checked_center, checked_shape
from .exposure import checked_artefacts, start_exposures, take_tile
from .fields import DEPTH, field_counts
from .observation import make_wcs
from .real_profiles import mean_direction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..photometry.surveys import Survey
    from .tables import MockTile

__all__ = ["render_catalog"]

BIN = 0.5
"""Width in mag of the bins in which stars are counted."""

PARENTS = 2.0
"""Stars so many magnitudes above the limit of a list show where its field is dense."""

NEIGHBOURS = 50
"""Stars over which the density of these is smoothed."""


def render_catalog(
    table: Table,
    *,
    survey: Survey | str | Sequence[Survey | str] = "2mass-ks",
    shape: tuple[int, int] = (1024, 1024),
    center: SkyCoord | None = None,
    complete: bool = True,
    artefacts: bool | Sequence[str] = True,
    noise: bool = True,
    uncertainty: bool = False,
    seed: int | np.random.Generator | None = None,
) -> MockTile:
    """
    Render a list of real stars as an image of a survey.

    The stars are where they are and as bright as they are; the camera, the sky, the
    noise and the artefacts are drawn as those of `simulate_tile`.

    Parameters
    ----------
    table : `~astropy.table.Table`
        Right ascension, declination and a magnitude in the band of the survey, as
        2MASS, UKIDSS and VISTA lists from their archives and from VizieR name them; or
        ``ra`` and ``dec`` or ``sky``, and ``mag``. Upper limits and rows without a
        position or a magnitude are left out.
    survey : str or Survey or sequence of these
        A key of `SURVEYS`, or a survey of the band J, H, K or Ks; of several bands the
        image is one in colour, as that of `simulate_tile`. A star without a magnitude
        in a band is not on the image of that band.
    shape : tuple of int
        ``(ny, nx)`` in pixels.
    center : `~astropy.coordinates.SkyCoord`, optional
        Middle of the image; by default that of the list.
    complete : bool
        Whether stars fainter than the limit of the list are added, see the notes.
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
        The image and its stars, of which the extinction is not known (NaN), nor the
        magnitude in a band where they are not seen. The tables of clusters and nulls
        have no rows but those of artefacts: what is in a real field is not known.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If the table has no positions, or no magnitudes in one of the bands, no star of
        it lies on the image, or an argument is out of its range.

    Notes
    -----
    A list is complete down to the magnitude at which its counts per magnitude are
    highest. From there to three magnitudes below the limit of the survey the counts go
    on as those of mock fields, and stars are added to the difference: near the stars
    within the last two complete magnitudes, with a Gaussian of half the distance to
    the fiftieth neighbour, so that the field stays as dense or as empty as it is over
    some arcminutes. A cluster gets faint members as if it had the luminosity function
    of the field, and its core smoothed. Nebulae and galaxies are not rendered.

    In colour, the counts are those in the last band, in wavelength. A star that is
    added has the colours of the listed one near which it is, so that dust reddens both.
    It is not on the image of a band where this star has no magnitude, nor where it
    would be so bright that the list had it.

    Examples
    --------
    >>> from astropy.table import Table
    >>> from astro_vaeclust.simulation import render_catalog
    >>> table = Table({"ra": [84.0, 84.01], "dec": [0.0, 0.01], "mag": [9.0, 11.5]})
    >>> render_catalog(table, shape=(128, 128), complete=False, seed=1)
    <MockTile 2mass-ks (128, 128): 0 clusters, 2 stars, 0 nulls>
    """
    surveys, shape = checked_surveys(survey), checked_shape(shape)
    survey = surveys[-1]
    for one in surveys:
        checked_artefacts(artefacts, one)
    sky, magnitudes = _read(table, [one.band for one in surveys])
    if center is None:
        center = _middle(sky)
    wcs = make_wcs(survey, shape, checked_center(center))
    exposures = start_exposures(surveys, wcs, seed)
    exposure = exposures[-1]
    x, y = _positions(sky, exposure)
    if complete:
        added = _fainter(exposure.streams["field"], x, y, magnitudes, survey)
        x, y, *magnitudes = np.hstack([[x, y, *magnitudes], added])
    reach = exposure.psf.radius
    near = (x > -reach) & (y > -reach)
    near &= (x < shape[1] + reach) & (y < shape[0] + reach)
    stars = {"x": x[near], "y": y[near], "mag": magnitudes[-1][near]}
    stars["extinction"] = np.full(near.sum(), np.nan)
    if len(surveys) > 1:
        for one, magnitude in zip(surveys, magnitudes, strict=True):
            stars[f"mag_{one.band}"] = magnitude[near]
    settings = {"artefacts": artefacts, "noise": noise, "uncertainty": uncertainty}
    return take_tile(exposures, [(stars, -1, False)], **settings)


def _read(table, bands):
    """
    Return positions and magnitudes, (n_bands, n), of the stars of a list.

    All have one in some band; in others it is NaN. Raises TypeError or ValueError if
    there are none in a band.
    """
    if not isinstance(table, Table):
        raise TypeError(f"table must be a Table, got {type(table).__name__}")
    if any(isinstance(column, SkyCoord) for column in table.itercols()):
        sky = sky_positions(table, "table")
        table = Table(table, copy=False)
        table["ra"], table["dec"] = sky.ra.deg * u.deg, sky.dec.deg * u.deg
    try:
        lists = [standardise(table, band=band) for band in bands]
    except ArchiveFormatError as error:
        raise ValueError(f"table: {error}") from error
    magnitudes = np.array(
        [np.where(one["quality"] == "limit", np.nan, one["mag"].value) for one in lists]
    )
    given = np.isfinite(magnitudes)
    for band, is_seen in zip(bands, given, strict=True):
        if not is_seen.any():
            raise ValueError(
                f"table must have stars with a position and a magnitude in {band}, "
                f"got none in {len(table)} rows"
            )
    seen = given.any(axis=0)
    return lists[-1]["sky"][seen], magnitudes[:, seen]


def _middle(sky):
    """Return the middle between the ends of a list, one star in a hundred beyond."""
    mean = mean_direction(sky)
    ends = [np.percentile(axis, [1, 99]) for axis in mean.spherical_offsets_to(sky)]
    return mean.spherical_offsets_by(*(end.mean() for end in ends))


def _positions(sky, exposure):
    """Return positions in pixels, NaN beyond a hemisphere, or raise ValueError."""
    wcs, shape = exposure.wcs, exposure.canvas.shape
    middle = wcs.pixel_to_world((shape[1] - 1) / 2, (shape[0] - 1) / 2)
    ahead = middle.separation(sky).deg < 89
    x, y = np.full((2, len(sky)), np.nan)
    x[ahead], y[ahead] = wcs.world_to_pixel(sky[ahead])
    inside = (x > -0.5) & (y > -0.5) & (x < shape[1] - 0.5) & (y < shape[0] - 0.5)
    if not inside.any():
        raise ValueError(
            f"table must have stars on the image of {shape[1]} x {shape[0]} pixels "
            f"about {middle.to_string('decimal')}, got none; give another center"
        )
    return x, y


def _fainter(rng, x, y, magnitudes, survey):
    """Return rows of the stars that a list lacks: x, y and the magnitudes."""
    limits = [completeness_limit(band[np.isfinite(band)]) for band in magnitudes]
    magnitude, limit, faint = magnitudes[-1], limits[-1], survey.limit + DEPTH
    nothing = np.zeros((2 + len(limits), 0))
    if limit >= faint:
        return nothing
    edges = np.arange(limit, faint + BIN, BIN)
    grid, number = field_counts(faint + BIN - survey.color)
    expected = np.interp(edges - survey.color, grid, number)
    expected *= np.sum(magnitude < limit) / expected[0]
    missing = np.diff(expected) - np.histogram(magnitude, edges)[0]
    counts = rng.poisson(np.maximum(missing, 0))
    low = np.repeat(edges[:-1], counts)
    parents = (magnitude < limit) & (magnitude > limit - PARENTS) & np.isfinite(x)
    if parents.sum() < 2:
        return nothing
    position, parent = _scattered(rng, np.column_stack([x, y])[parents], low.size)
    added = low + BIN * rng.random(low.size)
    colors = (magnitudes - magnitude)[:, parents][:, parent]
    added = added + colors
    added[added < np.vstack(limits)] = np.nan
    return np.vstack([position.T, added])


def completeness_limit(magnitude):
    """Return the bright end of the fullest half magnitude of a list."""
    starts = np.sort(magnitude)
    ends = np.searchsorted(starts, starts + BIN)
    return starts[np.argmax(ends - np.arange(len(starts)))]


def _scattered(rng, parents, number):
    """Return positions as dense as the parents', (number, 2), and whose each is."""
    chosen = rng.integers(len(parents), size=number)
    neighbour = min(NEIGHBOURS, len(parents) - 1) + 1
    distance = cKDTree(parents).query(parents, [neighbour])[0]
    shift = 0.5 * distance[chosen] * rng.standard_normal((number, 2))
    return parents[chosen] + shift, chosen
