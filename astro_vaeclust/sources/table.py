# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tables of sources: columns, words and units become positions and magnitudes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.utils.exceptions import AstropyUserWarning

from ..utils.warning import warn
from .columns import (
    as_degrees,
    as_numbers,
    is_sexagesimal,
    limiting_magnitudes,
    magnitudes_of_bands,
    own_names,
    unit_of,
)
from .points import PointSources, check_number_on_image

if TYPE_CHECKING:
    from astropy.wcs import WCS

__all__ = [
    "angles",
    "check_table",
    "has_sky_positions",
    "read_point_sources",
    "read_sources",
    "sky_positions",
]

SKY_COLUMNS = ("sky", "sky_center", "sky_centroid")
"""Names of `~astropy.coordinates.SkyCoord` columns, in lower case as all below."""

ANGLE_COLUMNS = (
    *((f"{name}.ra", f"{name}.dec") for name in SKY_COLUMNS),
    ("ra2000", "dec2000"),
    ("_raj2000", "_dej2000"),
    ("_ra_icrs", "_de_icrs"),
    ("_ra.icrs", "_de.icrs"),
    ("ra", "dec"),
    ("raj2000", "dej2000"),
    ("ra_icrs", "de_icrs"),
    ("raicrs", "deicrs"),
    ("radeg", "dedeg"),
    ("ra_deg", "dec_deg"),
    ("ra_j2000", "dec_j2000"),
    ("alpha_j2000", "delta_j2000"),
    ("ramean", "decmean"),
    ("ra", "de"),
    ("ra", "decl"),
)
"""Right ascension and declination, the best first: a SkyCoord as a file holds it, WSA
and VSA, which have ``ra`` and ``dec`` in radians beside, and what VizieR computes."""

GALACTIC_COLUMNS = (("glon", "glat"), ("l", "b"))
"""Galactic longitude and latitude, where there is nothing of the above."""

PIXEL_COLUMNS = (
    ("x", "y"),
    ("x_centroid", "y_centroid"),
    ("xcentroid", "ycentroid"),
    ("x_center", "y_center"),
    ("xcenter", "ycenter"),
    ("x_fit", "y_fit"),
)

REMEDIES = {
    "DataFrame": "Table.from_pandas(sources)",
    "SkyCoord": "Table({'sky': sources})",
    "BinTableHDU": "Table.read(sources)",
    "TableHDU": "Table.read(sources)",
    "HDUList": "Table.read(sources)",
    "FITS_rec": "Table(sources)",
    "recarray": "Table(sources)",
    "Row": "Table(sources)",
    "ndarray": "Table(sources, names=('x', 'y'))",
    "dict": "Table(sources)",
    "list": "Table(rows=sources, names=('ra', 'dec'))",
    "str": "Table.read(sources)",
    "PosixPath": "Table.read(sources)",
    "WindowsPath": "Table.read(sources)",
    "ClusterCatalog": "sources.table",
}
"""What makes a table of what is none, by the name of its type."""


def read_sources(
    sources: Table | PointSources,
    wcs: WCS,
    *,
    magnitude_limit: float | None = None,
    colors: bool = False,
) -> PointSources:
    """
    Read the positions of a table of sources on an image.

    Parameters
    ----------
    sources : `~astropy.table.Table` or `PointSources`
        A table with positions on the sky: a `~astropy.coordinates.SkyCoord` column
        ``sky``, ``sky_center`` or ``sky_centroid``, or the only one of any name; right
        ascension and declination as 2MASS, WSA, VSA, IRSA, VizieR and SExtractor name
        them, see `sky_positions`; or Galactic ``glon, glat`` or ``l, b``. Without
        these, in pixels, from 0 at the centre of the first one: ``x, y``, or the names
        of photutils such as ``x_centroid, y_centroid``. Magnitudes are in ``mag``.
        Upper or lower case does not matter. Or positions in pixels.
    wcs : `~astropy.wcs.WCS`
        Turns positions on the sky into pixels.
    magnitude_limit : float, optional
        Keep the sources of a table that are brighter than this only.
    colors : bool, optional
        Whether to read the magnitudes in J, H and K, as archives name them.

    Returns
    -------
    sources : `PointSources`
        Those that have a position.

    Raises
    ------
    TypeError
        If ``sources`` is no table.
    ValueError
        If it has no positions, rows but none with a usable position, or no magnitudes
        though a limit or colours need them.

    Warns
    -----
    AstropyUserWarning
        If there are impossible positions, which are left out.
    """
    if isinstance(sources, PointSources):
        if colors and sources.magnitudes is None:
            raise ValueError("colors=True needs sources= with magnitudes, got none")
        return sources
    x, y = _pixel_positions(sources, wcs)
    magnitudes = magnitudes_of_bands(sources) if colors else None
    keep = np.isfinite(x) & np.isfinite(y)
    if magnitude_limit is not None:
        keep &= limiting_magnitudes(sources) < magnitude_limit
    return PointSources(x, y, magnitudes)[keep]


