# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Contents of answers: unpacked within limits, and checked before they are believed."""

from __future__ import annotations

import gzip
import io
import zlib

import numpy as np
from astropy import units as u
from astropy.io import votable
from astropy.nddata import CCDData
from astropy.table import Table

from ..images import hdus
from ..utils.warning import WARNINGS_LOCK
from .configuration import conf
from .exceptions import ArchiveFormatError, ArchiveSizeError

__all__ = ["read_image", "read_table", "table_bytes", "unpack"]

_GZIP = b"\x1f\x8b"


def unpack(content):
    """Undo gzip (bytes to bytes), within the limit of the configuration."""
    if not content.startswith(_GZIP):
        return content
    try:
        with gzip.open(io.BytesIO(content)) as file:
            unpacked = file.read(int(conf.largest_answer * 1e6) + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ArchiveFormatError(f"broken gzip data ({error})") from error
    _check_size("gzip data", len(unpacked))
    return unpacked


def _check_size(what, size):
    """Raise an `ArchiveSizeError` if a content has too many bytes."""
    limit = int(conf.largest_answer * 1e6)
    if size > limit:
        raise ArchiveSizeError(
            f"{what} with more than {limit} bytes; see the item largest_answer of the "
            "configuration"
        )


def read_image(content):
    """
    Return the only image of a FITS file (bytes, perhaps with gzip).

    It is a `~astropy.nddata.CCDData` with float32 pixels, those that are not finite
    masked, a celestial WCS, and the header as ``meta``. Raises an `ArchiveFormatError`
    for anything else, and an `ArchiveSizeError` if it is too large.
    """
    content = unpack(content)
    if not content.startswith(b"SIMPLE"):
        raise ArchiveFormatError(f"not a FITS file but {_looks_like(content)}")
    try:
        with hdus.quietly(), hdus.fits.open(io.BytesIO(content)) as hdulist:
            return _read_hdu(hdulist)
    except (ArchiveFormatError, ArchiveSizeError):
        raise
    except Exception as error:  # astropy's own vary from file to file
        raise ArchiveFormatError(f"bad FITS file: {hdus.first_line(error)}") from error


def _read_hdu(hdulist):
    hdu = hdus.select_hdu(hdulist)
    if len(hdu.shape) != 2:
        raise ArchiveFormatError(f"the image has axes {hdu.shape}, and not two")
    _check_size(f"an image of shape {hdu.shape}", 4 * hdu.shape[0] * hdu.shape[1])
    wcs = hdus.read_wcs(hdu, hdulist, "")
    if wcs is None or not wcs.has_celestial:
        raise ArchiveFormatError("the image has no celestial WCS")
    header = hdus.readable_header(hdu.header)
    pixels = np.array(hdu.data, dtype=np.float32)
    unit = hdus.read_unit(header) or u.adu
    with WARNINGS_LOCK:
        wcs = wcs.celestial
    wcs.array_shape = pixels.shape
    return CCDData(pixels, unit=unit, wcs=wcs, mask=~np.isfinite(pixels), meta=header)


def read_table(content):
    """
    Return the first table of a VOTable (bytes, perhaps with gzip).

    Columns have the names of its fields. Raises an `ArchiveFormatError` or
    `ArchiveSizeError` as `read_image` does.
    """
    content = unpack(content)
    if b"<VOTABLE" not in content[:4096] and b":VOTABLE" not in content[:4096]:
        raise ArchiveFormatError(f"not a VOTable but {_looks_like(content)}")
    try:
        tree = votable.parse(io.BytesIO(content), verify="ignore")
        return tree.get_first_table().to_table(use_names_over_ids=True)
    except Exception as error:  # the XML parser and astropy have many
        raise ArchiveFormatError(f"bad VOTable: {hdus.first_line(error)}") from error


def table_bytes(table):
    """Return a table without coordinates as the bytes of a VOTable."""
    plain = Table(table, copy=False)
    plain.meta = {}
    for name in plain.colnames:
        if plain[name].dtype.kind == "O":
            plain[name] = [_text(value) for value in plain[name]]
    file = io.BytesIO()
    with hdus.quietly():
        plain.write(file, format="votable", tabledata_format="binary2")
    return file.getvalue()


def _text(value):
    return "" if value is None or value is np.ma.masked else str(value)


def _looks_like(content):
    """Say in words what an answer is instead of what it should be."""
    if not content:
        return "nothing at all"
    start = " ".join(content[:400].decode("utf-8", "replace").split())
    if "<html" in start.lower() or "<!doctype html" in start.lower():
        return f"a page of HTML: {start[:120]!r}"
    return f"something else: {start[:80]!r}"
