# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust detect``: find the clusters of one image."""

from __future__ import annotations

import warnings
from pathlib import Path

from .messages import add_message_options
from .options import add_finder_options, make_finder, number_or_name
from .outputs import Outputs
from .printing import print_clusters

__all__ = ["add_command", "run"]


def add_command(commands):
    """Add the command to those of the main parser."""
    parser = commands.add_parser(
        "detect",
        help="find the clusters of one image",
        description="Find the clusters of one FITS image and print their table.",
    )
    parser.add_argument("image", metavar="IMAGE", help="FITS file")
    parser.add_argument(
        "--hdu", type=number_or_name, help="number or name of the HDU with the image"
    )
    parser.add_argument(
        "--block-size",
        type=int,
        metavar="PIXELS",
        help="read and search the image in blocks of this side (default: only images "
        "of more than 8192 x 8192 pixels, in blocks of 2048)",
    )
    parser.add_argument(
        "--sources",
        metavar="FILE",
        help="table of point sources on the image, which are used beside it: .ecsv, "
        ".fits, .vot, .csv",
    )
    files = parser.add_argument_group("output files")
    files.add_argument(
        "--output",
        metavar="FILE",
        help="table: .ecsv, .fits, .vot, .parquet",
    )
    files.add_argument("--regions", metavar="FILE", help="circles: .reg (DS9), .crtf")
    files.add_argument("--heatmap", metavar="FILE", help="heat map: .fits")
    files.add_argument("--plot", metavar="FILE", help="picture: .png, .pdf, .svg")
    files.add_argument(
        "--overwrite", action="store_true", help="replace files that exist"
    )
    parser.add_argument(
        "--samp",
        action="store_true",
        help="show the clusters in DS9, TOPCAT and Aladin where these run",
    )
    add_finder_options(parser)
    add_message_options(parser)
    parser.set_defaults(run=run)


def run(arguments):
    """
    Find the clusters of one image, write the files asked for, and print the table.

    Parameters
    ----------
    arguments : `argparse.Namespace`
        Parsed options.

    Raises
    ------
    ValueError, TypeError, OSError
        If an option or the image is bad, or a file cannot be written.
    """
    if arguments.block_size is not None and (arguments.heatmap or arguments.plot):
        raise ValueError("--block-size leaves no heat map and no picture to write")
    outputs = Outputs(
        overwrite=arguments.overwrite,
        table=arguments.output,
        regions=arguments.regions,
        heatmap=arguments.heatmap,
        plot=arguments.plot,
    )
    given = [arguments.image, arguments.sources]
    outputs.check(inputs=[path for path in given if path is not None])
    finder = make_finder(arguments)
    catalog = _detect(finder, arguments)
    outputs.write(catalog)
    print_clusters(catalog.table)
    if arguments.samp:
        _show(catalog, arguments.image, arguments.hdu)


def _show(catalog, image, hdu):
    """Send the clusters to DS9 and to programs with tables, of which one must run."""
    from ..images.read import read_image

    image = read_image(image, hdu=hdu) if catalog.image is None else None
    failures = []
    for send in (lambda: catalog.send_to_ds9(image=image), catalog.broadcast):
        try:
            send()
        except ConnectionError as error:
            failures.append(error)
    if len(failures) == 2:
        raise failures[0]
    if len(catalog):  # waits until the table is read, before its file is removed
        catalog.point_at(int(catalog["id"][0]))


def _detect(finder, arguments):
    from ..exceptions import NoDetectionsWarning

    choice = {} if arguments.hdu is None else {"hdu": arguments.hdu}
    if arguments.sources is not None:
        choice["sources"] = _read_sources(arguments.sources)
    if arguments.block_size is not None:
        choice["block_size"] = arguments.block_size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)  # the report says so
        return finder.detect(arguments.image, **choice)


def _read_sources(path):
    from astropy.io.registry import IORegistryError
    from astropy.table import QTable

    unreadable = (IORegistryError, OSError, ValueError, TypeError, KeyError)
    if not Path(path).is_file():
        raise FileNotFoundError(f"sources: no such file: {path}")
    try:
        return QTable.read(path)
    except unreadable as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"sources {path} cannot be read: {reason}") from error
