# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Published lists of star clusters, as data."""

from __future__ import annotations

from dataclasses import dataclass

import astropy.units as u

__all__ = ["KNOWN_LISTS", "KnownList", "known_lists_table"]


@dataclass(frozen=True)
class KnownList:
    """
    A published list of star clusters.

    Parameters
    ----------
    tag : str
        Its name here.
    vizier : tuple of str
        Its tables in VizieR.
    reference : str
        The paper.
    content : str
        What it lists.
    radius : `~astropy.units.Quantity`
        A detection within this angle is taken for the same cluster. It allows for
        the errors of both positions and the size of what is listed.
    name_columns : tuple of str
        Columns that can hold the name, the best first. Without any of them the
        column that VizieR marks as the main identifier is used.
    prefix : str
        Put in front of a name that is only a number.
    """

    tag: str
    vizier: tuple[str, ...]
    reference: str
    content: str
    radius: u.Quantity
    name_columns: tuple[str, ...] = ("Name", "Names", "Cluster", "SimbadName")
    prefix: str = ""


_LISTS = (
    KnownList(
        "bica2003",
        ("J/A+A/404/223",),
        "Bica, Dutra, Soares & Barbuy 2003, A&A, 404, 223",
        "infrared clusters and groups of the northern and equatorial plane, by eye on "
        "2MASS",
        60 * u.arcsec,
        ("__BDS2003_", "[BDS2003]", "Name"),
        "[BDS2003]",
    ),
    KnownList(
        "bica2003-literature",
        ("J/A+A/397/177",),
        "Bica, Dutra & Barbuy 2003, A&A, 397, 177",
        "infrared clusters and groups of the literature until 2002",
        90 * u.arcsec,
    ),
    KnownList(
        "dutra2003",
        ("J/A+A/400/533",),
        "Dutra, Bica, Soares & Barbuy 2003, A&A, 400, 533",
        "infrared clusters and groups of the southern plane, by eye on 2MASS",
        60 * u.arcsec,
        ("Seq", "Name"),
        "[DBS2003]",
    ),
    KnownList(
        "mercer2005",
        ("J/ApJ/635/560",),
        "Mercer et al. 2005, ApJ, 635, 560",
        "clusters of the inner plane in GLIMPSE",
        60 * u.arcsec,
        ("__MCM2005b_", "[MCM2005b]", "MCM", "Seq", "ID", "Name"),
        "[MCM2005b]",
    ),
    KnownList(
        "froebrich2007",
        ("J/MNRAS/374/399",),
        "Froebrich, Scholz & Raftery 2007, MNRAS, 374, 399",
        "new candidates from star counts of 2MASS at |b| < 20 deg, half of them false",
        120 * u.arcsec,
        ("FSR", "Name"),
        "FSR",
    ),
    KnownList(
        "borissova2011",
        ("J/A+A/532/A131",),
        "Borissova et al. 2011, A&A, 532, A131",
        "infrared clusters in VVV",
        60 * u.arcsec,
        ("Name", "VVV-CL", "VVV_CL", "VVV", "CL", "Seq", "ID"),
        "VVV CL",
    ),
    KnownList(
        "solin2012",
        ("J/A+A/542/A3/table1",),
        "Solin, Ukkonen & Haikala 2012, A&A, 542, A3",
        "candidates in the UKIDSS Galactic Plane Survey",
        60 * u.arcsec,
        ("Name", "ID", "Seq"),
        "Solin",
    ),
    KnownList(
        "kharchenko2013",
        ("J/A+A/558/A53/catalog",),
        "Kharchenko et al. 2013, A&A, 558, A53",
        "open and globular clusters and associations, from 2MASS and PPMXL",
        180 * u.arcsec,
    ),
    KnownList(
        "morales2013",
        ("J/A+A/560/A76",),
        "Morales et al. 2013, A&A, 560, A76",
        "clusters of the inner plane with what ATLASGAL shows of their gas",
        60 * u.arcsec,
    ),
    KnownList(
        "solin2014",
        ("J/A+A/562/A115/table1",),
        "Solin, Haikala & Ukkonen 2014, A&A, 562, A115",
        "candidates in VVV",
        60 * u.arcsec,
        ("Name", "ID", "Seq"),
        "Solin VVV",
    ),
    KnownList(
        "barba2015",
        ("J/A+A/581/A120",),
        "Barbá et al. 2015, A&A, 581, A120",
        "infrared clusters in VVV",
        60 * u.arcsec,
    ),
    KnownList(
        "bica2019",
        ("J/AJ/157/12/table3",),  # another table has galaxies
        "Bica et al. 2019, AJ, 157, 12",
        "star clusters, associations and candidates of the Galaxy, from the literature",
        120 * u.arcsec,
    ),
    KnownList(
        "hunt2023",
        ("J/A+A/673/A114/clusters",),
        "Hunt & Reffert 2023, A&A, 673, A114",
        "open clusters in Gaia DR3, mostly larger than embedded ones",
        300 * u.arcsec,
    ),
)

KNOWN_LISTS = {known.tag: known for known in _LISTS}
"""Published lists of star clusters by their tags."""


def known_lists_table():
    """
    Return `KNOWN_LISTS` as a table.

    Returns
    -------
    table : `~astropy.table.QTable`
        ``tag, vizier, radius, reference, content``, a row per list.

    Examples
    --------
    >>> from astro_vaeclust.matching.known import known_lists_table
    >>> table = known_lists_table()
    >>> str(table["vizier"][list(table["tag"]).index("solin2012")])
    'J/A+A/542/A3/table1'
    """
    from astropy.table import QTable

    lists = list(KNOWN_LISTS.values())
    return QTable(
        {
            "tag": [known.tag for known in lists],
            "vizier": [" ".join(known.vizier) for known in lists],
            "radius": u.Quantity([known.radius for known in lists]),
            "reference": [known.reference for known in lists],
            "content": [known.content for known in lists],
        }
    )
