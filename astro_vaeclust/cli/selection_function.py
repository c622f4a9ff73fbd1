# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust selection-function``: which clusters are found on an image."""

from __future__ import annotations

from dataclasses import replace

from .messages import LOGGER, add_message_options, progress_bar
from .options import add_finder_options, make_finder
from .printing import print_table

__all__ = ["add_command", "run"]


def add_command(commands):
    """Add the command to those of the main parser."""
    parser = commands.add_parser(
        "selection-function",
        help="measure which clusters are found on an image",
        description="Paint mock clusters on an image, one at a time, search for them, "
        "and fit the probability that a cluster is found. Outcomes are kept in a file "
        "beside the output: after an interrupt, the same command goes on.",
    )
    parser.add_argument("image", metavar="IMAGE", help="FITS file")
    parser.add_argument(
        "--hdu", type=_number_or_name, help="number or name of the HDU with the image"
    )
    parser.add_argument(
        "--output",
        default="selection_function.ecsv",
        metavar="FILE",
        help="table with the fit: .ecsv (default: %(default)s)",
    )
    parser.add_argument("--plot", metavar="FILE", help="picture: .png, .pdf, .svg")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace files that exist"
    )
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
        "--min-score", type=float, metavar="SCORE", help="least score that counts"
    )
    parser.add_argument(
        "--workers", type=int, default=1, help="processes (default: %(default)s)"
    )
    add_finder_options(parser)
    add_message_options(parser)
    parser.set_defaults(run=run)


def run(arguments):
    """
    Measure the selection function, print its coefficients, and write the files.

    Parameters
    ----------
    arguments : `argparse.Namespace`
        Parsed options; ``--seed`` is that of the injections too.

    Raises
    ------
    ValueError, TypeError, OSError
        If an option or the image is bad, or a file cannot be written.
    """
    import astropy.units as u

    from ..evaluation import selection_function
    from ..utils.files import check_output
    from ..visualization import check_plot_suffix

    output, overwrite = arguments.output, arguments.overwrite
    check_output(output, overwrite)
    if arguments.plot is not None:
        check_plot_suffix(arguments.plot)
        check_output(arguments.plot, overwrite)
    checkpoint = f"{output}.part.ecsv"
    selection = selection_function(
        _silent(make_finder(arguments)),
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
        checkpoint=checkpoint,
    )
    _write(selection, output, arguments.plot, overwrite, checkpoint)
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


def _silent(finder):
    """Return a finder without a progress bar of its own."""
    if getattr(finder, "progress_bar", None) is None:
        return finder
    return replace(finder, progress_bar=None)


def _write(selection, output, plot, overwrite, checkpoint):
    from pathlib import Path

    from ..utils.files import atomic_path

    selection.write(output, overwrite=overwrite)
    LOGGER.info("wrote %s", output)
    if plot is not None:
        with atomic_path(plot, overwrite) as place:
            selection.plot().figure.savefig(place, dpi=150)
        LOGGER.info("wrote %s", plot)
    Path(checkpoint).unlink(missing_ok=True)


def _print(selection):
    from astropy.table import QTable

    found, number = selection.injections["is_found"].sum(), len(selection.injections)
    print(f"{found} of {number} injected clusters found")
    names = ["intercept", "log10 members", "log10 r50/arcsec", "log10 sources/arcmin2"]
    columns = (names, selection.coefficients, selection.errors)
    print_table(QTable(columns, names=("term", "coefficient", "error")))


def _number_or_name(text):
    return int(text) if text.isdecimal() else text
