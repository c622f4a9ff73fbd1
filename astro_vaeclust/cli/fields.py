# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The fields that are searched: files, or several bands of one each."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass

from .messages import LOGGER

__all__ = ["Field", "add_bands", "fields_of"]


@dataclass(frozen=True)
class Field:
    """
    One field that is searched.

    Parameters
    ----------
    name : str
        What it is called in messages and in the column ``image``.
    data : str, dict of str to str, or Exception
        Its file, its files by their bands, or why there are none.
    """

    name: str
    data: object

    @property
    def files(self):
        """Its files (list of str)."""
        if isinstance(self.data, dict):
            return list(self.data.values())
        return [] if isinstance(self.data, Exception) else [self.data]

    @property
    def has_bands(self):
        """Whether it has several bands."""
        return len(self.files) > 1

    def checked_data(self):
        """Return its data, or raise the error."""
        if isinstance(self.data, Exception):
            raise self.data
        return self.data


def add_bands(parser):
    """Add the files of one field by their bands to a parser."""
    parser.add_argument(
        "--band",
        dest="bands",
        action="append",
        type=_band_and_file,
        default=[],
        metavar="BAND=FILE",
        help="image of a band, J, H or Ks, of one field; may be repeated, instead of "
        "IMAGE",
    )
    parser.add_argument(
        "--reference",
        type=_band,
        metavar="BAND",
        help="band whose pixels the others are brought on (default: that of the "
        "longest wavelength)",
    )


def fields_of(arguments):
    """
    Return the fields that the arguments name (list of `Field`).

    Raises ValueError if they name none, or both images and bands.
    """
    if bool(arguments.images) == bool(arguments.bands):
        raise ValueError(
            "give either IMAGE, a file or a folder, or --band for each band of one "
            "field; see 'vaeclust detect --help'"
        )
    if arguments.images:
        return [_field(path, arguments.hdu) for path in arguments.images]
    files = dict(arguments.bands)
    if len(files) < len(arguments.bands):
        raise ValueError("--band must be given once for each band")
    return [Field(" ".join(f"{band}={path}" for band, path in files.items()), files)]


def _field(path, hdu):
    """Return the field of a file or of a folder."""
    if not os.path.isdir(path):
        return Field(path, path)
    from ..images.band_files import bands_of_folder

    try:
        files, others = bands_of_folder(path, hdu)
    except (ValueError, OSError) as error:
        return Field(path, error)
    taken = ", ".join(f"{band} from {file.name}" for band, file in files.items())
    LOGGER.info("%s: %s", path, taken)
    for file, reason in others.items():
        LOGGER.warning("warning: %s is left out: %s", file, reason)
    return Field(path, {band: str(file) for band, file in files.items()})


def _band(text):
    from ..utils.bands import band_of

    try:
        return band_of(text)
    except ValueError as error:
        _, _, takes = str(error).partition(" must be ")
        raise argparse.ArgumentTypeError(f"takes {takes}") from None


def _band_and_file(text):
    band, _, path = text.partition("=")
    if not path:
        raise argparse.ArgumentTypeError(
            f"takes a band and its file such as J=j.fits, got {text!r}"
        )
    return _band(band), path
