# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Which file of a folder is of which band."""

from __future__ import annotations

import re
from pathlib import Path

from ..utils.bands import BANDS, known_band
from ..utils.warning import muted
from . import hdus
from .read import open_image

__all__ = ["band_of_file", "bands_of_folder"]


def bands_of_folder(folder, hdu=None):
    """
    Find the image of each band in a folder of one field.

    The band of a file is what its header names, see `read_bands`, or else the last
    word of its name, as in ``j.fits``, ``w3_H.fits`` and ``w3-ks.fits.gz``.

    Parameters
    ----------
    folder : str or path-like
        The folder; hidden files and what is in folders within do not count.
    hdu : int, str or (str, int), optional
        As in `~astro_vaeclust.images.read.read_image`, of all files.

    Returns
    -------
    files : dict of str to `~pathlib.Path`
        The files by their bands, from short to long wavelengths.
    others : dict of `~pathlib.Path` to str
        FITS files that are of none, and why.

    Raises
    ------
    ValueError
        If there is no file of a band, two are of one, or one cannot be read.
    OSError
        If the folder or a file cannot be read.
    """
    files, others = {}, {}
    for path in sorted(Path(folder).iterdir()):
        is_fits = path.name.lower().endswith(hdus.FITS_SUFFIXES)
        if not is_fits or path.name.startswith(".") or path.is_dir():
            continue
        band, reason = None, "a link to nothing"
        if path.exists():
            band, reason = band_of_file(path, hdu)
        if band in files:
            raise ValueError(
                f"{folder} must have one image of each band, got {files[band].name} "
                f"and {path.name} of {band}"
            )
        if band is None:
            others[path] = reason
        else:
            files[band] = path
    if not files:
        reasons = "".join(f"; {path.name}: {why}" for path, why in others.items())
        raise ValueError(
            f"{folder} has no FITS image whose header, as FILTER, or name "
            f"states one of {', '.join(BANDS)}{reasons}"
        )
    return {band: files[band] for band in BANDS if band in files}, others


def band_of_file(path, hdu=None):
    """Return the band of a file, or None, and why it is of none."""
    with hdus.open_file(path) as hdulist:
        if not any(map(hdus.has_image, hdulist)):
            return None, "it holds no image"
        try:
            with (
                muted(Warning),  # said when it is read
                open_image(hdulist, hdu=hdu) as source,
            ):
                stated = source.band
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error
    reason = f"its header names the band {stated!r}"
    if not stated:
        reason = "neither its header nor its name states a band"
        stem = re.sub(r"\.fi?ts?(\.[gf]z)?$", "", path.name, flags=re.IGNORECASE)
        stated = re.split("[^A-Za-z0-9]+", stem)[-1]
    band = known_band(stated)
    return band, "" if band else reason
