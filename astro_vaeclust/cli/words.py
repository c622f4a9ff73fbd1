# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Messages of the package in the words of the shell: options instead of arguments."""

from __future__ import annotations

import re

__all__ = ["error_text", "shell_words"]

REMEDIES = {
    "give overwrite=True": "give --overwrite",
    "; give an astropy.wcs.WCS as wcs=": "; put a celestial WCS into its header",
    "wcs: data brings none; give the astropy.wcs.WCS of its place in the sky as wcs=": (
        "IMAGE has no celestial WCS; put one into its header"
    ),
    "for CDELT or CD in the header, or give wcs=": "for CDELT or CD in the header",
    "; give error= or hdu=": "; choose an image with --hdu",
    ": give fwhm=": "; take a larger part of the sky",
    "wcs is needed for": "--image is needed for",
}
"""What the package proposes to callers, and what a person in a shell can do."""

ARGUMENTS = {
    "n_tiles": "tiles",
    "n_nulls": "nulls",
    "n_steps": "steps",
    "n_injections": "injections",
    "n_members": "members",
}
"""Arguments whose options have other names."""

_VALUE = r"(?:'[^']*'|\"[^\"]*\"|\([^()]*\)|\[[^\[\]]*\]|[^\s,;]+)"


def error_text(error):
    """Return the message of an error, with the file that it is about (str)."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.strerror}: {error.filename}"
    return str(error) or repr(error)


def shell_words(text, options):
    """
    Return a message with the options of a command instead of arguments of Python.

    Parameters
    ----------
    text : str
        The message.
    options : dict of str to str
        Options, or words for what has none, by the names of the arguments.

    Returns
    -------
    text : str
        ``name=value`` is ``--name value``, ``name=True`` ``--name``; a name before
        what it takes, or one that can be no word since it has an underscore, is
        ``--name``.
    """
    for remedy, instead in REMEDIES.items():
        text = text.replace(remedy, instead)
    names = {name: options[own] for name, own in ARGUMENTS.items() if own in options}
    for name, option in (options | names).items():
        text = re.sub(rf"(?<![\w.=-]){name}=True\b", option, text)
        text = re.sub(rf"(?<![\w.=-]){name}=(?=({_VALUE}))", f"{option} ", text)
        begins = rf"\A(?:\S+: )?{name}(?=(?::| must| takes?| is | has | cannot))"
        anywhere = rf"(?<![\w.'=-]){name}(?![\w.'=])" if "_" in name else begins
        text = re.sub(f"{begins}|{anywhere}", option, text)
    return text
