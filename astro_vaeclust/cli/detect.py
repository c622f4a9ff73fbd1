# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust detect``: find the clusters of images."""

from __future__ import annotations

import sys
import warnings

from .fields import add_bands, fields_of
from .messages import LOGGER, step
from .options import (
    TABLES,
    add_finder_options,
    add_hdu,
    add_overwrite,
    make_finder,
    whole_number,
)
from .outputs import Outputs
from .words import error_text, shell_words

__all__ = ["DESCRIPTION", "EXAMPLE", "HELP", "add_options", "run"]

HELP = "find the clusters of images"
DESCRIPTION = (
    "Find the clusters of FITS images and print their table: of several images one "
    "table, with the column image. A folder is one field in several bands: each FITS "
    "image in it is that of the band, J, H or Ks, that its header names, "
    "or else of that which its name ends in, such as w3_ks.fits. n_members is "
    "how many members brighter than ten times the noise the network infers, also where "
    "they blend; n_sources counts separate sources within the radius, those of the "
    "field among them. An image that fails does not end the run: exit code 1."
)
EXAMPLE = "vaeclust detect tile.fits --output clusters.ecsv --plot overlay.png"


def add_options(parser):
    """Add the options of the command to its parser."""
    parser.add_argument(
        "images",
        metavar="IMAGE",
        nargs="*",
        help="FITS file, or folder with one FITS file for each band of a field",
    )
    add_bands(parser)
    add_hdu(parser)
    parser.add_argument(
        "--block-size",
        type=whole_number(1),
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
    printed = parser.add_mutually_exclusive_group()
    printed.add_argument(
        "--json", action="store_true", help="print the whole table as JSON"
    )
    printed.add_argument(
        "--csv", action="store_true", help="print the whole table as CSV"
    )
    files = parser.add_argument_group("output files")
    files.add_argument("--output", metavar="FILE", help=f"table: {TABLES}")
    files.add_argument("--regions", metavar="FILE", help="circles: .reg (DS9), .crtf")
    files.add_argument("--heatmap", metavar="FILE", help="heat map of one image: .fits")
    files.add_argument(
        "--plot", metavar="FILE", help="picture of one image: .png, .pdf, .svg"
    )
    add_overwrite(files)
    parser.add_argument(
        "--samp",
        action="store_true",
        help="show the clusters of one image in DS9, TOPCAT and Aladin where these run",
    )
    add_finder_options(parser)


def run(arguments):
    """Find the clusters, write the files, and print the table; 1 if some failed."""
    fields = fields_of(arguments)
    if arguments.samp and len(fields) > 1:
        raise ValueError(f"--samp is for one image, got {len(fields)}")
    pictures = arguments.heatmap is not None or arguments.plot is not None
    if pictures:
        _check_pictures(arguments, fields)
    outputs = Outputs(
        overwrite=arguments.overwrite,
        table=arguments.output,
        regions=arguments.regions,
        heatmap=arguments.heatmap,
        plot=arguments.plot,
    )
    given = [*(path for field in fields for path in field.files), arguments.sources]
    outputs.check(inputs=[path for path in given if path is not None])
    finder = make_finder(arguments)
    field, *others = fields
    if pictures and not (finder.learns_on_image or field.has_bands):
        for path in field.files:
            _check_is_searched_whole(path, arguments.hdu, finder)
    if others:
        catalog, code = _detect_all(finder, fields, arguments)
    else:
        catalog, code = _detect(finder, field, arguments), 0
    outputs.write(catalog)
    _print(catalog, arguments)
    if arguments.samp:
        _show(catalog, field, arguments.hdu)
    return code


def _show(catalog, field, hdu):
    """Send the clusters to DS9 and to programs with tables, of which one must run."""
    from ..images.read import read_image

    image = read_image(*field.files, hdu=hdu) if catalog.image is None else None
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


def _check_pictures(arguments, fields):
    """Raise unless there is one image in one piece, where pictures are wanted."""
    if arguments.block_size is not None:
        raise ValueError("--block-size leaves no heat map and no picture to write")
    if len(fields) > 1:
        raise ValueError(f"--heatmap and --plot are for one image, got {len(fields)}")


def _check_is_searched_whole(path, hdu, finder):
    from ..blocks import block_size_of
    from ..images.read import open_image

    fine_scale = finder.trained_model.fine_scale
    with open_image(path, hdu=hdu) as source:
        ny, nx = source.shape
        if block_size_of(source, None, fine_scale) is not None:
            raise ValueError(
                f"an image of {nx} x {ny} pixels is searched in blocks, which leaves "
                "no heat map and no picture: leave out --heatmap and --plot"
            )


def _detect_all(finder, fields, arguments):
    """Return the clusters of several images, and 1 if some of them failed."""
    from ..catalog import ClusterCatalog

    catalogs, failures = [], []
    for field in fields:
        path = field.name
        try:
            catalog = _detect(finder, field, arguments)
        except (ValueError, TypeError, OSError) as error:
            text = shell_words(error_text(error), arguments.words)
            LOGGER.warning("warning: %s failed: %s", path, text)
            failures.append(path)
        else:
            catalog.meta["image"] = path
            if not len(catalog) and "outside_of_calibration" in catalog.meta:
                LOGGER.warning("warning: %s: %s", path, " ".join(str(catalog).split()))
            catalogs.append(catalog)
    if not catalogs:
        raise ValueError("all images failed; see above")
    if failures:
        LOGGER.warning("warning: without %s", ", ".join(failures))
    return ClusterCatalog.vstack(catalogs), int(bool(failures))


def _detect(finder, field, arguments):
    from ..exceptions import NoDetectionsWarning

    options = {"hdu": arguments.hdu, "reference": arguments.reference}
    choice = {name: value for name, value in options.items() if value is not None}
    if arguments.sources is not None:
        from ..archives import read_catalog

        choice["sources"] = read_catalog(arguments.sources, name="sources")
    if arguments.block_size is not None:
        choice["block_size"] = arguments.block_size
    with (
        step(f"searching {field.name}"),
        warnings.catch_warnings(action="ignore", category=NoDetectionsWarning),  # noqa: TID251
    ):
        return finder.detect(field.checked_data(), **choice)


def _print(catalog, arguments):
    from ..io.tables import csv_text, json_text

    if arguments.json:
        print(json_text(catalog.table))
    elif arguments.csv:
        sys.stdout.write(csv_text(catalog.table))
    else:
        print(catalog)
