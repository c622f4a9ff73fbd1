# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust detect``: find the clusters of one image."""

from __future__ import annotations

import warnings

from .options import add_finder_options, add_hdu, add_overwrite, make_finder
from .outputs import Outputs
from .printing import print_clusters

__all__ = ["DESCRIPTION", "HELP", "add_options", "run"]

HELP = "find the clusters of one image"
DESCRIPTION = "Find the clusters of one FITS image and print their table."


def add_options(parser):
    """Add the options of the command to its parser."""
    parser.add_argument("image", metavar="IMAGE", help="FITS file")
    add_hdu(parser)
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
        ".fits, .vot, .csv, .tbl, .parquet",
    )
    files = parser.add_argument_group("output files")
    files.add_argument(
        "--output", metavar="FILE", help="table: .ecsv, .fits, .vot, .parquet"
    )
    files.add_argument("--regions", metavar="FILE", help="circles: .reg (DS9), .crtf")
    files.add_argument("--heatmap", metavar="FILE", help="heat map: .fits")
    files.add_argument("--plot", metavar="FILE", help="picture: .png, .pdf, .svg")
    add_overwrite(files)
    parser.add_argument(
        "--samp",
        action="store_true",
        help="show the clusters in DS9, TOPCAT and Aladin where these run",
    )
    add_finder_options(parser)


def run(arguments):
    """Find the clusters of one image, write the files, and print the table."""
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
    catalog = _detect(make_finder(arguments), arguments)
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
        from ..archives import read_catalog

        choice["sources"] = read_catalog(arguments.sources, name="sources")
    if arguments.block_size is not None:
        choice["block_size"] = arguments.block_size
    with warnings.catch_warnings(action="ignore", category=NoDetectionsWarning):
        return finder.detect(arguments.image, **choice)
