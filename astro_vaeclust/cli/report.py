# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust report``: a page to look at candidates."""

from __future__ import annotations

import argparse
from pathlib import Path

from .messages import LOGGER
from .options import add_overwrite, add_workers, whole_number

__all__ = ["DESCRIPTION", "EXAMPLE", "HELP", "add_options", "run"]

HELP = "make a page to look at candidates"
DESCRIPTION = (
    "Make a page on which a person looks at candidates and gives "
    "verdicts; it opens in a browser, without a network. Exit code 1: some "
    "candidates are on no image."
)
EXAMPLE = "vaeclust report clusters.ecsv tile.fits --output page"

SURVEY_TABLES = ("candidates.parquet", "candidates.fits", "candidates.ecsv")
"""Names of the table in the folder of a survey, the first that is there counts."""


def add_options(parser):
    """Add the options of the command to its parser."""
    parser.add_argument(
        "candidates",
        metavar="CANDIDATES",
        help="table of clusters, or the folder of a survey",
    )
    parser.add_argument(
        "images",
        metavar="IMAGE",
        nargs="*",
        help="FITS files, or folders of them (default: those that the column 'image' "
        "of the table names)",
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
        "--band",
        action="append",
        default=[],
        type=_band,
        metavar="NAME=PATH",
        help="the same sky in another band, a FITS file or a folder of them; the "
        "colour image has IMAGE in red and two bands, or of more the first three, in "
        "the order of the options",
    )
    parser.add_argument(
        "--sources",
        metavar="FILE",
        help="table of sources for radial profiles and luminosity functions: .ecsv, "
        ".fits, .vot, .csv, .tbl, .parquet",
    )
    parser.add_argument(
        "--references", metavar="FILE", help="circles to compare with: .reg (DS9)"
    )
    parser.add_argument(
        "--shuffle",
        type=whole_number(0),
        metavar="SEED",
        help="show them in a random order",
    )
    add_workers(parser)
    add_overwrite(parser)


def _band(text):
    """Read the name and the path of a band."""
    name, _, path = text.partition("=")
    if not (name and path):
        raise argparse.ArgumentTypeError(f"takes NAME=PATH, got {text!r}")
    return name, path


def run(arguments):
    """Write the page; return 1 if some candidates are on no image."""
    from ..catalog import ClusterCatalog
    from ..report.page import write_report
    from .outputs import format_errors_on_a_line

    path = _table_path(arguments.candidates)
    with format_errors_on_a_line(path, "Read"):
        catalog = ClusterCatalog.read(path)
    bands = {}
    for name, band_path in arguments.band:
        bands.setdefault(name, []).extend(_fits_files([band_path]))
    images = _fits_files(arguments.images or _named_images(catalog.table, path.parent))
    if "bands" in catalog.table.colnames and not bands:
        images, bands = _by_band(images, catalog.table.meta.get("reference"))
    missing = write_report(
        catalog,
        images,
        arguments.output,
        single_file=arguments.single_file,
        bands=bands,
        heatmaps=_fits_files(arguments.heatmaps),
        sources=_sources(arguments.sources),
        references=_circles(arguments.references),
        shuffle=arguments.shuffle,
        workers=arguments.workers,
        overwrite=arguments.overwrite,
    )
    LOGGER.info("wrote %s", arguments.output)
    if missing:
        text = ", ".join(map(str, missing[:10])) + ", ..." * (len(missing) > 10)
        LOGGER.warning("warning: on no image: %d candidates (%s)", len(missing), text)
    return int(bool(missing))


def _table_path(candidates):
    """Return the path of a table, also of one in the folder of a survey."""
    path = Path(candidates)
    if not path.is_dir():
        return path
    found = [path / name for name in SURVEY_TABLES if (path / name).is_file()]
    if not found:
        raise FileNotFoundError(f"{path} has none of {', '.join(SURVEY_TABLES)}")
    return found[0]


def _named_images(table, folder):
    """Return the images that a table names, relative to its folder or to this one."""
    if "image" not in table.colnames:
        raise ValueError("IMAGE must be given: the table has no column 'image'")
    names = [Path(name) for name in dict.fromkeys(map(str, table["image"])) if name]
    return [folder / name if (folder / name).exists() else name for name in names]


def _by_band(files, reference):
    """Return the files of the reference or longest band, and the others by theirs."""
    from ..images.band_files import band_of_file
    from ..utils.bands import BANDS

    found = {}
    for file in files:
        found.setdefault(band_of_file(file)[0], []).append(file)
    known = [band for band in reversed(BANDS) if band in found]
    if len(known) < 2:
        return files, {}
    first = reference if reference in known else known[0]
    others = {band: found[band] for band in known if band != first}
    return [*found[first], *found.get(None, [])], others


def _fits_files(paths):
    """Return the FITS files, and those in the folders (list of Path)."""
    from ..images.hdus import FITS_SUFFIXES

    files = []
    for path in map(Path, paths):
        if path.is_dir():
            names = sorted(path.iterdir())
            files += [f for f in names if f.name.lower().endswith(FITS_SUFFIXES)]
        elif path.exists():
            files.append(path)
        else:
            raise FileNotFoundError(f"there is no image {path}")
    return files


def _sources(path):
    """Return a table of sources; None without a path."""
    from ..archives import read_catalog

    return None if path is None else read_catalog(path, name="sources")


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
