# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Names of objects, looked up in SIMBAD."""

from __future__ import annotations

import json

import numpy as np
from astropy.coordinates import SkyCoord

from .cache import remember
from .configuration import conf
from .exceptions import ArchiveFormatError, UnknownNameError
from .services import import_clients

__all__ = ["query_simbad"]

SERVICE = "SIMBAD"


def query_simbad(name):
    """
    Return the coordinates of an object that SIMBAD knows.

    Parameters
    ----------
    name : str
        Name of the object.

    Returns
    -------
    coordinates : `~astropy.coordinates.SkyCoord`
        A scalar, ICRS.

    Raises
    ------
    `~astro_vaeclust.archives.UnknownNameError`
        If SIMBAD does not know the name, or the object has no place.
    `~astro_vaeclust.archives.ArchiveError`
        If SIMBAD cannot be asked.
    ImportError
        If astroquery is missing; the message names the extra.
    """
    clients = import_clients()

    def ask():
        with clients.asking(SERVICE, name):
            table = clients.SimbadClient().query_name(name)
            return json.dumps(_position(table, name)).encode()

    ra, dec = remember(SERVICE, f"{conf.simbad_url} {name}", ask, _decode)
    return SkyCoord(ra, dec, unit="deg", frame="icrs")


def _position(table, name):
    if not {"ra", "dec"} <= set(table.colnames):
        raise ArchiveFormatError(f"no columns ra and dec, but {table.colnames}")
    if len(table) == 0:
        raise UnknownNameError(f"no object has the name {name!r}")
    position = [float(np.ma.filled(table[axis][0], np.nan)) for axis in ("ra", "dec")]
    if not (np.isfinite(position).all() and abs(position[1]) <= 90):
        raise UnknownNameError(f"{name!r} has no place in the sky")
    return position


def _decode(content):
    try:
        ra, dec = json.loads(content)
    except ValueError as error:
        raise ArchiveFormatError(f"no position: {error}") from error
    return ra, dec
