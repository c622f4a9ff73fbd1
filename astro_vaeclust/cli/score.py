# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust score``: compare detected clusters with reference regions."""

from __future__ import annotations

import re
from pathlib import Path

from .messages import LOGGER
from .options import CUTS, TABLES, add_hdu, add_overwrite, whole_number
from .outputs import format_errors_on_a_line
from .printing import print_table

__all__ = ["DESCRIPTION", "EXAMPLE", "HELP", "add_options", "run"]

HELP = "compare clusters with reference regions on a catalogue of sources"
DESCRIPTION = (
    "Count the sources in detected clusters and in reference regions, "
    "and print the intersection over union. Clusters are compared by their "
    "circles, since tables hold no pixels."
)
EXAMPLE = "vaeclust score clusters.ecsv --catalog psc.vot --reference reference.reg"

SHOWN = (
    *("reference", "id", "iou", "iou_low", "iou_high", "n_shared", "n_union"),
    *("n_detected", "n_reference", "member_iou", "area_iou", "offset", "radius_ratio"),
)
"""The columns that are printed; a file gets all."""


def add_options(parser):
    """Add the options of the command to its parser."""
    parser.add_argument(
        "clusters", metavar="CLUSTERS", help=f"table of clusters: {TABLES}"
    )
    parser.add_argument(
        "--catalog",
        required=True,
        metavar="FILE",
        help="sources: .vot, .ecsv, .fits, .csv, .tbl, .parquet",
    )
    parser.add_argument(
        "--reference",
        required=True,
        metavar="FILE",
        help="regions, each compared on its own, less those that the file excludes: "
        ".reg (DS9), .crtf; or a FITS image of labels with a WCS",
    )
    add_hdu(parser, "--reference-hdu", content="labels")
    parser.add_argument(
        "--cut",
        default="paper",
        metavar="NAME",
        choices=CUTS,
        help=f"which sources count: {', '.join(CUTS)} (default: %(default)s)",
    )
    parser.add_argument(
        "--image",
        metavar="FILE",
        help="FITS image with the WCS of regions and sources that are in pixels",
    )
    add_hdu(parser)
    parser.add_argument(
        "--id",
        type=whole_number(1),
        metavar="N",
        help="number of the cluster (default: the best match)",
    )
    parser.add_argument(
        "--output", metavar="FILE", help="table with all numbers: .ecsv"
    )
    add_overwrite(parser)


def run(arguments):
    """Compare, print the table, and write it if asked to."""
    from ..archives import read_catalog
    from ..catalog import ClusterCatalog
    from ..matching import ClusterMatch
    from ..utils.files import check_output

    if arguments.output is not None:
        check_output(arguments.output, arguments.overwrite)
    wcs = None
    if arguments.image is not None:
        wcs = _wcs_of(arguments.image, arguments.hdu)
    with format_errors_on_a_line(arguments.clusters, "Read"):
        catalog = ClusterCatalog.read(arguments.clusters)
    match = ClusterMatch(
        catalog.table, read_catalog(arguments.catalog), cut=arguments.cut, wcs=wcs
    )
    references = _references(arguments.reference, arguments.reference_hdu, wcs)
    table = _compare(match, references, arguments.id)
    print(
        f"{len(match.sources)} sources of {Path(arguments.catalog).name} count (cut: "
        f"{match.cut}); intervals are Wilson's at 68.3 %"
    )
    print_table(table[list(SHOWN)])
    if arguments.output is not None:
        _write(table, arguments.output, arguments.overwrite)


def _references(path, hdu, wcs):
    """Return the references of a file by their names, each with its WCS."""
    from ..images.hdus import FITS_SUFFIXES
    from ..matching.references import included_regions

    if not Path(path).is_file():
        raise FileNotFoundError(f"reference: no such file: {path}")
    if str(path).lower().endswith(FITS_SUFFIXES):
        return {Path(path).name: _segmentation(path, hdu)}
    regions = included_regions(_read_regions(path))
    if not regions:
        raise ValueError(f"reference {path} has no regions")
    return {
        f"{number} {region[0].meta.get('text', '')}".strip(): (region, wcs)
        for number, region in regions.items()
    }


def _read_regions(path):
    from regions import Regions

    try:
        if re.search(r"\binclude\s*=\s*0", Path(path).read_text()):
            raise ValueError("include=0 is not supported; write -circle(...) instead")
        return Regions.read(path)
    except Exception as error:  # the parsers of regions have many
        raise ValueError(f"reference {path} cannot be read: {error}") from error


def _segmentation(path, hdu):
    """Return the labels of an image, zero where it has no value, and their WCS."""
    import numpy as np
    from photutils.segmentation import SegmentationImage

    from ..images.read import open_image
    from ..images.source import everything

    with open_image(path, hdu=hdu) as source:
        place = everything(source.shape)
        pixels, wcs = source.pixels[place], source.wcs
        labels = np.where(np.isfinite(pixels), pixels, 0).astype(np.int64)
        if (labels != pixels)[np.isfinite(pixels)].any() or labels.min() < 0:
            raise ValueError(f"reference {path} must hold labels: whole numbers from 0")
        for mask in source.masks:
            labels[mask[place]] = 0
    return SegmentationImage(labels), wcs


def _wcs_of(path, hdu):
    from ..images.read import open_image

    with open_image(path, hdu=hdu) as source:
        return source.wcs


def _compare(match, references, number):
    """Return a row per reference."""
    from astropy.table import vstack

    rows = []
    for name, (reference, wcs) in references.items():
        overlap = match.iou(reference, region="circle", id=number, wcs=wcs)
        row = overlap.to_table()
        row.add_column([name], name="reference", index=0)
        rows.append(row)
    table = vstack(rows)
    table.meta.update(cut=match.cut, n_sources=len(match.sources))
    return table


def _write(table, path, overwrite):
    from ..utils.files import atomic_path

    with atomic_path(path, overwrite) as temporary:
        table.write(temporary, format="ascii.ecsv")
    LOGGER.info("wrote %s", path)
