# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Table I of Karmakar, Mishra & Tej (2018), as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from ..utils.validation import check_count

__all__ = ["TABLE_I", "PaperField", "paper_table", "possible_ious"]


IN_TABLE = "Table I"
"""Name of the circle with the radius of the literature that the paper has."""


@dataclass(frozen=True)
class PaperField:
    """
    One row of Table I.

    Parameters
    ----------
    name : str
        The IRAS source, such as ``"IRAS 06055+2039"``.
    ra, dec : float
        Middle of the box that the name stands for, ICRS (deg). A name is cut off after
        a tenth of a minute of right ascension and a minute of declination, and the
        source lies anywhere within 42 arcsec by 30 arcsec of the middle.
    radius, reference_radius : float
        Radii in arcsec: of the paper, and of the literature before it.
    members, reference_members : int
        Numbers of members, likewise.
    iou : float
        The printed IoU on source counts, in [0, 1].
    catalogued : tuple of tuple
        Names, right ascensions, declinations (deg) and diameters (arcmin) that
        catalogues of clusters have for the region.
    """

    name: str
    ra: float
    dec: float
    radius: float
    reference_radius: float
    members: int
    reference_members: int
    iou: float
    catalogued: tuple[tuple[str, float, float, float], ...] = ()

    @property
    def center(self):
        """Middle of the box of the name (`~astropy.coordinates.SkyCoord`, ICRS)."""
        return SkyCoord(self.ra, self.dec, unit=u.deg, frame="icrs")

    @property
    def reference(self):
        """The circle of the literature there (`~regions.CircleSkyRegion`)."""
        from regions import CircleSkyRegion

        return CircleSkyRegion(self.center, self.reference_radius * u.arcsec)

    @property
    def circles(self):
        """All published circles by name, that of Table I first (dict)."""
        from regions import CircleSkyRegion

        return {IN_TABLE: self.reference} | {
            name: CircleSkyRegion(
                SkyCoord(ra, dec, unit=u.deg), diameter / 2 * u.arcmin
            )
            for name, ra, dec, diameter in self.catalogued
        }


CATALOGUED = {
    "06055+2039": (("Sh2-252A", 92.1333, 20.6567, 1.6),),
    "05274+3345": (("AFGL 5142", 82.6917, 33.7978, 0.6),),
    "05345+3157": (("AFGL 5157", 84.4500, 31.9900, 1.3),),
    "05358+3543": (
        ("Sh2-233SE", 84.7917, 35.7542, 1.1),
        ("[DB2001] 24", 84.8042, 35.7647, 1.2),
    ),
    "05490+2658": (
        ("Sh2-242", 88.0542, 26.9925, 1.5),
        ("MWSC 685", 88.0530, 26.9580, 6.0),
    ),
    "05553+1631": (
        ("AFGL 5173", 89.5583, 16.5333, 3.0),
        ("MWSC 697", 89.5500, 16.5250, 5.76),
    ),
    "06056+2131": (
        ("AFGL 6366S", 92.1708, 21.5169, 1.7),
        ("AFGL 6366N", 92.1958, 21.5347, 1.0),
    ),
    "06061+2151": (("AFGL 5182", 92.2750, 21.8458, 2.5),),
}
"""
What Bica et al. (2003, A&A, 397, 177; 404, 223) have there, and Kharchenko et al.
(2013, A&A, 558, A53) as MWSC: the sizes differ by factors of two to four.
"""

TABLE_I = tuple(
    PaperField(f"IRAS {name}", *numbers, CATALOGUED[name])
    for name, *numbers in (
        ("06055+2039", 92.1330, 20.6498, 77.13, 89.0, 98, 119, 0.8595),
        ("05274+3345", 82.6876, 33.7957, 89.86, 103.0, 56, 48, 0.7968),
        ("05345+3157", 84.4509, 31.9872, 101.63, 126.0, 98, 95, 0.8327),
        ("05358+3543", 84.8024, 35.7522, 116.74, 130.0, 71, 53, 0.7432),
        ("05490+2658", 88.0447, 26.9864, 98.46, 122.0, 93, 95, 0.8224),
        ("05553+1631", 89.5607, 16.5289, 123.59, 104.0, 96, 80, 0.7143),
        ("06056+2131", 92.1628, 21.5163, 104.79, 132.0, 101, 132, 0.7823),
        ("06061+2151", 92.2897, 21.8490, 116.05, 145.0, 102, 105, 0.6998),
    )
)
"""The eight rows of Table I."""


def possible_ious(n_first, n_second):
    """
    Return the IoUs that two regions with these numbers of sources can have.

    With k sources in both, the IoU is ``k / (n_first + n_second - k)``, for k from none
    to the smaller number.

    Parameters
    ----------
    n_first, n_second : int
        Numbers of sources in each region.

    Returns
    -------
    ious : float array
        From 0 to the largest, smaller number over larger number.

    Raises
    ------
    TypeError, ValueError
        If the numbers are no counts.

    Examples
    --------
    >>> from astro_vaeclust.evaluation.paper_table import possible_ious
    >>> possible_ious(98, 119).max().round(4)
    np.float64(0.8235)
    """
    check_count("n_first", n_first)
    check_count("n_second", n_second)
    shared = np.arange(min(n_first, n_second) + 1)
    return shared / (n_first + n_second - shared)


def paper_table() -> QTable:
    """
    Return Table I with what its member counts allow for the IoU.

    Returns
    -------
    table : `~astropy.table.QTable`
        The fields of `PaperField`, and ``largest_iou`` and ``nearest_iou``: of the IoUs
        that regions with the printed numbers of members can have, the largest one and
        the one nearest to the printed one.
    """
    rows = []
    for row in TABLE_I:
        possible = possible_ious(row.members, row.reference_members)
        nearest = possible[np.argmin(abs(possible - row.iou))]
        own = {"largest_iou": possible.max(), "nearest_iou": nearest}
        rows.append(asdict(row) | own)
    units = dict.fromkeys(("ra", "dec"), u.deg)
    units |= dict.fromkeys(("radius", "reference_radius"), u.arcsec)
    return QTable(rows=rows, units=units)
