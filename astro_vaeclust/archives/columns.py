# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The columns that every catalogue of sources has, whatever the archive."""

from __future__ import annotations

__all__ = [
    "COLOUR_COLUMNS",
    "QUALITIES",
    "SOURCE_CLASSES",
    "STANDARD_COLUMNS",
]

STANDARD_COLUMNS = {
    "ra": "right ascension, ICRS (deg)",
    "dec": "declination, ICRS (deg)",
    "mag": "magnitude in the band, Vega (mag); NaN where there is none",
    "mag_err": "its standard deviation (mag); NaN where there is none",
    "band": "name of the band, as the survey writes it",
    "quality": "how good the magnitude is, one of QUALITIES",
    "source_class": "what the survey takes it for, one of SOURCE_CLASSES",
    "sky": "ra and dec as a SkyCoord, ICRS",
}
"""Columns of every catalogue, with what they hold."""

COLOUR_COLUMNS = tuple(
    f"{band}_mag{suffix}" for band in "jhk" for suffix in ("", "_err")
)
"""Magnitudes in J, H and K (mag) of every catalogue; NaN where there is none."""

QUALITIES = {
    "good": "2MASS ph_qual A; WFCAM and VISTA ppErrBits 0",
    "fair": "2MASS ph_qual B or C; ppErrBits from 1 to 255",
    "poor": "2MASS ph_qual D, E, F or X; ppErrBits from 256",
    "limit": "2MASS ph_qual U: the magnitude is an upper limit of the flux",
    "unknown": "the catalogue does not say, or has no magnitude in the band",
}
"""Words of the column ``quality``, with what they stand for."""

SOURCE_CLASSES = {
    "star": "mergedClass -1",
    "probable star": "mergedClass -2",
    "galaxy": "mergedClass +1, extended; members of embedded clusters often are",
    "probable galaxy": "mergedClass -3",
    "noise": "mergedClass 0",
    "saturated": "mergedClass -9",
    "point source": "2MASS PSC, which does not part stars from galaxies",
    "unknown": "the catalogue does not say",
}
"""Words of the column ``source_class``, with what they stand for."""
