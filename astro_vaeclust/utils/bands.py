# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The bands of the near infrared, and how they are named."""

from __future__ import annotations

import re

__all__ = ["BANDS", "BAND_CARDS", "BAND_SETS", "band_of", "known_band", "stated_band"]

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

_ADDED = (
    r"[\s_-]g\d{4}$|__\(\d\.\d\d\)$|(?<=[a-z])[\s_(-]*98\)?$|\.wc\d+$"
    r"|[\s_(-]*band\)?$|x(?=s?$)"
)
"""What instruments add to a filter: K_G0204, Ks__(2.15), J98, J.WC8101, KXs."""

_SURVEYS = r"^(2mass|ukidss|wfcam|ukirt|vista|vircam|vvv|vhs|niri|isaac|sofi)[\s_.-]+"
"""What some put before it: 2MASS J, VISTA Ks."""

_NO_FILTER = (
    r"\(?(|-|open|clear|empty|blank|blank[ _-]open|hole|out|air|none|null|n/a|n\.a\.?"
    r"|no[ _-]?filter|undefined|unknown)[ _]?\d*\)?"
)
"""What they say of a wheel without a filter, in small letters."""

_BETWEEN = r"[+,;&]|/(?!a\b)"
"""What is between filters one behind the other, but not within n/a."""

_WHEELS = (
    ("FILTER",),
    ("BAND",),
    ("FILTER1", "FILTER2"),
    ("FILTER01", "FILTER02", "FILTER03"),
    ("ESO INS FILT1 NAME", "ESO INS FILT2 NAME"),
    ("FORE", "AFT"),
)
"""Keywords that name the filters which are one behind the other."""

BAND_CARDS = tuple(card for cards in _WHEELS for card in cards)
"""Keywords of a header that name the band."""


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
    try:
        (name,) = _filters(str(name))
    except ValueError:  # none, or several one behind the other
        return None
    name = re.sub(_SURVEYS, "", re.sub(r"^\((.*)\)$", r"\1", name.lower()))
    name = re.sub(_ADDED, "", name)
    return _NAMES.get(re.sub(r"[\s_()-]", "", name))


def stated_band(header):
    """
    Return the band that a header names (str); empty where no text names a filter.

    The first of `BAND_CARDS` with a filter counts, with others one behind the other,
    which are joined by plus signs. A filter of none of `BANDS` is returned as written.
    """
    for cards in _WHEELS:
        texts = [header.get(card) for card in cards]
        filters = _filters(" + ".join(text for text in texts if isinstance(text, str)))
        if filters:
            stated = " + ".join(dict.fromkeys(filters))
            return known_band(stated) or stated
    return ""


def _filters(text):
    """Return the names of the filters in a text, without wheels that have none."""
    names = [name.strip() for name in re.split(_BETWEEN, text, flags=re.IGNORECASE)]
    return [name for name in names if not re.fullmatch(_NO_FILTER, name.lower())]
