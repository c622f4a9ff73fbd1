# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The images of a survey: which they are, and what their headers say."""

from __future__ import annotations

import glob
import os
from array import array
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..archives.mosaic import zero_point
from ..images.celestial import middle, pixel_area
from ..images.read import open_image
from ..utils.warning import muted
from .geometry import corners
from .grid import fields_of, pixel_grid
from .remote import is_remote, opened_object, stamp_of

__all__ = [
    "InputImage",
    "describe_image",
    "list_images",
    "opened",
    "restamped",
    "stamps_of",
    "what_is_wrong",
]

LISTS = (".txt", ".lst", ".list")
"""Suffixes of text files with the names of images."""

MAX_NAMED = 10
"""Bad images that an error names."""


@dataclass(frozen=True, slots=True)
class InputImage:
    """
    What is known of an image before its pixels are read.

    Parameters
    ----------
    path : str
        Absolute path, or URL.
    stamp : str
        Changes when the file does: size and time, or ETag.
    scale : float
        Size of a pixel in arcsec.
    band : str
        Band in the header; empty where it is not known.
    zero_point : float or None
        Magnitude of a count of 1, where the header says.
    pixels : str
        What `~astro_vaeclust.survey.grid.pixel_grid` returns.
    outline : sequence of float
        Right ascension and declination in deg of its corners, one after the other.
    fields, owned : sequence
        What `~astro_vaeclust.survey.grid.fields_of` returns. Of millions of images,
        arrays are the smallest way to keep them.
    """

    path: str
    stamp: str
    scale: float
    band: str
    zero_point: float | None
    pixels: str
    outline: array[float]
    fields: array[int] = ()
    owned: tuple[bool, ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "outline", array("d", self.outline))
        object.__setattr__(self, "fields", array("q", self.fields))


def list_images(images):
    """
    Return the paths of the images of a survey, sorted (list of str).

    Parameters
    ----------
    images : str, path-like or sequence
        A path, a pattern such as ``tiles/*.fits``, a URL, a text file with one of these
        per line and comments after ``#``, or a sequence of these.

    Raises
    ------
    ValueError
        If there are none, or lines are no files or occur twice; all are named.
    """
    if isinstance(images, (str, os.PathLike)):
        images = [images]
    paths, wrong = [], []
    for entry in _entries(map(os.fspath, images)):
        found = [entry] if is_remote(entry) else _matches(entry)
        wrong += [] if found else [f"{entry} (no such file)"]
        wrong += [f"{path} (a folder)" for path in found if os.path.isdir(path)]
        paths += [path if is_remote(path) else os.path.abspath(path) for path in found]
    counts = Counter(paths)
    wrong += [f"{path} (twice)" for path in counts if counts[path] > 1]
    if wrong:
        raise ValueError(f"images: {named(wrong)}")
    if not paths:
        raise ValueError("images: there are none")
    return sorted(paths)


def _entries(images):
    """Yield paths, patterns and URLs, with those of text files in their place."""
    for entry in images:
        path = Path(entry).expanduser()
        if is_remote(entry) or path.suffix not in LISTS or not path.is_file():
            yield entry
            continue
        for line in path.read_text().splitlines():
            name = line.partition("#")[0].strip()
            if name:
                yield name


def _matches(entry):
    entry = os.path.expanduser(entry)
    return [entry] if os.path.exists(entry) else glob.glob(entry, recursive=True)


def what_is_wrong(path, error):
    """Return one line that names an image once, and what is wrong with it (str)."""
    text = " ".join(str(error).split()).removeprefix("data: ")
    for name in (path, os.path.basename(path)):
        if text.startswith(f"{name!r} "):
            return path + text.removeprefix(repr(name))
    return text if path in text else f"{path}: {text}"


def named(texts):
    """Return texts in one line, the first few and how many more."""
    more = len(texts) - MAX_NAMED
    return "; ".join(texts[:MAX_NAMED]) + (f"; and {more} more" if more > 0 else "")


def stamps_of(paths):
    """Return the stamps of images (list of str); empty for what is not there."""
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(_stamp, paths))


def restamped(images):
    """Return images with the stamps of now (list); those on the network as they are."""
    images = list(images)
    here = [n for n, image in enumerate(images) if not is_remote(image.path)]
    for n, stamp in zip(here, stamps_of([images[n].path for n in here]), strict=True):
        images[n] = replace(images[n], stamp=stamp)
    return images


def _stamp(path):
    try:
        if is_remote(path):
            return stamp_of(path)
        status = os.stat(path)
    except (OSError, ValueError):
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"


def describe_image(path, stamp, hdu, grid=None):
    """
    Return what is known of an image (`InputImage`); needs its header only.

    ``grid`` is the `~astro_vaeclust.survey.grid.SurveyGrid`; without it the image has
    no fields yet. Raises what `~astro_vaeclust.images.read.open_image` does.
    """
    with opened(path, hdu, header_only=True) as source:
        scale = 3600 * np.sqrt(pixel_area(source.wcs, *middle(source.shape)))
        fields, owned = (), ()
        if grid is not None:
            fields, owned = fields_of(source.wcs, source.shape, grid)
        header = source.header if source.header is not None else {}
        return InputImage(
            path=path,
            stamp=stamp,
            scale=float(scale),
            band=source.band,
            zero_point=zero_point(header),
            pixels=pixel_grid(source.wcs),
            outline=corners(source.wcs, source.shape).ravel(),
            fields=fields,
            owned=tuple(map(bool, owned)),
        )


@contextmanager
def opened(path, hdu=None, *, header_only=False):
    """
    Open an image of the survey.

    ``path`` is a path or URL; of the latter, little is read if pixels are not wanted,
    with ``header_only``. Yields an `~astro_vaeclust.images.source.ImageSource`; raises
    OSError and ValueError if it cannot be read.
    """
    with ExitStack() as stack:
        stack.enter_context(muted(Warning))
        data = path
        if is_remote(path):
            data = stack.enter_context(opened_object(path, header_only=header_only))
        yield stack.enter_context(open_image(data, hdu=hdu))
