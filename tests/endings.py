# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How a search of a broken file ended, and whether it may end so."""

import re
import warnings
from dataclasses import dataclass
from functools import cache

import numpy as np
from astropy.utils.exceptions import AstropyWarning

from astro_vaeclust import NoDetectionsWarning, VAEClusterFinder

from .mutations import File, clean_file

NAMED = re.compile(r"(data|wcs|hdu|mask|error)\b")
"""What an error begins with: the argument of ``detect`` that is to blame."""


@dataclass(frozen=True)
class Ending:
    """
    How a search ended.

    ``kind`` is "result", "typed error", or "anything else"; ``text`` the message.
    """

    kind: str
    text: str = ""
    found: tuple = ()
    warned: tuple = ()


def search(path, *, finder=None):
    """Search a file and return the `Ending`."""
    finder = finder or VAEClusterFinder()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            catalog = finder.detect(path)
        except Exception as error:
            return _ending_of(error)
    foreign = [w for w in caught if not issubclass(w.category, AstropyWarning)]
    if foreign:
        return Ending("anything else", _text(foreign[0].message))
    table = catalog.table
    sky = table["sky_center"]
    return Ending(
        "result",
        found=tuple(zip(sky.ra.deg, sky.dec.deg, table["radius"].value, strict=True)),
        warned=tuple(
            str(w.message) for w in caught if w.category is not NoDetectionsWarning
        ),
    )


def differs_silently(file, ending, folder):
    """Whether a result is not that of the clean file, and no warning says so."""
    if ending.kind != "result" or ending.warned or not file.comparable:
        return False
    return not _agree(ending.found, _expected(file.lost.tobytes(), folder))


@cache
def _expected(lost, folder):
    """Return what is found in the clean file with NaN in place of the lost pixels."""
    cards, pixels = clean_file()
    lost = np.frombuffer(lost, dtype=bool).reshape(pixels.shape)
    path = folder / "reference.fits"
    path.write_bytes(File(cards, np.where(lost, np.nan, pixels), lost).to_bytes())
    return search(path).found


def _agree(found, expected):
    """Whether the clusters are the same, to 3 arcsec and 20 % in radius."""
    if len(found) != len(expected):
        return False
    one, other = np.reshape(found, (-1, 3)), np.reshape(expected, (-1, 3))
    offset = 3600 * (one[:, :2] - other[:, :2])
    ratio = one[:, 2] / other[:, 2]
    return bool(np.all(np.abs(offset) < 3) and np.all(abs(ratio - 1) < 0.2))


def _ending_of(error):
    named = NAMED.match(str(error)) or "data: " in str(error)
    typed = type(error) in (ValueError, TypeError) or isinstance(error, OSError)
    return Ending("typed error" if typed and named else "anything else", _text(error))


def _text(error):
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"
