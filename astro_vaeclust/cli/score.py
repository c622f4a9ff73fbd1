# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust score``: compare detected clusters with reference regions."""

from __future__ import annotations

from pathlib import Path

from .messages import LOGGER
from .options import add_overwrite
from .outputs import format_errors_on_a_line
from .printing import print_table

__all__ = ["DESCRIPTION", "HELP", "add_options", "run"]

HELP = "compare clusters with reference regions on a catalogue of sources"
DESCRIPTION = (
    "Count the sources in detected clusters and in reference regions, "
    "and print the intersection over union. Clusters are compared by their "
    "circles, since tables hold no pixels."
)

SEGMENTATION_SUFFIXES = (".fits", ".fit", ".fits.gz")

SHOWN = (
    *("reference", "id", "iou", "iou_low", "iou_high", "n_shared", "n_union"),
    *("n_detected", "n_reference", "member_iou", "area_iou", "offset", "radius_ratio"),
)
"""The columns that are printed; a file gets all."""


def add_options(parser):
    """Add the options of the command to its parser."""
    parser.add_argument(
        "clusters", metavar="CLUSTERS", help="table of clusters: .ecsv, .fits, .vot"
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
        help="regions, each compared on its own: .reg (DS9), .crtf; or a FITS image of "
        "labels with a WCS",
    )
    parser.add_argument(
        "--cut",
        default="paper",
        metavar="NAME",
        help="which sources count: paper, everything, reliable_photometry, ... "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--image",
        metavar="FILE",
        help="FITS image with the WCS of regions and sources that are in pixels",
    )
    parser.add_argument(
        "--id", type=int, help="number of the cluster (default: the best match)"
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
    wcs = None if arguments.image is None else _wcs_of(arguments.image)
    with format_errors_on_a_line(arguments.clusters, "Read"):
        catalog = ClusterCatalog.read(arguments.clusters)
    match = ClusterMatch(
        catalog.table, read_catalog(arguments.catalog), cut=arguments.cut, wcs=wcs
    )
    table = _compare(match, _references(arguments.reference, wcs), arguments.id)
    print(
        f"{len(match.sources)} sources of {Path(arguments.catalog).name} count (cut: "
        f"{match.cut}); intervals are Wilson's at 68.3 %"
    )
    print_table(table[list(SHOWN)])
    if arguments.output is not None:
        _write(table, arguments.output, arguments.overwrite)


def _references(path, wcs):
    """Return the references of a file by their names, each with its WCS."""
    if str(path).lower().endswith(SEGMENTATION_SUFFIXES):
        return {Path(path).name: _segmentation(path)}
    from regions import Regions

    if not Path(path).is_file():
        raise FileNotFoundError(f"reference: no such file: {path}")
    try:
        regions = Regions.read(path)
    except Exception as error:  # the parsers of regions have many
        raise ValueError(f"reference {path} cannot be read: {error}") from error
    if not len(regions):
        raise ValueError(f"reference {path} has no regions")
    return {
        f"{number} {region.meta.get('text', '')}".strip(): (region, wcs)
        for number, region in enumerate(regions, 1)
    }


def _segmentation(path):
    from photutils.segmentation import SegmentationImage

    from ..images.read import read_image

    image = read_image(path)
    labels = image.data.astype(int)
    labels[image.mask] = 0
    return SegmentationImage(labels), image.wcs


def _wcs_of(path):
    from ..images.read import open_image

    with open_image(path) as source:
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
