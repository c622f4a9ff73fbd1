# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Mock stand-ins for the fields of Table I of Karmakar, Mishra & Tej (2018)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np
from astropy.table import Table, vstack

from ..archives import LocalArchive
from ..simulation.clusters import MockCluster
from ..simulation.design import FIRST_SEED
from ..simulation.tile import simulate_tile
from ..utils.validation import check_count, check_seed
from .paper_table import TABLE_I

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..simulation.tables import MockTile

__all__ = ["mock_paper_archive", "paper_fields"]

SHAPE = (600, 600)
"""Pixels of 1 arcsec: fields of 10 arcmin."""

NAME_BOX = (42.0, 30.0)
"""Half the sides in arcsec of the box that an IRAS name stands for."""

DOUBLE = ("IRAS 05358+3543", "IRAS 06056+2131")
"""Regions that are catalogued as two clusters (Bica et al. 2003)."""

SINGLE_PROFILES = ("king", "plummer", "elongated", "fractal")

HALF_NUMBER = 0.45
"""Half-number radius over the radius of the literature, which is then about that of 80
per cent of the members: 2.0 half-number radii in the profile of Plummer."""

DENSITY = (3.5, 3.8)
"""Range of log10 N(Ks < 14) / deg2 in the plane towards the anticentre."""

_DESIGN = 0x7AB1E
"""Keeps the random numbers of the design apart from those of the tile."""


def paper_fields(n: int, *, seed: int = FIRST_SEED) -> Iterator[MockTile]:
    """
    Simulate fields such as those of Table I, one embedded cluster in each.

    A field is 10' of a 2MASS Ks Atlas image towards the Galactic anticentre. Seed after
    seed the fields stand for the rows of the table in turn: half of the members lie
    within 0.45 of the radius that the literature has, they are as many as printed, and
    the cluster lies anywhere in the box of the IRAS name, in the middle of the field.

    Parameters
    ----------
    n : int
        How many.
    seed : int
        Seed of the first field; the others have those that follow. Settings are chosen
        on seeds below 100 000, and judged on those from 1 000 000.

    Yields
    ------
    tile : `~astro_vaeclust.simulation.MockTile`
        The image and the truth.

    Raises
    ------
    TypeError, ValueError
        If ``n`` or ``seed`` is no count.

    Notes
    -----
    The regions lie in molecular clouds at about 2 kpc, most of them with a compact H II
    region or a reflection nebula (Tej et al. 2006, A&A, 452, 203; Kumar, Keto & Clerkin
    2006, A&A, 449, 1033). Every cluster is in a cloud of 0.5 to 1.5 mag in Ks, in or
    beside a nebula of 16 to 18.5 mag/arcsec2, which is 6 to 12 mag in all; a quarter of
    the fields have another dark cloud. Two of the regions are double; the others are
    round, elongated or clumpy.

    Examples
    --------
    >>> from astro_vaeclust.evaluation import paper_fields
    >>> tile = next(paper_fields(1))
    >>> tile.image.shape, len(tile.clusters)
    ((600, 600), 1)
    """
    check_count("n", n)
    check_seed(seed)
    return (_paper_field(number) for number in range(seed, seed + n))


def mock_paper_archive(*, seed=FIRST_SEED):
    """
    Return stand-ins for the eight fields as an archive, for `Reproduction`.

    Parameters
    ----------
    seed : int
        Seed of the first field, a multiple of eight.

    Returns
    -------
    archive : `~astro_vaeclust.archives.LocalArchive`
        Images and sources to the limit of the survey.
    fields : tuple of `PaperField`
        The rows of Table I with the true circles of 80 per cent of the members in place
        of the published ones.
    """
    tiles = list(paper_fields(len(TABLE_I), seed=seed))
    archive = LocalArchive(
        images=[tile.image for tile in tiles],
        catalog=vstack([_source_table(tile) for tile in tiles]),
        name="mock stand-ins",
    )
    return archive, tuple(map(_with_truth, TABLE_I, tiles))


def _source_table(tile):
    """Return the stars to the limit of the survey with columns of 2MASS."""
    stars = tile.stars[tile.stars["mag"] < tile.survey.limit * u.mag]
    return Table(
        {
            "ra": stars["sky"].ra.deg,
            "dec": stars["sky"].dec.deg,
            "k_m": stars["mag"].value,
            "rd_flg": ["222"] * len(stars),
        }
    )


def _with_truth(row, tile):
    """Return a row of Table I with the true circle as its reference."""
    (truth,) = tile.clusters
    return replace(
        row,
        ra=truth["sky_center"].ra.deg,
        dec=truth["sky_center"].dec.deg,
        reference_radius=truth["r80"].to_value(u.arcsec),
        catalogued=(),
    )


def _paper_field(seed):
    row = TABLE_I[seed % len(TABLE_I)]
    rng = np.random.default_rng([_DESIGN, seed])
    dx, dy = rng.uniform(-1, 1, 2) * NAME_BOX * u.arcsec
    cluster = _draw_cluster(rng, row, row.center.spherical_offsets_by(dx, dy))
    return simulate_tile(
        survey="2mass-ks",
        shape=SHAPE,
        center=row.center,
        clusters=cluster,
        density=rng.uniform(*DENSITY),
        extinction=rng.uniform(0.2, 0.6) * u.mag,
        nulls=["dark-cloud"] if rng.random() < 0.25 else [],
        seed=seed,
    )


def _draw_cluster(rng, row, center):
    """Draw a cluster with the radius and the members of a row of the table."""
    radius = HALF_NUMBER * row.reference_radius
    profile = "two-core" if row.name in DOUBLE else str(rng.choice(SINGLE_PROFILES))
    return MockCluster(
        n_members=row.reference_members,
        half_number_radius=radius * u.arcsec,
        profile=profile,
        center=center,
        brightest=rng.uniform(7.5, 10) * u.mag,
        slope=rng.uniform(0.3, 0.4),
        extinction=rng.uniform(0.5, 1.5) * u.mag,
        nebulosity=str(rng.choice(["embedded", "offset"], p=[2 / 3, 1 / 3])),
        nebula_brightness=rng.uniform(16, 18.5) * u.mag / u.arcsec**2,
        nebula_radius=rng.uniform(0.3, 1.0) * radius * u.arcsec,
    )
