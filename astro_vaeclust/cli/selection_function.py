# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust selection-function``: which clusters are found on an image."""

from __future__ import annotations

import argparse
import shutil

from .messages import LOGGER, progress_bar
from .options import (
    SURVEYS,
    add_finder_options,
    add_hdu,
    add_overwrite,
    add_workers,
    make_finder,
    number,
    positive,
    whole_number,
)
from .printing import print_table

__all__ = ["DESCRIPTION", "EXAMPLE", "HELP", "add_options", "run"]

HELP = "measure which clusters are found on an image"
DESCRIPTION = (
    "Paint mock clusters on an image, one at a time, search for them, "
    "and fit the probability that a cluster is found. Outcomes are kept in a "
    "folder beside the output until it is written: after an interrupt, the same "
    "command resumes."
)
EXAMPLE = "vaeclust selection-function tile.fits --injections 300 --plot sf.png"


def add_options(parser):
    """Add the options of the command to its parser."""
    parser.add_argument("image", metavar="IMAGE", help="FITS file")
    add_hdu(parser)
    parser.add_argument(
        "--output",
        default="selection_function.ecsv",
        metavar="FILE",
        help="table with the fit: .ecsv (default: %(default)s)",
    )
    parser.add_argument("--plot", metavar="FILE", help="picture: .png, .pdf, .svg")
    add_overwrite(parser)
    parser.add_argument(
        "--injections",
        type=whole_number(1),
        default=300,
        metavar="N",
        help="number of clusters (default: %(default)s)",
    )
    parser.add_argument(
        "--members",
        type=positive,
        nargs=2,
        default=(10, 300),
        metavar=("LOW", "HIGH"),
        help="range of members brighter than the limit (default: 10 300)",
    )
    parser.add_argument(
        "--r50",
        type=positive,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="range of half-number radii in arcsec (default: 8 to a fifth of a side)",
    )
    parser.add_argument(
        "--survey",
        default="2mass-ks",
        metavar="TAG",
        choices=SURVEYS,
        help="whose clusters: their profile, band and limit of magnitude: "
        f"{', '.join(SURVEYS)} (default: %(default)s)",
    )
    parser.add_argument(
        "--zero-point",
        type=number,
        metavar="MAG",
        help="magnitude of a source of 1 adu (default: MAGZP of the header)",
    )
    parser.add_argument(
        "--min-score", type=number, metavar="SCORE", help="lowest score that counts"
    )
    add_workers(parser)
    add_finder_options(parser)


def run(arguments):
    """Measure the selection function, print its coefficients, and write the files."""
    import astropy.units as u

    from ..evaluation import selection_function
    from ..utils.files import check_output
    from ..visualization.catalog_plot import check_plot_suffix

    output, overwrite = arguments.output, arguments.overwrite
    check_output(output, overwrite)
    if arguments.plot is not None:
        check_plot_suffix(arguments.plot)
        check_output(arguments.plot, overwrite)
    folder = f"{output}.injections"
    image = _read(arguments.image, arguments.hdu)
    if arguments.zero_point is None and "MAGZP" not in image.meta:
        raise ValueError("zero_point must be given: the header has no MAGZP")
    LOGGER.info("%s", _what_is_injected(image, arguments))
    silent = argparse.Namespace(**vars(arguments) | {"quiet": True})
    selection = selection_function(
        make_finder(silent),
        image,
        n_injections=arguments.injections,
        n_members=arguments.members,
        r50=None if arguments.r50 is None else arguments.r50 * u.arcsec,
        survey=arguments.survey,
        zero_point=(
            None if arguments.zero_point is None else arguments.zero_point * u.mag
        ),
        min_score=arguments.min_score,
        seed=getattr(arguments, "seed", 0),
        workers=arguments.workers,
        progress_bar=progress_bar(arguments.quiet),
        folder=folder,
    )
    _write(selection, output, arguments.plot, overwrite)
    shutil.rmtree(folder)
    _print(selection)


def _what_is_injected(image, arguments):
    """Say which clusters are painted, to which limit, with which zero point."""
    from ..photometry.surveys import get_survey

    survey = get_survey(arguments.survey)
    low, high = arguments.members
    given = arguments.zero_point
    stated = image.meta["MAGZP"] if given is None else given
    return (
        f"injecting clusters of {survey.name}: {low:g} to {high:g} members brighter "
        f"than {survey.band} = {survey.limit:g} mag, where the image has a zero point "
        f"of {stated} mag; --survey and --zero-point say otherwise"
    )


def _read(path, hdu):
    """Return the image as CCDData, with its header."""
    import astropy.units as u
    from astropy.nddata import CCDData

    from ..images.read import read_image

    image = read_image(path, hdu=hdu)
    unit = u.adu if image.unit is None else image.unit
    meta = {key: image.header[key] for key in ("MAGZP",) if key in image.header}
    return CCDData(image.data, mask=image.mask, wcs=image.wcs, unit=unit, meta=meta)


def _write(selection, output, plot, overwrite):
    from ..visualization.axes import save_figure

    selection.write(output, overwrite=overwrite)
    LOGGER.info("wrote %s", output)
    if plot is not None:
        save_figure(selection.plot().figure, plot, overwrite=overwrite)
        LOGGER.info("wrote %s", plot)


def _print(selection):
    from astropy.table import QTable

    found, number = selection.injections["is_found"].sum(), len(selection.injections)
    print(f"{found} of {number} injected clusters found")
    names = ["intercept", "log10 members", "log10 r50/arcsec", "log10 sources/arcmin2"]
    columns = (names, selection.coefficients, selection.errors)
    print_table(QTable(columns, names=("term", "coefficient", "error")))
