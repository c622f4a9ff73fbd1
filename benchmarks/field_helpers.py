# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What the cases of ``field_cases.py`` share: their image, and how a search ended."""

import contextlib
import io
import subprocess
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.nddata import NDData
from astropy.utils.exceptions import AstropyWarning

from astro_vaeclust import NoDetectionsWarning, VAEClusterFinder
from astro_vaeclust.cli import main
from astro_vaeclust.simulation import MockCluster, simulate_tile

FOLDER = Path(tempfile.mkdtemp(prefix="field_cases_"))
ONE = "1 cluster"


@cache
def tile():
    """Make the image of all cases: 400 x 400 pixels of 1 arcsec, one cluster."""
    cluster = MockCluster(n_members=150, half_number_radius=25 * u.arcsec)
    return simulate_tile(shape=(400, 400), clusters=cluster, density=3.8, seed=2)


@cache
def clean():
    """Return what is found in that image (`ClusterCatalog`)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return VAEClusterFinder().detect(tile().image)


def pixels():
    """Return a copy of its pixels."""
    return np.array(tile().image.data, dtype="f4")


def header(**cards):
    """Return its WCS and some cards as a FITS header."""
    made = tile().image.wcs.to_header()
    made.update({key.replace("__", "-"): value for key, value in cards.items()})
    return made


def write(name, data=None, head=None, raw=()):
    """Write a FITS file; ``raw`` are cards whose text replaces those of a keyword."""
    hdu = fits.PrimaryHDU(pixels() if data is None else data, head or header())
    for text in raw:
        hdu.header[text[:8].strip()] = 0.0
    buffer = io.BytesIO()
    hdu.writeto(buffer)
    content = bytearray(buffer.getvalue())
    for text in raw:
        at = next(
            n
            for n in range(0, len(content), 80)
            if content[n : n + 8] == text[:8].encode()
        )
        content[at : at + 80] = text.encode().ljust(80)
    path = FOLDER / name
    path.write_bytes(content)
    return path


def outcome(action):
    """Do something; return what it returns, its warnings, and its error or None."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result, error = action(), None
        except Exception as problem:
            result, error = None, problem
    said = [
        str(w.message)
        for w in caught
        if issubclass(w.category, AstropyWarning)
        and w.category is not NoDetectionsWarning
    ]
    return result, said, error


def found(data, *, finder=None, sky=None, radius=None, warns=False, **options):
    """
    Search, and say whether the result is the one cluster of the clean image.

    ``sky`` and ``radius`` (arcsec) are what to expect instead; ``warns`` asks for a
    warning, too.
    """
    finder = finder or VAEClusterFinder()
    catalog, said, error = outcome(lambda: finder.detect(data, **options))
    if error is not None:
        return named(error)
    words = _clusters(catalog.table, sky, radius)
    return words + ", no warning" * (warns and not said)


def _clusters(table, sky, radius):
    if len(table) != 1:
        return f"{len(table)} clusters"
    expected = clean().table
    sky = expected["sky_center"][0] if sky is None else sky
    radius = expected["radius"][0].value if radius is None else radius
    offset = table["sky_center"][0].separation(sky).to_value(u.arcsec)
    ratio = table["radius"][0].to_value(u.arcsec) / radius
    if offset > 5:
        return f'1 cluster {offset:.3g}" off'
    if not 0.8 < ratio < 1.25:
        return f"1 cluster, radius x {ratio:.2f}"
    return ONE


def refused(action, *words):
    """Say whether something ends in a plain error whose message has these words."""
    _, _, error = outcome(action)
    if error is None:
        return "no error"
    plain = isinstance(error, (ValueError, TypeError, OSError))
    missing = [word for word in words if word.lower() not in str(error).lower()]
    return "refused by name" if plain and not missing else named(error)


def named(error):
    """Return an error in short."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:90]}"


def command(*arguments):
    """Run ``vaeclust`` here; return its code, standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([str(argument) for argument in arguments])
        except Exception as error:
            return 1, out.getvalue(), named(error)
    return code, out.getvalue(), err.getvalue()


def apart(*arguments, seconds=40, gigabytes=6):
    """Run ``vaeclust`` in a process with bounds; return how it ended."""
    limit = f"ulimit -v {gigabytes * 2**20}; exec "
    run = " ".join([sys.executable, "-m", "astro_vaeclust", *map(str, arguments)])
    try:
        ended = subprocess.run(
            ["sh", "-c", limit + run], capture_output=True, text=True, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return f"more than {seconds} s"
    lines = ended.stderr.strip().splitlines()
    if ended.returncode == 2 and len(lines) == 1:
        return "one line of error"
    return "done" if ended.returncode == 0 else f"code {ended.returncode}: {lines[-1:]}"


def as_nddata(data, **options):
    """Return pixels with the WCS of the image as NDData."""
    return NDData(data, wcs=tile().image.wcs, **options)


def true_sky(wcs):
    """Return where another WCS of the same pixels puts the clean detection."""
    row = clean().table[0]
    sky = wcs.pixel_to_world(row["x_center"], row["y_center"])
    return SkyCoord(sky.icrs.ra, sky.icrs.dec)


def search(data, **options):
    """Return a function that searches with the default settings."""
    return lambda: VAEClusterFinder().detect(data, **options)
