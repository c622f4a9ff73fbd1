# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Catalogues in DS9 and TOPCAT, by SAMP."""

from __future__ import annotations

import numpy as np
from astropy.nddata import NDData

from ..images.write import write_image
from ..measure.columns import table_digest
from ..utils.samp import connected, session_folder
from .catalog_plot import image_of

__all__ = ["broadcast", "point_at", "send_to_ds9"]


def send_to_ds9(catalog, *, image=None):
    """
    Show the image and the circles in DS9, at the first cluster.

    Parameters
    ----------
    catalog : `~astro_vaeclust.ClusterCatalog`
        The clusters.
    image : image, optional
        As in `~astro_vaeclust.visualization.catalog_plot.plot_catalog`.

    Raises
    ------
    ConnectionError
        If no SAMP hub runs, or no DS9 is connected to it; nothing is started.
    ValueError
        If there is no image.
    """
    image = image_of(catalog, image)
    digest = table_digest(catalog.table)
    with connected() as samp:
        (ds9, *_) = samp.recipients("ds9.set", "DS9 by ds9 -samp connect")
        path = session_folder() / f"{digest}.fits"
        pixels = NDData(image.data, mask=image.mask, wcs=image.wcs)
        write_image(pixels, path, overwrite=True)
        samp.call(ds9, "image.load.fits", url=path.as_uri(), name=image.name)
        regions = session_folder() / f"{digest}.reg"
        catalog.write(regions, overwrite=True)
        samp.call(ds9, "ds9.set", cmd=f"regions load {regions}")
        for row in catalog.table[:1]:
            sky = row["sky_center"].icrs
            place = f"{sky.ra.deg:.6f} {sky.dec.deg:.6f}"
            samp.call(ds9, "ds9.set", cmd=f"pan to {place} wcs icrs")


def broadcast(catalog):
    """
    Send the table to all programs that take VOTables, such as TOPCAT and Aladin.

    Parameters
    ----------
    catalog : `~astro_vaeclust.ClusterCatalog`
        The clusters.

    Returns
    -------
    programs : list of str
        Names of those that took it.

    Raises
    ------
    ConnectionError
        If no SAMP hub runs, or no program on it takes tables; nothing is started.
    """
    message = "table.load.votable"
    with connected() as samp:
        recipients = samp.recipients(message, "TOPCAT or Aladin")
        path = _table_path(catalog)
        catalog.write(path, overwrite=True)
        for recipient in recipients:
            samp.call(
                recipient,
                message,
                url=path.as_uri(),
                name=repr(catalog)[1:-1],
                **{"table-id": path.stem},
            )
        return [samp.name(recipient) for recipient in recipients]


def point_at(catalog, id):
    """
    Point other programs at a cluster, and highlight its row where `broadcast` sent it.

    Parameters
    ----------
    catalog : `~astro_vaeclust.ClusterCatalog`
        The clusters.
    id : int
        Which one.

    Raises
    ------
    ConnectionError
        If no SAMP hub runs, or a program with tables does not find the row in ten
        seconds, which some need to read the table.
    ValueError
        If there is no such cluster.
    """
    rows = np.flatnonzero(catalog.table["id"] == id)
    if not len(rows):
        raise ValueError(f"id must be one of {catalog['id'].tolist()}, got {id!r}")
    sky, path = catalog.table["sky_center"][rows[0]].icrs, _table_path(catalog)
    place = {"ra": f"{sky.ra.deg:.6f}", "dec": f"{sky.dec.deg:.6f}"}
    table = {"table-id": path.stem, "url": path.as_uri(), "row": str(rows[0])}
    with connected() as samp:
        samp.tell_all("coord.pointAt.sky", **place)
        message = "table.highlight.row"
        for recipient in samp.client.get_subscribed_clients(message):
            samp.retry(recipient, message, **table)


def _table_path(catalog):
    """Return the file of the table, whose stem is its id in messages."""
    return session_folder() / f"{table_digest(catalog.table)}.vot"
