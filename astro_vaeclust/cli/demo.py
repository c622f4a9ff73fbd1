# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust demo``: make a mock tile and find its clusters."""

from __future__ import annotations

import warnings
from pathlib import Path

from .messages import LOGGER, step
from .options import add_overwrite, add_seed, make_finder
from .outputs import Outputs
from .printing import print_table

__all__ = ["DESCRIPTION", "EXAMPLE", "HELP", "add_options", "run"]

HELP = "make a mock tile and find its clusters"
DESCRIPTION = (
    "Make a mock image of an embedded cluster, find the clusters in "
    "it, print what was found and what is there, and write the image, the table, "
    "the regions and a picture. Found numbers are estimates with errors, which differ "
    "from image to image: see others with --seed."
)
EXAMPLE = "vaeclust demo --folder demo"


SHOWN = ("sky_center", "r80", "r50", "n_members", "profile", "nebulosity")
"""The columns of the truth that are printed; r80 is the radius of what was found."""


def add_options(parser):
    """Add the options of the command to its parser."""
    parser.add_argument(
        "--folder",
        default="vaeclust_demo",
        metavar="DIR",
        help="where the files go; made if missing (default: %(default)s)",
    )
    add_seed(parser, text="seed of the image and of the finder, for another image")
    add_overwrite(parser)


def run(arguments):
    """Make a mock tile, find its clusters, write the files and print both tables."""
    from ..exceptions import NoDetectionsWarning
    from ..images.write import write_image
    from ..simulation.demo import demo_tile
    from ..utils.files import check_output

    folder = Path(arguments.folder)
    folder.mkdir(exist_ok=True)
    outputs = Outputs(
        overwrite=arguments.overwrite,
        table=folder / "clusters.ecsv",
        regions=folder / "clusters.reg",
        plot=folder / "overlay.png",
    )
    tile_path = folder / "tile.fits"
    outputs.check()
    check_output(tile_path, arguments.overwrite)
    with step("making the image"):
        tile = demo_tile(**_given_seed(arguments))
    write_image(tile.image, tile_path, overwrite=arguments.overwrite)
    LOGGER.info("wrote %s", tile_path)
    with (
        step("searching"),
        warnings.catch_warnings(action="ignore", category=NoDetectionsWarning),  # noqa: TID251
    ):
        catalog = make_finder(arguments).detect(tile.image)
    outputs.write(catalog)
    print("Found:")
    print(catalog)
    print("\nIn the mock image:")
    print_table(tile.clusters[list(SHOWN)])


def _given_seed(arguments):
    return {"seed": arguments.seed} if "seed" in arguments else {}
