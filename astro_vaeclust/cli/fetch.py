# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust fetch``: an image and its sources from the archive of a survey."""

from __future__ import annotations

import os
from pathlib import Path

from .messages import LOGGER, progress_bar
from .options import CUTS, add_overwrite, angle
from .outputs import new_folder

__all__ = ["DESCRIPTION", "EXAMPLE", "HELP", "add_options", "run"]

IMAGE_FILE = "image.fits"
CATALOG_FILE = "psc.vot"

HELP = "get an image, or several bands, and sources from an archive"
DESCRIPTION = (
    "Get the image of a position and the sources on it from "
    f"the archive of a survey; write them as {IMAGE_FILE} and {CATALOG_FILE}, or of "
    "several bands as j.fits and so on, a folder that 'vaeclust detect' takes. "
    "Answers of archives are kept in a cache, so that asking again is fast."
)
EXAMPLE = 'vaeclust fetch "M 17" --survey 2mass --band Ks --size 12arcmin --output m17'

SURVEYS = {"2mass": "TwoMASS", "ukidss": "UKIDSS", "vista": "VISTA"}
"""Classes of surveys by their names on the command line."""


def add_options(parser):
    """Add the options of the command to its parser."""
    parser.add_argument(
        "position",
        metavar="POSITION",
        help="name ('IRAS 06055+2039', 'M 17') or coordinates ('92.13 20.65')",
    )
    parser.add_argument(
        "--survey",
        choices=tuple(SURVEYS),
        default="2mass",
        help="where the data come from (default: %(default)s)",
    )
    parser.add_argument(
        "--band",
        metavar="BAND",
        help="such as J, H or Ks, or several as J,H,Ks, of which the last is that of "
        "the column mag of the sources",
    )
    parser.add_argument(
        "--size",
        default="12arcmin",
        type=angle,
        metavar="ANGLE",
        help="side of the image (default: %(default)s)",
    )
    parser.add_argument(
        "--cut",
        metavar="NAME",
        choices=CUTS,
        help=f"which sources are kept: {', '.join(CUTS)} (default: everything)",
    )
    parser.add_argument(
        "--output",
        default=".",
        metavar="DIR",
        help="folder of the files; made if missing (default: this one)",
    )
    add_overwrite(parser)
    parser.add_argument(
        "--no-catalog", action="store_true", help="get the image without its sources"
    )


def run(arguments):
    """Get image and sources, write them, and say what was written."""
    from .. import archives
    from ..images.write import write_image

    kind = getattr(archives, SURVEYS[arguments.survey])
    survey = kind(progress_bar=progress_bar(arguments.quiet))
    asked = [None] if arguments.band is None else arguments.band.split(",")
    bands = [survey.check_band(band) for band in asked]
    if len(set(bands)) < len(bands):
        raise ValueError(f"--band must have each band once, got {', '.join(bands)}")
    folder = Path(os.path.expanduser(arguments.output))
    with new_folder(folder):
        paths, catalog_path = _outputs(folder, bands, arguments)
        images = [
            survey.get_image(arguments.position, size=arguments.size, band=band)
            for band in bands
        ]
        for image, path in zip(images, paths, strict=True):
            write_image(image, path, overwrite=arguments.overwrite)
            LOGGER.info("wrote %s", path)
    for image in images:
        _say_image(image)
    if catalog_path is None:
        return
    catalog = survey.get_catalog(images[-1], cut=arguments.cut)
    archives.write_catalog(catalog, catalog_path, overwrite=arguments.overwrite)
    LOGGER.info("wrote %s", catalog_path)
    print(f"{len(catalog)} sources from {catalog.meta['service']}")


def _outputs(folder, bands, arguments):
    """Return the files of images and catalogue after a check that they can be made."""
    from ..utils.files import check_output

    names = [f"{band.lower()}.fits" for band in bands]
    images = [folder / name for name in (names if len(names) > 1 else [IMAGE_FILE])]
    catalog = None if arguments.no_catalog else folder / CATALOG_FILE
    for path in (*images, catalog):
        if path is not None:
            check_output(path, arguments.overwrite)
    return images, catalog


def _say_image(image):
    ny, nx = image.shape
    band, survey = image.meta["BAND"], image.meta["SURVEY"]
    print(f"{survey} {band} image of {nx} x {ny} pixels from {image.meta['SERVICE']}")
