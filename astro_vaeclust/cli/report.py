# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust report``: a page to look at candidates."""

from __future__ import annotations

from pathlib import Path

from .messages import LOGGER
from .options import add_overwrite

__all__ = ["DESCRIPTION", "HELP", "add_options", "run"]

HELP = "make a page to look at candidates"
DESCRIPTION = (
    "Make a page on which a person looks at candidates and gives "
    "verdicts; it opens in a browser, without a network. Exit code 1: some "
    "candidates are on no image."
)

SUFFIXES = (".fits", ".fit", ".fits.gz", ".fits.fz")


def add_options(parser):
    """Add the options of the command to its parser."""
    parser.add_argument("candidates", metavar="CANDIDATES", help="table of clusters")
    parser.add_argument(
        "images", metavar="IMAGE", nargs="+", help="FITS files, or folders of them"
    )
    parser.add_argument(
        "--output", required=True, metavar="PATH", help="the folder or file to write"
    )
    parser.add_argument(
        "--single-file",
        action="store_true",
        help="write one HTML file, for up to 500 candidates",
    )
    parser.add_argument(
        "--heatmaps",
        metavar="FITS",
        nargs="+",
        default=[],
        help="heat maps that 'vaeclust detect' wrote, or folders of them",
    )
    parser.add_argument(
        "--references", metavar="FILE", help="circles to compare with: .reg (DS9)"
    )
    parser.add_argument(
        "--shuffle", type=int, metavar="SEED", help="show them in a random order"
    )
    add_overwrite(parser)


def run(arguments):
    """Write the page; return 1 if some candidates are on no image."""
    from ..catalog import ClusterCatalog
    from ..report.page import write_report
    from .outputs import format_errors_on_a_line

    with format_errors_on_a_line(arguments.candidates, "Read"):
        catalog = ClusterCatalog.read(arguments.candidates)
    missing = write_report(
        catalog,
        _images(arguments.images),
        arguments.output,
        single_file=arguments.single_file,
        heatmaps=_images(arguments.heatmaps),
        references=_circles(arguments.references),
        shuffle=arguments.shuffle,
        overwrite=arguments.overwrite,
    )
    LOGGER.info("wrote %s", arguments.output)
    if missing:
        text = ", ".join(map(str, missing[:10])) + ", ..." * (len(missing) > 10)
        LOGGER.warning("warning: on no image: %d candidates (%s)", len(missing), text)
    return int(bool(missing))


def _images(paths):
    """Return the FITS files, and those in the folders (list of Path)."""
    files = []
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(f"there is no image {path}")
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        files += [file for file in inside if file == path or _is_fits(file)]
    return files


def _is_fits(path):
    return path.name.lower().endswith(SUFFIXES)


def _circles(path):
    """Return the circles on the sky of a region file."""
    from regions import CircleSkyRegion, Regions

    if path is None:
        return []
    regions = Regions.read(path)
    circles = [region for region in regions if isinstance(region, CircleSkyRegion)]
    if len(circles) < len(regions):
        raise ValueError(f"references {path} must hold circles on the sky only")
    return circles
