# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The bands of the near infrared, and how they are named."""

from __future__ import annotations

import re

__all__ = ["BANDS", "BAND_SETS", "band_of", "known_band"]

BANDS = ("J", "H", "Ks")
"""The bands from short to long wavelengths."""

BAND_SETS = (BANDS, ("J", "H"), ("J", "Ks"), ("H", "Ks"))
"""Bands that are searched together."""

_NAMES = {
    "j": "J",
    "h": "H",
    "k": "Ks",
    "ks": "Ks",
    "k_s": "Ks",
    "kshort": "Ks",
    "k-short": "Ks",
}

_ADDED = r"^(clear|open)\s*\+\s*|(98|\.wc\d+|_g\d+|\s*\+\s*(clear|open))$"
"""What instruments add to the name of a filter, as in J98, J.WC8101 and J + clear."""


def band_of(name, argument="band"):
    """
    Return the band that a name stands for.

    Parameters
    ----------
    name : str
        A name, in capitals or not.
    argument : str
        What it is called in the error.

    Returns
    -------
    band : str
        One of `BANDS`.

    Raises
    ------
    ValueError
        If it is none of these; the message lists them.
    """
    band = _NAMES.get(str(name).strip().lower())
    if band is None:
        raise ValueError(f"{argument} must be one of {', '.join(BANDS)}, got {name!r}")
    return band


def known_band(name):
    """Return the band of a filter as instruments name it; None for another filter."""
    return _NAMES.get(re.sub(_ADDED, "", str(name).strip().lower()))
