# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A mock tile and the tables of what is on it."""

from __future__ import annotations

from dataclasses import dataclass

import astropy.units as u
import numpy as np
from astropy.nddata import NDData
from astropy.table import QTable, Table

from ..photometry.surveys import Survey

__all__ = ["MockTile"]


@dataclass(frozen=True, eq=False)
class MockTile:
    """
    A mock tile with the truth about it.

    Parameters
    ----------
    images : dict of str to `~astropy.nddata.NDData`
        The image in each band, from short to long wavelengths, in adu unless it was
        painted on another, with a celestial WCS and a mask of the pixels without data.
    clusters : `~astropy.table.QTable`
        One row per cluster: ``id``, ``sky_center``, ``x_center``, ``y_center``
        (pixels from 0), ``r50``, ``r80`` (arcsec; radii about the centre that hold 50
        and 80 per cent of the members brighter than the survey's limit), ``n_members``
        (those members), ``n_inside`` (those of them on the tile), ``profile``,
        ``nebulosity``, ``a_k`` (mean extinction of these members in Ks, mag; in colour
        with that before the cluster), ``brightest`` (mag) and ``slope``. Members count
        in the last band.
    stars : `~astropy.table.QTable`
        One row per star or galaxy on the tile: ``id``, ``sky``, ``x``, ``y``, ``mag``
        (after extinction) and ``flux`` (adu) in the last band, ``a_k`` (extinction in
        Ks, mag, by clouds, and in colour in all; NaN where it is not known),
        ``cluster`` (id of its cluster or -1), ``is_member`` and ``is_galaxy``; in
        colour the magnitudes of all bands too, as ``mag_J``.
    nulls : `~astropy.table.QTable`
        One row per hard negative or separate artefact: ``id``, ``kind``,
        ``sky_center``, ``x_center``, ``y_center`` and ``radius`` (arcsec; of an edge
        or a trail half its length).
    surveys : tuple of Survey
        The surveys that were imitated, of the same order.

    Raises
    ------
    TypeError
        If a table is no table.
    ValueError
        If a column is missing; the message lists those there are.
    """

    images: dict[str, NDData]
    clusters: QTable
    stars: QTable
    nulls: QTable
    surveys: tuple[Survey, ...]

    def __post_init__(self):
        for name, columns in (
            ("clusters", ("sky_center", *CLUSTER_COLUMNS)),
            ("stars", STAR_COLUMNS),
            ("nulls", ("sky_center", *NULL_COLUMNS)),
        ):
            _check_columns(name, getattr(self, name), columns)

    @property
    def image(self) -> NDData:
        """The image in the last band (`~astropy.nddata.NDData`)."""
        return list(self.images.values())[-1]

    @property
    def survey(self) -> Survey:
        """The survey of the last band (`Survey`)."""
        return self.surveys[-1]

    def __repr__(self):
        names = " ".join(survey.name for survey in self.surveys)
        counts = ", ".join(
            f"{len(getattr(self, name))} {name}"
            for name in ("clusters", "stars", "nulls")
        )
        return f"<MockTile {names} {self.image.data.shape}: {counts}>"


def _check_columns(name, table, columns):
    if not isinstance(table, Table):
        raise TypeError(f"{name} must be a Table, got {type(table).__name__}")
    missing = [column for column in columns if column not in table.colnames]
    if missing:
        raise ValueError(
            f"{name} must have the columns {', '.join(columns)}; "
            f"{', '.join(missing)} missing, got {', '.join(table.colnames)}"
        )


def cluster_row(number, cluster, members, x, y, limit, shape, position):
    """
    Return the truth of one cluster: the values of `CLUSTER_COLUMNS` without units.

    ``members`` are those of `draw_members`, ``positions`` theirs in pixels, and
    ``limit`` the magnitude to which they count.
    """
    bright = members["mag"] < limit
    radius = np.hypot(members["dx"], members["dy"])[bright]
    r50, r80 = np.percentile(radius, [50, 80])
    return {
        "id": number,
        "x_center": float(x),
        "y_center": float(y),
        "r50": r50,
        "r80": r80,
        "n_members": int(bright.sum()),
        "n_inside": int((bright & inside(*position, shape)).sum()),
        "profile": cluster.profile,
        "nebulosity": cluster.nebulosity,
        "a_k": float(members["extinction"][bright].mean()),
        "brightest": float(members["mag"].min()),
        "slope": float(cluster.slope),
    }