def read_point_sources(sources, image):
    """
    Read the sources that are on the usable pixels of an image.

    Parameters
    ----------
    sources : `~astropy.table.Table` or `PointSources`
        As `read_sources` takes them.
    image : `~astro_vaeclust.images.image.Image`
        The image.

    Returns
    -------
    sources : `PointSources`
        The sources.

    Raises
    ------
    TypeError
        If ``sources`` is no table.
    ValueError
        If the table has no positions, or rows but fewer than three on usable pixels.
    """
    usable = read_sources(sources, image.wcs).on(image.mask)
    if not isinstance(sources, PointSources):
        check_number_on_image(len(sources), len(usable))
    return usable


def sky_positions(table, name="sources", *, wcs=None):
    """
    Return the positions of a table on the sky.

    Parameters
    ----------
    table : `~astropy.table.Table`
        A table with a column of ``SKY_COLUMNS``, a pair of ``ANGLE_COLUMNS``, a single
        SkyCoord of another name, or a pair of ``GALACTIC_COLUMNS``. Numbers without a
        unit are degrees, also as text; words such as ``"06 08 32.1"`` and
        ``"+20 38 57"`` are hours and degrees, ICRS.
    name : str, optional
        The argument, for messages.
    wcs : `~astropy.wcs.WCS`, optional
        Where a table has positions in pixels only: their WCS.

    Returns
    -------
    sky : (n,) `~astropy.coordinates.SkyCoord`
        ICRS, without distances; NaN where a position is missing or impossible.

    Raises
    ------
    TypeError
        If it is no table.
    ValueError
        If there are no such columns, their unit is no angle, or it is open whether
        numbers are hours or degrees.

    Warns
    -----
    AstropyUserWarning
        If there are impossible positions: words that cannot be read, or angles beyond a
        pole or a full circle.
    """
    check_table(table, name)
    if not has_sky_positions(table):
        x, y = _pixel_columns(table, name)
        if wcs is None:
            raise ValueError(
                f"{name} has positions in pixels only, and no WCS that they belong to; "
                f"got the columns {table.colnames}"
            )
        return wcs.pixel_to_world(x, y).icrs
    return SkyCoord(*angles(table, name), unit=u.deg, frame="icrs")


def has_sky_positions(table):
    """Whether a table has columns with positions on the sky (bool)."""
    pairs = ANGLE_COLUMNS + GALACTIC_COLUMNS
    return any(_pairs(table, pairs)) or _sky_column(table) is not None


def angles(table, name="sources"):
    """
    Return the positions of a table on the sky as right ascension and declination.

    Parameters
    ----------
    table : `~astropy.table.Table`
        The table.
    name : str, optional
        The argument, for messages.

    Returns
    -------
    ra, dec : (n,) float64 array
        In degrees, ICRS; both NaN where one is missing or impossible. None instead of
        both without positions on the sky.

    Raises
    ------
    ValueError
        If a unit is no angle, or it is open whether numbers are hours or degrees.

    Warns
    -----
    AstropyUserWarning
        If there are impossible positions.
    """
    column = _sky_column(table)
    pair = next(_pairs(table, ANGLE_COLUMNS), None)
    galactic = next(_pairs(table, GALACTIC_COLUMNS), None)
    if column is not None:
        return _possible(*_icrs(table[column], name), name)
    if pair is not None:
        return _possible(*_angles_of(table, pair, u.hourangle, name), name)
    if galactic is None:
        return None
    found = _possible(*_angles_of(table, galactic, u.deg, name), name)
    return _icrs(SkyCoord(*found, unit=u.deg, frame="galactic"), name)


