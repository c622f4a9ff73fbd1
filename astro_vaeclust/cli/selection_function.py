# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust selection-function``: which clusters are found on an image."""

from __future__ import annotations

import argparse
import shutil

from .messages import LOGGER, progress_bar
from .options import (
    add_finder_options,
    add_hdu,
    add_overwrite,
    add_workers,
    make_finder,
)
from .printing import print_table

__all__ = ["DESCRIPTION", "HELP", "add_options", "run"]

HELP = "measure which clusters are found on an image"
DESCRIPTION = (
    "Paint mock clusters on an image, one at a time, search for them, "
    "and fit the probability that a cluster is found. Outcomes are kept in a "
    "folder beside the output until it is written: after an interrupt, the same "
    "command resumes."
)


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
        type=int,
        default=300,
        metavar="N",
        help="number of clusters (default: %(default)s)",
    )
    parser.add_argument(
        "--members",
        type=float,
        nargs=2,
        default=(10, 300),
        metavar=("LOW", "HIGH"),
        help="range of members brighter than the limit (default: 10 300)",
    )
    parser.add_argument(
        "--r50",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="range of half-number radii in arcsec (default: 8 to a fifth of a side)",
    )
    parser.add_argument(
        "--survey",
        default="2mass-ks",
        metavar="TAG",
        help="profile and limit of the clusters (default: %(default)s)",
    )
    parser.add_argument(
        "--zero-point",
        type=float,
        metavar="MAG",
        help="magnitude of a source of 1 adu (default: MAGZP of the header)",
    )
    parser.add_argument(
        "--min-score", type=float, metavar="SCORE", help="lowest score that counts"
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
    silent = argparse.Namespace(**vars(arguments) | {"quiet": True})
    selection = selection_function(
        make_finder(silent),
        _read(arguments.image, arguments.hdu),
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