def inside(x, y, shape):
    """Return a mask of the positions in pixels that are on an image."""
    return (x > -0.5) & (y > -0.5) & (x < shape[1] - 0.5) & (y < shape[0] - 0.5)


CLUSTER_COLUMNS = {
    "id": (int, None),
    "x_center": (float, None),
    "y_center": (float, None),
    "r50": (float, u.arcsec),
    "r80": (float, u.arcsec),
    "n_members": (int, None),
    "n_inside": (int, None),
    "profile": (str, None),
    "nebulosity": (str, None),
    "a_k": (float, u.mag),
    "brightest": (float, u.mag),
    "slope": (float, None),
}
NULL_COLUMNS = {
    "id": (int, None),
    "kind": (str, None),
    "x_center": (float, None),
    "y_center": (float, None),
    "radius": (float, u.arcsec),
}


STAR_COLUMNS = (
    "id",
    "sky",
    "x",
    "y",
    "mag",
    "flux",
    "a_k",
    "cluster",
    "is_member",
    "is_galaxy",
)


def cluster_table(rows, wcs):
    """Return ``MockTile.clusters`` of the rows of `cluster_row`, also of none."""
    return _table(rows, CLUSTER_COLUMNS, wcs)


def null_table(records, wcs, pixel_scale):
    """Return ``MockTile.nulls`` of records ``(kind, x, y, radius)`` in pixels."""
    rows = [
        {
            "id": number,
            "kind": kind,
            "x_center": float(x),
            "y_center": float(y),
            "radius": float(radius * pixel_scale),
        }
        for number, (kind, x, y, radius) in enumerate(records)
    ]
    return _table(rows, NULL_COLUMNS, wcs)


def _table(rows, columns, wcs):
    table = QTable()
    for name, (kind, unit) in columns.items():
        values = np.array([row[name] for row in rows], dtype=kind)
        table[name] = values if unit is None else values * unit
    sky = wcs.pixel_to_world(table["x_center"], table["y_center"])
    table.add_column(sky, index=1, name="sky_center")
    return table


def star_table(groups, wcs, zero_point, shape):
    """
    Return ``MockTile.stars`` of the sources on the image, also of none.

    ``groups`` are ``(stars, cluster, is_galaxy)``: arrays ``x``, ``y``, ``mag``,
    ``extinction``, and in colour ``mag_J`` and so on, the id of their cluster or -1,
    and whether they are galaxies.
    """

    def column(name):
        return np.concatenate([np.zeros(0), *(stars[name] for stars, *_ in groups)])

    counts = [len(stars["x"]) for stars, *_ in groups]
    member_of = np.repeat([int(cluster) for _, cluster, _ in groups], counts)
    galaxy = np.repeat([bool(is_galaxy) for *_, is_galaxy in groups], counts)
    x, y, magnitude = column("x"), column("y"), column("mag")
    here = inside(x, y, shape)
    member_of = member_of.astype(int)[here]
    table = QTable()
    table["id"] = np.arange(here.sum())
    table["sky"] = wcs.pixel_to_world(x[here], y[here])
    table["x"], table["y"] = x[here], y[here]
    table["mag"] = magnitude[here] * u.mag
    table["flux"] = 10 ** (0.4 * (zero_point - magnitude[here])) * u.adu
    table["a_k"] = column("extinction")[here] * u.mag
    table["cluster"] = member_of
    table["is_member"] = member_of >= 0
    table["is_galaxy"] = galaxy.astype(bool)[here]
    for name in (name for name in groups[0][0] if name.startswith("mag_")):
        table[name] = column(name)[here] * u.mag
    return table