def _icrs(sky, name):
    """Return positions of any frame in degrees of ICRS."""
    try:
        sky = sky.icrs
    except Exception as error:  # astropy has many ways to fail
        raise ValueError(f"{name}: positions in {sky.name} are no ICRS") from error
    return tuple(as_numbers(axis, u.deg) for axis in (sky.ra, sky.dec))


def _angles_of(table, pair, unit, name):
    """
    Return the angles of a pair of columns in degrees, infinite if unreadable.

    The unit is that of sexagesimal words of the first.
    """
    ra, dec = (table[column] for column in pair)
    try:
        if is_sexagesimal(dec) and not (is_sexagesimal(ra) or unit_of(ra, u.deg)):
            raise ValueError(
                f"column {pair[0]!r} has plain numbers beside the sexagesimal column "
                f"{pair[1]!r}; give it a unit, since they may be hours or degrees"
            )
        return as_degrees(ra, unit), as_degrees(dec, u.deg)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def check_table(table, name):
    """Raise TypeError, which says what makes a table of it, unless it is one."""
    if not isinstance(table, Table):
        kind = type(table).__name__
        remedy = REMEDIES.get(kind, "").replace("sources", name)
        raise TypeError(
            f"{name} must be an astropy Table or QTable, got {kind}"
            + (remedy and f"; give {remedy}")
        )


def _possible(ra, dec, name):
    """Return positions with NaN for the impossible ones, which are counted."""
    given = ~(np.isnan(ra) | np.isnan(dec))
    possible = (np.abs(ra) <= 360) & (np.abs(dec) <= 90)
    n_impossible = np.count_nonzero(given & ~possible)
    if n_impossible:
        warn(
            f"{name}: {n_impossible} of {len(ra)} rows have impossible positions and "
            "are left out",
            AstropyUserWarning,
        )
    return tuple(np.where(possible, angle, np.nan) for angle in (ra, dec))


def _pixel_positions(sources, wcs):
    """Return positions in pixels, NaN where there is none."""
    check_table(sources, "sources")
    if not has_sky_positions(sources):
        x, y = _pixel_columns(sources, "sources")
        _check_known(np.isfinite(x) & np.isfinite(y))
        return x, y
    sky = sky_positions(sources)
    known = np.isfinite(sky.ra.deg)
    _check_known(known)
    if wcs.has_distortion and wcs.array_shape is not None:
        known &= _is_around(sky, wcs)
    x, y = np.full((2, len(sky)), np.nan)
    if known.any():
        x[known], y[known] = wcs.world_to_pixel(sky[known])
    return x, y


def _is_around(sky, wcs):
    """Whether positions lie near an image, beyond which distortions diverge."""
    ny, nx = wcs.array_shape
    corners = wcs.pixel_to_world([0, 0, nx, nx], [0, ny, 0, ny])
    middle = wcs.pixel_to_world(nx / 2, ny / 2)
    return middle.separation(sky) < 2 * middle.separation(corners).max()


def _check_known(known):
    """Raise ValueError if there are rows and no position is known."""
    if known.size and not known.any():
        raise ValueError(
            f"sources has no row with a usable position; it has {known.size} rows"
        )


def _pixel_columns(table, name):
    """Return the columns with positions in pixels, or raise ValueError."""
    for pair in _pairs(table, PIXEL_COLUMNS):
        try:
            return tuple(as_numbers(table[column], u.pix) for column in pair)
        except ValueError:  # x and y in another unit are no pixels
            continue
    raise ValueError(
        f"{name} must have positions: a SkyCoord in one of {SKY_COLUMNS}, the columns "
        f"ra and dec, or in pixels x and y; got the columns {table.colnames}"
    )


def _pairs(table, pairs):
    """Return the pairs of columns that a table has, as it spells them."""
    own = own_names(table)
    return (
        (own[one], own[other]) for one, other in pairs if {one, other} <= own.keys()
    )


def _sky_column(table):
    """Return the name of the best SkyCoord column, None without any."""
    named = [name for name in table.colnames if isinstance(table[name], SkyCoord)]
    best = [name for one in SKY_COLUMNS for name in named if name.lower() == one]
    if best or any(_pairs(table, ANGLE_COLUMNS)):
        return next(iter(best), None)
    if len(named) > 1:
        raise ValueError(
            f"sources: call one of the SkyCoord columns {named} 'sky', the one to use"
        )
    return next(iter(named), None)
